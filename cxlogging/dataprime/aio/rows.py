"""Rows for ``async for``."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ..http.answer import Answer
from ..results import Findings, RowStream, tell
from ..rows import Row
from .threads import Feed, Threads

T = TypeVar("T")


class AsyncRowStream(Findings):
    """
    Rows as they arrive, for ``async for``; the request leaves with the first.

    Leaving ``async with``, `close`, and cancelling a task that waits for a row end
    the request and close its connection.
    """

    def __init__(self, threads: Threads, open_stream: Callable[[], RowStream]) -> None:
        self._answer = Answer()
        self._threads = threads
        self._open = open_stream
        self._feed: Feed | None = None
        self._rows: deque[Row] = deque()
        self._over = False

    def __aiter__(self) -> AsyncRowStream:
        return self

    async def __anext__(self) -> Row:
        if not self._rows and not self._over:
            await self._more()
        if not self._rows:
            raise StopAsyncIteration
        return self._rows.popleft()

    async def _more(self) -> None:
        if self._feed is None:
            self._feed = Feed()
            self._threads.keep(self._feed.begin(self._open))
        try:
            self._rows = await self._feed.take()
        except asyncio.CancelledError:
            self._end()
            raise
        self._answer = self._feed.answer or self._answer
        if self._rows:
            return
        self._over = True
        if self._feed.error is not None:
            raise self._feed.error
        if not self._answer.told:
            tell(self._answer, 4)

    async def to_dicts(self) -> list[dict[str, Any]]:
        """Return every row as a dict."""
        return await self._exported(lambda stream: stream.to_dicts())

    async def to_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Write every row as a line of JSON, one by one; return how many."""
        return await self._exported(lambda stream: stream.to_jsonl(path))

    async def to_csv(self, path: str | os.PathLike[str]) -> int:
        """Write a table with one column for each keypath; return how many rows."""
        return await self._exported(lambda stream: stream.to_csv(path))

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
        """Return what *export* makes of the whole stream, read on a thread."""
        open_stream = self._open

        def work() -> tuple[Answer, T]:
            with open_stream() as stream:
                return stream.untold(), export(stream)

        self._over = True
        self._answer, made = await self._threads.run(work)
        tell(self._answer, 4)
        return made

    async def close(self) -> None:
        """Stop reading, and close the connection."""
        self._end()

    def _end(self) -> None:
        self._over = True
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
