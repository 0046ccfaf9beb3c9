"""The queue in memory."""

from __future__ import annotations

import _thread
import math
from collections import deque
from collections.abc import Callable, Sequence

from ..clock import Clocks
from ..options import Options
from .folding import Folded
from .queue import Item, Queue, data_bytes

ITEM_OVERHEAD = 120
"""Bytes that a waiting item takes beyond its own: a tuple, an object, a slot of the deque."""

FOLD_BYTES = 128 * 1024
MOST_FOLD_BYTES = 2**20
"""At once, where much waits: beside a busy application even a small fold takes its time."""

FOLD_PART = 16
"""One part of so many of the bytes held is folded at once."""


class MemoryQueue(Queue):
    """
    A queue in memory.

    A deque's ``append`` and ``popleft`` are indivisible: `put` needs no lock, and so cannot
    deadlock, wherever it is called from. In an outage the worker compresses what waits, from the
    front: `_newest` holds the newest items, `_folded` older ones, compressed, and `_front` those
    that come first.

    Args:
        options: ``buffer_bytes``, ``overflow`` and ``block_timeout``.
        clock: For ``overflow="block"``.
        evicted: Called with the level of each item that ``"drop_oldest"`` evicts.
        lock: The delivery's lock.
    """

    spooled = 0
    backlog = False
    fold_bytes = FOLD_BYTES
    item_overhead = ITEM_OVERHEAD

    def __init__(
        self,
        options: Options,
        clock: Clocks,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
    ) -> None:
        super().__init__(options, options.buffer_bytes, clock, evicted, lock)
        self._newest: deque[Item] = deque()
        self._folded: deque[tuple[Folded, int]] = deque()
        self._front: deque[Item] = deque()
        self._in_folds = 0
        self.maintain_at, self.needs_care = math.inf, False

    def put(self, item: Item) -> bool:
        size = len(item[1]) + ITEM_OVERHEAD
        if self.bytes_in - self._settled + size > self._fast_limit and self._refuse(item[0], size):
            return False
        self.items_in += 1
        self.bytes_in += size
        try:
            self._newest.append(item)
        except MemoryError:
            self._settled += size
            raise
        return True

    def take(self, count: int, size: int) -> list[Item]:
        items: list[Item] = []
        while len(items) < count and (oldest := self._oldest()):
            number = min(count - len(items), len(oldest))
            if self.bytes_in - self.bytes_out <= size:  # all that waits fits
                more = [oldest.popleft() for _ in range(number)]
                length = sum([len(data) for _, data, _ in more])
                size -= length + number
                self.bytes_out += length + number * ITEM_OVERHEAD
                items += more
                continue
            for _ in range(number):
                length = len(oldest[0][1])
                size -= length + 1
                if size < 0 and items:
                    return items
                self.bytes_out += length + ITEM_OVERHEAD
                items.append(oldest.popleft())
        return items

    def _oldest(self) -> deque[Item]:
        """Return the part of the queue that has the oldest items."""
        if not self._front and self._folded:
            folded, saved = self._folded.popleft()
            self._in_folds -= len(folded)
            self._settled -= saved
            self._front.extend(folded.items())
        return self._front or self._newest

    def adopt(self, count: int, size: int) -> list[Item]:  # noqa: ARG002 - nothing outlives memory
        return []

    def settle(self, items: Sequence[Item]) -> None:
        self._settled += data_bytes(items) + ITEM_OVERHEAD * len(items)
        self._make_room()

    def reject(self, item: Item, reason: str) -> None:
        """Keep nothing: only a spool has room for what the vendor refused."""

    def fold(self) -> bool:
        items: list[Item] = []
        size = 0
        enough = max(FOLD_BYTES, min(self.bytes_held // FOLD_PART, MOST_FOLD_BYTES))
        for _ in range(len(self._newest)):
            items.append(self._newest.popleft())
            size += len(items[-1][1]) + ITEM_OVERHEAD
            if size >= enough:
                folded = Folded(items)
                self._folded.append((folded, size - folded.size))
                self._in_folds += len(items)
                self._settled += size - folded.size
                return True
        self._newest.extendleft(reversed(items))
        return False

    @property
    def full(self) -> str:
        return f"the buffer of {self.bound} bytes is full"

    def maintain(self, now: float, *, at_once: bool = False) -> None:
        """Do nothing: nothing is ever due."""

    def drop_volatile(self) -> list[Item]:
        return self.take(len(self), self.bytes_in)

    def release(self) -> None:
        """Do nothing: there are no files."""

    def reset_after_fork(self) -> None:
        """Do nothing: there are no files."""

    def __len__(self) -> int:
        return len(self._newest) + self._in_folds + len(self._front)

    def _evict(self, size: int) -> None:
        # Unfolding takes memory first, so a folded piece is evicted as a whole.
        target = self.bytes_held - size
        while self.bytes_held > target and (items := self.take(1, 0)):
            self.settle(items)
            self._count_evicted(items)
