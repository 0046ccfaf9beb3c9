"""
One delivery for each destination, as a handler has it: its queue is fed from the stream.

Requests, verdicts, splitting, backoff, compression and masking are the delivery's own. What
differs is the queue, whose items belong to messages, and the transport, which keeps to the rate
limit that all relays share.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import NamedTuple

from ...delivery.clock import Clocks
from ...delivery.delivery import Delivery
from ...delivery.http.interface import Transport, TransportError
from ...delivery.http.setup import transport_maker
from ...delivery.ledger import Stats
from ...delivery.nats.failures import StreamError
from ...delivery.options import Options
from ...delivery.process.registry import unregister
from ...delivery.queue.memory import MemoryQueue
from ...delivery.queue.queue import Item
from ...delivery.worker.backoff import RETRY_AFTER_MAXIMUM, retry_after
from ...wire.destination import Destination
from ...wire.http import Request, Response
from ..config import HOLDS, DestinationEntry
from ..leases import RateLease
from .held import PLACES, HeldMessage, by_message

LIMITED = frozenset({429, 503})
"""Statuses whose Retry-After all relays keep to."""

LOOK_SECONDS = 0.5
"""From one look at the gate to the next, while a request waits for its turn."""


LOST = "the connection to the stream was lost for too long: other relays have the messages"


class SettledItems(NamedTuple):
    """
    Items that have their outcome.

    Attributes:
        message: The message that they are from.
        indexes: Theirs in there.
        is_last: All other items of the message have their outcome too.
        gate: Of their delivery, whose `RequestGate.remembered` is called once their outcome is
            stored; None where no delivery had them.
    """

    message: HeldMessage
    indexes: Sequence[int] = ()
    is_last: bool = True
    gate: RequestGate | None = None


class RequestGate:
    """
    Whether requests may be sent.

    Not while a relay stops or has lost its connection, and not before it is remembered what came
    of the last one: if the relay ends, one batch arrives twice, and not two.

    Args:
        is_lost: Returns whether other relays may have the messages by now.
    """

    def __init__(self, is_lost: Callable[[], bool]) -> None:
        self.closed = ""
        self._is_lost = is_lost
        self._unknown = 0
        self._changed = threading.Condition()

    def close(self, reason: str) -> None:
        """Let no request begin; *reason* says why."""
        with self._changed:
            self.closed = self.closed or reason
            self._changed.notify_all()

    def check(self) -> None:
        """
        Raise where no request may begin.

        Raises:
            TransportError: Its text says why.
        """
        if self.closed:
            raise TransportError(self.closed)
        if self._is_lost():
            raise TransportError(LOST)

    def settled(self) -> None:
        """Note that items have their outcome, which is not remembered yet."""
        with self._changed:
            self._unknown += 1

    def remembered(self) -> None:
        """Note that the outcome of such items is remembered."""
        with self._changed:
            self._unknown -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Return whether all outcomes are remembered within so many *seconds*."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or not self._unknown, seconds)
            return not self._unknown


class MessageQueue(MemoryQueue):
    """
    A queue in memory whose items are safe in the stream until they are settled.

    Args:
        options: As a queue takes them; nothing is ever refused.
        clock: As a queue takes it.
        evicted: Never called.
        lock: The delivery's lock.
        gate: Of the delivery.
        settled: Called on a worker, under the lock, with items that have their outcome.
    """

    def __init__(
        self,
        options: Options,
        clock: Clocks,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
        gate: RequestGate,
        settled: Callable[[SettledItems], None],
    ) -> None:
        super().__init__(options, clock, evicted, lock)
        self._gate = gate
        self._on_settled = settled
        self._held: dict[int, HeldMessage] = {}

    def hold(self, message: HeldMessage) -> None:
        """Note the message whose items are put next."""
        self._held[message.number] = message

    def settle(self, items: Sequence[Item]) -> None:
        super().settle(items)
        for number, indexes in by_message(items).items():
            message = self._held.get(number)
            if message is None:
                continue
            is_last = message.settle(len(indexes))
            if is_last:
                del self._held[number]
            self._gate.settled()
            self._on_settled(SettledItems(message, indexes, is_last, self._gate))

    def reject(self, item: Item, reason: str) -> None:
        """Note the reason; the message's dead letters are written before it is acknowledged."""
        number, index = divmod(item[2], PLACES)
        if (message := self._held.get(number)) is not None:
            message.reject(index, reason)

    def drop_volatile(self) -> list[Item]:
        """Return nothing: all items are in the stream."""
        return []

    def fold(self) -> bool:
        """Compress nothing: what is fetched is bounded."""
        return False

    @property
    def spooled(self) -> int:  # type: ignore[override] # a constant of the queue in memory
        """All of them are in the stream."""
        return len(self)


