"""Work beside the loop that serves: queries run on threads, so that deliveries go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeVar

from .doors import Reply

THREADS = 16
"""More than there are queries that run and wait, so that there is one for what is quick."""

T = TypeVar("T")


class Beside:
    """A few threads, born with the first work."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cxlogging-query")

    async def run(self, work: Callable[[], T]) -> T:
        """What *work* gives."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    @asynccontextmanager
    async def parts(self, stream: Iterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The parts of *stream*, each made when it is wanted; closed when it is left."""
        try:
            yield self._each(stream)
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                # While a thread makes a part, that part ends by itself.
                with suppress(ValueError):
                    close()

    async def _each(self, stream: Iterator[bytes]) -> AsyncIterator[bytes]:
        while (part := await self.run(lambda: next(stream, None))) is not None:
            yield part

    async def whole(self, reply: Reply) -> Reply:
        """*reply* with its whole body in its answer."""
        stream = reply.stream or iter(())
        body = await self.run(lambda: b"".join(stream))
        return replace(reply, answer=replace(reply.answer, body=body), stream=None)

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=True, cancel_futures=True)
