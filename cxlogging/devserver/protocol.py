"""
uvicorn's HTTP/1.1 protocol, made quiet, impatient with slow headers, and able to be rude.

The records of uvicorn would land in the handlers of the application under test, so they go to a
logger that belongs to no tree; no logger of the process is touched.
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
"""Key of the scope under which the application finds its `Connection`."""

HEADER_TIMEOUT = 5.0
"""Seconds for the head of a request, from its first byte or from the connection."""

HEAD_LIMIT = 16 * 1024
CONNECTIONS = 256


class QuietConfig(uvicorn.Config):
    """uvicorn's settings, without its hand on `logging`."""

    def configure_logging(self) -> None:
        """Leave every logger as it is."""


class Connection:
    """The transport of one connection, for answers that HTTP libraries refuse to send."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def reset(self) -> None:
        """Cut the line with RST, as a crashed peer or a firewall does."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def write(self, data: bytes) -> bool:
        """Send *data* as it is; False when the peer is gone."""
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def close(self) -> None:
        """End the connection when all is sent."""
        self._transport.close()


class DevProtocol(H11Protocol):
    """One connection of the local server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _silent()
        self.access_log = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the application this connection, and start the clock of the first request."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # asyncio does so itself only where the listening socket names its protocol.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inner = self.app
        connection = Connection(transport)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[CONNECTION] = connection
            await inner(scope, receive, send)

        self.app = app
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Read on; start or stop the clock of a request's head."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_watch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_watch()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_TIMEOUT, self.transport.abort)

    def _stop_watch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _silent() -> logging.Logger:
    logger = logging.Logger("cxlogging.devserver", logging.CRITICAL + 1)  # noqa: LOG001 - no tree
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger


def config(app: Any) -> uvicorn.Config:
    """The settings under which `DevProtocol` serves *app*."""
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
    # Without the layer that uvicorn adds to log messages where the level of the root is low.
    chosen.loaded_app = app
    return chosen
