"""The Streamable HTTP transport, as the local server serves it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from .local import LocalSource
from .server import build


async def serve(url: str, scope: Scope, receive: Receive, send: Send) -> None:
    """
    Serve one request with the tools for the local server at *url*.

    Nothing is kept between requests, so there is nothing to stop.
    """
    manager = StreamableHTTPSessionManager(_server(url), json_response=True, stateless=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)


@lru_cache(maxsize=8)
def _server(url: str) -> Server[Any]:
    return build(LocalSource(url))
