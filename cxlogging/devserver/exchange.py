"""One HTTP exchange on ASGI: reading a body within bounds, and the ways to answer or not to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, TypeAlias, cast

from ..vendors.emulation.types import ApiAnswer
from .guard import SECURITY_HEADERS
from .protocol import CONNECTION, Connection

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_TIMEOUT = 60.0
"""Seconds for the whole body of a request."""

STALL_TIMEOUT = 60.0
"""Seconds after which a client that takes nothing of a stream is cut: it holds up a query."""

LINGER_BYTES = 64 * 1024 * 1024
LINGER_SECONDS = 2.0


class BodyTooLargeError(Exception):
    """The body is, or says that it is, above the limit."""


class BodyTimeoutError(Exception):
    """The body did not come in time."""


class DisconnectedError(Exception):
    """The client left before its body was complete."""


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method = str(scope["method"])
        self.path = scope["raw_path"].decode("latin-1")
        self.headers = headers_of(scope)
        self._connection = cast("Connection", scope[CONNECTION])
        self._receive, self._send = receive, send
        self._began = time.perf_counter()

    def elapsed_ms(self) -> float:
        """Milliseconds since the head of the request was read."""
        return round((time.perf_counter() - self._began) * 1000, 3)

    async def body(self, limit: int) -> bytes:
        """
        The whole body.

        Raises `BodyTooLargeError` as soon as it is known to be above *limit* bytes: from
        Content-Length before the first of them is read, else while they come.
        """
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > limit:
            raise BodyTooLargeError
        try:
            return await asyncio.wait_for(self._collect(limit), BODY_TIMEOUT)
        except asyncio.TimeoutError:
            raise BodyTimeoutError from None

    async def _collect(self, limit: int) -> bytes:
        parts = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            parts += message.get("body", b"")
            if len(parts) > limit:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return bytes(parts)

    async def answer(self, answer: ApiAnswer) -> None:
        """Send *answer*."""
        await self._send(self._start(answer))
        await self._send({"type": "http.response.body", "body": self._content(answer)})

    async def answer_early(self, answer: ApiAnswer) -> None:
        """
        Send *answer* while the body is still coming, and end the connection.

        The rest is thrown away for a while: closing at once would reset the connection, and the
        client might lose the answer with it.
        """
        start = self._start(answer, connection="close")
        await self._send(start)
        await self._send(
            {"type": "http.response.body", "body": self._content(answer), "more_body": True}
        )
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drain(), LINGER_SECONDS)
        await self._send({"type": "http.response.body", "body": b""})

    async def _drain(self) -> None:
        left = LINGER_BYTES
        while left > 0:
            message = await self._receive()
            left -= len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return

    async def stream(self, answer: ApiAnswer, parts: AsyncIterator[bytes]) -> None:
        """Send *answer* with a body of *parts*, until the client leaves; then close *parts*."""
        start = self._start(answer)
        start["headers"] = [each for each in start["headers"] if each[0] != b"content-length"]
        left = asyncio.ensure_future(self.until_left())
        try:
            await self._send(start)
            while (part := await _first(anext(parts, None), left)) is not None:
                message = {"type": "http.response.body", "body": part, "more_body": True}
                await asyncio.wait_for(self._send(message), STALL_TIMEOUT)
            if not left.done():
                await self._send({"type": "http.response.body", "body": b""})
        except asyncio.TimeoutError:
            self._connection.reset()
        finally:
            left.cancel()

    async def trickle(self, answer: ApiAnswer, seconds: float) -> None:
        """Send *answer*, its head included, one byte each *seconds*; then close."""
        for byte in self._as_bytes(answer):
            if not self._connection.write(bytes([byte])):
                break
            await asyncio.sleep(seconds)
        self._connection.close()
        await self.until_left()

    async def reset(self) -> None:
        """Cut the connection without an answer."""
        self._connection.reset()
        await self.until_left()

    async def until_left(self) -> None:
        """Wait for the client to leave."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _start(self, answer: ApiAnswer, **more: str) -> dict[str, Any]:
        return {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in {**_headers(answer), **more}.items()
            ],
        }

    def _content(self, answer: ApiAnswer) -> bytes:
        return b"" if self.method == "HEAD" else answer.body

    def _as_bytes(self, answer: ApiAnswer) -> bytes:
        known = answer.status in set(HTTPStatus)
        phrase = HTTPStatus(answer.status).phrase if known else ""
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{k}: {v}" for k, v in {**_headers(answer), "connection": "close"}.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + answer.body


async def _first(part: Awaitable[bytes | None], left: asyncio.Future[None]) -> bytes | None:
    """What *part* gives, or None once the client has left."""
    making = asyncio.ensure_future(part)
    either: set[asyncio.Future[Any]] = {making, left}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if making.done():
        return making.result()
    making.cancel()
    return None


def _headers(answer: ApiAnswer) -> Mapping[str, str]:
    return {
        **SECURITY_HEADERS,
        "date": formatdate(usegmt=True),
        "content-length": str(len(answer.body)),
        **answer.headers,
    }


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request: names in lower case, repeated ones joined by commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
