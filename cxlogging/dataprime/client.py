"""The client: query, stream, submit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import requests

from ..errors import ConfigurationError
from ..vendors.coralogix.addresses import address_warnings
from . import jobs
from .errors import CxQueryWarning, RateLimited
from .fields import SAMPLE, FieldSummary, summarized
from .http.endpoint import address, query_key
from .http.ndjson import check_complete, read_rows
from .http.rate_limit import RateLimiter
from .http.retry_budget import Clock, RetryBudget
from .http.transport import HttpClient
from .request.arguments import boolean, seconds
from .request.background import Dataset, submission
from .request.direct import (
    DEFAULT_LIMIT,
    ROW_LIMITS,
    DirectQuery,
    Preset,
    Syntax,
    Tier,
    direct_query,
)
from .request.direct import row_limits as checked_row_limits
from .request.several import checked_parallel, collect_quietly, each_query
from .results import QueryResult
from .rows import Row
from .split import SplitProgress, split
from .stream import RowStream, warn_truncated
from .summary import AnswerSummary

PATH = "/api/v1/dataprime/query"


class DataPrimeClient:
    """
    Queries logs over HTTP.

    Args:
        api_key: A personal or team key with the DataQuerying preset; else
            ``CX_API_KEY``, else ``CORALOGIX_API_KEY``.
        domain: A domain (``eu2.coralogix.com``) or a region (``eu2``); else the variables
            of `CoralogixHandler`, ``CORALOGIX_DOMAIN`` first.
        url: Replaces ``https://api.<domain>``; plain http only to this machine.
        timeout: Maximum seconds of `query` and `submit`, retries included.
        silence: Maximum seconds without data from the service.
        retry_budget: Seconds that one call may wait for a rate limit or a transient 5xx.
        row_limits: Largest ``limit`` by tier, where an account has others than 15,000 rows
            (``"frequent"``) and 50,000 (``"archive"``).
        limiter: A `RateLimiter` of direct queries; by default one for all clients of this process
            that have the same address and key, 30 a minute, and none for the local server.
        session: The caller's own `requests.Session`, which the caller closes.
        clock: Time and sleeping; for tests.
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
        session: requests.Session | None = None,
        clock: Clock | None = None,
    ) -> None:
        endpoint = address(domain, url)
        for sentence in address_warnings(domain, url):
            warnings.warn(sentence, CxQueryWarning, stacklevel=2)
        key = query_key(api_key, endpoint)
        self.timeout = None if timeout is None else seconds("timeout", timeout)
        self.row_limits: Mapping[str, int] = checked_row_limits(row_limits)
        self._clock = clock or Clock()
        self._http = HttpClient(
            endpoint,
            key,
            session,
            clock=self._clock,
            silence=seconds("silence", silence),
            budget=seconds("retry_budget", retry_budget, least=0.0),
            limiter=limiter,
        )

    def query(
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
        """Return all rows of *query*; its arguments are those of `stream`."""
        given = {name: value for name, value in locals().items() if name != "self"}
        given["timeout"] = self.timeout if timeout is None else timeout
        return self.stream(**given).collect()

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
    ) -> RowStream:
        """
        Return the rows of *query* as they arrive; reading the first one sends the request.

        Times are aware datetimes, dates (UTC), numbers since 1970, ISO 8601 strings, or relative
        to *now*: ``"1h"``, ``"now-2d"``.

        Args:
            query: The text of the query.
            params: Values by name: each ``{name}`` in *query* becomes the literal of its value.
            since: Start of the window, which ends now unless *end* is given; or a pair of start
                and end, or of start and duration.
            start: Another name of *since*.
            end: End of the window.
            tier: ``"frequent"`` or ``"archive"``.
            syntax: ``"dataprime"`` or ``"lucene"``.
            limit: Maximum number of rows of one request.
            default_source: The source where the query names none.
            strict_fields: True refuses a query that names unknown fields.
            now: What ``now()`` is in the query, and what relative times refer to.
            preset: ``"accuracy"`` or ``"performance"``.
            timeout: Seconds for the whole call.
            split_on_limit: Where a limit cut the rows, queries each half of the window again.
            on_progress: Called after each part of a split window.
        """
        names = "params since start end tier syntax limit default_source strict_fields now preset"
        given = {name: value for name, value in locals().items() if name in names.split()}
        now = self._clock.now()
        request = direct_query(query, given, clock=now, row_limits=self.row_limits)
        retries = self._http.retry_budget(None if timeout is None else seconds("timeout", timeout))
        if boolean("split_on_limit", split_on_limit):
            return self._split(request, retries, on_progress)
        summary = _new_summary(request)
        return RowStream(summary, self._rows(request, summary, retries))

    def query_many(
        self,
        queries: Iterable[str | Mapping[str, Any]],
        *,
        parallel: int = 4,
        **arguments: Any,
    ) -> list[QueryResult]:
        """
        Return the results of several queries, in their order, *parallel* of them at a time.

        They keep to the limit of requests a minute. The first error ends those that have not
        begun, and is raised once the others have ended.

        Args:
            queries: Texts, or dicts of arguments of `query` with the text in ``"query"``.
            parallel: How many queries run at once, 1 to 30.
            arguments: Arguments of `query` for all of them; ``timeout`` is none by default, and
                counts from the moment at which a query is begun.
        """
        streams = [partial(self.stream, **each) for each in each_query(queries, arguments)]
        with ThreadPoolExecutor(checked_parallel(parallel), "cxlogging-query") as threads:
            running = [threads.submit(collect_quietly, each) for each in streams]
            try:
                results = [each.result() for each in running]
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        for _, summary in results:
            warn_truncated(summary, 3)
        return [result for result, _ in results]

    def fields(
        self,
        query: str = "source logs",
        *,
        since: Any = "1h",
        end: Any = None,
        tier: Tier = "frequent",
        sample: int = SAMPLE,
        timeout: float | None = None,
    ) -> list[FieldSummary]:
        """
        Return the fields of the rows of *query*, with their types and how many rows have them.

        Args:
            query: Which logs to look at.
            since: Start of the window, or a pair, as for `stream`.
            end: End of the window.
            tier: ``"frequent"`` or ``"archive"``.
            sample: Maximum number of rows to read.
            timeout: Seconds for the whole call.
        """
        timeout = self.timeout if timeout is None else timeout
        stream = self.stream(query, since=since, end=end, tier=tier, limit=sample, timeout=timeout)
        stream.suppress_warnings()
        with stream:
            return summarized(stream)

    def submit(
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
    ) -> jobs.Job:
        """
        Submit *query* to run in the background, for up to a million rows and 30 minutes.

        It is sent once: where the connection breaks, it is unknown whether the service took it.

        Args:
            query: The text of the query.
            params: Values by name, as for `stream`.
            start: Start of the window.
            end: End of the window.
            syntax: ``"dataprime"`` or ``"lucene"``.
            now: What ``now()`` is in the query, and what relative times refer to.
            default_source: The source where the query names none, such as ``"default/logs"``.
            name: A name of 2 to 255 characters.
            description: At most 2,048 characters.
            destination: ``"temporary"`` (30 days), a `Dataset`, or a dict as the API takes it.
        """
        given = {each: value for each, value in locals().items() if each not in {"self", "query"}}
        document = submission(query, given, clock=self._clock.now())
        retries = self._http.retry_budget(self.timeout)
        response = self._http.post(jobs.PATH, document, retries, idempotent=False)
        return jobs.submitted_job(self._http, response, document["query"])

    def job(self, query_id: str) -> jobs.Job:
        """Return the background query with this id, whoever submitted it."""
        if not isinstance(query_id, str) or not query_id.strip():
            raise ConfigurationError("query_id takes the id of a job that submit() returned.")
        return jobs.Job(self._http, query_id)

    def _rows(
        self, request: DirectQuery, summary: AnswerSummary, retries: RetryBudget
    ) -> Generator[Row, None, None]:
        while True:
            try:
                response = self._http.post(
                    PATH, request.body(), retries, limiter=self._http.limiter
                )
                yield from read_rows(self._http, response, summary)
            except RateLimited as error:
                if summary.count:
                    raise
                retries.wait_after(error)
            else:
                check_complete(summary)
                return

    def _split(
        self,
        request: DirectQuery,
        retries: RetryBudget,
        on_progress: Callable[[SplitProgress], None] | None,
    ) -> RowStream:
        if request.start is None or request.end is None:
            raise ConfigurationError("split_on_limit needs a window: pass since= or start=.")

        def ask(part: DirectQuery) -> tuple[list[Row], AnswerSummary]:
            summary = _new_summary(part)
            own = RetryBudget(self._clock, self._http.budget, retries.deadline)
            return list(self._rows(part, summary, own)), summary

        whole = AnswerSummary(request.query, window=(request.start, request.end))
        return RowStream(whole, split(request, ask, whole, on_progress))

    def mount(self, adapter: requests.adapters.BaseAdapter) -> None:
        """Have *adapter* open the connections."""
        self._http.mount(adapter)

    def close(self) -> None:
        """Close the client's connections."""
        self._http.close()

    def __enter__(self) -> DataPrimeClient:  # noqa: PYI034 - Self is younger than 3.10
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DataPrimeClient {self._http.base}>"


def _new_summary(request: DirectQuery) -> AnswerSummary:
    limit = DEFAULT_LIMIT if request.limit is None else request.limit
    documented = ROW_LIMITS[request.tier]
    return AnswerSummary(
        request.query,
        limit,
        limit_is_explicit=request.limit is not None,
        documented_limit=documented if limit > documented else None,
        window=(request.start, request.end),
    )