class LeasedTransport:
    """
    Sends requests at the rate that all relays share, and while its gate is open.

    Args:
        inner: Sends them.
        destination: Tells what an answer asks for.
        lease: The destination's rate limit.
        gate: Open while requests may be sent.
        loop: The loop of the lease.
        clock: The clocks.
    """

    def __init__(
        self,
        inner: Transport,
        destination: Destination,
        lease: RateLease,
        gate: RequestGate,
        loop: asyncio.AbstractEventLoop,
        clock: Clocks,
    ) -> None:
        self._inner = inner
        self._destination = destination
        self._lease = lease
        self._gate = gate
        self._loop = loop
        self._clock = clock

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        self._await_turn(seconds)
        self._gate.check()
        response = self._inner.send(request, encoding, seconds)
        if response.status in LIMITED:
            pause = retry_after(response.headers, self._clock.wall())
            if pause is None and response.status == 429:
                pause = self._destination.interpret(response, 1).wait
            if pause:
                pause = min(pause, RETRY_AFTER_MAXIMUM)
                asyncio.run_coroutine_threadsafe(self._pause(pause), self._loop)
        return response

    def _await_turn(self, seconds: float) -> None:
        if not self._gate.wait(seconds):
            raise TransportError(self._gate.closed or "what was delivered cannot be remembered")
        turn: Future[None] = asyncio.run_coroutine_threadsafe(self._lease.acquire(), self._loop)
        deadline = self._clock.monotonic() + seconds
        while not self._gate.closed and self._clock.monotonic() < deadline:
            if not wait([turn], LOOK_SECONDS).done:
                continue
            if error := turn.exception():
                raise TransportError(f"the rate limit cannot be read: {error!r}")
            return
        turn.cancel()
        raise TransportError(self._gate.closed or "the rate limit left no room for a request")

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(StreamError):  # this relay keeps to it in any case
            await self._lease.pause(seconds)

    def close(self) -> None:
        self._inner.close()


class DestinationLane:
    """
    The delivery of one destination.

    Args:
        entry: How it is reached.
        destination: The vendor's destination.
        lease: Its rate limit.
        loop: The relay's loop.
        settled: Called on the loop's thread with items that have their outcome.
        is_lost: Returns whether other relays may have the messages by now; called by workers.
    """

    def __init__(
        self,
        entry: DestinationEntry,
        destination: Destination,
        lease: RateLease,
        loop: asyncio.AbstractEventLoop,
        settled: Callable[[SettledItems], None],
        is_lost: Callable[[], bool],
    ) -> None:
        self.entry = entry
        self.gate = RequestGate(is_lost)
        options, clock = entry.options, Clocks()
        make = transport_maker(destination, options, clock)

        def done(items: SettledItems) -> None:
            loop.call_soon_threadsafe(settled, items)

        def make_queue(
            clock: Clocks, evicted: Callable[[int], None], lock: _thread.RLock
        ) -> MessageQueue:
            self._queue = MessageQueue(options, clock, evicted, lock, self.gate, done)
            return self._queue

        self._delivery = Delivery(
            destination,
            options,
            transport=lambda: LeasedTransport(make(), destination, lease, self.gate, loop, clock),
            clock=clock,
            queue=make_queue,
        )
        # The exit must not send what another relay may have by then.
        unregister(self._delivery.workers)
        self._clock = clock
        self._used_at = clock.monotonic()
        self.held_bytes = 0

    def put(self, message: HeldMessage) -> None:
        """Deliver the items of *message* that were not delivered before."""
        queue = self._queue
        self._used_at = self._clock.monotonic()
        self.held_bytes += message.size
        queue.hold(message)
        for index, item in message.chosen():
            queue.put((item.level, item.data, message.place(index)))
        self._delivery.workers.wake()

    def forget(self, message: HeldMessage) -> None:
        """Note that *message* is not held any more."""
        self.held_bytes -= message.size

    @property
    def is_healthy(self) -> bool:
        """Whether the vendor takes what it is sent."""
        return self._delivery.lane.pace.is_healthy

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is sent."""
        return not self._delivery.outstanding

    @property
    def idle_seconds(self) -> float:
        """How long nothing was there to deliver."""
        busy = self.held_bytes or not self.is_idle
        return 0.0 if busy else self._clock.monotonic() - self._used_at

    @property
    def is_sending(self) -> bool:
        """Whether a request is under way."""
        return bool(self._delivery.lane.in_flight.requests)

    def stats(self) -> Stats:
        """Return the statistics of its delivery."""
        return self._delivery.stats()

    def flush_now(self) -> None:
        """Make all that waits due, and end pauses of our own."""
        self._delivery.flush_now()

    def close(self, reason: str) -> None:
        """Send nothing more; what waits is not acknowledged, and so stays in the stream."""
        self.gate.close(reason)
        self.discard()
        self._delivery.close_soon()

    def discard(self) -> None:
        """Forget all items but those of requests that are under way."""
        lane = self._delivery.lane
        with lane.lock:
            self._queue.take(len(self._queue), HOLDS)
            lane.in_flight.leftovers.discard(lambda _: True)
            while (batch := lane.in_flight.next(0.0, float, 1, 1)) is not None:
                lane.in_flight.finish(batch)
