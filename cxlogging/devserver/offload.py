"""Work beside the loop that serves: queries and large bodies, so that deliveries go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeVar

from ..vendors.emulation.types import ApiResult

THREADS = 16
"""More than there are queries that run and wait, so that there is one for what is quick."""

QUEUED_AT_ONCE = 2
"""Works of which each may take a lot of memory."""

T = TypeVar("T")


class Beside:
    """A few threads for queries, born with the first, and one for each large body."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cxlogging-query")
        self._queue = asyncio.Semaphore(QUEUED_AT_ONCE)

    async def run(self, work: Callable[[], T]) -> T:
        """What *work* gives."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def run_queued(self, work: Callable[[], T]) -> T:
        """What *work* gives, as `run_detached`, once few enough of its kind run."""
        async with self._queue:
            return await self.run_detached(work)

    async def run_detached(self, work: Callable[[], T]) -> T:
        """What *work* gives, on a thread that nobody waits for when the server stops."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                result = work()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, name="cxlogging-body", daemon=True).start()
        return await asyncio.wrap_future(future)

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

    async def whole(self, reply: ApiResult) -> ApiResult:
        """*reply* with its whole body in its answer."""
        stream = reply.stream or iter(())
        body = await self.run(lambda: b"".join(stream))
        return replace(reply, answer=replace(reply.answer, body=body), stream=None)

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=True, cancel_futures=True)
