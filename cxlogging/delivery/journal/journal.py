"""
The waiting line on disk.

Rule 1: `put` is one append. No lock is held, so nothing can deadlock it.
Rule 2: what is on disk is not in memory; the worker reads it back.
Rule 3: where the disk fails, memory takes over, and the disk again when it can.
"""

from __future__ import annotations

import _thread
import contextlib
import itertools
import os
import struct
from collections import deque
from collections.abc import Callable, Sequence

from ..bounded import Bounded
from ..buffer import Item, News
from ..clock import Clock
from ..options import Options
from .adoption import Heirs
from .checksum import crc32
from .disk import Disk
from .files import Files
from .frames import FRAME, FRAME_BYTES, frame_bytes
from .line import Line
from .rejected import Rejected
from .segment import OFFSETS
from .spool import Spool
from .standby import Standby

SEGMENT_BYTES = 4 * 2**20
LOOK_SECONDS = 10.0
"""Between looks for what other processes left behind, and for a disk that works again."""

EVICTION_BYTES = 64 * 1024


class Journal(Bounded):
    """
    A process's line of one destination, in files that outlive it.

    Args:
        spool: Where.
        options: ``spool_bytes``, ``overflow``, ``block_timeout``, ``durability``; and
            ``buffer_bytes`` for the line in memory that takes over.
        clock: The clocks.
        evicted: Told the level of each item that is given up.
        lock: The delivery's lock.
        disk: The file system.
        segment_bytes: A segment grows to so much.
    """

    def __init__(
        self,
        spool: Spool,
        options: Options,
        clock: Clock,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
        *,
        disk: Disk,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        super().__init__(options, options.spool_bytes, clock, evicted, lock)
        self.news: deque[News] = deque()
        self._memory = Standby(options, clock, self._memory_gave_up, lock)
        self.fold_bytes = self._memory.fold_bytes
        self.fold = self._memory.fold
        self._index = itertools.count(1).__next__
        self._line = Line(disk, self._say, self._lost)
        self._numbers = self._line.numbers
        self._files = Files(spool, disk, self._line, self._index, clock, options, self._say)
        self._rejected = Rejected(disk)
        self._heirs = Heirs(disk, self._index, self._say)
        self._disk = disk
        self._write = disk.write
        self._segment_bytes = segment_bytes
        self._rotate_at = segment_bytes
        self._fd = -1
        self._mark = os.urandom(4)
        self._tend_at = 0.0

    def put(self, item: Item) -> bool:
        level, data, _ = item
        size = len(data) + FRAME_BYTES
        if self.arrived - self._settled + size > self._comfortable and self._refuse(level, size):
            return False
        if self._fd < 0 and not self._files.open(self._mark, self._use):
            return self._put_in_memory(item, size)
        self.arrived += size
        self.came = number = self.came + 1
        try:
            low = number & 0xFFFFFFFF
            checksum = crc32(data, low ^ (level & 0xFFFFFFFF))
            frame = FRAME.pack(self._mark, size - FRAME_BYTES, low, level, checksum) + data
            # The descriptor after the number: see `release`.
            written = self._write(self._fd, frame)
        except (OSError, struct.error) as error:
            return self._failed(item, size, number, error)
        except BaseException:
            self._line.doubtful.append(number)
            raise
        if written != size:
            self._line.expect_damage()
            return self._failed(item, size, number, None)
        if self.arrived >= self._rotate_at:
            self._rotate()
        return True

    def _failed(self, item: Item, size: int, number: int, error: Exception | None) -> bool:
        """Go on after an append that failed."""
        self.arrived -= size
        self._line.unwritten.append(number)
        if isinstance(error, struct.error):  # a level that no frame can hold
            level = max(-(2**31), min(item[0], 2**31 - 1))
            return self.put((level, item[1], 0))
        if self._fd < 0:  # another thread has let go of it, or seen the disk fail
            return self.put(item)
        self._fd = -1
        self._files.fail(error)
        return self._put_in_memory(item, size)

    def _put_in_memory(self, item: Item, size: int) -> bool:
        if not self._memory.put(item):
            return False
        self.arrived += size
        return True

    def _use(self, fd: int) -> None:
        """Append with *fd* from now on."""
        self._rotate_at = self.arrived + self._segment_bytes
        self._fd = fd

    def _rotate(self) -> None:
        with self._files.alone() as alone:
            if alone and self._fd >= 0 and self.arrived >= self._rotate_at:
                self._rotate_at = self.arrived + self._segment_bytes
                self._files.rotate(self._mark, lambda: self.came)

    def take(self, count: int, size: int) -> list[Item]:
        items = self._line.take(count, size, self._files.resumed)
        if not items and len(self._memory):
            items = self._memory.take(count, size)
        if not items:
            items = self._line.take(count, size)
        self.left += frame_bytes(items)
        return items

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
            with contextlib.suppress(OSError):
                self._rejected.add(folder, item, reason, self._clock.wall())

    def tend(self, now: float) -> float:
        self._files.keep_synced()
        if now >= self._tend_at:
            self._tend_at = now + LOOK_SECONDS
            self._line.age(now, self.came)
            self._files.tend(now, self._mark, lambda: self.came)
            folder = self._files.folder()
            if folder is not None:
                self._heirs.look(folder)
                with contextlib.suppress(OSError):
                    self._resize(self._files.bound_beside_others())
        return self._tend_at

    def perish(self) -> list[Item]:
        items = self._memory.perish()
        self.left += frame_bytes(items)
        return items

    def release(self) -> None:
        if self._heirs.in_hand or len(self) or not self._line.settled:
            return
        with self._files.alone() as alone:
            if not alone:  # a log call begins a segment
                return
            # First no descriptor, then the look: a log call draws its number first, and then
            # asks for the descriptor. Either we see its number, or it sees that there is none.
            fd, self._fd = self._fd, -1
            self._line.resolve_unwritten()
            if self.came != self._numbers.resolved:
                self._fd = fd
                return
            self._heirs.close()
            self._tend_at = 0.0
            remove = self._files.detach()
        remove()

    def forget(self) -> None:
        self._fd = -1
        self._heirs.close()
        self._files.close()

    @property
    def spooled(self) -> int:
        self._line.resolve_unwritten()
        return self.came - self._numbers.resolved

    @property
    def backlog(self) -> bool:
        return self._heirs.busy

    def __len__(self) -> int:
        return self.spooled + len(self._memory)

    def _evict(self, size: int) -> None:
        items = self.take(2**62, max(size, EVICTION_BYTES))
        self.settle(items)
        self._gave_up(items)

    def _memory_gave_up(self, items: Sequence[Item]) -> None:
        self._forgo(frame_bytes(items))
        self._gave_up(items)

    def _lost(self, count: int) -> None:
        """Note that so many numbers were given up, when all that is there was read."""
        self._forgo(self.arrived - self.left - self._memory.frame_bytes)
        self._gave_up([(0, b"", 0)] * count)

    def _forgo(self, size: int) -> None:
        self.left += size
        self._settled += size

    def _say(self, kind: str, topic: str, sentence: str) -> None:
        self.news.append((kind, topic, sentence))
