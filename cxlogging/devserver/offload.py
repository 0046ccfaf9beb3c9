"""Threads for queries and large bodies, so that the event loop keeps serving other requests."""

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
"""More than queries can run and wait, so that quick requests always find one."""

MAX_LARGE_BODIES = 2
"""Large bodies that are read at the same time, as each may take a lot of memory."""

T = TypeVar("T")


class ThreadOffload:
    """A pool of threads for queries, and a thread for each large body."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cxlogging-query")
        self._queue = asyncio.Semaphore(MAX_LARGE_BODIES)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, on a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def run_queued(self, work: Callable[[], T]) -> T:
        """Like `run_detached`, but at most `MAX_LARGE_BODIES` at a time."""
        async with self._queue:
            return await self.run_detached(work)

    async def run_detached(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, on a thread that a stopping server does not wait for."""
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
        """Yield an iterator whose parts a thread takes from *stream*; close *stream* at the end."""
        try:
            yield self._each(stream)
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                # A generator that a thread is running cannot be closed; it ends with its part.
                with suppress(ValueError):
                    close()

    async def _each(self, stream: Iterator[bytes]) -> AsyncIterator[bytes]:
        while (part := await self.run(lambda: next(stream, None))) is not None:
            yield part

    async def whole(self, reply: ApiResult) -> ApiResult:
        """Return *reply* with the whole stream as the body of its answer."""
        stream = reply.stream or iter(())
        body = await self.run(lambda: b"".join(stream))
        return replace(reply, answer=replace(reply.answer, body=body), stream=None)

    def close(self) -> None:
        """Stop the threads of the pool."""
        self._pool.shutdown(wait=True, cancel_futures=True)
