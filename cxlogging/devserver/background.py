"""Background queries: taken, run on threads, kept on disk until their rows are asked for."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

from ..dataprime import times
from .engine.run import Answer, line

MOST_JOBS = 100
"""Jobs that are remembered; the oldest that have ended go."""

READ_BYTES = 256 * 1024


def _unnamed() -> IO[bytes]:
    # It lives as long as its job.
    return tempfile.TemporaryFile()


@dataclass
class Job:
    """
    One background query.

    Attributes:
        answer: What runs.
        stop: Set to end it early.
        ended: Set when it has.
        cancelled: True where it was ended early.
        readers: How many read its rows just now.
        rows: As lines, in a file that has no name.
    """

    answer: Answer
    submitted_ns: int
    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    running_ns: int | None = None
    terminated_ns: int | None = None
    cancelled: bool = False
    readers: int = 0
    rows: IO[bytes] = field(default_factory=_unnamed)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Run to the end, or until it is stopped."""
        self.running_ns = time.time_ns()
        try:
            for batch in self.answer.batches():
                if self.stop.is_set():
                    self.cancelled = True
                    break
                self.rows.write(line({"response": {"results": {"results": batch}}}))
        except OSError as error:
            self.answer.status, self.answer.reason = "FAILED", f"no room for the rows: {error}"
        finally:
            self._end()

    def cancel(self) -> None:
        """Stop it; one that has ended stays as it is."""
        self.stop.set()

    def _end(self) -> None:
        # What reads the store notices the wish too, and ends with it.
        self.cancelled = self.cancelled or (self.stop.is_set() and bool(self.answer.reason))
        self.terminated_ns = time.time_ns()
        self.ended.set()

    @property
    def succeeded(self) -> bool:
        """True once it has all its rows."""
        return self.ended.is_set() and not self.cancelled and not self.answer.reason

    def status(self) -> dict[str, Any]:
        """The job as the API describes it."""
        document: dict[str, Any] = {"submittedAt": times.iso(self.submitted_ns)}
        if self.ended.is_set():
            document = {"terminated": self._terminated(), **document}
        elif self.running_ns is not None:
            document["running"] = {"runningSince": times.iso(self.running_ns)}
        else:
            document["waitingForExecution"] = {}
        scanned = str(self.answer.scan.bytes_read)
        document["metadata"] = [{"statistics": {"bytesScanned": scanned}}]
        document["warnings"] = self.answer.final_warnings()
        return document

    def _terminated(self) -> dict[str, Any]:
        ended = self.terminated_ns or 0
        moments = {
            "runningSince": times.iso(self.running_ns or ended),
            "terminatedAt": times.iso(ended),
        }
        if self.succeeded:
            return {**moments, "success": {}}
        if self.cancelled:
            return {**moments, "error": {"cancelled": {}}}
        return {**moments, "error": {"failed": {"reason": self.answer.reason}}}

    def data(self) -> Iterator[bytes]:
        """The rows, as they were written."""
        at = 0
        self.readers += 1
        try:
            while part := self._part(at):
                at += len(part)
                yield part
        finally:
            self.readers -= 1

    def _part(self, at: int) -> bytes:
        # One file position for all readers.
        with self._reading:
            self.rows.seek(at)
            return self.rows.read(READ_BYTES)


class Jobs:
    """All background queries of a server."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="cxlogging-background")

    def submit(self, answer_of: Callable[[Callable[[], bool]], Answer]) -> Job:
        """Take a query; *answer_of* gets a function that tells whether it was stopped."""
        stop = threading.Event()
        job = Job(answer_of(stop.is_set), time.time_ns(), stop=stop)
        with self._lock:
            self._jobs[job.query_id] = job
            self._forget()
        self._pool.submit(job.run)
        return job

    def _forget(self) -> None:
        for name in list(self._jobs):
            if len(self._jobs) <= MOST_JOBS:
                return
            if self._jobs[name].ended.is_set() and not self._jobs[name].readers:
                self._jobs.pop(name).rows.close()

    def get(self, query_id: str) -> Job | None:
        """The job of this id, or None."""
        with self._lock:
            return self._jobs.get(query_id)

    def close(self) -> None:
        """Stop all, and wait for them."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for job in jobs:
            job.rows.close()
