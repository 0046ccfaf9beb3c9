"""
The waiting line on disk.

Rule 1: what is on disk is in memory only while the worker keeps up; else it reads it back.
Rule 2: an item leaves the disk when it has its outcome, and not before.
"""

from __future__ import annotations

import _thread
import itertools
from collections.abc import Callable, Sequence

from ..clock import Clock
from ..options import Options
from ..queue.queue import Item
from .appending import SEGMENT_BYTES, Appending
from .disk import Disk
from .frames import frame_bytes
from .orphans import OrphanReclaimer
from .recent import RECENT_BYTES
from .rejected import DeadLetterFile
from .segment import OFFSETS
from .spool import DestinationDir

LOOK_SECONDS = 10.0
"""Between looks for what other processes left behind, and for a disk that works again."""

EVICTION_BYTES = 64 * 1024


class Journal(Appending):
    """
    A process's line of one destination, in files that outlive it.

    Takes what `Appending` does.
    """

    def __init__(
        self,
        spool: DestinationDir,
        options: Options,
        clock: Clock,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
        *,
        disk: Disk,
        segment_bytes: int = SEGMENT_BYTES,
        recent_bytes: int = RECENT_BYTES,
    ) -> None:
        super().__init__(
            spool,
            options,
            clock,
            evicted,
            lock,
            disk=disk,
            segment_bytes=segment_bytes,
            recent_bytes=recent_bytes,
        )
        self._rejected = DeadLetterFile(disk)
        self._heirs = OrphanReclaimer(disk, self._index, self._say)
        self._absent = False
        self._looks = 0

    def take(self, count: int, size: int) -> list[Item]:
        items = self._line.take(count, size, self._files.resumed)
        if not items and len(self._memory):
            items = self._memory.take(count, size)
        if not items:
            items = self._line.take(count, size)
        self.bytes_out += frame_bytes(items)
        self._recent.extend(self.bytes_out + self._recent_bytes)
        # A log call that is under way has ended at the next look, or something is amiss.
        absent = not items and self.spooled > 0
        if absent and self._absent:
            self._recent.forget()
        self._absent = absent
        return items

    def fold(self) -> bool:
        self._recent.forget()
        return self._memory.fold()

    def adopt(self, count: int, size: int) -> list[Item]:
        return self._heirs.take(count, size)

    def settle(self, items: Sequence[Item]) -> None:
        if items and items[0][2] // OFFSETS == items[-1][2] // OFFSETS:
            self._settle(items)  # a batch is of one segment, or of memory
        else:
            for _, group in itertools.groupby(items, lambda item: item[2] // OFFSETS):
                self._settle(list(group))
        self._make_room()

    def _settle(self, items: Sequence[Item]) -> None:
        index = items[0][2] // OFFSETS
        if index == 0:
            self._memory.settle(items)
        elif not self._line.settle(index, items):
            self._heirs.settle(items)
            return
        self._settled += frame_bytes(items)

    def reject(self, item: Item, reason: str) -> None:
        folder = self._files.folder()
        if folder is not None:
            try:
                self._rejected.add(folder, item, reason, self._clock.wall())
            except OSError as error:
                why = error.strerror or str(error)
                sentence = f"refused records are not kept in the spool {self._spool.path}: {why}"
                self._say("letters", why, sentence)

    def maintain(self, now: float, *, at_once: bool = False) -> None:
        self._files.keep_synced()
        if self._looks == 1 and (self.items_in or now >= self.maintain_at):
            # Not at the first look: the application may still be making the others' handlers.
            self._looks, self.needs_care = 2, self._options.durability == "system"
            for stranger in self._spool.other_accounts():
                topic = f"{stranger.account} waits"
                self._say(topic, topic, stranger.sentence(self._spool.path))
        if at_once or now >= self.maintain_at:
            self.maintain_at = now + LOOK_SECONDS
            self._looks = self._looks or 1
            self._line.age(now, self.items_in)
            self._files.maintain(now, self._mark, lambda: self.items_in)
            folder = self._files.folder()
            if folder is not None:
                self._heirs.look(folder)
                self._measure()

    def drop_volatile(self) -> list[Item]:
        items = self._memory.drop_volatile()
        self.bytes_out += frame_bytes(items)
        return items

    def release(self) -> None:
        if self._heirs.is_holding or len(self) or not self._line.settled:
            return
        with self._files.lock.hold() as alone:
            if not alone:  # a log call begins a segment
                return
            # First no descriptor, then the look: a log call draws its number first, and then
            # asks for the descriptor. Either we see its number, or it sees that there is none.
            fd, self._fd = self._fd, -1
            self._line.resolve_unwritten()
            if self.items_in != self._numbers.resolved:
                self._fd = fd
                return
            self._heirs.close()
            self.maintain_at = 0.0
            remove = self._files.detach()
        remove()

    def reset_after_fork(self) -> None:
        self._fd = -1
        self._heirs.close()
        self._files.close()

    @property
    def spooled(self) -> int:
        self._line.resolve_unwritten()
        return self.items_in - self._numbers.resolved

    @property
    def backlog(self) -> bool:
        return self._heirs.has_items

    def __len__(self) -> int:
        return self.spooled + len(self._memory)

    def _evict(self, size: int) -> None:
        items = self.take(2**62, max(size, EVICTION_BYTES))
        self.settle(items)
        self._count_evicted(items)
