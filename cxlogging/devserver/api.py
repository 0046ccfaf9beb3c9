"""The JSON API and the page of the local server: events, requests and faults."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..vendors.emulation.types import QUERIES
from ..vendors.registry import VENDORS
from . import page_files
from .faults import Fault, FaultPanel
from .guard import SECURITY_HEADERS
from .store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

BODY_LIMIT = 64 * 1024
MAX_ROWS = 1_000
POLL_INTERVAL = 0.1
"""Seconds between two checks of the store for an event stream."""
HEARTBEAT = 10.0
"""Seconds without a change after which an event stream sends a comment."""


def build(store: Store, faults: FaultPanel) -> Starlette:
    """The application for everything that is not an API of a vendor."""
    api = Api(store, faults)
    routes = [
        *page_files.routes(),
        Route("/api/health", api.health),
        Route("/api/vendors", api.vendors),
        Route("/api/events", api.events),
        Route("/api/counts", api.counts),
        Route("/api/requests", api.requests),
        Route("/api/stream", api.stream),
        Route("/api/clear", api.clear, methods=["POST"]),
        Route("/api/faults", api.show_faults, methods=["GET"]),
        Route("/api/faults", api.add_fault, methods=["POST"]),
        Route("/api/faults/clear", api.clear_faults, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _failed})
    # A path with a trailing slash is another path.
    app.router.redirect_slashes = False
    return app


class Api:
    """The endpoints. Every answer is a JSON object, never an array."""

    def __init__(self, store: Store, faults: FaultPanel) -> None:
        self._store, self._faults = store, faults

    async def health(self, request: Request) -> Response:
        """Return a success while the server runs."""
        del request
        return _json({"status": "ok"})

    async def vendors(self, request: Request) -> Response:
        """Every vendor: its names, and the fields that its handler writes into every event."""
        del request
        return _json({"vendors": VENDORS_SHOWN})

    async def events(self, request: Request) -> Response:
        """Return the newest events; `before` takes `next_before` of the previous answer."""
        limit = _number(request, "limit", 100, MAX_ROWS)
        found = await run_in_threadpool(
            self._store.newest,
            limit,
            vendor=_vendor(request),
            before_id=_number(request, "before", None, 2**63 - 1),
            contains=request.query_params.get("contains", "")[:1000] or None,
        )
        more = found[-1]["id"] if len(found) == limit else None
        return _json({"events": found, "next_before": more})

    async def counts(self, request: Request) -> Response:
        """Return the number of events of each vendor, and the size of the store."""
        del request
        sizes = await run_in_threadpool(self._store.sizes)
        return _json({"counts": self._store.count(), "sizes": sizes})

    async def requests(self, request: Request) -> Response:
        """Return the newest requests, newest first."""
        limit = _number(request, "limit", 100, MAX_ROWS)
        vendor = _vendor(request, (*VENDORS, QUERIES))
        found = await run_in_threadpool(self._store.requests, limit, vendor=vendor)
        return _json({"requests": found})

    async def stream(self, request: Request) -> Response:
        """Send the number of events as server-sent events, now and after each change."""
        del request
        headers = {**SECURITY_HEADERS, "content-type": "text/event-stream"}
        return StreamingResponse(_changes(self._store), 200, headers)

    async def clear(self, request: Request) -> Response:
        """Remove all events and requests."""
        await _body(request)
        return _json({"cleared": await run_in_threadpool(self._store.clear)})

    async def show_faults(self, request: Request) -> Response:
        """Return the current faults."""
        del request
        return _json({"faults": [fault.to_json() for fault in self._faults.active()]})

    async def add_fault(self, request: Request) -> Response:
        """Add a fault, described by the attributes of `Fault`."""
        body = await _body(request)
        try:
            fault = self._faults.add(Fault.from_json(body))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return _json({"fault": fault.to_json()})

    async def clear_faults(self, request: Request) -> Response:
        """Remove all faults."""
        await _body(request)
        return _json({"cleared": self._faults.clear()})


VENDORS_SHOWN = [
    {
        "name": vendor.name,
        "title": vendor.title,
        "fields": sorted(vendor.profile.handler_fields),
        "context": sorted(vendor.profile.own_context),
    }
    for vendor in VENDORS.values()
]


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


def _number(request: Request, name: str, default: int | None, maximum: int) -> Any:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) > 0):
        raise HTTPException(400, f"{name} must be a whole number from 1")
    return min(int(text), maximum)


def _vendor(request: Request, known: tuple[str, ...] = tuple(VENDORS)) -> str | None:
    vendor = request.query_params.get("vendor", "")
    if vendor and vendor not in known:
        raise HTTPException(400, f"vendor must be one of {', '.join(known)}")
    return vendor or None


async def _body(request: Request) -> Mapping[str, Any]:
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_LIMIT:
            raise HTTPException(413, f"the body is larger than {BODY_LIMIT} bytes")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return value


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    # ASCII, so that a lone surrogate in an event cannot break the answer.
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, SECURITY_HEADERS, "application/json")


async def _failed(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, HTTPException):
        raise error
    answer = _json({"error": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer
