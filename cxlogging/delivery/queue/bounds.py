"""How much may wait: the bound in bytes, and the four policies of what happens near it."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence

from ..clock import Clock
from ..options import Options
from .queue import Item

EVICTION_SECONDS = 0.01


def shares(bound: int) -> tuple[int, int, int]:
    """Return how full the line may be for DEBUG, INFO and WARNING; ERROR has all of it."""
    return bound * 70 // 100, bound * 85 // 100, bound * 95 // 100


def _nothing() -> None: ...


class Bounded:
    """
    The part of a line that counts bytes and refuses.

    Additions to an attribute in a line of code that calls nothing are
    indivisible (the interpreter switches threads and runs signal handlers at
    calls and loops only). Where there is no global lock, a lost addition moves
    the bound a little; the ledger does not depend on it.

    Args:
        options: ``overflow`` and ``block_timeout``.
        bound: Bytes.
        clock: For ``overflow="block"``.
        evicted: Told the level of each item that is given up for newer ones.
        lock: The delivery's lock.
    """

    def __init__(
        self,
        options: Options,
        bound: int,
        clock: Clock,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
    ) -> None:
        self.came = 0
        self.arrived = 0
        self.left = 0
        self.evicted = 0
        self.on_news: Callable[[], None] = _nothing
        self._settled = 0
        self._refuse = {
            "shed": self._shed,
            "drop_newest": self._drop_newest,
            "drop_oldest": self._drop_oldest,
            "block": self._block,
        }[options.overflow]
        self._sheds = options.overflow == "shed"
        self._block_timeout = options.block_timeout
        self._clock = clock
        self._tell = evicted
        self._lock = lock
        self._room = _thread.allocate_lock()
        self._resize(bound)

    @property
    def held(self) -> int:
        """Bytes of all items that have no outcome yet."""
        return self.arrived - self._settled

    def _resize(self, bound: int) -> None:
        self.bound = bound
        self._debug, self._info, self._warning = shares(bound)
        self._comfortable = self._debug if self._sheds else bound

    def _evict(self, size: int) -> None:
        """Give up the oldest, at least *size* bytes of it if there is so much. Under the lock."""
        raise NotImplementedError

    def _gave_up(self, items: Sequence[Item]) -> None:
        """Count *items*, which have left the line for newer ones."""
        for level, _, _ in items:
            self._tell(level)
        self.evicted += len(items)

    def _make_room(self) -> None:
        """Wake who waits for room."""
        if self._room.locked():
            self._room.release()

    def _shed(self, level: int, size: int) -> bool:
        if level <= 10:
            share = self._debug
        elif level <= 20:
            share = self._info
        else:
            share = self._warning if level <= 30 else self.bound
        return self.held + size > share

    def _drop_newest(self, level: int, size: int) -> bool:  # noqa: ARG002
        return self.held + size > self.bound

    def _drop_oldest(self, level: int, size: int) -> bool:  # noqa: ARG002
        if size > self.bound:
            return True  # giving up all the others would make no room for it
        # Eviction must not meet the worker's `take`; a wait without end could
        # meet another thread's lock, so the newest goes where the lock is busy.
        if not self._lock.acquire(timeout=EVICTION_SECONDS):
            return True
        try:
            missing = self.held + size - self.bound
            if missing > 0:
                self._evict(missing)
        finally:
            self._lock.release()
        return self.held + size > self.bound

    def _block(self, level: int, size: int) -> bool:  # noqa: ARG002
        end = self._clock.monotonic() + self._block_timeout
        while self.held + size > self.bound:
            remaining = end - self._clock.monotonic()
            if remaining <= 0:
                return True
            self._room.acquire(timeout=min(remaining, 0.05))
        return False
