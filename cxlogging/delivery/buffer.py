"""The waiting line: what every kind of it offers, and the one in memory."""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from .clock import Clock
from .options import Options

Item = tuple[int, bytes]
"""A record's level number, and the record as the vendor's item."""

ITEM_OVERHEAD = 120
"""Bytes that an item in line takes beyond its own: a tuple, an object, a place."""


class Buffer(Protocol):
    """
    A waiting line of items, bounded in bytes.

    `put` is called by any thread, by signal handlers and by finalizers, at any
    moment: it must not wait for a lock. Everything else is called under the
    delivery's lock.
    """

    def put(self, item: Item) -> bool:
        """Take *item* into the line; False where the overflow policy drops it."""
        ...

    def take(self, count: int, size: int) -> list[Item]:
        """Remove and return the front of the line: at most *count* items and *size* bytes."""
        ...

    def settle(self, items: Sequence[Item]) -> None:
        """Forget *items* that were taken: they have their outcome."""
        ...

    def __len__(self) -> int:
        """Return how many items wait."""
        ...

    @property
    def waiting(self) -> Callable[[], int]:
        """The same, as a callable that costs less."""
        ...

    @property
    def held(self) -> int:
        """Bytes of all items that have no outcome yet, waiting or taken."""
        ...

    @property
    def arrived(self) -> int:
        """Bytes of all items that ever came."""
        ...


def shares(bound: int) -> tuple[int, int, int]:
    """Return how full the line may be for DEBUG, INFO and WARNING; ERROR has all of it."""
    return bound * 70 // 100, bound * 85 // 100, bound * 95 // 100


class MemoryBuffer:
    """
    The line in memory.

    A deque's ``append`` and ``popleft`` are indivisible, and so are additions
    to an attribute in a line of code that calls nothing (the interpreter
    switches threads and runs signal handlers at calls and loops only): `put`
    needs no lock, and so cannot deadlock, wherever it is called from. Where
    there is no global lock, a lost addition moves the bound a little; the
    ledger does not depend on it.

    Args:
        options: ``buffer_bytes``, ``overflow`` and ``block_timeout``.
        clock: For ``overflow="block"``.
        evicted: Told the level of each item that ``"drop_oldest"`` takes out.
        lock: The delivery's lock.
    """

    def __init__(
        self,
        options: Options,
        clock: Clock,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
    ) -> None:
        self._line: deque[Item] = deque()
        self.waiting = self._line.__len__
        self._bound = options.buffer_bytes
        self._debug, self._info, self._warning = shares(options.buffer_bytes)
        self._block_timeout = options.block_timeout
        self._refuse = {
            "shed": self._shed,
            "drop_newest": self._drop_newest,
            "drop_oldest": self._drop_oldest,
            "block": self._block,
        }[options.overflow]
        self._comfortable = self._debug if options.overflow == "shed" else self._bound
        self._clock = clock
        self._evicted = evicted
        self._lock = lock
        self._room = _thread.allocate_lock()
        self.arrived = 0
        self._settled = 0

    def put(self, item: Item) -> bool:
        size = len(item[1]) + ITEM_OVERHEAD
        if self.arrived - self._settled + size > self._comfortable and self._refuse(item[0], size):
            return False
        self.arrived += size
        self._line.append(item)
        return True

    def take(self, count: int, size: int) -> list[Item]:
        line = self._line
        items: list[Item] = []
        for _ in range(min(count, len(line))):
            size -= len(line[0][1]) + 1
            if size < 0 and items:
                break
            items.append(line.popleft())
        return items

    def settle(self, items: Sequence[Item]) -> None:
        for item in items:
            self._settled += len(item[1]) + ITEM_OVERHEAD
        if self._room.locked():
            self._room.release()

    def __len__(self) -> int:
        return len(self._line)

    @property
    def held(self) -> int:
        return self.arrived - self._settled

    def _shed(self, level: int, size: int) -> bool:
        if level <= 10:
            share = self._debug
        elif level <= 20:
            share = self._info
        else:
            share = self._warning if level <= 30 else self._bound
        return self.held + size > share

    def _drop_newest(self, level: int, size: int) -> bool:  # noqa: ARG002
        return True

    def _drop_oldest(self, level: int, size: int) -> bool:  # noqa: ARG002
        # Eviction must not meet the worker's `take`; a wait without end could
        # meet another thread's lock, so the newest goes where the lock is busy.
        if not self._lock.acquire(timeout=0.01):
            return True
        try:
            while self.held + size > self._bound and self._line:
                item = self._line.popleft()
                self._settled += len(item[1]) + ITEM_OVERHEAD
                self._evicted(item[0])
        finally:
            self._lock.release()
        return self.held + size > self._bound

    def _block(self, level: int, size: int) -> bool:  # noqa: ARG002
        end = self._clock.monotonic() + self._block_timeout
        while self.held + size > self._bound:
            remaining = end - self._clock.monotonic()
            if remaining <= 0:
                return True
            self._room.acquire(timeout=min(remaining, 0.05))
        return False
