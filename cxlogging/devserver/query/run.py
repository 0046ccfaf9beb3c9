"""A query that runs in a process: its answer as it is written, its time limit, its end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from . import worker
from .event_ids import EventsWanted
from .process import QueryProcess, WorkerFrame
from .request_body import QueryRequest


@dataclass(frozen=True)
class QueryTask:
    """
    What a process shall do with a query.

    Attributes:
        action: One of the actions of `worker`.
        request: The query.
        seconds: Limit of the time that the process works; time that the reader of the answer
            takes does not count.
        query_id: For the first line of a direct answer.
        events: Which of the query's events are wanted, for `EVENTS`.
    """

    action: str
    request: QueryRequest
    seconds: float
    query_id: str = ""
    events: EventsWanted | None = None


class CompileError(NamedTuple):
    """
    Why a query does not compile.

    Attributes:
        message: What is wrong, with the position, as the service says it.
        caret: The line of the query, and a caret below the position.
        reason: What is wrong, alone.
        offset: The position, in characters from the start of the query.
    """

    message: str
    caret: str
    reason: str
    offset: int


class QueryRun(Iterator[bytes]):
    """
    A query that runs; iterating yields the lines of its answer.

    Args:
        process: Runs the query.
        task: What to do.
        memory: Bytes that the process may take, for the message where it takes more.
        finished: Called with this run, its process, and whether the process can be reused.

    Attributes:
        compile_error: Why the query does not compile; None where it does.
        interrupted: True where the query was ended, or its process died, before its end.
        reason: Why the query was interrupted, or why a background query failed.
        warnings: The warnings at the end of the query, unless it is a direct one.
        rows: Number of rows in the answer so far.
        bytes_read: Bytes that were read from the store so far.
    """

    def __init__(
        self,
        process: QueryProcess,
        task: QueryTask,
        memory: int,
        finished: Callable[[QueryRun, QueryProcess, bool], None],
    ) -> None:
        self.compile_error: CompileError | None = None
        self.reason = ""
        self.interrupted = False
        self.warnings: list[dict[str, Any]] = []
        self.rows = self.bytes_read = 0
        self.task = task
        self._memory, self._finished = memory, finished
        self._process: QueryProcess | None = process
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._work_time = _Stopwatch()
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Send the task; the time limit starts now, or once the process has started."""
        with self._lock:
            process = self._process
        if process is not None:
            if process.ready:
                self._start_timer()
            process.send(asdict(self.task))

    def wait_compiled(self) -> bool:
        """Wait until the query is compiled; False where it does not compile."""
        frame = self._next_frame()
        if frame is not None and frame.kind == worker.REFUSED:
            self.compile_error = CompileError(*json.loads(frame.content))
            self._next_frame()
        return frame is not None and frame.kind == worker.STARTED

    def __next__(self) -> bytes:
        while (frame := self._next_frame()) is not None:
            if frame.kind == worker.ROWS:
                return frame.content
            if frame.kind == worker.OUTCOME:
                self.reason, self.warnings = json.loads(frame.content)
        raise StopIteration

    def end(self, reason: str) -> None:
        """Kill the query for *reason*, unless it has ended; may be called from any thread."""
        with self._lock:
            if self._process is not None and not self.interrupted:
                self.reason, self.interrupted = reason, True
                self._process.kill()

    def close(self) -> None:
        """Kill the query, whose answer nobody reads any more; a thread waits for its end."""
        self.end("cancelled")
        if self._process is not None:
            threading.Thread(target=self.drain, name="cxlogging-reap", daemon=True).start()

    def drain(self) -> None:
        """Read the rest of the answer, and discard it."""
        while self._next_frame() is not None:
            pass

    def _next_frame(self) -> WorkerFrame | None:
        with self._reading:
            process = self._process
            if process is None:
                return None
            if not process.ready:
                frame = process.read_frame()
                process.ready = frame is not None
                self._start_timer()
            self._work_time.start()
            frame = process.read_frame()
            self._work_time.stop()
            if frame is None:
                code = process.wait()
                if not self.interrupted:
                    self.interrupted, self.reason = True, _exit_reason(code, self._memory)
                self._finish(process, reusable=False)
            elif frame.kind == worker.ENDED:
                self._finish(process, reusable=json.loads(frame.content))
                frame = None
            else:
                self.rows, self.bytes_read = frame.rows, frame.bytes_read
            return frame

    def _finish(self, process: QueryProcess, *, reusable: bool) -> None:
        with self._lock:
            self._process = None
            if self._timer is not None:
                self._timer.cancel()
        self._finished(self, process, reusable and not self.interrupted)

    def _start_timer(self) -> None:
        with self._lock:
            self._work_time.start()
            if self._process is not None:
                self._timer = self._new_timer(self.task.seconds)

    def _new_timer(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._on_timeout)
        timer.name, timer.daemon = "cxlogging-query-limit", True
        timer.start()
        return timer

    def _on_timeout(self) -> None:
        left = self.task.seconds - self._work_time.elapsed()
        if left <= 0.01:
            return self.end(
                f"the query took longer than {self.task.seconds:g} s, the limit of this server"
                " (--query-timeout): narrow its time range, filter before other commands, or"
                " simplify its regular expressions"
            )
        with self._lock:
            if self._process is not None:
                self._timer = self._new_timer(left)
        return None


class _Stopwatch:
    """Measures how long the process worked: the time that its reader waited for it."""

    def __init__(self) -> None:
        self._total = 0.0
        self._since: float | None = None

    def start(self) -> None:
        if self._since is None:
            self._since = time.monotonic()

    def stop(self) -> None:
        self._total, self._since = self.elapsed(), None

    def elapsed(self) -> float:
        since = self._since
        return self._total + (0.0 if since is None else time.monotonic() - since)


def _exit_reason(code: int, memory: int) -> str:
    if code == worker.OUT_OF_MEMORY:
        return (
            f"the query needs more than {memory / 2**30:.3g} GiB of memory, the limit of this"
            " server: narrow its time range, keep fewer values, or build shorter strings"
        )
    return (
        f"the process of the query ended unexpectedly (exit status {code}), perhaps because"
        " memory ran out: narrow the query"
    )
