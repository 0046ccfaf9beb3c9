"""Results and rows on their way from blocking threads to an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import QueryError
from ..rows import Row
from ..stream import RowStream
from ..summary import AnswerSummary
from .operation import Operation, OperationEnded

T = TypeVar("T")
MAX_BUFFERED = 1_000
"""Rows read ahead; the thread stops reading while there are so many."""


class OperationThreads:
    """The operations of one client; closing the client ends them."""

    def __init__(self) -> None:
        self._running: weakref.WeakSet[Operation] = weakref.WeakSet()

    def register(self, operation: Operation) -> None:
        """Include *operation* in those that `end` ends."""
        self._running.add(operation)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns; cancelling the task ends the operation."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()
        operation = Operation()

        def do() -> None:
            value: Any = None
            error: Exception | None = None
            try:
                value = work()
            except OperationEnded:
                error = QueryError("the client was closed before the answer arrived.")
            except Exception as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(_settle, outcome, value, error)

        self.register(operation)
        operation.start(do)
        try:
            return await outcome  # type: ignore[no-any-return]
        finally:
            operation.end()

    def end(self) -> None:
        """End all operations that run."""
        for operation in tuple(self._running):
            operation.end()


class RowFeed:
    """
    The rows of one stream, between its thread and its event loop.

    The feed has no reference to the `AsyncRowStream` that reads it, so that a stream
    which is abandoned half read is garbage collected, and ends the operation.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._operation = Operation()
        self._changed = threading.Condition()
        self._rows: deque[Row] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._finished = False
        self.summary: AnswerSummary | None = None
        self.error: Exception | None = None

    def start(self, open_stream: Callable[[], RowStream]) -> Operation:
        """Read a stream on a thread of its own."""
        self._operation.start(lambda: self._fill(open_stream))
        return self._operation

    def _fill(self, open_stream: Callable[[], RowStream]) -> None:
        try:
            with open_stream() as stream:
                self.summary = stream.suppress_warnings()
                for row in stream:
                    self._put(row)
                self._operation.check()
        except OperationEnded:
            self.error = QueryError("the client was closed before the answer ended.")
        except Exception as error:
            self.error = error
        with self._changed:
            self._finished = True
            self._wake()

    def _put(self, row: Row) -> None:
        with self._changed:
            while len(self._rows) >= MAX_BUFFERED and not self._operation.ended:
                self._changed.wait()
            self._operation.check()
            self._rows.append(row)
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(_settle, waiter, None, None)

    async def take(self) -> deque[Row]:
        """Return the rows that have arrived, at least one; none at the end."""
        await asyncio.sleep(0)
        while True:
            with self._changed:
                if self._rows or self._finished:
                    rows, self._rows = self._rows, deque()
                    self._changed.notify_all()
                    return rows
                self._waiter = waiter = self._loop.create_future()
            await waiter

    def end(self) -> None:
        """End the operation, even where its thread waits for room."""
        self._operation.end()
        with self._changed:
            self._changed.notify_all()


def _settle(waiter: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(value)
    else:
        waiter.set_exception(error)
