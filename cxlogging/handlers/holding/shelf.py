"""What one scope holds back for one handler, and how it gets to the handler's queue."""

from __future__ import annotations

import _thread
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...delivery.process.state import PROCESS
from ...wire.event import Event, SyntheticOrigin
from ...wire.threads import HAS_GIL, acquire_within

if TYPE_CHECKING:
    from ...delivery.delivery import Delivery
    from ...delivery.volume import Cell

ENTRY_OVERHEAD = 120
"""Bytes that a held record takes beyond its item."""

LOCK_SECONDS = 0.05
"""How long to wait for a lock whose thread may stand still for ever."""

Entry = tuple[int, bytes, "Cell"]
"""A record that is held: its level, its item, and the cell of its call site."""


class Outlet:
    """
    Where the records that one handler holds back end up.

    Args:
        delivery: Of the handler.
        put: Accepts an item of a level.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when records are discarded.

    Attributes:
        put: Accepts an item of a level.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when records are discarded.
        bytes_held: What they hold now.
        lane: The state of the delivery: records are counted in its ledger.
    """

    def __init__(
        self,
        delivery: Delivery,
        put: Callable[[int, bytes], object],
        limit: int,
        on_discard: Callable[[], object],
    ) -> None:
        self.lane = delivery.lane
        self.put = put
        self.limit = limit
        self.on_discard = on_discard
        self.reset()

    def reset(self) -> None:
        """Start afresh, as a fork's child does: the parent keeps what it holds."""
        self.bytes_held = 0
        self._lock = _thread.allocate_lock()

    def count(self, shelf: Shelf, size: int) -> None:
        """Count bytes that *shelf* holds from now on; with a minus, that it no longer holds."""
        if HAS_GIL:  # each is one statement that calls nothing
            self.bytes_held += size
            shelf.bytes_held += size
            return
        is_held = acquire_within(self._lock, LOCK_SECONDS)
        self.bytes_held += size
        shelf.bytes_held += size
        if is_held:
            self._lock.release()

    def discard(self, entry: Entry, reason: str) -> None:
        """Count a record that is not sent."""
        level, _, cell = entry
        self.lane.ledger.discarded[reason].add(level)
        cell.held_back += 1

    def report(self, evicted: int) -> None:
        """Tell the vendor how many records are missing before those that a scope releases."""
        message = (
            f"cxlogging discarded the {evicted} oldest records of a hold before it was released:"
            " raise max_bytes or hold_bytes"
        )
        time_ns = int(self.lane.clock.wall() * 1e6) * 1000
        fields = {"cx_held_evicted": evicted}
        origin = SyntheticOrigin()
        event = Event(time_ns, logging.WARNING, "WARNING", message, fields, origin)
        self.put(logging.WARNING, self.lane.destination.encode(event))


class Shelf:
    """
    What one scope holds back for one handler, the oldest first.

    Log calls append without a lock. Whoever removes holds the lock of the shelf.

    Args:
        outlet: Of the handler.

    Attributes:
        outlet: Of the handler.
        entries: What is held.
        bytes_held: The bytes of these.
        evicted: How many were discarded as there was no room.
        pid: The process that the shelf belongs to.
    """

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.entries: deque[Entry] = deque()
        self.bytes_held = 0
        self.evicted = 0
        self.pid = PROCESS.pid
        self._lock: Any = _thread.RLock()

    def add(self, entry: Entry, limit: int | None) -> None:
        """
        Append *entry*.

        Args:
            entry: Counted as held already.
            limit: The most bytes of this shelf: for more, the oldest go. None: no limit counts.
        """
        outlet, size = self.outlet, len(entry[1]) + ENTRY_OVERHEAD
        if limit is not None:
            is_over = self.bytes_held + size > limit or outlet.bytes_held + size > outlet.limit
            if is_over and not self._make_room(size, limit):
                self.evicted += 1
                outlet.discard(entry, "full")
                return
        outlet.count(self, size)
        self.entries.append(entry)

    def _make_room(self, size: int, limit: int) -> bool:
        """Discard the oldest; return whether there is room now."""
        if not self._acquire(0):
            return True  # another thread makes room, or moves all of it
        outlet = self.outlet
        try:
            while True:
                excess = max(self.bytes_held - limit, outlet.bytes_held - outlet.limit) + size
                if excess <= 0 or not self.entries:
                    return excess <= 0
                self.evicted += 1
                outlet.discard(self._remove(), "full")
        finally:
            self._lock.release()

    def _acquire(self, seconds: float = LOCK_SECONDS) -> bool:
        """Acquire the lock; not where a signal handler has interrupted this thread with it."""
        if self._lock._is_owned():  # noqa: SLF001 - there is no public way
            return False
        return acquire_within(self._lock, seconds)

    def _remove(self) -> Entry:
        """Remove and return the oldest entry."""
        entry = self.entries.popleft()
        self.outlet.count(self, -len(entry[1]) - ENTRY_OVERHEAD)
        return entry

    def ship(self) -> None:
        """Have all of it accepted; an entry leaves the shelf when that is done, not before."""
        outlet = self.outlet
        if not self._acquire():
            return  # whoever makes room looks again
        try:
            with outlet.lane.ledger.moving:
                if self.evicted:
                    evicted, self.evicted = self.evicted, 0
                    outlet.report(evicted)
                while self.entries:
                    level, data, cell = self.entries[0]
                    is_over_budget = outlet.put(level, data) is False
                    self._remove()
                    outlet.lane.ledger.released.add(level)
                    cell.hold_back() if is_over_budget else cell.add(len(data))
        finally:
            self._lock.release()

    def discard(self, reason: str) -> None:
        """Discard all of it, and count why."""
        if not self._acquire():
            return
        try:
            if self.entries:
                self.forget(reason)
                self.outlet.on_discard()
        finally:
            self._lock.release()

    def forget(self, reason: str) -> None:
        """Discard all of it without the lock, for a finalizer: nobody else can reach it."""
        while self.entries:
            self.outlet.discard(self._remove(), reason)

    def hand_to(self, take: Callable[[Outlet, Entry], object]) -> int:
        """Give all of it to an outer scope; return how many were evicted from here."""
        if not self._acquire():
            return 0
        try:
            while self.entries:
                take(self.outlet, self.entries[0])
                self._remove()
            evicted, self.evicted = self.evicted, 0
        finally:
            self._lock.release()
        return evicted
