"""Background queries: taken, run one after another, kept on disk until their rows are asked for."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

from ...dataprime import times
from .processes import QueryPool, Run, Task

MOST_JOBS = 100
"""Jobs that are remembered; the oldest that have ended go."""

MOST_BYTES = 1024 * 1024 * 1024
"""Of the rows of one job, on disk."""

READ_BYTES = 256 * 1024


def _unnamed() -> IO[bytes]:
    # It lives as long as its job.
    return tempfile.TemporaryFile()


@dataclass
class Job:
    """
    One background query.

    Attributes:
        task: What is asked.
        warnings: Known before it runs, then all of them.
        stop: Set to end it early.
        ended: Set when it has.
        cancelled: True where it was ended early.
        reason: Why it failed.
        bytes_read: Of the store.
        readers: How many read its rows just now.
        rows: As lines, in a file that has no name.
    """

    task: Task
    submitted_ns: int
    warnings: list[dict[str, Any]] = field(default_factory=list)
    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    running_ns: int | None = None
    terminated_ns: int | None = None
    cancelled: bool = False
    reason: str = ""
    bytes_read: int = 0
    readers: int = 0
    rows: IO[bytes] = field(default_factory=_unnamed)
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _run: Run | None = None

    def run(self, pool: QueryPool) -> None:
        """Run to the end, or until it is stopped."""
        self.running_ns = time.time_ns()
        try:
            if not self.stop.is_set():
                self._collect(pool)
        except OSError as error:
            self.reason = f"no process for the query, or no room for its rows: {error}"
        finally:
            self.cancelled = self.stop.is_set() and (bool(self.reason) or self._run is None)
            self.terminated_ns = time.time_ns()
            self.ended.set()

    def _collect(self, pool: QueryPool) -> None:
        run = self._run = pool.run(self.task)
        if self.stop.is_set():
            run.end("cancelled")
        written = 0
        try:
            for part in run:
                self.bytes_read = run.bytes_read
                written += len(part)
                if written > MOST_BYTES:
                    run.end(f"the rows take more than {MOST_BYTES / 2**30:g} GiB: narrow the query")
                    break
                self.rows.write(part)
        finally:
            run.end("no room for its rows")
            run.drain()
        self.reason, self.warnings = run.reason, run.warnings or self.warnings
        self.bytes_read = run.bytes_read

    def cancel(self) -> None:
        """Stop it; one that has ended stays as it is."""
        self.stop.set()
        if self._run is not None:
            self._run.end("cancelled")

    @property
    def succeeded(self) -> bool:
        """True once it has all its rows."""
        return self.ended.is_set() and not self.cancelled and not self.reason

    def status(self) -> dict[str, Any]:
        """The job as the API describes it."""
        document: dict[str, Any] = {"submittedAt": times.iso(self.submitted_ns)}
        if self.ended.is_set():
            document = {"terminated": self._terminated(), **document}
        elif self.running_ns is not None:
            document["running"] = {"runningSince": times.iso(self.running_ns)}
        else:
            document["waitingForExecution"] = {}
        document["metadata"] = [{"statistics": {"bytesScanned": str(self.bytes_read)}}]
        document["warnings"] = self.warnings
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
        return {**moments, "error": {"failed": {"reason": self.reason}}}

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
    """
    All background queries of a server.

    Args:
        processes: Where they run.
    """

    def __init__(self, processes: QueryPool) -> None:
        self._processes = processes
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="cxlogging-background")

    def submit(self, task: Task) -> Job:
        """Take a query that compiles."""
        job = Job(task, time.time_ns())
        with self._lock:
            self._jobs[job.query_id] = job
            self._forget()
        self._pool.submit(job.run, self._processes)
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
