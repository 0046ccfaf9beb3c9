"""
The asynchronous twin of the client, on threads.

It is the same client: checks, retries, splitting, reading and errors are those
of `DataPrimeClient`, and each call has a thread of its own while it lasts.
A client on an asynchronous HTTP library would be a second copy of all that, and
one more package to install; what threads usually lack, an end at any moment,
`operation` gives: a task that is cancelled closes its connection at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ..background import Dataset
from ..client import DataPrimeClient
from ..http.transport import Clock
from ..jobs import Job, JobStatus
from ..results import QueryResult, collected, tell
from ..split import SplitProgress
from .operation import Adapter, sleep
from .rows import AsyncRowStream
from .threads import Threads


class AsyncDataPrimeClient:
    """
    Queries logs over HTTP, for ``async`` code.

    Its arguments are those of `DataPrimeClient`, but for ``session``.
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
            clock=clock or Clock(sleep=sleep),
        )
        self._client.mount(Adapter())
        self._threads = Threads()

    async def query(
        self,
        query: str,
        *,
        since: Any = None,
        start: Any = None,
        end: Any = None,
        tier: str = "frequent",
        syntax: str = "dataprime",
        limit: int | None = None,
        default_source: str | None = None,
        strict_fields: bool = False,
        now: Any = None,
        preset: str | None = None,
        timeout: float | None = None,
        split_on_limit: bool = False,
        on_progress: Callable[[SplitProgress], None] | None = None,
    ) -> QueryResult:
        """Return all rows of *query*; arguments and errors are those of `DataPrimeClient.query`."""
        given = {name: value for name, value in locals().items() if name != "self"}
        given["timeout"] = self._client.timeout if timeout is None else timeout
        stream = self._client.stream(**_on_loop(given))
        answer = stream.untold()
        result = await self._threads.run(lambda: collected(stream))
        tell(answer, 3)
        return result

    def stream(
        self,
        query: str,
        *,
        since: Any = None,
        start: Any = None,
        end: Any = None,
        tier: str = "frequent",
        syntax: str = "dataprime",
        limit: int | None = None,
        default_source: str | None = None,
        strict_fields: bool = False,
        now: Any = None,
        preset: str | None = None,
        timeout: float | None = None,
        split_on_limit: bool = False,
        on_progress: Callable[[SplitProgress], None] | None = None,
    ) -> AsyncRowStream:
        """Return the rows of *query* as they arrive, as `DataPrimeClient.stream` does."""
        given = {name: value for name, value in locals().items() if name != "self"}
        stream = self._client.stream(**_on_loop(given))
        return AsyncRowStream(self._threads, lambda: stream)

    async def submit(
        self,
        query: str,
        *,
        start: Any,
        end: Any,
        syntax: str = "dataprime",
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
        """Return the background query of this id, submitted here or elsewhere."""
        return AsyncJob(self._threads, self._client.job(query_id))

    async def close(self) -> None:
        """End what still runs, and close the client's connections."""
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

    def __init__(self, threads: Threads, job: Job) -> None:
        self._threads = threads
        self._job = job
        self.query_id = job.query_id
        self.warnings = job.warnings

    async def status(self, *, timeout: float | None = None) -> JobStatus:
        """Return where the query stands now, within *timeout* seconds."""
        return await self._threads.run(lambda: self._job.status(timeout=timeout))

    async def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[JobStatus], None] | None = None,
        **pauses: float,
    ) -> JobStatus:
        """Return the status once the query has succeeded; see `Job.wait`."""
        told = _on_loop({"on_progress": on_progress})["on_progress"]
        return await self._threads.run(lambda: self._job.wait(timeout, told, **pauses))

    def results(self, *, timeout: float | None = None) -> AsyncRowStream:
        """Return the rows of a query that has succeeded; the first row raises where it has not."""
        return AsyncRowStream(self._threads, lambda: self._job.results(timeout=timeout))

    async def cancel(self) -> None:
        """Stop the query; one that has ended already is left as it is."""
        await self._threads.run(self._job.cancel)

    def __repr__(self) -> str:
        return f"<AsyncJob {self.query_id}>"


def _on_loop(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return *arguments* with an ``on_progress`` that is called on the event loop."""
    given = dict(arguments)
    told = given.get("on_progress")
    if told is not None:
        loop = asyncio.get_running_loop()
        given["on_progress"] = lambda part: loop.call_soon_threadsafe(told, part)
    return given
