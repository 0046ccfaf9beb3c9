"""Changes of the store as server-sent events (https://html.spec.whatwg.org/#server-sent-events)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..guard import SECURITY_HEADERS
from ..store import Store
from .context import ApiContext

POLL_INTERVAL = 0.1
"""Seconds between two checks of the store for an event stream."""
HEARTBEAT = 10.0
"""Seconds without a change after which an event stream sends a comment."""


class StreamApi:
    """What arrives, as it arrives."""

    def __init__(self, context: ApiContext) -> None:
        self._store = context.store

    def routes(self) -> list[Route]:
        """Return the route of this endpoint."""
        return [Route("/api/stream", self.stream)]

    async def stream(self, request: Request) -> Response:
        """Send the number of events as server-sent events, now and after each change."""
        del request
        headers = {**SECURITY_HEADERS, "content-type": "text/event-stream"}
        return StreamingResponse(_changes(self._store), 200, headers)


async def _changes(store: Store) -> AsyncIterator[str]:
    sent, idle = None, 0.0
    while True:
        counts = store.count()
        if counts != sent:
            sent, idle = counts, 0.0
            yield f"data: {json.dumps({'counts': counts})}\n\n"
        elif idle >= HEARTBEAT:
            idle = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(POLL_INTERVAL)
        idle += POLL_INTERVAL
