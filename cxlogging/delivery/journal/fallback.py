"""The line in memory that stands in for the disk where that fails."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence

from ..clock import Clock
from ..options import Options
from ..queue.memory import ITEM_OVERHEAD, MemoryQueue
from ..queue.queue import Item
from .frames import FRAME_BYTES


class Standby(MemoryQueue):
    """
    A line in memory that is a part of a journal's.

    Args:
        options: As a `MemoryQueue` takes them.
        clock: For ``overflow="block"``.
        on_evicted: Told the items that ``"drop_oldest"`` takes out.
        lock: The delivery's lock.
    """

    def __init__(
        self,
        options: Options,
        clock: Clock,
        on_evicted: Callable[[Sequence[Item]], None],
        lock: _thread.RLock,
    ) -> None:
        super().__init__(options, clock, lambda _: None, lock)
        self._on_items_evicted = on_evicted

    def _count_evicted(self, items: Sequence[Item]) -> None:
        self._on_items_evicted(items)

    @property
    def frame_bytes(self) -> int:
        """What waits, in bytes as it would take on disk."""
        return self.bytes_in - self.bytes_out - len(self) * (ITEM_OVERHEAD - FRAME_BYTES)
