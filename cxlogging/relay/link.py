"""The relay's connection to the servers of its stream, and the operations that it needs of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import Header

from ..delivery.nats.address import Address, Login
from ..delivery.nats.connection import StreamConnection
from ..delivery.nats.failures import StreamError, stream_error

Result = TypeVar("Result")

ANSWER_SECONDS = 2.0
"""For an answer of JetStream."""

MOST_SILENT = 2
"""So many operations without an answer, and another server is tried."""

CONFLICTS = frozenset({10071, 10164})
"""JetStream's numbers for: somebody else has written in between."""


class Entry(NamedTuple):
    """A value of a bucket, and its revision; 0 is none."""

    value: bytes = b""
    revision: int = 0


class Link:
    """
    A connection that is opened again when it is lost, or does not answer.

    Every method raises `StreamError` where an operation fails. As an asynchronous context manager
    it closes itself.

    Args:
        address: The servers and the stream.
        login: What it shows to the servers.
        name: Shown by the servers' monitoring.
    """

    def __init__(self, address: Address, login: Login, name: str = "cxlogging-relay") -> None:
        self.address = address
        self._login, self._name = login, name
        self._connection = StreamConnection(address, login, name=name)
        self._client: object = None
        self._js: JetStreamContext | None = None
        self._silent = 0

    async def __aenter__(self) -> Link:  # noqa: PYI034 - typing.Self came with 3.11
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def js(self) -> JetStreamContext:
        """Return JetStream over the connection, which is open now."""
        client = await self._connection.client()
        if self._js is None or client is not self._client:
            self._client, self._js = client, client.jetstream(timeout=ANSWER_SECONDS)
            self._silent = 0
        return self._js

    async def client(self) -> Client:
        """Return the client, which is connected now."""
        client: Client = await self._connection.client()
        return client

    def one_by_one(self) -> list[Link]:
        """Return a connection to each server of the address alone, not opened yet."""
        servers = self.address.servers if len(self.address.servers) > 1 else ()
        alone = [self.address._replace(servers=(server,)) for server in servers]
        return [Link(address, self._login, self._name) for address in alone]

    async def lose(self) -> None:
        """Give the connection up, as the server does not answer; the next one is another's."""
        await self._connection.lose()

    async def call(self, operation: Callable[[JetStreamContext], Awaitable[Result]]) -> Result:
        """Return what *operation* returns."""
        js = await self.js()
        try:
            result = await operation(js)
        except StreamError:
            raise
        except asyncio.TimeoutError as error:
            await self._count_silence(js)
            raise self._connection.refusal or stream_error(error, self.address) from error
        except Exception as error:
            raise stream_error(error, self.address) from error
        self._silent = 0
        return result

    async def find(
        self, operation: Callable[[JetStreamContext], Awaitable[Result]]
    ) -> Result | None:
        """Return what *operation* returns; None where the servers do not have what it names."""
        try:
            return await self.call(operation)
        except StreamError as error:
            if isinstance(error.__cause__, nats.js.errors.NotFoundError):
                return None
            raise

    async def _count_silence(self, js: JetStreamContext) -> None:
        if js is self._js:
            self._silent += 1
            if self._silent >= MOST_SILENT:
                await self._connection.lose()

    async def publish(
        self, subject: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        """Publish to a stream, and wait until it is stored."""
        await self.call(
            lambda js: js.publish(subject, body, timeout=ANSWER_SECONDS, headers=headers)
        )

    async def send(self, subject: str, body: bytes) -> None:
        """Publish without waiting, such as a sign that a message is still worked on."""
        client = await self._connection.client()
        with contextlib.suppress(Exception):  # a connection that ends is noticed elsewhere
            await client.publish(subject, body)

    async def acknowledge(self, reply: str) -> None:
        """Acknowledge the message with this *reply* subject, and wait until that is stored."""
        client = await self._connection.client()
        await self.call(lambda _: client.request(reply, b"+ACK", timeout=ANSWER_SECONDS))

    async def get(self, bucket: str, key: str) -> Entry:
        """Return the newest value of *key* in *bucket*."""
        stream, subject = f"KV_{bucket}", f"$KV.{bucket}.{key}"
        found = await self.find(lambda js: js.get_last_msg(stream, subject, direct=True))
        return Entry() if found is None else Entry(found.data or b"", found.seq or 0)

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        """Set the value of *key* in *bucket*."""
        await self.publish(f"$KV.{bucket}.{key}", value)

    async def replace(self, bucket: str, key: str, value: bytes, revision: int) -> bool:
        """Set the value of *key* unless its *revision* is another one by now: then return False."""
        headers = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(revision)}
        try:
            await self.publish(f"$KV.{bucket}.{key}", value, headers)
        except StreamError as error:
            if error.code in CONFLICTS:
                return False
            raise
        return True

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
