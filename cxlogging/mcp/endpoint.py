"""
`/mcp` of the local server: the tools, by the Streamable HTTP transport of MCP.

This module is a part of the local server; the SDK is imported with the first request.
"""

from __future__ import annotations

from importlib import import_module

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from ..devserver.api.answers import json_response
from ..devserver.guard import SECURITY_HEADERS

PATH = "/mcp"
NOT_INSTALLED = (
    "the tools for coding assistants need more packages: pip install 'cxlogging[mcp]', then start"
    " the local server again"
)
NO_PAGE = "this is an address for coding assistants, which send POST: see cxlogging mcp --help"


class McpEndpoint:
    """
    The ASGI application at `PATH`.

    Its tools read the API over HTTP, as those of `cxlogging mcp` do. Where the extra `mcp` is not
    installed, the answer says so.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            refusal = json_response({"error": NO_PAGE}, 405)
            refusal.headers["allow"] = "POST"
            return await refusal(scope, receive, send)
        try:
            # The SDK takes a second to import.
            transport = await run_in_threadpool(import_module, f"{__package__}.http")
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("cxlogging"):
                raise
            return await json_response({"error": NOT_INSTALLED}, 501)(scope, receive, send)
        await transport.serve(_own_url(scope), scope, receive, _with_headers(send))
        return None


def _own_url(scope: Scope) -> str:
    host, port = scope["server"]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _with_headers(send: Send) -> Send:
    added = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return send_with_headers
