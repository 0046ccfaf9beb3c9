"""Processes in which queries run: started with the first query, kept warm, killed at a limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from . import worker
from .fields import Asked

MEMORY = 2 * 1024 * 1024 * 1024
"""Bytes of address space of a process; Windows and macOS do not bound it."""

RUNNING, WAITING = 4, 8
"""Direct queries that run at the same time, and that may wait for one of them to end."""

MOST_IDLE = 2
STOPPED = "the server stops"
_BOOT = (
    "import sys; sys.path[:] = sys.argv[3:];"
    " from cxlogging.devserver.query.worker import main; main(sys.argv[1], int(sys.argv[2]))"
)


class BusyError(Exception):
    """Too many queries run and wait."""


class QueryProcess:
    """
    One process, which answers one query after another.

    Attributes:
        ready: True once it has said that it has started, which takes a while.
    """

    def __init__(self, path: Path, memory: int) -> None:
        self.ready = False
        paths = [one for one in sys.path if isinstance(one, str)]
        self._process = subprocess.Popen(  # noqa: S603 - this program, with paths of its own
            [sys.executable or "python3", "-c", _BOOT, str(path.absolute()), str(memory), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal is for the server alone.
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - asked for
        assert self._process.stdout is not None  # noqa: S101 - asked for
        self._in, self._out = self._process.stdin, self._process.stdout
        _PROCESSES.add(self)

    def send(self, task: dict[str, Any]) -> None:
        """Have it do *task*; one that is gone is found out by `frame`."""
        with suppress(OSError, ValueError):
            self._in.write(json.dumps(task).encode() + b"\n")
            self._in.flush()

    def frame(self) -> Frame | None:
        """The next frame; None where the process has ended."""
        header = self._out.read(worker.HEADER.size)
        if len(header) < worker.HEADER.size:
            return None
        kind, length, rows, bytes_read = worker.HEADER.unpack(header)
        content = self._out.read(length)
        return Frame(kind, content, rows, bytes_read) if len(content) == length else None

    def kill(self) -> None:
        """End it, from any thread."""
        self._process.kill()

    def wait(self) -> int:
        """Its exit status, once it has ended. Call where nobody reads its frames."""
        with suppress(OSError):
            self._in.close()
        self._out.close()
        return self._process.wait()

    def let_go(self) -> None:
        """In a forked child: give up our ends of its pipes, so that it ends with its parent."""
        null = os.open(os.devnull, os.O_RDWR)
        for pipe in (self._in, self._out):
            if not pipe.closed:
                os.dup2(null, pipe.fileno(), inheritable=False)
        os.close(null)


class Frame(NamedTuple):
    """What a process says; see `query_worker`."""

    kind: bytes
    content: bytes
    rows: int
    bytes_read: int


@dataclass(frozen=True)
class Task:
    """
    What is to be done.

    Attributes:
        what: One of the words of `query_worker`.
        asked: The query.
        seconds: Of work, after which it is ended; what its reader takes does not count.
        query_id: For the first line of a direct answer.
    """

    what: str
    asked: Asked
    seconds: float
    query_id: str = ""


class Run(Iterator[bytes]):
    """
    One query that runs, and the lines that it writes.

    Attributes:
        refused: Sentence and caret, where it does not compile.
        cut: True where it was ended, or its process was lost, before its end.
        reason: Why that was, or why a background query failed.
        warnings: Of a background query, at its end.
        rows: In its answer so far.
        bytes_read: Of the store, so far.
    """

    def __init__(self, pool: QueryPool, process: QueryProcess, task: Task) -> None:
        self.refused: tuple[str, str] | None = None
        self.reason = ""
        self.cut = False
        self.warnings: list[dict[str, Any]] = []
        self.rows = self.bytes_read = 0
        self.task = task
        self._pool = pool
        self._process: QueryProcess | None = process
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._clock = _WorkClock()
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """Send it to its process, and start its clock unless the process has yet to start."""
        with self._lock:
            process = self._process
        if process is not None:
            if process.ready:
                self._start_clock()
            process.send(asdict(self.task))

    def started(self) -> bool:
        """Wait until it is known whether the query compiles; True where it does."""
        frame = self._frame()
        if frame is not None and frame.kind == worker.REFUSED:
            sentence, caret = json.loads(frame.content)
            self.refused = (sentence, caret)
            self._frame()
        return frame is not None and frame.kind == worker.STARTED

    def __next__(self) -> bytes:
        while (frame := self._frame()) is not None:
            if frame.kind == worker.ROWS:
                return frame.content
            if frame.kind == worker.OUTCOME:
                self.reason, self.warnings = json.loads(frame.content)
        raise StopIteration

    def end(self, reason: str) -> None:
        """Kill it for *reason*, unless it has ended. From any thread."""
        with self._lock:
            if self._process is not None and not self.cut:
                self.reason, self.cut = reason, True
                self._process.kill()

    def close(self) -> None:
        """Nobody wants the rest: end it, and have a thread wait for its end."""
        self.end("cancelled")
        if self._process is not None:
            threading.Thread(target=self.drain, name="cxlogging-reap", daemon=True).start()

    def drain(self) -> None:
        """Read what is left, to its end."""
        while self._frame() is not None:
            pass

    def _frame(self) -> Frame | None:
        with self._reading:
            process = self._process
            if process is None:
                return None
            if not process.ready:
                frame = process.frame()
                process.ready = frame is not None
                self._start_clock()
            self._clock.start()
            frame = process.frame()
            self._clock.stop()
            if frame is None:
                code = process.wait()
                if not self.cut:
                    self.cut, self.reason = True, _cause(code, self._pool.memory)
                self._over(process, reusable=False)
            elif frame.kind == worker.ENDED:
                self._over(process, reusable=json.loads(frame.content))
                frame = None
            else:
                self.rows, self.bytes_read = frame.rows, frame.bytes_read
            return frame

    def _over(self, process: QueryProcess, *, reusable: bool) -> None:
        with self._lock:
            self._process = None
            if self._timer is not None:
                self._timer.cancel()
        self._pool.give_back(self, process, reusable=reusable and not self.cut)

    def _start_clock(self) -> None:
        with self._lock:
            self._clock.start()
            if self._process is not None:
                self._timer = self._timed(self.task.seconds)

    def _timed(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._expired)
        timer.name, timer.daemon = "cxlogging-query-limit", True
        timer.start()
        return timer

    def _expired(self) -> None:
        left = self.task.seconds - self._clock.worked()
        if left <= 0.01:
            return self.end(
                f"the query took longer than {self.task.seconds:g} s, the limit of this server"
                " (--query-timeout): narrow its time range, filter before other commands, or"
                " simplify its regular expressions"
            )
        with self._lock:
            if self._process is not None:
                self._timer = self._timed(left)
        return None


class _WorkClock:
    """How long a process was waited for."""

    def __init__(self) -> None:
        self._worked = 0.0
        self._since: float | None = None

    def start(self) -> None:
        if self._since is None:
            self._since = time.monotonic()

    def stop(self) -> None:
        self._worked, self._since = self.worked(), None

    def worked(self) -> float:
        since = self._since
        return self._worked + (0.0 if since is None else time.monotonic() - since)


def _cause(code: int, memory: int) -> str:
    if code == worker.OUT_OF_MEMORY:
        return (
            f"the query needs more than {memory / 2**30:.3g} GiB of memory, the limit of this"
            " server: narrow its time range, hold fewer values, or make shorter texts"
        )
    return (
        f"the process of the query ended by itself ({code}), perhaps for want of memory:"
        " narrow the query"
    )


class QueryPool:
    """
    The processes of one server.

    Args:
        path: The store's database file.
        memory: Bytes that a process may take.
    """

    def __init__(self, path: Path, memory: int = MEMORY) -> None:
        self.memory = memory
        self._path = path
        self._change = threading.Condition()
        self._idle: list[QueryProcess] = []
        self._runs: set[Run] = set()
        self._waiting = 0
        self._closed = False

    def run(self, task: Task, left: Future[None] | None = None) -> Run:
        """
        Begin *task*; a query in the background waits for nobody.

        Args:
            task: What is to be done.
            left: Done when nobody wants it any more.

        Raises `BusyError` where too many run, and `OSError` where no process can be started.
        """
        with self._change:
            if task.what != worker.BACKGROUND:
                self._wait(task.seconds)
            process = self._idle.pop() if self._idle else QueryProcess(self._path, self.memory)
            run = Run(self, process, task)
            self._runs.add(run)
            if self._closed:
                run.end(STOPPED)
        run.begin()
        if left is not None:
            left.add_done_callback(lambda _: run.close())
        return run

    def _wait(self, seconds: float) -> None:
        if self._waiting >= WAITING:
            raise BusyError
        self._waiting += 1
        try:
            if not self._change.wait_for(self._has_room, seconds):
                raise BusyError
        finally:
            self._waiting -= 1

    def _has_room(self) -> bool:
        running = sum(run.task.what != worker.BACKGROUND for run in self._runs)
        return running < RUNNING or self._closed

    def give_back(self, run: Run, process: QueryProcess, *, reusable: bool) -> None:
        """*run* has ended; its process answers another query, or none."""
        with self._change:
            kept = reusable and not self._closed and len(self._idle) < MOST_IDLE
            if kept:
                self._idle.append(process)
        if not kept:
            process.kill()
            process.wait()
        with self._change:
            self._runs.discard(run)
            self._change.notify_all()

    def close(self) -> None:
        """End what runs, and wait for its processes."""
        with self._change:
            self._closed = True
            idle, runs = self._idle, list(self._runs)
            self._idle = []
            self._change.notify_all()
        for run in runs:
            run.end(STOPPED)
        for process in idle:
            process.kill()
            process.wait()
        for run in runs:
            run.drain()


_PROCESSES: weakref.WeakSet[QueryProcess] = weakref.WeakSet()


def _let_go() -> None:
    for process in list(_PROCESSES):
        with suppress(OSError, ValueError):
            process.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
