"""
The asynchronous client, on threads.

Checks, retries, splitting, reading and errors are those of `DataPrimeClient`; each
call runs on a thread of its own. An asynchronous HTTP library would need a second
copy of all that, and one more package to install. Threads usually cannot be stopped,
but an `Operation` can: a task that is cancelled closes its connection at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ..client import DataPrimeClient
from ..fields import SAMPLE, FieldSummary
from ..http.rate_limit import RateLimiter
from ..http.retry_budget import Clock
from ..jobs import Job, JobStatus
from ..request.background import Dataset
from ..request.direct import Preset, Syntax, Tier
from ..request.several import checked_parallel, collect_quietly, each_query
from ..results import QueryResult
from ..split import SplitProgress
from ..stream import warn_truncated
from ..summary import AnswerSummary
from .operation import InterruptibleAdapter, sleep
from .rows import AsyncRowStream
from .threads import OperationThreads


class AsyncDataPrimeClient:
    """
    Queries logs over HTTP, for ``async`` code.

    It takes the arguments of `DataPrimeClient` except ``session``.
    """

    def __init__(
        self,
        api_key: str | None = None,
        domain: str | None = None,
        url: str | None = None,
        *,
        timeout: float | None = 300.0,
        silence: float = 60.0,
        retry_budget: float = 60.0,
        row_limits: Mapping[str, int] | None = None,
        limiter: RateLimiter | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = DataPrimeClient(
            api_key,
            domain,
            url,
            timeout=timeout,
            silence=silence,
            retry_budget=retry_budget,
            row_limits=row_limits,
            limiter=limiter,
            clock=clock or Clock(sleep=sleep),
        )
        self._client.mount(InterruptibleAdapter())
        self._threads = OperationThreads()

    async def query(
        self,
        query: str,
        *,
        params: Mapping[str, Any] | None = None,
        since: Any = None,
        start: Any = None,
        end: Any = None,
        tier: Tier = "frequent",
        syntax: Syntax = "dataprime",
        limit: int | None = None,
        default_source: str | None = None,
        strict_fields: bool = False,
        now: Any = None,
        preset: Preset | None = None,
        timeout: float | None = None,
        split_on_limit: bool = False,
        on_progress: Callable[[SplitProgress], None] | None = None,
    ) -> QueryResult:
        """Return all rows of *query*; arguments and errors are those of `DataPrimeClient.query`."""
        given = {name: value for name, value in locals().items() if name != "self"}
        given["timeout"] = self._client.timeout if timeout is None else timeout
        stream = self._client.stream(**_on_loop(given))
        summary = stream.suppress_warnings()
        result = await self._threads.run(stream.collect)
        warn_truncated(summary, 3)
        return result

    def stream(
        self,
        query: str,
        *,
        params: Mapping[str, Any] | None = None,
        since: Any = None,
        start: Any = None,
        end: Any = None,
        tier: Tier = "frequent",
        syntax: Syntax = "dataprime",
        limit: int | None = None,
        default_source: str | None = None,
        strict_fields: bool = False,
        now: Any = None,
        preset: Preset | None = None,
        timeout: float | None = None,
        split_on_limit: bool = False,
        on_progress: Callable[[SplitProgress], None] | None = None,
    ) -> AsyncRowStream:
        """Return the rows of *query* as they arrive, as `DataPrimeClient.stream` does."""
        given = {name: value for name, value in locals().items() if name != "self"}
        stream = self._client.stream(**_on_loop(given))
        return AsyncRowStream(self._threads, lambda: stream)

    async def query_many(
        self,
        queries: Iterable[str | Mapping[str, Any]],
        *,
        parallel: int = 4,
        **arguments: Any,
    ) -> list[QueryResult]:
        """Return the results of several queries in order, as `DataPrimeClient.query_many` does."""
        free = asyncio.Semaphore(checked_parallel(parallel))

        async def one(given: Mapping[str, Any]) -> tuple[QueryResult, AnswerSummary]:
            async with free:
                work = partial(collect_quietly, partial(self._client.stream, **_on_loop(given)))
                return await self._threads.run(work)

        tasks = [asyncio.ensure_future(one(each)) for each in each_query(queries, arguments)]
        try:
            results = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        for _, summary in results:
            warn_truncated(summary, 3)
        return [result for result, _ in results]

    async def fields(
        self,
        query: str = "source logs",
        *,
        since: Any = "1h",
        end: Any = None,
        tier: Tier = "frequent",
        sample: int = SAMPLE,
        timeout: float | None = None,
    ) -> list[FieldSummary]:
        """Return the fields of the rows of *query*, as `DataPrimeClient.fields` does."""
        given = {name: value for name, value in locals().items() if name != "self"}
        return await self._threads.run(lambda: self._client.fields(**given))

    async def submit(
        self,
        query: str,
        *,
        params: Mapping[str, Any] | None = None,
        start: Any,
        end: Any,
        syntax: Syntax = "dataprime",
        now: Any = None,
        default_source: str | None = None,
        name: str | None = None,
        description: str | None = None,
        destination: str | Dataset | Mapping[str, Any] | None = None,
    ) -> AsyncJob:
        """Submit *query* to run in the background, as `DataPrimeClient.submit` does."""
        given = {each: value for each, value in locals().items() if each not in {"self", "query"}}
        job = await self._threads.run(lambda: self._client.submit(query, **given))
        return AsyncJob(self._threads, job)

    def job(self, query_id: str) -> AsyncJob:
        """Return the background query with this id, whoever submitted it."""
        return AsyncJob(self._threads, self._client.job(query_id))

    async def close(self) -> None:
        """End the operations that still run, and close the connections."""
        self._threads.end()
        self._client.close()

    async def __aenter__(self) -> AsyncDataPrimeClient:  # noqa: PYI034 - Self is younger than 3.10
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Async{repr(self._client)[1:]}"


class AsyncJob:
    """A background query of the service, for ``async`` code; see `Job`."""

    def __init__(self, threads: OperationThreads, job: Job) -> None:
        self._threads = threads
        self._job = job
        self.query_id = job.query_id
        self.warnings = job.warnings

    async def status(self, *, timeout: float | None = None) -> JobStatus:
        """Return the current status of the query, within *timeout* seconds."""
        return await self._threads.run(lambda: self._job.status(timeout=timeout))

    async def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[JobStatus], None] | None = None,
        **pauses: float,
    ) -> JobStatus:
        """Return the status once the query has succeeded; see `Job.wait`."""
        progress = _on_loop({"on_progress": on_progress})["on_progress"]
        return await self._threads.run(lambda: self._job.wait(timeout, progress, **pauses))

    def results(self, *, timeout: float | None = None) -> AsyncRowStream:
        """Return the rows of a query that has succeeded; the first row raises where it has not."""
        return AsyncRowStream(self._threads, lambda: self._job.results(timeout=timeout))

    async def cancel(self) -> None:
        """Stop the query; one that has already ended stays as it is."""
        await self._threads.run(self._job.cancel)

    def __repr__(self) -> str:
        return f"<AsyncJob {self.query_id}>"


def _on_loop(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return *arguments* with an ``on_progress`` that is called on the event loop."""
    given = dict(arguments)
    callback = given.get("on_progress")
    if callback is not None:
        loop = asyncio.get_running_loop()
        given["on_progress"] = lambda part: loop.call_soon_threadsafe(callback, part)
    return given
