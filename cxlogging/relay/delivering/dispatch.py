"""Which delivery a message goes to, and where each message is until it is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...delivery.nats.message import StreamMessage
from ...errors import ConfigurationError
from ..config import DestinationEntry, RelayConfig
from ..leases import RateLease
from ..link import Link
from ..metrics import Sample
from ..setup import LEASES
from .held import HeldMessage, InHand
from .lanes import LOST, DestinationLane, SettledItems

IDLE_SECONDS = 60.0
"""After so long without a message, a destination's threads and connections are let go."""

MOST_LANES = 1_000
"""Each has a thread and a connection."""

IDLE = "nothing was sent for a while"
REQUESTS = ("requests_total", "retries_total", "sent_bytes_total")

LaneKey = tuple[str, tuple[tuple[str, str], ...]]


class Dispatcher:
    """
    The deliveries of a relay: made for the first message of a destination, and let go when idle.

    Args:
        config: Which destinations there are.
        link: The connection.
        settled: Called with items that have their outcome.
        is_lost: Returns whether other relays may have the messages by now; called by workers.
    """

    def __init__(
        self,
        config: RelayConfig,
        link: Link,
        settled: Callable[[SettledItems], None],
        is_lost: Callable[[], bool],
    ) -> None:
        self._is_lost = is_lost
        self._config = config
        self._link = link
        self._settled = settled
        self._lanes: dict[LaneKey, DestinationLane] = {}
        self._closing: list[DestinationLane] = []
        self._leases: dict[str, RateLease] = {}
        self._hands: dict[str, InHand] = {}
        self._where: dict[HeldMessage, tuple[InHand, DestinationLane | None]] = {}
        self._past: dict[tuple[str, str], float] = {}
        self._is_healthy: dict[DestinationLane, bool] = {}

    def lane_for(self, content: StreamMessage) -> DestinationLane | str | None:
        """Return the delivery for a message, or why there is none; None: too many are busy."""
        entry = self._config.entry_for(content.identity)
        if entry is None:
            named = ", ".join(f"{key}={value}" for key, value in content.identity.items())
            return f"no [[destination]] of the relay takes {named}"
        key = (entry.place, tuple(sorted(entry.names(content.identity).items())))
        lane = self._lanes.get(key)
        if lane is None and not self._has_room():
            return None
        if lane is None:
            try:
                destination = entry.destination(content.identity)
            except ConfigurationError as error:
                return f"{entry.place}: {error}"
            loop, lease = asyncio.get_running_loop(), self._lease(entry)
            lane = DestinationLane(entry, destination, lease, loop, self._settled, self._is_lost)
            self._lanes[key] = lane
        return lane

    def _has_room(self) -> bool:
        """Return whether one more delivery may be made; let an idle one go for it."""
        if len(self._lanes) < MOST_LANES:
            return True
        idle = max(self._lanes, key=lambda key: self._lanes[key].idle_seconds)
        if not self._lanes[idle].idle_seconds:
            return False
        self._close(idle, IDLE)
        return True

    def _lease(self, entry: DestinationEntry) -> RateLease:
        key = entry.lease_key
        if key not in self._leases:
            bucket = self._config.address.bucket(LEASES)
            self._leases[key] = RateLease(self._link, bucket, key, entry.rate)
        return self._leases[key]

    def lanes(self, vendor: str | None = None) -> list[DestinationLane]:
        """Return the deliveries there are now, of one vendor or of all."""
        lanes = tuple(self._lanes.values())
        return [lane for lane in lanes if vendor is None or lane.entry.vendor == vendor]

    def hand(self, vendor: str) -> InHand:
        """Return what is held of a vendor's messages."""
        return self._hands.setdefault(vendor, InHand())

    def hands(self) -> dict[str, InHand]:
        """Return what is held, by vendor."""
        return dict(self._hands)

    def held(self) -> list[HeldMessage]:
        """Return all messages that are held."""
        return [message for hand in self._hands.values() for message in hand]

    def hold(self, vendor: str, message: HeldMessage, lane: DestinationLane | None) -> None:
        """Hold *message*, and have *lane* deliver it, or settle it at once where there is none."""
        hand = self.hand(vendor)
        hand.add(message)
        self._where[message] = hand, lane
        if lane is None:
            self._settled(SettledItems(message))
        else:
            lane.put(message)

    def release(self, message: HeldMessage) -> None:
        """Hold *message* no more."""
        hand, lane = self._where.pop(message, (None, None))
        if hand is not None:
            hand.remove(message)
        if lane is not None:
            lane.forget(message)

    def recovered(self) -> set[str]:
        """Return the vendors of which a destination takes items again, since the last call."""
        before = self._is_healthy
        self._is_healthy = {lane: lane.is_healthy for lane in self._lanes.values()}
        return {
            lane.entry.vendor
            for lane, healthy in self._is_healthy.items()
            if healthy and not before.get(lane, True)
        }

    def close_idle(self) -> None:
        """Let go of the deliveries that had nothing to do for a while."""
        for key, lane in tuple(self._lanes.items()):
            if lane.idle_seconds > IDLE_SECONDS:
                self._close(key, IDLE)
        for lane in self._closing:
            lane.discard()
        self._closing = [lane for lane in self._closing if not lane.is_idle]

    def fence(self) -> None:
        """Send nothing of what is held: other relays may have it by now."""
        for key in tuple(self._lanes):
            self._close(key, LOST)
        for message in self.held():
            if message.is_open:
                self.release(message)

    def _close(self, key: LaneKey, reason: str) -> None:
        lane = self._lanes.pop(key)
        lane.close(reason)
        self._closing.append(lane)
        _add_requests(self._past, lane)

    def samples(self) -> list[Sample]:
        """Return what `/metrics` shows of requests and of what is held."""
        totals, up = dict(self._past), dict[str, float]()
        for lane in self.lanes():
            _add_requests(totals, lane)
            name = lane.entry.name
            up[name] = min(up.get(name, 1), float(lane.is_healthy))
        samples = [Sample(each, (("destination", to),), n) for (each, to), n in totals.items()]
        samples += [Sample("destination_up", (("destination", to),), n) for to, n in up.items()]
        for vendor, hand in self.hands().items():
            samples.append(Sample("held_messages", (("vendor", vendor),), len(hand)))
            samples.append(Sample("held_bytes", (("vendor", vendor),), hand.size))
        return samples


def _add_requests(totals: dict[tuple[str, str], float], lane: DestinationLane) -> None:
    """Add what *lane* has counted to *totals*, by metric and destination."""
    stats = lane.stats()
    counts = (stats.requests, stats.retries, stats.bytes_sent)
    for metric, count in zip(REQUESTS, counts, strict=True):
        key = (metric, lane.entry.name)
        totals[key] = totals.get(key, 0) + count
