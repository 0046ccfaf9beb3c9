"""
The MCP server: the tools, for one source of logs, with the official SDK.

It is the SDK's low-level server, since the other one configures the root logger.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from .. import __version__
from .source import LogSource
from .tools import BUDGET, INSTRUCTIONS, TOOLS, call

READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def build(source: LogSource, budget: int = BUDGET) -> Server[Any]:
    """Return a server whose tools read *source*, with answers of at most *budget* characters."""
    declared = [
        Tool(
            name=name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.schema,
            annotations=READ_ONLY,
        )
        for name, tool in TOOLS.items()
    ]

    async def list_tools(
        context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        del context, params
        return ListToolsResult(tools=declared)

    async def call_tool(
        context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        del context
        work = partial(call, source, params.name, params.arguments or {}, budget)
        text, is_error = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)

    return Server(
        "cxlogging",
        version=__version__,
        title="Logs of the application",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def run_stdio(source: LogSource, budget: int = BUDGET) -> None:
    """Serve on stdin and stdout until stdin ends."""
    server = build(source, budget)

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)
