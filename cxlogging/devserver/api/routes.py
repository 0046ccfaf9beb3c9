"""Everything that the local server serves beside the vendors' APIs: the JSON API and the page."""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...vendors.registry import VENDORS
from ..events.reader import TooSlowError
from ..events.selection import SelectionError
from ..guard import SECURITY_HEADERS
from ..query.pool import BusyError
from .answers import (
    error_response,
    json_response,
    query_error_response,
    unavailable_response,
)
from .context import ApiContext
from .events import EventsApi
from .faults import FaultsApi
from .requests import RequestsApi
from .rows import RowsApi
from .statistics import StatisticsApi
from .stream import StreamApi
from .transfer import TransferApi

PAGE = Path(__file__).parents[1] / "page"
ENDPOINTS = (
    EventsApi, RowsApi, StatisticsApi, RequestsApi, StreamApi, FaultsApi, TransferApi,
)  # fmt: skip
HANDLERS = {
    HTTPException: error_response,
    SelectionError: query_error_response,
    BusyError: unavailable_response,
    TooSlowError: unavailable_response,
}
"""By the class of an exception what answers it."""


def build(context: ApiContext) -> Starlette:
    """Return the application for everything that is not an API of a vendor."""
    routes = [
        *_page(),
        Route("/api/health", _health),
        Route("/api/vendors", _vendors),
        Route("/api/token", _token(context.token)),
        *(route for endpoints in ENDPOINTS for route in endpoints(context).routes()),
    ]
    app = Starlette(routes=routes, exception_handlers=HANDLERS)
    # A path with a trailing slash is another path.
    app.router.redirect_slashes = False
    return app


async def _health(request: Request) -> Response:
    """Return a success while the server runs."""
    del request
    return json_response({"status": "ok"})


def _token(token: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        """Return what the page sends with each change; other sites cannot read it."""
        del request
        return json_response({"token": token})

    return show


async def _vendors(request: Request) -> Response:
    """Return every vendor: its names, and the fields that its handler writes into every event."""
    del request
    return json_response({"vendors": VENDORS_SHOWN})


VENDORS_SHOWN = [
    {
        "name": vendor.name,
        "title": vendor.title,
        "fields": sorted(vendor.profile.handler_fields),
        "context": sorted(vendor.profile.own_context),
    }
    for vendor in VENDORS.values()
]


def _page() -> Iterator[Route]:
    """Yield a route for each file of the page: read once, and no other path is ever opened."""
    yield Route("/", _file(PAGE / "index.html"))
    for path in sorted(PAGE.rglob("*")):
        if path.suffix in (".js", ".css", ".svg"):
            yield Route(f"/page/{path.relative_to(PAGE).as_posix()}", _file(path))


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"

    async def show(request: Request) -> Response:
        del request
        return Response(body, 200, SECURITY_HEADERS, f"{kind}; charset=utf-8")

    return show
