"""The transport that publishes items to a stream, and what its answers mean for them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from nats.aio.client import Client
from nats.js.client import JetStreamContext

from ...wire.http import Action, Verdict
from ...wire.system_clock import monotonic
from ..http.interface import ItemTransport
from ..queue.queue import Item, ItemOrigin
from .address import Address, Login
from .connection import StreamConnection
from .failures import StreamError, stream_error
from .loop import LOOP, run_here
from .message import HEADER_BYTES, MESSAGE_BYTES, Outgoing, cut, header_bytes

WINDOW = 16
"""Messages that wait for their acknowledgement, at most."""

ANSWER_SECONDS = 1.0
"""How long the first publish waits for its acknowledgement; each that waits in vain doubles it."""

LONGEST_ANSWER_SECONDS = 16.0
MOST_TIMEOUTS = 2
"""So often in a row no acknowledgement comes before another server is asked."""

PING_SECONDS = 20.0
"""Between two pings: a server that stands still is noticed by what it does not acknowledge."""


class StreamTransport(ItemTransport):
    """
    Publishes items to a stream; used by several workers at once.

    Args:
        address: The stream.
        login: To its servers.
        vendor: Whose items these are.
        headers: The same in all messages.
    """

    def __init__(
        self, address: Address, login: Login, vendor: str, headers: Mapping[str, str]
    ) -> None:
        self._address = address
        self._login = login
        self._subject = address.items_subject(vendor)
        self._headers = headers
        self._run = new_run()
        self._connection = self._new_connection()
        self._patience = ANSWER_SECONDS
        self._timeouts = 0

    def _new_connection(self) -> StreamConnection:
        return StreamConnection(self._address, self._login, ping_seconds=PING_SECONDS)

    def origin(self, number: int) -> ItemOrigin:
        if number < 0:
            return ItemOrigin(new_run(), 0)
        return ItemOrigin(self._run, number)

    def publish(
        self, items: Sequence[Item], origins: Sequence[ItemOrigin], seconds: float
    ) -> tuple[Verdict, int]:
        plain = [(level, data) for level, data, _ in items]
        if LOOP.is_usable():
            kept = self._connection
            return LOOP.run(lambda: self._publish(kept, plain, origins, seconds), seconds)
        return run_here(lambda: self._publish_once(plain, origins, seconds), seconds)

    def close(self) -> None:
        LOOP.close(self._connection)

    async def _publish_once(
        self, items: Sequence[tuple[int, bytes]], origins: Sequence[ItemOrigin], seconds: float
    ) -> tuple[Verdict, int]:
        connection = self._new_connection()
        try:
            return await self._publish(connection, items, origins, seconds)
        finally:
            await connection.close()

    async def _publish(
        self,
        connection: StreamConnection,
        items: Sequence[tuple[int, bytes]],
        origins: Sequence[ItemOrigin],
        seconds: float,
    ) -> tuple[Verdict, int]:
        end = monotonic() + seconds
        try:
            client = await connection.client()
        except StreamError as refused:
            return _verdict([], {}, refused), 0
        if connection is self._connection:
            LOOP.opened(connection)
        room = client.max_payload - HEADER_BYTES - header_bytes(self._headers)
        size = min(MESSAGE_BYTES, max(room, 1))
        messages = list(cut(items, origins, self._headers, size))
        window = _Window(client.jetstream(), self._address, self._subject, self._patience)
        await window.publish(messages, client.max_payload, end)
        await self._learn(connection, window)
        error = await self._explained(client, connection, window.error)
        sent = sum(len(each.payload) for each in messages if each.begin in window.acknowledged)
        return _verdict(messages, window.outcomes(error), error), sent

    async def _learn(self, connection: StreamConnection, window: _Window) -> None:
        """Wait longer, or ask another server, where no acknowledgement came."""
        if window.acknowledged:
            self._timeouts = 0
            self._patience = max(ANSWER_SECONDS, min(self._patience, 4 * window.slowest))
        if window.timed_out:
            self._timeouts += 1
            self._patience = min(2 * self._patience, LONGEST_ANSWER_SECONDS)
            if self._timeouts >= MOST_TIMEOUTS:
                self._timeouts = 0
                await connection.lose()

    async def _explained(
        self, client: Client, connection: StreamConnection, error: StreamError | None
    ) -> StreamError | None:
        """Return *error* with its cause, where the servers can be asked for it."""
        if error is None or error.code not in {0, 503}:
            return error
        if refusal := connection.refusal:
            return refusal
        if error.code == 503:
            try:
                await client.jetstream(timeout=ANSWER_SECONDS).stream_info(self._address.stream)
            except Exception as found:
                return stream_error(found, self._address)
        return error


class _Window:
    """Messages that are published side by side, and what came of each."""

    def __init__(
        self, stream: JetStreamContext, address: Address, subject: str, patience: float
    ) -> None:
        self._stream = stream
        self._address = address
        self._subject = subject
        self._patience = patience
        self._free = asyncio.Semaphore(WINDOW)
        self.acknowledged: set[int] = set()
        self.too_large: dict[int, str] = {}
        self.error: StreamError | None = None
        self.timed_out = False
        self.slowest = 0.0
        self._messages: Sequence[Outgoing] = ()

    async def publish(self, messages: Sequence[Outgoing], most: int, end: float) -> None:
        """Publish *messages* of at most *most* bytes, until monotonic *end*."""
        self._messages = messages
        await asyncio.gather(*[self._one(each, most, end) for each in messages])

    async def _one(self, message: Outgoing, most: int, end: float) -> None:
        if message.size > most:
            self.too_large[message.begin] = (
                f"the item has {len(message.payload):,} bytes, and the servers of"
                f" {self._address.stream} take {most:,} with the headers (max_payload)"
            )
            return
        async with self._free:
            began = monotonic()
            left = end - began
            # What is smaller could overtake, where a full stream has no room for the others.
            if self.error is not None or left <= 0:
                return
            try:
                await self._stream.publish(
                    self._subject,
                    message.payload,
                    timeout=min(self._patience, left),
                    stream=self._address.stream,
                    headers=dict(message.headers),
                )
            except Exception as error:
                self.timed_out = self.timed_out or isinstance(error, asyncio.TimeoutError)
                self.error = self.error or stream_error(error, self._address)
            else:
                self.acknowledged.add(message.begin)
                self.slowest = max(self.slowest, monotonic() - began)

    def outcomes(self, error: StreamError | None) -> dict[int, tuple[Action, str]]:
        """Return what becomes of each item that the stream has not taken, and why."""
        found: dict[int, tuple[Action, str]] = {}
        for message in self._messages:
            if message.begin in self.acknowledged:
                continue
            large = self.too_large.get(message.begin)
            reason = large or str(error or "no time was left")
            action = Action.REFUSED if large else Action.RETRY
            found.update(dict.fromkeys(range(message.begin, message.end), (action, reason)))
        return found


def _verdict(
    messages: Sequence[Outgoing],
    outcomes: Mapping[int, tuple[Action, str]],
    error: StreamError | None,
) -> Verdict:
    """Return the verdict on a batch; one for all of it where the stream took nothing."""
    count = messages[-1].end if messages else 0
    cure = error.cure if error else ""
    waits = [action is Action.RETRY for action, _ in outcomes.values()]
    if error is not None and len(waits) == count and all(waits):
        action = Action.HOLD if error.needs_fix else Action.RETRY
        return Verdict(action, str(error), cure=cure)
    return Verdict(Action.DELIVERED, items=outcomes, cure=cure)


def new_run() -> str:
    """Return what tells the items of one run from those of any other."""
    return os.urandom(8).hex()
