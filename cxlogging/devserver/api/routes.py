"""Everything that the local server serves beside the vendors' APIs: the JSON API and the page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...mcp.endpoint import PATH, McpEndpoint
from ...vendors.registry import VENDORS, Vendor
from .. import page
from ..events.reader import TooSlowError
from ..events.selection import SelectionError
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
        *page.routes(),
        Route("/api/health", _health),
        Route("/api/vendors", _vendors),
        Route("/api/token", _token(context.token)),
        Route(PATH, McpEndpoint()),
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
    """Return every vendor: names, the fields that its handler writes, a line that makes one."""
    del request
    return json_response({"vendors": VENDORS_SHOWN})


def _example(vendor: Vendor) -> str:
    chosen = vendor.profile.demo_arguments.items()
    arguments = ['"any-key"', *(f"{name}={json.dumps(value)}" for name, value in chosen)]
    return f"cxlogging.{vendor.handler_name}({', '.join(arguments)})"


VENDORS_SHOWN = [
    {
        "name": vendor.name,
        "title": vendor.title,
        "fields": sorted(vendor.profile.handler_fields),
        "context": sorted(vendor.profile.own_context),
        "example": _example(vendor),
    }
    for vendor in VENDORS.values()
]
