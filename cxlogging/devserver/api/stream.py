"""Changes of the store as server-sent events (https://html.spec.whatwg.org/#server-sent-events)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..guard import SECURITY_HEADERS
from ..store import Store
from .context import ApiContext
from .live_rows import LiveRows
from .parameters import MAX_ID, event_filter

POLL_INTERVAL = 0.1
"""Seconds between two checks of the store for an event stream."""
HEARTBEAT = 10.0
"""Seconds without a change after which an event stream sends a comment."""

COMMENT = ": still here\n\n"


class StreamApi:
    """What arrives, as it arrives."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the route of this endpoint."""
        return [Route("/api/stream", self.stream)]

    async def stream(self, request: Request) -> Response:
        """
        Send changes as server-sent events, now and after each change.

        With `rows=1` the new rows of a filter, from the header `Last-Event-ID` or `after` on;
        without it the number of events.
        """
        headers = {**SECURITY_HEADERS, "content-type": "text/event-stream"}
        if request.query_params.get("rows") != "1":
            return StreamingResponse(_counts(self._context.store), 200, headers)
        rows = LiveRows(self._context, request, event_filter(request), _after(request))
        await rows.check()
        return StreamingResponse(_paced(rows), 200, headers)


def _after(request: Request) -> int | None:
    """Return the id of the last event that the client has; None for one that wants new ones."""
    text = request.headers.get("last-event-id", "") or request.query_params.get("after", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise HTTPException(400, "after must be the id of an event, or 0 for all")
    return min(int(text), MAX_ID)


async def _paced(rows: LiveRows) -> AsyncIterator[str]:
    idle = 0.0
    yield rows.hello()
    while True:
        for message in await rows.changes():
            idle = 0.0
            yield message
        if idle >= HEARTBEAT:
            idle = 0.0
            yield COMMENT
        await asyncio.sleep(POLL_INTERVAL)
        idle += POLL_INTERVAL


async def _counts(store: Store) -> AsyncIterator[str]:
    sent, idle = None, 0.0
    while True:
        counts = store.count()
        if counts != sent:
            sent, idle = counts, 0.0
            yield f"data: {json.dumps({'counts': counts})}\n\n"
        elif idle >= HEARTBEAT:
            idle = 0.0
            yield COMMENT
        await asyncio.sleep(POLL_INTERVAL)
        idle += POLL_INTERVAL
