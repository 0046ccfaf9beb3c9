"""The endpoints of the request log."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...vendors.emulation.types import QUERIES
from ...vendors.registry import VENDORS
from .answers import json_response
from .context import ApiContext
from .parameters import number, vendor

MAX_REQUESTS = 1_000


class RequestsApi:
    """What the applications sent, and what was answered."""

    def __init__(self, context: ApiContext) -> None:
        self._store = context.store

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [Route("/api/requests", self.requests)]

    async def requests(self, request: Request) -> Response:
        """Return the newest requests, newest first."""
        limit = number(request, "limit", 100, MAX_REQUESTS)
        named = vendor(request, (*VENDORS, QUERIES))
        found = await run_in_threadpool(self._store.requests, limit, vendor=named)
        return json_response({"requests": found})
