"""The endpoints of the request log: its list, one request with its body, and what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...vendors.emulation.types import QUERIES
from ...vendors.registry import VENDORS
from ..events.rows import read_rows
from ..requestlog.bodies import show
from .answers import json_response
from .context import ApiContext
from .parameters import MAX_ID, number, vendor

MAX_REQUESTS = 1_000
MAX_EVENTS = 100
"""Events that are shown with their request."""

NAMES = (*VENDORS, QUERIES)


class RequestsApi:
    """What the applications sent, and what was answered."""

    def __init__(self, context: ApiContext) -> None:
        self._store, self._reader = context.store, context.reader

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            Route("/api/requests", self.requests),
            Route("/api/request/{number}", self.request),
            Route("/api/rejected", self.rejected),
        ]

    async def requests(self, request: Request) -> Response:
        """Return the newest requests, newest first."""
        limit = number(request, "limit", 100, MAX_REQUESTS)
        found = await run_in_threadpool(self._store.requests, limit, vendor=vendor(request, NAMES))
        return json_response({"requests": found})

    async def request(self, request: Request) -> Response:
        """Return one request: its entry, its events, its body and its answer."""
        return json_response(await run_in_threadpool(self._one, request.path_params["number"]))

    def _one(self, named: str) -> Mapping[str, Any]:
        is_number = named.isascii() and named.isdecimal() and len(named) < 20
        entry = self._store.request(min(int(named), MAX_ID)) if is_number else None
        if entry is None:
            raise HTTPException(404, "no such request: the log has only the newest ones")
        body = entry.pop("body")
        shown = body and show(body, entry["content_type"], entry["encoding"])
        return {
            "request": with_text_times(entry),
            "events": self._events(entry["id"]),
            "body": asdict(shown) if shown else None,
            "answer": entry["answer"],
        }

    def _events(self, number: int) -> list[dict[str, Any]]:
        with self._reader.connection() as connection:
            condition = ("request = ?", (number,))
            return read_rows(connection, condition, MAX_EVENTS, newest_first=False)

    async def rejected(self, request: Request) -> Response:
        """Return the newest requests that a rule refused, as a whole or in part, newest first."""
        limit = number(request, "limit", 100, MAX_REQUESTS)
        found = await run_in_threadpool(self._store.rejected, limit, vendor=vendor(request, NAMES))
        return json_response({"rejected": [with_text_times(entry) for entry in found]})


def with_text_times(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its time as a string, which JavaScript does not round."""
    return {**entry, "time_ns": str(entry["time_ns"])}
