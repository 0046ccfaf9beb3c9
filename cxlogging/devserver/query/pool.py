"""The processes of one server: started with the first query, reused, killed at a limit."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path

from . import worker
from .process import QueryProcess
from .run import QueryRun, QueryTask

MAX_MEMORY = 2 * 1024 * 1024 * 1024
"""Bytes of address space of a process; Windows and macOS do not enforce it."""

MAX_RUNNING, MAX_WAITING = 4, 8
"""Direct queries that run at the same time, and that may wait for one of them to end."""

MAX_IDLE = 2
"""Idle processes that are kept for the next queries."""

STOPPED = "the server stops"


class BusyError(Exception):
    """Too many queries run and wait."""


class QueryPool:
    """
    The processes of one server.

    Args:
        path: The database file of the store.
        memory: Bytes that each process may take.
    """

    def __init__(self, path: Path, memory: int = MAX_MEMORY) -> None:
        self.memory = memory
        self._path = path
        self._change = threading.Condition()
        self._idle: list[QueryProcess] = []
        self._runs: set[QueryRun] = set()
        self._waiting = 0
        self._closed = False

    def run(self, task: QueryTask, left: Future[None] | None = None) -> QueryRun:
        """
        Start *task*; direct queries may have to wait for others, background queries do not.

        Args:
            task: What to do.
            left: Completes once the client has left, which ends the query.

        Raises `BusyError` where too many run, and `OSError` where no process can be started.
        """
        with self._change:
            if task.action != worker.BACKGROUND:
                self._wait_for_room(task.seconds)
            process = self._idle.pop() if self._idle else QueryProcess(self._path, self.memory)
            run = QueryRun(process, task, self.memory, self._give_back)
            self._runs.add(run)
            if self._closed:
                run.end(STOPPED)
        run.start()
        if left is not None:
            left.add_done_callback(lambda _: run.close())
        return run

    def _wait_for_room(self, seconds: float) -> None:
        if self._waiting >= MAX_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            if not self._change.wait_for(self._has_room, seconds):
                raise BusyError
        finally:
            self._waiting -= 1

    def _has_room(self) -> bool:
        running = sum(run.task.action != worker.BACKGROUND for run in self._runs)
        return running < MAX_RUNNING or self._closed

    def _give_back(self, run: QueryRun, process: QueryProcess, reusable: bool) -> None:
        with self._change:
            kept = reusable and not self._closed and len(self._idle) < MAX_IDLE
            if kept:
                self._idle.append(process)
        if not kept:
            process.kill()
            process.wait()
        with self._change:
            self._runs.discard(run)
            self._change.notify_all()

    def close(self) -> None:
        """Kill all queries, and wait for their processes."""
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
