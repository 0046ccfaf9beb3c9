"""Pulling messages from a durable consumer: one request at a time, bounded in bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from ..delivery.nats.failures import StreamError
from ..wire.system_clock import monotonic
from .link import Link

EXPIRES_SECONDS = 10.0
HEARTBEAT_SECONDS = 2.0
SILENT_SECONDS = 2 * HEARTBEAT_SECONDS + 1
"""Without a message or a heartbeat for so long, the server is given up."""

STATUS, DESCRIPTION = "Status", "Description"
HEARTBEAT, NOT_FOUND, EXPIRED, CONFLICT, NOBODY = "100", "404", "408", "409", "503"
TOO_LARGE = "maxbytes"
GONE = ("Consumer Deleted", "Consumer is push based")
LEFTOVER_SECONDS = 0.05


class Puller:
    """
    Messages of one consumer.

    Args:
        link: The connection.
        stream: The name of the stream.
        consumer: The name of the consumer, which exists.
    """

    def __init__(self, link: Link, stream: str, consumer: str) -> None:
        self._link = link
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._consumer = consumer
        self._client: Any = None
        self._inbox: Any = None
        self._wanted = 0
        self._expires_at = 0.0
        self._is_alone = False

    @property
    def is_done(self) -> bool:
        """Whether everything that was asked for has come, or did not come in time."""
        return self._wanted <= 0 or monotonic() >= self._expires_at

    async def next(self, count: int, size: int) -> Any:
        """
        Return the next message; None where there was none for a while.

        Args:
            count: How many to ask for, where nothing is asked for now.
            size: Bytes of these, at most; a larger message comes alone.

        Raises:
            StreamError: The server does not answer, or has no such consumer.
        """
        await self._open()
        if self.is_done:
            await self._ask(count, size)
        try:
            message = await self._inbox.next_msg(SILENT_SECONDS)
        except asyncio.TimeoutError:
            self._forget()
            raise StreamError(f"the consumer {self._consumer} did not answer in time") from None
        except Exception as error:
            self._forget()
            raise StreamError(f"the connection ended: {error}") from error
        status = (message.headers or {}).get(STATUS) if not message.data else None
        if status is None:
            self._wanted -= 1
            self._is_alone = False
            return message
        self._note(status, str((message.headers or {}).get(DESCRIPTION, "")))
        return None

    async def _open(self) -> None:
        client = await self._link.client()
        if client is self._client and self._inbox is not None:
            return
        self._forget()
        self._client = client
        self._inbox = await client.subscribe(client.new_inbox(), pending_bytes_limit=-1)

    async def _ask(self, count: int, size: int) -> None:
        if self._is_alone:
            count = 1
        request = {
            "batch": count,
            "max_bytes": size,
            "expires": int(EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
        }
        if count == 1:
            del request["max_bytes"]  # a message that is larger than all room
        body = json.dumps(request).encode()
        await self._client.publish(self._subject, body, self._inbox.subject)
        self._wanted, self._expires_at = count, monotonic() + EXPIRES_SECONDS + 1

    def _note(self, status: str, description: str) -> None:
        """Note what the server says of a request."""
        if status == HEARTBEAT:
            return
        self._wanted = 0
        if status in {NOT_FOUND, EXPIRED}:
            return
        if status == CONFLICT and not description.startswith(GONE):  # such as a new leader
            self._is_alone = TOO_LARGE in description.lower()
            return
        self._forget()
        said = "nobody answers" if status == NOBODY else description or f"status {status}"
        raise StreamError(f"the consumer {self._consumer}: {said}")

    def _forget(self) -> None:
        self._client = self._inbox = None
        self._wanted = 0

    async def close(self) -> AsyncIterator[Any]:
        """Ask for nothing more, and yield the messages that have come meanwhile."""
        inbox = self._inbox
        self._forget()
        while inbox is not None:
            with contextlib.suppress(Exception):
                message = await inbox.next_msg(LEFTOVER_SECONDS)
                if message.data:
                    yield message
                continue
            with contextlib.suppress(Exception):
                await inbox.unsubscribe()
            inbox = None
