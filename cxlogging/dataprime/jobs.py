"""Background queries: their state, waiting for their end, their rows."""

from __future__ import annotations

import contextlib
import datetime
import enum
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import times
from .errors import PartialResult, QueryFailed, QueryTimeout, RequestRefused, UnknownQuery
from .findings import QueryWarning, Statistics, number, statistics, warning
from .http.ndjson import read_rows
from .http.transport import HttpClient, StreamedResponse
from .rows import Row
from .stream import RowStream
from .summary import AnswerSummary

PATH = "/api/v1/dataprime/background-query"


class JobState(enum.Enum):
    """The states of a background query."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class JobStatus:
    """
    A background query's state at one moment.

    Attributes:
        reason: Why it failed, in the service's words.
        bytes_scanned: Bytes that it has read so far, where the service reports them.
        statistics: What it has cost so far, where the service reports it.
    """

    state: JobState
    submitted_at: datetime.datetime | None = None
    running_since: datetime.datetime | None = None
    terminated_at: datetime.datetime | None = None
    reason: str = ""
    bytes_scanned: int | None = None
    warnings: tuple[QueryWarning, ...] = ()
    statistics: Statistics | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def finished(self) -> bool:
        """True once the query has ended, whether it succeeded or not."""
        return self.state not in {JobState.WAITING, JobState.RUNNING}


class Job:
    """
    A background query of the service; `DataPrimeClient.job` returns one by its id.

    Attributes:
        query_id: The service's id of the query; keep it to read the rows later.
        warnings: The service's warnings when the query was submitted.
    """

    def __init__(
        self,
        http: HttpClient,
        query_id: str,
        warnings: tuple[QueryWarning, ...] = (),
        query: str = "",
    ) -> None:
        self._http = http
        self._query = query
        self.query_id = query_id
        self.warnings = warnings

    def status(self, *, timeout: float | None = None) -> JobStatus:
        """Return the current status of the query, within *timeout* seconds."""
        document = self._post("/status", timeout)
        found = _status(document)
        if found is None:
            shown = self._http.masked(str(document))[:200]
            raise PartialResult(f"the status has an unexpected shape: {shown}")
        return replace(found, reason=self._http.masked(found.reason))

    def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[JobStatus], None] | None = None,
        *,
        first_pause: float = 1.0,
        longest_pause: float = 30.0,
    ) -> JobStatus:
        """
        Return the status once the query has succeeded; raise where it fails.

        Each pause is 1.5 times the one before; the service ends a query after 30 minutes.

        Args:
            timeout: Seconds after which `QueryTimeout` is raised; the query goes on.
            on_progress: Called with every status.
            first_pause: Seconds between the first two requests for the status.
            longest_pause: Maximum seconds between two requests.
        """
        clock, pause = self._http.clock, first_pause
        deadline = None if timeout is None else clock.monotonic() + timeout
        while True:
            left = None if deadline is None else max(deadline - clock.monotonic(), 1.0)
            status = self.status(timeout=left)
            if on_progress is not None:
                on_progress(status)
            if status.finished:
                self._check(status)
                return status
            rest = pause if deadline is None else deadline - clock.monotonic()
            if rest <= 0:
                raise QueryTimeout(
                    f"the query is {status.state.value} after {timeout} seconds; it goes on,"
                    " and wait() may be called again.",
                    query_id=self.query_id,
                )
            clock.sleep(min(pause, rest))
            pause = min(pause * 1.5, longest_pause)

    def results(self, *, timeout: float | None = None) -> RowStream:
        """Return a stream of the rows of a query that has succeeded; raise where it has not."""
        status = self.status()
        if not status.finished:
            raise RequestRefused(
                f"the query is still {status.state.value}: call wait() before results().",
                query_id=self.query_id,
            )
        self._check(status)
        summary = AnswerSummary(self._query, has_statistics=False, query_id=self.query_id)
        more = (each for each in status.warnings if each not in self.warnings)
        summary.warnings += [*self.warnings, *more]
        summary.statistics = status.statistics
        return RowStream(summary, self._rows(summary, timeout))

    def cancel(self) -> None:
        """Stop the query; one that has already ended stays as it is."""
        try:
            self._post("/cancel")
        except RequestRefused as error:
            if isinstance(error, UnknownQuery) or not self.status().finished:
                raise

    def _rows(self, summary: AnswerSummary, timeout: float | None) -> Generator[Row, None, None]:
        yield from read_rows(self._http, self._send("/data", timeout), summary)

    def _post(self, path: str, timeout: float | None = None) -> Any:
        return self._check_known(self._send(path, timeout).text())

    def _send(self, path: str, timeout: float | None) -> StreamedResponse:
        retries = self._http.retry_budget(timeout)
        return self._http.post(f"{PATH}{path}", {"queryId": self.query_id}, retries)

    def _check_known(self, text: str) -> Any:
        document = _decoded(text)
        message = document.get("message", "") if isinstance(document, dict) else text
        if "not found" in str(message).lower():
            raise UnknownQuery(f"no background query {self.query_id}.", query_id=self.query_id)
        return document

    def _check(self, status: JobStatus) -> None:
        if status.state is JobState.SUCCEEDED:
            return
        kind = QueryTimeout if status.state is JobState.TIMED_OUT else QueryFailed
        reason = f": {status.reason}" if status.reason else ""
        raise kind(
            f"the background query {status.state.value}{reason}.",
            status=status.state.name,
            query_id=self.query_id,
        )

    def __repr__(self) -> str:
        return f"<Job {self.query_id}>"


def submitted_job(http: HttpClient, response: StreamedResponse, query: str) -> Job:
    """Return the job that the *response* to a submission of *query* names."""
    text = response.text()
    document = _decoded(text)
    identity = document.get("queryId") if isinstance(document, dict) else None
    if isinstance(identity, dict):
        identity = identity.get("queryId")
    if not isinstance(identity, str) or not identity:
        shown = http.masked(text)[:200]
        raise PartialResult(f"the service accepted the query, but returned no queryId: {shown}")
    found = tuple(warning(each) for each in document.get("warnings") or ())
    return Job(http, identity, found, query)


def _decoded(text: str) -> Any:
    """Return the JSON document, or None where *text* is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _status(document: Any) -> JobStatus | None:
    if not isinstance(document, dict):
        return None
    ended, running = document.get("terminated"), document.get("running")
    times_of = ended if isinstance(ended, dict) else running if isinstance(running, dict) else {}
    state, reason = JobState.RUNNING, ""
    cost = _statistics(document.get("metadata"))
    if isinstance(ended, dict):
        state, reason = _final_state(ended)
    elif "waitingForExecution" in document:
        state = JobState.WAITING
    elif running is None and "submittedAt" not in document:
        return None
    return JobStatus(
        state=state,
        submitted_at=_moment(document.get("submittedAt")),
        running_since=_moment(times_of.get("runningSince")),
        terminated_at=_moment(times_of.get("terminatedAt")),
        reason=reason,
        bytes_scanned=None if cost is None else number(cost.raw.get("bytesScanned")),
        statistics=cost,
        warnings=tuple(warning(each) for each in document.get("warnings") or ()),
        raw=document,
    )


def _final_state(ended: Mapping[str, Any]) -> tuple[JobState, str]:
    if "success" in ended:
        return JobState.SUCCEEDED, ""
    error = ended.get("error")
    cause = error if isinstance(error, dict) else {}
    if "cancelled" in ended or "cancelled" in cause:
        return JobState.CANCELLED, ""
    if "timedOut" in cause:
        return JobState.TIMED_OUT, ""
    failed = cause.get("failed")
    reason = failed.get("reason") if isinstance(failed, dict) else failed or error
    return JobState.FAILED, str(reason or "")


def _statistics(entries: Any) -> Statistics | None:
    for entry in entries if isinstance(entries, list) else ():
        found = entry.get("statistics") if isinstance(entry, dict) else None
        if isinstance(found, dict):
            with contextlib.suppress(AttributeError):  # limits of an unexpected shape
                return statistics(found)
    return None


def _moment(value: Any) -> datetime.datetime | None:
    found = times.parse_service_time(value) if isinstance(value, str) else None
    return None if found is None else times.to_datetime(found)
