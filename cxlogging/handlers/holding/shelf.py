"""What one scope holds back for one handler, and how it gets to the handler's queue."""

from __future__ import annotations

import _thread
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...delivery.ledger import MOVING_SECONDS
from ...delivery.process.state import PROCESS
from ...wire.event import Event, SyntheticOrigin
from ...wire.threads import HAS_GIL, acquire_within, run_locked

if TYPE_CHECKING:
    from ...delivery.delivery import Delivery
    from ...delivery.volume import Cell

ENTRY_OVERHEAD = 120
"""Bytes that a held record takes beyond its item."""

LOCK_SECONDS = 0.05
"""How long to wait for a lock whose thread may stand still for ever."""

FULL = "full"

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
                outlet.discard(entry, FULL)
                return
        outlet.count(self, size)
        self.entries.append(entry)

    def _make_room(self, size: int, limit: int) -> bool:
        """Discard the oldest; return False where there is no room for *size* bytes even then."""
        return run_locked(self._lock, 0, lambda: self._evict(size, limit)) != FULL

    def _evict(self, size: int, limit: int) -> str:
        outlet = self.outlet
        while True:
            excess = max(self.bytes_held - limit, outlet.bytes_held - outlet.limit) + size
            if excess <= 0 or not self.entries:
                return FULL if excess > 0 else ""
            self.evicted += 1
            outlet.discard(self._remove(), FULL)

    def _remove(self) -> Entry:
        """Remove and return the oldest entry."""
        entry = self.entries.popleft()
        self.outlet.count(self, -len(entry[1]) - ENTRY_OVERHEAD)
        return entry

    def ship(self) -> None:
        """Have all of it accepted; an entry leaves the shelf when that is done, not before."""
        run_locked(self._lock, LOCK_SECONDS, self._ship)

    def _ship(self) -> None:
        if self.evicted:
            evicted, self.evicted = self.evicted, 0
            self.outlet.report(evicted)
        moving = self.outlet.lane.ledger.moving
        if self.entries and not run_locked(moving, MOVING_SECONDS, self._move):
            self._move()

    def _move(self) -> bool:
        outlet = self.outlet
        while self.entries:
            level, data, cell = self.entries[0]
            outlet.put(level, data)
            self._remove()
            outlet.lane.ledger.released.add(level)
            cell.add(len(data))
        return True

    def discard(self, reason: str) -> None:
        """Discard all of it, and count why."""
        if self.entries:
            run_locked(self._lock, LOCK_SECONDS, lambda: self.forget(reason))
            self.outlet.on_discard()

    def forget(self, reason: str) -> None:
        """Discard all of it without the lock, for a finalizer: nobody else can reach it."""
        while self.entries:
            self.outlet.discard(self._remove(), reason)

    def hand_to(self, take: Callable[[Outlet, Entry], object]) -> int:
        """Give all of it to an outer scope; return how many were evicted from here."""
        return run_locked(self._lock, LOCK_SECONDS, lambda: self._hand_to(take)) or 0

    def _hand_to(self, take: Callable[[Outlet, Entry], object]) -> int:
        while self.entries:
            take(self.outlet, self.entries[0])
            self._remove()
        evicted, self.evicted = self.evicted, 0
        return evicted
