"""The SDK's own client, against the tools by each transport."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import cxlogging
from cxlogging.devserver import DevServer

COMMAND = [sys.executable, "-m", "cxlogging"]


class Assistant:
    """
    A client of MCP, as a coding assistant has one.

    Args:
        connect: Returns what the SDK's `Client` takes.
        mode: ``legacy`` for the handshake of the protocol until 2025, as most assistants have it.
    """

    def __init__(self, connect: Callable[[], Any], mode: str = "auto") -> None:
        self._connect, self._mode = connect, mode

    def tools(self) -> dict[str, Any]:
        """Return the tools by name."""

        async def ask(client: Any) -> Any:
            return (await client.list_tools()).tools

        return {tool.name: tool for tool in self._asked(ask)}

    def instructions(self) -> str:
        async def ask(client: Any) -> Any:
            return client.instructions

        return self._asked(ask)

    def call(self, name: str, **arguments: Any) -> str:
        """Return the answer of a tool that must succeed."""
        text, is_error = self.result(name, **arguments)
        assert not is_error, text
        return text

    def refused(self, name: str, **arguments: Any) -> str:
        """Return the sentence of a tool that must fail."""
        text, is_error = self.result(name, **arguments)
        assert is_error, text
        return text

    def result(self, name: str, **arguments: Any) -> tuple[str, bool]:
        async def ask(client: Any) -> Any:
            return await client.call_tool(name, arguments)

        found = self._asked(ask)
        assert [each.type for each in found.content] == ["text"]
        return found.content[0].text, bool(found.is_error)

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        import anyio
        from mcp import Client

        async def run() -> Any:
            with anyio.fail_after(60):
                async with Client(self._connect(), mode=self._mode) as client:
                    return await ask(client)

        return anyio.run(run)


def over_stdio(*arguments: str, **variables: str) -> Assistant:
    """Return a client that starts `cxlogging mcp` with each call."""
    from mcp import StdioServerParameters, stdio_client

    environment = {name: held for name, held in os.environ.items() if "CX" not in name}
    started = StdioServerParameters(
        command=COMMAND[0],
        args=[*COMMAND[1:], "mcp", *arguments],
        env={**environment, **variables},
    )
    return Assistant(lambda: stdio_client(started))


def over_http(url: str, mode: str = "auto") -> Assistant:
    """Return a client of the local server's own endpoint."""
    return Assistant(lambda: f"{url}/mcp", mode)


@contextmanager
def dev_process(*arguments: str) -> Iterator[str]:
    """Run `cxlogging dev` on a free port, and give its address."""
    command = [*COMMAND, "dev", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = next(line for line in process.stdout if "http://" in line)
        # What it prints later must not fill the pipe.
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        try:
            yield "http://" + first.partition("http://")[2].strip().rstrip("/")
        finally:
            process.terminate()
            reader.join(30)


@pytest.fixture
def assistant(server: DevServer) -> Assistant:
    """Return a client of the fixture `server`, by HTTP."""
    return over_http(server.url)


@contextmanager
def logging_to(url: str, vendor: str = "coralogix", **options: Any) -> Iterator[logging.Logger]:
    """Give a logger whose records a handler sends to *url*, all before the end."""
    handlers: dict[str, Callable[..., Any]] = {
        "coralogix": lambda: cxlogging.CoralogixHandler(
            "key", application_name="shop", subsystem_name="web", url=url, **options
        ),
        "honeycomb": lambda: cxlogging.HoneycombHandler("key", dataset="shop", url=url, **options),
        "betterstack": lambda: cxlogging.BetterStackHandler("key", url=url, **options),
    }
    handler = handlers[vendor]()
    log = logging.Logger("shop.cart", logging.DEBUG)  # noqa: LOG001 - nobody else has it
    log.addHandler(handler)
    try:
        yield log
        assert handler.flush(timeout=30)
    finally:
        handler.close()
