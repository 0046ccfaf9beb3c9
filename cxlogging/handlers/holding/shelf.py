"""What one scope holds back for one handler, and how it gets to the handler's queue."""

from __future__ import annotations

import _thread
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...delivery.ledger import MOVED
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
        put: Accepts an item of a level; False says that it was left out.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when records are discarded.

    Attributes:
        put: Accepts an item of a level.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when records are discarded.
        bytes_held: What they hold now.
        lock: Held, without the GIL, while records are counted.
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
        self.lock = _thread.allocate_lock()

    def report(self, evicted: int) -> None:
        """Tell the vendor how many records are missing before those that a scope releases."""
        message = (
            f"cxlogging discarded the {evicted} oldest records of a hold before it was released:"
            " raise max_bytes or hold_bytes"
        )
        time_ns = self.lane.clock.wall_ns()
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
        limit: The most bytes that the scope holds for it.

    Attributes:
        outlet: Of the handler.
        entries: What is held.
        bytes_held: The bytes of these.
        evicted: How many were discarded as there was no room.
        pid: The process that the shelf belongs to.
    """

    def __init__(self, outlet: Outlet, limit: int) -> None:
        self.outlet = outlet
        self._limit = limit
        self.entries: deque[Entry] = deque()
        self.bytes_held = 0
        self.evicted = 0
        self.pid = PROCESS.pid
        self._lock: Any = _thread.RLock()

    def add(self, entry: Entry, *, is_bounded: bool) -> None:
        """
        Append *entry*.

        Args:
            entry: From a log call, or from an inner scope.
            is_bounded: For more than the limit, the oldest go; else no limit counts.
        """
        outlet, size = self.outlet, len(entry[1]) + ENTRY_OVERHEAD
        if is_bounded:
            is_over = (
                self.bytes_held + size > self._limit or outlet.bytes_held + size > outlet.limit
            )
            if is_over and not self._make_room(size):
                self._refuse(entry)
                return
        ledger = outlet.lane.ledger
        is_locked = not HAS_GIL and acquire_within(outlet.lock, LOCK_SECONDS)
        # Here and below, what a signal handler raises comes before these statements or after them:
        # only calls are interrupted, once they are done.
        outlet.bytes_held += size
        self.bytes_held += size
        ledger.held += 1
        self.entries.append(entry)
        if is_locked:
            outlet.lock.release()

    def _refuse(self, entry: Entry) -> None:
        """Discard *entry*, for which there is no room."""
        level, _, cell = entry
        outlet, ledger = self.outlet, self.outlet.lane.ledger
        counts = ledger.outcomes[FULL]
        counts.setdefault(level, 0)
        is_locked = not HAS_GIL and acquire_within(outlet.lock, LOCK_SECONDS)
        ledger.held += 1
        counts[level] += 1
        self.evicted += 1
        if is_locked:
            outlet.lock.release()
        cell.held_back += 1

    def _make_room(self, size: int) -> bool:
        """Discard the oldest; return False where there is no room for *size* bytes even then."""
        return run_locked(self._lock, 0, lambda: self._evict(size)) != FULL

    def _evict(self, size: int) -> str:
        outlet = self.outlet
        while True:
            excess = max(self.bytes_held - self._limit, outlet.bytes_held - outlet.limit) + size
            if excess <= 0 or not self.entries:
                return FULL if excess > 0 else ""
            self.evicted += 1
            self._remove(outlet.lane.ledger.outcomes[FULL]).held_back += 1

    def _remove(self, counts: dict[int, int]) -> Cell:
        """Remove the oldest entry, count it by level in *counts*, and return its cell."""
        outlet = self.outlet
        level, data, cell = self.entries[0]
        size = len(data) + ENTRY_OVERHEAD
        if level not in counts:
            counts.setdefault(level, 0)
        is_locked = not HAS_GIL and acquire_within(outlet.lock, LOCK_SECONDS)
        del self.entries[0]
        outlet.bytes_held -= size
        self.bytes_held -= size
        counts[level] += 1
        if is_locked:
            outlet.lock.release()
        return cell

    def ship(self) -> None:
        """Have all of it accepted; an entry leaves the shelf when that is done, not before."""
        run_locked(self._lock, LOCK_SECONDS, self._ship)

    def _ship(self) -> None:
        if self.evicted:
            evicted, self.evicted = self.evicted, 0
            self.outlet.report(evicted)
        if self.entries:
            self.outlet.lane.ledger.between_looks(self._move)

    def _move(self) -> bool:
        outlet = self.outlet
        while self.entries:
            level, data, cell = self.entries[0]
            is_sent = outlet.put(level, data) is not False
            self._remove(outlet.lane.ledger.outcomes[MOVED])
            if is_sent:
                cell.add(len(data))
            else:
                cell.hold_back()
        return True

    def discard(self, reason: str) -> None:
        """Discard all of it, and count why."""
        if self.entries:
            run_locked(self._lock, LOCK_SECONDS, lambda: self.forget(reason))
            self.outlet.on_discard()

    def forget(self, reason: str) -> None:
        """Discard all of it without the lock, for a finalizer: nobody else can reach it."""
        counts = self.outlet.lane.ledger.outcomes[reason]
        while self.entries:
            self._remove(counts).held_back += 1

    def hand_to(self, take: Callable[[Outlet, Entry], object]) -> int:
        """Give all of it to an outer scope; return how many were evicted from here."""
        return run_locked(self._lock, LOCK_SECONDS, lambda: self._hand_to(take)) or 0

    def _hand_to(self, take: Callable[[Outlet, Entry], object]) -> int:
        if self.entries:
            self.outlet.lane.ledger.between_looks(lambda: self._hand_all(take))
        evicted, self.evicted = self.evicted, 0
        return evicted

    def _hand_all(self, take: Callable[[Outlet, Entry], object]) -> bool:
        counts = self.outlet.lane.ledger.outcomes[MOVED]
        while self.entries:
            take(self.outlet, self.entries[0])
            self._remove(counts)
        return True
