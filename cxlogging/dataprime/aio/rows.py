"""Rows for ``async for``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ..exports import Target
from ..results import Findings
from ..rows import Row
from ..stream import RowStream, warn_truncated
from ..summary import AnswerSummary
from .threads import OperationThreads, RowFeed

T = TypeVar("T")


class AsyncRowStream(Findings):
    """
    Rows as they arrive, for ``async for``; reading the first one sends the request.

    Leaving ``async with``, `close`, and cancelling a task that waits for a row end
    the request and close its connection.
    """

    def __init__(self, threads: OperationThreads, open_stream: Callable[[], RowStream]) -> None:
        self._summary = AnswerSummary()
        self._threads = threads
        self._open = open_stream
        self._feed: RowFeed | None = None
        self._rows: deque[Row] = deque()
        self._finished = False

    def __aiter__(self) -> AsyncRowStream:
        return self

    async def __anext__(self) -> Row:
        if not self._rows and not self._finished:
            await self._read_more()
        if not self._rows:
            raise StopAsyncIteration
        return self._rows.popleft()

    async def _read_more(self) -> None:
        if self._feed is None:
            self._feed = RowFeed()
            self._threads.register(self._feed.start(self._open))
        try:
            self._rows = await self._feed.take()
        except asyncio.CancelledError:
            self._end()
            raise
        self._summary = self._feed.summary or self._summary
        if self._rows:
            return
        self._finished = True
        if self._feed.error is not None:
            raise self._feed.error
        if not self._summary.warned:
            warn_truncated(self._summary, 4)

    async def to_dicts(self) -> list[dict[str, Any]]:
        """Return every row as a dict."""
        return await self._exported(lambda stream: stream.to_dicts())

    async def to_jsonl(self, target: Target) -> int:
        """Write each row as a line of JSON to a path or file; return the number of rows."""
        return await self._exported(lambda stream: stream.to_jsonl(target))

    async def to_csv(self, target: Target) -> int:
        """Write a table, one column for each keypath, to a path or file; return its rows."""
        return await self._exported(lambda stream: stream.to_csv(target))

    async def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` with one column for each keypath."""
        return await self._exported(lambda stream: stream.to_pandas())

    async def to_polars(self) -> Any:
        """Return a ``polars.DataFrame`` with one column for each keypath."""
        return await self._exported(lambda stream: stream.to_polars())

    async def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with one column for each keypath."""
        return await self._exported(lambda stream: stream.to_arrow())

    async def _exported(self, export: Callable[[RowStream], T]) -> T:
        """Return the result of *export* for the whole stream, which a thread reads."""
        open_stream = self._open

        def work() -> tuple[AnswerSummary, T]:
            with open_stream() as stream:
                return stream.suppress_warnings(), export(stream)

        self._finished = True
        self._summary, exported = await self._threads.run(work)
        warn_truncated(self._summary, 4)
        return exported

    async def close(self) -> None:
        """Stop reading, and close the connection."""
        self._end()

    def _end(self) -> None:
        self._finished = True
        self._rows.clear()
        if self._feed is not None:
            self._feed.end()

    async def __aenter__(self) -> AsyncRowStream:  # noqa: PYI034 - Self is younger than 3.10
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._end()

    def __del__(self) -> None:
        if self._feed is not None:
            self._feed.end()
