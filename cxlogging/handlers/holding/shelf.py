"""What one scope holds back for one handler, and how it gets to the handler's queue."""

from __future__ import annotations

import _thread
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...delivery.process.state import PROCESS
from ...wire.event import Event, SyntheticOrigin
from ...wire.threads import HAS_GIL, acquire_within

if TYPE_CHECKING:
    from ...delivery.delivery import Delivery
    from ...delivery.ledger import Ledger
    from ...delivery.volume import Cell

ENTRY_OVERHEAD = 120
"""Bytes that a held record takes beyond its item."""

LOCK_SECONDS = 0.05
"""How long to wait for a lock whose thread may stand still for ever."""

Entry = tuple[int, bytes, "Cell"]
"""A record that is held: its level, its item, and the cell of its call site."""


def entry_bytes(entry: Entry) -> int:
    """Return the bytes that *entry* takes."""
    return len(entry[1]) + ENTRY_OVERHEAD


class Outlet:
    """
    Where the records that one handler holds back end up.

    Args:
        delivery: Of the handler.
        put: Accepts an item of a level.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when a record is discarded.

    Attributes:
        limit: The most bytes that all scopes hold for the handler.
        bytes_held: What they hold now.
    """

    def __init__(
        self,
        delivery: Delivery,
        put: Callable[[int, bytes], object],
        limit: int,
        on_discard: Callable[[], object],
    ) -> None:
        self._delivery = delivery
        self._put = put
        self._on_discard = on_discard
        self.limit = limit
        self.reset()

    def reset(self) -> None:
        """Start afresh, as a fork's child does: the parent keeps what it holds."""
        self.bytes_held = 0
        self._lock = _thread.allocate_lock()

    @property
    def ledger(self) -> Ledger:
        """What becomes of records is counted here."""
        return self._delivery.ledger

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

    def ship(self, entry: Entry) -> None:
        """Accept what was held."""
        level, data, cell = entry
        self._put(level, data)
        cell.add(len(data))

    def discard(self, entry: Entry, reason: str) -> None:
        """Count what is not sent."""
        self.ledger.discarded[reason].add(entry[0])
        entry[2].hold_back()
        if reason != "unreachable":  # a finalizer starts no thread
            self._on_discard()

    def report(self, evicted: int) -> None:
        """Tell the vendor how many records are missing before those that a scope releases."""
        message = (
            f"cxlogging discarded the {evicted} oldest records of a hold before it was released:"
            " raise max_bytes or hold_bytes"
        )
        time_ns = int(self._delivery.clock.wall() * 1e6) * 1000
        fields = {"cx_held_evicted": evicted}
        origin = SyntheticOrigin()
        event = Event(time_ns, logging.WARNING, "WARNING", message, fields, origin)
        self._put(logging.WARNING, self._delivery.destination.encode(event))


class Shelf:
    """
    What one scope holds back for one handler, the oldest first.

    Log calls append without a lock. Whoever removes holds `lock`: one at a time.

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
        self._lock = _thread.allocate_lock()

    def add(self, entry: Entry, limit: int | None) -> None:
        """
        Append *entry*.

        Args:
            entry: Counted as held already.
            limit: The most bytes of this shelf: for more, the oldest go. None: no limit counts.
        """
        size = entry_bytes(entry)
        if limit is not None and self._is_over(size, limit) and not self._make_room(size, limit):
            self.evicted += 1
            self.outlet.discard(entry, "full")
            return
        self.outlet.count(self, size)
        self.entries.append(entry)

    def _is_over(self, size: int, limit: int) -> bool:
        outlet = self.outlet
        return self.bytes_held + size > limit or outlet.bytes_held + size > outlet.limit

    def _make_room(self, size: int, limit: int) -> bool:
        """Discard the oldest; return whether there is room now."""
        if not self._lock.acquire(blocking=False):
            return True  # another thread makes room, or moves all of it
        try:
            while self.entries and self._is_over(size, limit):
                self.evicted += 1
                self.outlet.discard(self._remove(), "full")
        finally:
            self._lock.release()
        return not self._is_over(size, limit)

    def _remove(self) -> Entry:
        """Remove and return the oldest entry; the caller holds the lock."""
        entry = self.entries.popleft()
        self.outlet.count(self, -entry_bytes(entry))
        return entry

    def ship(self) -> None:
        """Have all of it accepted; an entry leaves the shelf when that is done, not before."""
        outlet = self.outlet
        if not acquire_within(self._lock, LOCK_SECONDS):
            return  # whoever makes room looks again
        try:
            with outlet.ledger.moving:
                if self.evicted:
                    evicted, self.evicted = self.evicted, 0
                    outlet.report(evicted)
                while self.entries:
                    outlet.ship(self.entries[0])
                    outlet.ledger.released.add(self._remove()[0])
        finally:
            self._lock.release()

    def discard(self, reason: str) -> None:
        """Discard all of it, and count why."""
        if not acquire_within(self._lock, LOCK_SECONDS):
            return
        try:
            while self.entries:
                self.outlet.discard(self._remove(), reason)
        finally:
            self._lock.release()

    def hand_to(self, take: Callable[[Outlet, Entry], object]) -> int:
        """Give all of it to an outer scope; return how many were evicted from here."""
        if not acquire_within(self._lock, LOCK_SECONDS):
            return 0
        try:
            while self.entries:
                entry = self.entries[0]
                self.outlet.count(self, -entry_bytes(entry))
                take(self.outlet, entry)
                self.entries.popleft()
            evicted, self.evicted = self.evicted, 0
        finally:
            self._lock.release()
        return evicted

    def forget(self) -> None:
        """Discard all of it, as nobody can release it any more; called by a finalizer."""
        while self.entries:
            self.outlet.discard(self._remove(), "unreachable")
