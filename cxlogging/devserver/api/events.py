"""The endpoints of events: their list and their number."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .answers import json_response
from .context import ApiContext
from .parameters import MAX_ID, number, vendor

MAX_EVENTS = 1_000


class EventsApi:
    """Events as the store has them."""

    def __init__(self, context: ApiContext) -> None:
        self._store = context.store

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            Route("/api/events", self.events),
            Route("/api/counts", self.counts),
        ]

    async def events(self, request: Request) -> Response:
        """Return the newest events; `before` takes `next_before` of the previous answer."""
        limit = number(request, "limit", 100, MAX_EVENTS)
        found = await run_in_threadpool(
            self._store.newest,
            limit,
            vendor=vendor(request),
            before_id=number(request, "before", None, MAX_ID),
            contains=request.query_params.get("contains", "")[:1000] or None,
        )
        more = found[-1]["id"] if len(found) == limit else None
        return json_response({"events": found, "next_before": more})

    async def counts(self, request: Request) -> Response:
        """Return the number of events and of requests by vendor, and the size of the store."""
        del request
        sizes = await run_in_threadpool(self._store.sizes)
        requests = await run_in_threadpool(self._store.count_requests)
        counts = self._store.count()
        return json_response({"counts": counts, "requests": requests, "sizes": sizes})
