"""Background queries: submitted, run in turn, their rows kept on disk until they are read."""

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
from .pool import QueryPool
from .run import QueryRun, QueryTask

MAX_QUERIES = 100
"""Background queries that are kept; the oldest that have ended are removed."""

MAX_BYTES = 1024 * 1024 * 1024
"""Bytes on disk for the rows of one query."""

READ_BYTES = 256 * 1024


def _unnamed() -> IO[bytes]:
    # It is removed together with its query.
    return tempfile.TemporaryFile()


@dataclass
class BackgroundQuery:
    """
    A background query.

    Attributes:
        task: What to run.
        warnings: The warnings so far.
        stop: Set to end the query early.
        ended: Set once the query has ended.
        cancelled: True where the query was ended early.
        reason: Why the query failed.
        bytes_read: Bytes that were read from the store.
        readers: Number of requests that read the rows now.
        rows: The rows as lines, in an unnamed temporary file.
    """

    task: QueryTask
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
    _run: QueryRun | None = None

    def run(self, pool: QueryPool) -> None:
        """Run to the end, or until the query is cancelled."""
        self.running_ns = time.time_ns()
        try:
            if not self.stop.is_set():
                self._collect(pool)
        except OSError as error:
            self.reason = f"the process cannot be started, or the rows cannot be written: {error}"
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
                if written > MAX_BYTES:
                    run.end(f"the rows take more than {MAX_BYTES / 2**30:g} GiB: narrow the query")
                    break
                self.rows.write(part)
        finally:
            run.end("the rows cannot be written")
            run.drain()
        self.reason, self.warnings = run.reason, run.warnings or self.warnings
        self.bytes_read = run.bytes_read

    def cancel(self) -> None:
        """Stop the query; one that has ended stays as it is."""
        self.stop.set()
        if self._run is not None:
            self._run.end("cancelled")

    @property
    def succeeded(self) -> bool:
        """True once the query has all its rows."""
        return self.ended.is_set() and not self.cancelled and not self.reason

    def status(self) -> dict[str, Any]:
        """Return the status document of the API."""
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
        """Yield the rows, in parts."""
        at = 0
        self.readers += 1
        try:
            while part := self._read(at):
                at += len(part)
                yield part
        finally:
            self.readers -= 1

    def _read(self, at: int) -> bytes:
        # All readers share one file position.
        with self._reading:
            self.rows.seek(at)
            return self.rows.read(READ_BYTES)


class BackgroundQueries:
    """
    All background queries of a server.

    Args:
        pool: The processes in which they run.
    """

    def __init__(self, pool: QueryPool) -> None:
        self._pool = pool
        self._queries: OrderedDict[str, BackgroundQuery] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="cxlogging-background")

    def submit(self, task: QueryTask) -> BackgroundQuery:
        """Submit a query that compiles."""
        query = BackgroundQuery(task, time.time_ns())
        with self._lock:
            self._queries[query.query_id] = query
            self._remove_old()
        self._threads.submit(query.run, self._pool)
        return query

    def _remove_old(self) -> None:
        for name in list(self._queries):
            if len(self._queries) <= MAX_QUERIES:
                return
            if self._queries[name].ended.is_set() and not self._queries[name].readers:
                self._queries.pop(name).rows.close()

    def get(self, query_id: str) -> BackgroundQuery | None:
        """Return the query with this id, or None."""
        with self._lock:
            return self._queries.get(query_id)

    def close(self) -> None:
        """Stop all queries, and wait for them."""
        with self._lock:
            queries = list(self._queries.values())
        for query in queries:
            query.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for query in queries:
            query.rows.close()
