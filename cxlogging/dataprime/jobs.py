"""A background query: its state, the wait for its end, its rows."""

from __future__ import annotations

import datetime
import enum
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import reading, times
from .errors import PartialResult, QueryFailed, QueryTimeout, RequestRefused, UnknownQuery
from .findings import QueryWarning, number, warning
from .http.answer import Answer
from .http.transport import Door, Reply
from .results import RowStream
from .rows import Row

PATH = "/api/v1/dataprime/background-query"


class JobState(enum.Enum):
    """Where a background query stands."""

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
        bytes_scanned: What it has cost, where the service says so.
    """

    state: JobState
    submitted_at: datetime.datetime | None = None
    running_since: datetime.datetime | None = None
    terminated_at: datetime.datetime | None = None
    reason: str = ""
    bytes_scanned: int | None = None
    warnings: tuple[QueryWarning, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def finished(self) -> bool:
        """True once the query has ended, well or not."""
        return self.state not in {JobState.WAITING, JobState.RUNNING}


class Job:
    """
    A background query of the service; `DataPrimeClient.job` takes one up from its id.

    Attributes:
        query_id: The service's name for it, worth keeping.
        warnings: What the service said when it took it.
    """

    def __init__(
        self,
        door: Door,
        query_id: str,
        warnings: tuple[QueryWarning, ...] = (),
        query: str = "",
    ) -> None:
        self._door = door
        self._query = query
        self.query_id = query_id
        self.warnings = warnings

    def status(self, *, timeout: float | None = None) -> JobStatus:
        """Return where the query stands now, within *timeout* seconds."""
        document = self._asked("/status", timeout)
        found = _status(document)
        if found is None:
            said = self._door.masked(str(document))[:200]
            raise PartialResult(f"the status has no shape we know: {said}")
        return replace(found, reason=self._door.masked(found.reason))

    def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[JobStatus], None] | None = None,
        *,
        first_pause: float = 1.0,
        longest_pause: float = 30.0,
    ) -> JobStatus:
        """
        Return the status once the query has succeeded; raise where it has not.

        Each pause is half as long again; the service itself ends a query after 30 minutes.

        Args:
            timeout: Seconds after which `QueryTimeout` is raised; the query goes on.
            on_progress: Called with every status.
            first_pause: Seconds before the second question.
            longest_pause: Seconds between two questions at most.
        """
        clock, pause = self._door.clock, first_pause
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
        """Return the rows of a query that has succeeded, streamed; raise where it has not."""
        status = self.status()
        if not status.finished:
            raise RequestRefused(
                f"the query is still {status.state.value}: call wait() before results().",
                query_id=self.query_id,
            )
        self._check(status)
        answer = Answer(self._query, has_statistics=False)
        answer.query_id = self.query_id
        answer.warnings += status.warnings
        return RowStream(answer, self._rows(answer, timeout))

    def cancel(self) -> None:
        """Stop the query; one that has ended already is left as it is."""
        patience = self._door.patience(None)
        try:
            reply = self._door.post(f"{PATH}/cancel", {"queryId": self.query_id}, patience)
        except RequestRefused as error:
            if isinstance(error, UnknownQuery) or not self.status().finished:
                raise
            return
        self._check_known(reply.text())

    def _rows(self, answer: Answer, timeout: float | None) -> Generator[Row, None, None]:
        patience = self._door.patience(timeout)
        reply = self._door.post(f"{PATH}/data", {"queryId": self.query_id}, patience)
        yield from reading.rows(self._door, reply, answer)

    def _asked(self, door: str, timeout: float | None = None) -> Any:
        patience = self._door.patience(timeout)
        reply = self._door.post(f"{PATH}{door}", {"queryId": self.query_id}, patience)
        return self._check_known(reply.text())

    def _check_known(self, text: str) -> Any:
        document = decoded(text)
        if not isinstance(document, dict) and "not found" in text.lower():
            raise UnknownQuery(f"no background query {self.query_id}.", query_id=self.query_id)
        if isinstance(document, dict) and "not found" in str(document.get("message", "")).lower():
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


def submitted(door: Door, reply: Reply, query: str) -> Job:
    """Return the job that the answer to a submission of *query* names."""
    text = reply.text()
    document = decoded(text)
    identity = document.get("queryId") if isinstance(document, dict) else None
    if isinstance(identity, dict):
        identity = identity.get("queryId")
    if not isinstance(identity, str) or not identity:
        said = door.masked(text)[:200]
        raise PartialResult(f"the service took the query and named no queryId: {said}")
    found = tuple(warning(each) for each in document.get("warnings") or ())
    return Job(door, identity, found, query)


def decoded(text: str) -> Any:
    """Return a JSON document, or None where *text* is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _status(document: Any) -> JobStatus | None:
    if not isinstance(document, dict):
        return None
    ended, running = document.get("terminated"), document.get("running")
    begun = ended if isinstance(ended, dict) else running if isinstance(running, dict) else {}
    state, reason = JobState.RUNNING, ""
    if isinstance(ended, dict):
        state, reason = _end(ended)
    elif "waitingForExecution" in document:
        state = JobState.WAITING
    elif running is None and "submittedAt" not in document:
        return None
    return JobStatus(
        state=state,
        submitted_at=_moment(document.get("submittedAt")),
        running_since=_moment(begun.get("runningSince")),
        terminated_at=_moment(begun.get("terminatedAt")),
        reason=reason,
        bytes_scanned=_bytes_scanned(document.get("metadata")),
        warnings=tuple(warning(each) for each in document.get("warnings") or ()),
        raw=document,
    )


def _end(ended: Mapping[str, Any]) -> tuple[JobState, str]:
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


def _bytes_scanned(entries: Any) -> int | None:
    for entry in entries if isinstance(entries, list) else ():
        found = entry.get("statistics") if isinstance(entry, dict) else None
        if isinstance(found, dict) and number(found.get("bytesScanned")) is not None:
            return number(found["bytesScanned"])
    return None


def _moment(value: Any) -> datetime.datetime | None:
    found = times.served(value) if isinstance(value, str) else None
    return None if found is None else times.moment(found)
