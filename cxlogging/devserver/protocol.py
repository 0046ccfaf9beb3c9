"""
uvicorn's HTTP/1.1 protocol, without logging, with a timeout for headers, and able to reset.

uvicorn's log records would reach the handlers of the application under test, so they go to a
logger outside of the hierarchy; no logger of the process is changed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTION = "cxlogging.connection"
"""Key of the ASGI scope for the `Connection`."""

HEADER_TIMEOUT = 5.0
"""Seconds for the head of a request, from its first byte or from the connection."""

HEAD_LIMIT = 16 * 1024
CONNECTIONS = 256


class QuietConfig(uvicorn.Config):
    """uvicorn's settings, which leave `logging` alone."""

    def configure_logging(self) -> None:
        """Configure nothing."""


class Connection:
    """The transport of a connection, for answers that ASGI cannot express."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def reset(self) -> None:
        """Reset the connection with RST, as a crashed peer or a firewall does."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def write(self, data: bytes) -> bool:
        """Send *data* as it is; return False where the connection is closed."""
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def close(self) -> None:
        """Close the connection once everything is sent."""
        self._transport.close()


class DevProtocol(H11Protocol):
    """The protocol of one connection of the local server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _silent_logger()
        self.access_log = False
        self._timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Add the `Connection` to the scope, and start the timeout of the first request."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # asyncio itself does so only where the listening socket names its protocol.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inner = self.app
        connection = Connection(transport)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[CONNECTION] = connection
            await inner(scope, receive, send)

        self.app = app
        self._update_timeout()

    def data_received(self, data: bytes) -> None:
        """Parse the data; start or stop the timeout for the head of a request."""
        super().data_received(data)
        self._update_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        self._stop_timeout()
        super().connection_lost(exc)

    def _update_timeout(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_timeout()
        elif self._timeout is None:
            self._timeout = self.loop.call_later(HEADER_TIMEOUT, self.transport.abort)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


def _silent_logger() -> logging.Logger:
    logger = logging.Logger("cxlogging.devserver", logging.CRITICAL + 1)  # noqa: LOG001 - outside of the hierarchy
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger


def config(app: Any) -> uvicorn.Config:
    """Return the settings with which `DevProtocol` serves *app*."""
    chosen = QuietConfig(
        app,
        log_config=None,
        http=DevProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=HEAD_LIMIT,
    )
    chosen.load()
    # Without the middleware that uvicorn adds where the root logger has a low level.
    chosen.loaded_app = app
    return chosen
