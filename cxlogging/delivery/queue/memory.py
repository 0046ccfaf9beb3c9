"""The waiting line in memory."""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable, Sequence

from ..clock import Clock
from ..options import Options
from .bounds import Bounded
from .folding import Folded
from .queue import Item, News, data_bytes

ITEM_OVERHEAD = 120
"""Bytes that an item in line takes beyond its own: a tuple, an object, a place."""

FOLD_BYTES = 128 * 1024
MOST_FOLD_BYTES = 2**20
"""At once, where much waits: beside a busy application a fold takes its time, however small."""

FOLD_PART = 16
"""Of the bytes that are held, one part of so many is folded at once."""


class MemoryBuffer(Bounded):
    """
    The line in memory.

    A deque's ``append`` and ``popleft`` are indivisible: `put` needs no lock,
    and so cannot deadlock, wherever it is called from. In an outage the worker
    folds what waits, from the front: `_line` holds the newest items, `_folded`
    older ones, compressed, and `_front` those that come first.

    Args:
        options: ``buffer_bytes``, ``overflow`` and ``block_timeout``.
        clock: For ``overflow="block"``.
        evicted: Told the level of each item that ``"drop_oldest"`` takes out.
        lock: The delivery's lock.
    """

    spooled = 0
    backlog = False
    fold_bytes = FOLD_BYTES

    def __init__(
        self,
        options: Options,
        clock: Clock,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
    ) -> None:
        super().__init__(options, options.buffer_bytes, clock, evicted, lock)
        self._line: deque[Item] = deque()
        self._folded: deque[tuple[Folded, int]] = deque()
        self._front: deque[Item] = deque()
        self._in_folds = 0
        self.news: deque[News] = deque()

    def put(self, item: Item) -> bool:
        size = len(item[1]) + ITEM_OVERHEAD
        if self.arrived - self._settled + size > self._comfortable and self._refuse(item[0], size):
            return False
        self.came += 1
        self.arrived += size
        try:
            self._line.append(item)
        except MemoryError:
            self._settled += size
            raise
        return True

    def take(self, count: int, size: int) -> list[Item]:
        items: list[Item] = []
        while len(items) < count and (line := self._first()):
            number = min(count - len(items), len(line))
            if self.arrived - self.left <= size:  # all that waits fits
                more = [line.popleft() for _ in range(number)]
                length = data_bytes(more)
                size -= length + number
                self.left += length + number * ITEM_OVERHEAD
                items += more
                continue
            for _ in range(number):
                length = len(line[0][1])
                size -= length + 1
                if size < 0 and items:
                    return items
                self.left += length + ITEM_OVERHEAD
                items.append(line.popleft())
        return items

    def _first(self) -> deque[Item]:
        """Return where the oldest items are."""
        if not self._front and self._folded:
            folded, saved = self._folded.popleft()
            self._in_folds -= len(folded)
            self._settled -= saved
            self._front.extend(folded.items())
        return self._front or self._line

    def adopt(self, count: int, size: int) -> list[Item]:  # noqa: ARG002 - nothing outlives memory
        return []

    def settle(self, items: Sequence[Item]) -> None:
        self._settled += data_bytes(items) + ITEM_OVERHEAD * len(items)
        self._make_room()

    def reject(self, item: Item, reason: str) -> None:
        """Nothing is kept in memory of what the vendor refused."""

    def fold(self) -> bool:
        items: list[Item] = []
        size = 0
        enough = max(FOLD_BYTES, min(self.held // FOLD_PART, MOST_FOLD_BYTES))
        for _ in range(len(self._line)):
            items.append(self._line.popleft())
            size += len(items[-1][1]) + ITEM_OVERHEAD
            if size >= enough:
                folded = Folded(items)
                self._folded.append((folded, size - folded.size))
                self._in_folds += len(items)
                self._settled += size - folded.size
                return True
        self._line.extendleft(reversed(items))
        return False

    @property
    def full(self) -> str:
        return f"the buffer of {self.bound} bytes is full"

    def tend(self, now: float, *, at_once: bool = False) -> float:  # noqa: ARG002 - no care is due
        return float("inf")

    def perish(self) -> list[Item]:
        return self.take(len(self), self.arrived)

    def release(self) -> None:
        """There is nothing to let go of."""

    def forget(self) -> None:
        """There is nothing to let go of."""

    def __len__(self) -> int:
        return len(self._line) + self._in_folds + len(self._front)

    def _evict(self, size: int) -> None:
        # Unfolding takes memory first: a folded piece gives way as a whole.
        target = self.held - size
        while self.held > target and (items := self.take(1, 0)):
            self.settle(items)
            self._gave_up(items)
