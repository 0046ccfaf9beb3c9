"""
The messages of one vendor: fetched, given to deliveries, and settled when these have their outcome.

While no destination of the vendor takes anything, messages stay in the stream: what comes is
given back, and the next look waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

from ..delivery.nats.failures import StreamError
from ..delivery.nats.message import MessageError, StreamMessage, read_message
from ..wire.system_clock import monotonic
from .delivering.dispatch import Dispatcher
from .delivering.held import PLACES, HeldMessage
from .delivering.lanes import DestinationLane
from .link import Link
from .log import RelayLog
from .metrics import RelayMetrics
from .puller import Puller
from .seen import SeenItems

MOST_MESSAGES = 256
"""Of one request."""

PROBED_MESSAGES = 16
"""Of one request while no destination takes anything."""

PAUSE_SECONDS = 4.0
"""Between two such requests, at most."""

MESSAGE_BYTES = 64 * 1024
LEAST_BYTES = 4 * 2**20
"""Of one request: the room for a large message."""

WAITING_BYTES = 2**20
"""What a destination that takes nothing holds, to try again with: the rest stays in the stream."""

OUTAGE_SECONDS = 15.0
"""Until a message comes again whose destination takes nothing, while others do."""

DOUBLE_SECONDS = 2.0
"""Until a message comes again whose items are in another one that is held."""

NOT_FETCHED = "messages cannot be fetched"
AGAIN_SECONDS = 0.25
MOST_AGAIN_SECONDS = 5.0
CAUGHT_UP_SECONDS = 1.0


class VendorConsumer:
    """
    Takes the messages of one vendor.

    Args:
        vendor: Its name.
        link: The connection.
        puller: Of the vendor's consumer.
        seen: What was delivered before.
        dispatcher: Knows the deliveries.
        metrics: Count what is given back.
        bound: Bytes that are held, at most.
        log: The relay's log.
    """

    def __init__(
        self,
        vendor: str,
        link: Link,
        puller: Puller,
        seen: SeenItems,
        dispatcher: Dispatcher,
        metrics: RelayMetrics,
        bound: int,
        log: RelayLog,
    ) -> None:
        self._vendor = vendor
        self._link = link
        self._puller = puller
        self._seen = seen
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._bound = bound
        self._log = log
        self._in_hand = dispatcher.hand(vendor)
        self._room = asyncio.Event()
        self._number = 0
        self._caught_up_at = 0.0
        self._paused_until = 0.0

    async def run(self) -> None:
        """Take messages until this is cancelled."""
        failures = 0
        while True:
            try:
                if self._puller.is_done:
                    await self._wait_for_room()
                await self._take_next()
                failures = 0
                self._log.passed(NOT_FETCHED, "messages are fetched again")
            except StreamError as error:
                failures = min(failures + 1, 10)
                self._log.warning(NOT_FETCHED, reason=str(error), cure=error.cure)
                longest = min(MOST_AGAIN_SECONDS, AGAIN_SECONDS * 2**failures)
                await asyncio.sleep(longest * random.random())

    async def _take_next(self) -> None:
        room = self._bound - self._in_hand.size
        count = PROBED_MESSAGES if self._is_outage else MOST_MESSAGES
        count = max(1, min(count, room // MESSAGE_BYTES))
        raw = await self._puller.next(count, max(room, LEAST_BYTES))
        if raw is not None:
            await self._take(raw)

    @property
    def _is_outage(self) -> bool:
        """Whether there are destinations, and none of them takes anything."""
        lanes = self._dispatcher.lanes(self._vendor)
        return bool(lanes) and not any(lane.is_healthy for lane in lanes)

    async def _wait_for_room(self) -> None:
        """Wait while too much is held, and between two looks in an outage."""
        if self._is_outage:
            self._paused_until = monotonic() + PAUSE_SECONDS * (1 + random.random()) / 2
        while self._in_hand.size >= self._bound or monotonic() < self._paused_until:
            self._room.clear()
            wait = self._paused_until - monotonic()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._room.wait(), wait if wait > 0 else None)

    def wake(self) -> None:
        """Look again, as there may be room."""
        self._room.set()

    def resume(self) -> None:
        """End the pause that an outage has brought."""
        self._paused_until = 0.0
        self.wake()

    async def _take(self, raw: Any) -> None:
        """Deliver one message, or settle it at once."""
        held = self._in_hand.get(raw.metadata.sequence.stream)
        if held is not None:  # it took longer than ack_wait
            held.raw = raw
            return
        if raw.metadata.num_delivered > 1:
            await self._catch_up()
        self._number += 1
        content, lane = self._read(raw)
        if content is None or isinstance(lane, str):
            reason = lane if isinstance(lane, str) else ""
            self._settle(HeldMessage(self._number, raw, content, refusal=reason))
            return
        items = content.items
        wanted = self._seen.missing(items[0].run, [item.number for item in items])
        if not wanted:
            self._settle(HeldMessage(self._number, raw, content))
        elif self._in_hand.overlaps(items):
            await self._give_back(raw, DOUBLE_SECONDS)
        elif lane is None or (not lane.is_healthy and lane.held_bytes >= WAITING_BYTES):
            seconds = PAUSE_SECONDS if self._is_outage else OUTAGE_SECONDS
            await self._give_back(raw, seconds * (1 + random.random()))
        else:
            message = HeldMessage(self._number, raw, content, wanted)
            self._dispatcher.hold(self._vendor, message, lane)

    def _read(self, raw: Any) -> tuple[StreamMessage | None, DestinationLane | str | None]:
        """Return what is in a message, and its delivery, or why no vendor gets it."""
        content = None
        try:
            content = read_message(raw.headers, raw.data)
            if len(content.items) > PLACES:
                return None, f"the message has {len(content.items)} items"
            return content, self._dispatcher.lane_for(content)
        except MessageError as error:
            return None, str(error)
        except Exception as error:  # anybody who may publish decides what is in it
            return content, f"the message cannot be used: {type(error).__name__}: {error}"

    def _settle(self, message: HeldMessage) -> None:
        self._dispatcher.hold(self._vendor, message, None)

    async def _catch_up(self) -> None:
        """Know what other relays have delivered, where a message comes again."""
        if monotonic() - self._caught_up_at >= CAUGHT_UP_SECONDS:
            await self._seen.catch_up()
            self._caught_up_at = monotonic()

    async def _give_back(self, raw: Any, seconds: float) -> None:
        await self._link.send(raw.reply, b'-NAK {"delay": %d}' % int(seconds * 1e9))
        self._metrics.count("given_back", 1, vendor=self._vendor)

    async def stop(self) -> None:
        """Take no more; give back what was fetched and not looked at."""
        async for raw in self._puller.close():
            await self._link.send(raw.reply, b"-NAK")
