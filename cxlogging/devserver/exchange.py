"""One HTTP exchange on ASGI: reading a body within limits, and the ways to answer."""

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
"""Seconds after which a client that does not read its answer is disconnected."""

LINGER_BYTES = 64 * 1024 * 1024
LINGER_SECONDS = 2.0


class BodyTooLargeError(Exception):
    """The body is larger than the limit, or its Content-Length says so."""


class BodyTimeoutError(Exception):
    """The body did not arrive in time."""


class DisconnectedError(Exception):
    """The client disconnected before its body was complete."""


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
        """Return the milliseconds since the head of the request was read."""
        return round((time.perf_counter() - self._began) * 1000, 3)

    async def body(self, limit: int) -> bytes:
        """
        Return the whole body.

        Raises `BodyTooLargeError` as soon as it is known to be larger than *limit* bytes: by its
        Content-Length before any of it is read, else while it is read.
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
        Send *answer* while the client still sends its body, then close the connection.

        The rest of the body is discarded for a while: closing at once would reset the connection,
        and the client might lose the answer.
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
        """Send *answer* with *parts* as its body, until the client disconnects."""
        start = self._start(answer)
        start["headers"] = [each for each in start["headers"] if each[0] != b"content-length"]
        left = asyncio.ensure_future(self.disconnected())
        try:
            await self._send(start)
            while (part := await _part_or_none(anext(parts, None), left)) is not None:
                message = {"type": "http.response.body", "body": part, "more_body": True}
                await asyncio.wait_for(self._send(message), STALL_TIMEOUT)
            if not left.done():
                await self._send({"type": "http.response.body", "body": b""})
        except asyncio.TimeoutError:
            self._connection.reset()
        finally:
            left.cancel()

    async def trickle(self, answer: ApiAnswer, seconds: float) -> None:
        """Send *answer* byte by byte, with a pause of *seconds* after each; then close."""
        for byte in self._as_bytes(answer):
            if not self._connection.write(bytes([byte])):
                break
            await asyncio.sleep(seconds)
        self._connection.close()
        await self.disconnected()

    async def reset(self) -> None:
        """Reset the connection without an answer."""
        self._connection.reset()
        await self.disconnected()

    async def disconnected(self) -> None:
        """Wait until the client has disconnected."""
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


async def _part_or_none(part: Awaitable[bytes | None], left: asyncio.Future[None]) -> bytes | None:
    """Return the part, or None once the client has disconnected."""
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
    """Return the headers of a request: names in lower case, repeated ones joined by commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
