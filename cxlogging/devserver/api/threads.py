"""Questions that take a while run on threads, and end when their client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

T = TypeVar("T")


async def in_thread(request: Request, work: Callable[[Future[None]], T]) -> T:
    """Return what *work* returns on a thread; its argument completes once the client has left."""
    left: Future[None] = Future()
    watch = asyncio.ensure_future(_disconnected(request))
    watch.add_done_callback(lambda task: None if task.cancelled() else left.set_result(None))
    try:
        return await run_in_threadpool(work, left)
    finally:
        watch.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
