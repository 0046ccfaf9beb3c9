"""The line in memory that stands in for the disk where that fails."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence

from ..clock import Clock
from ..options import Options
from ..queue.memory import ITEM_OVERHEAD, MemoryBuffer
from ..queue.queue import Item
from .frames import FRAME_BYTES


class Standby(MemoryBuffer):
    """
    A line in memory that is a part of a journal's.

    Args:
        options: As a `MemoryBuffer` takes them.
        clock: For ``overflow="block"``.
        gave_up: Told the items that ``"drop_oldest"`` takes out.
        lock: The delivery's lock.
    """

    def __init__(
        self,
        options: Options,
        clock: Clock,
        gave_up: Callable[[Sequence[Item]], None],
        lock: _thread.RLock,
    ) -> None:
        super().__init__(options, clock, lambda _: None, lock)
        self._tell_journal = gave_up

    def _gave_up(self, items: Sequence[Item]) -> None:
        self._tell_journal(items)

    @property
    def frame_bytes(self) -> int:
        """What waits, in bytes as it would take on disk."""
        return self.arrived - self.left - len(self) * (ITEM_OVERHEAD - FRAME_BYTES)
