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
import secrets
import struct
from collections import deque
from collections.abc import Callable, Sequence
from zlib import crc32

from ..bounded import Bounded
from ..buffer import Item, News
from ..clock import Clock
from ..memory import MemoryBuffer
from ..options import Options
from .adoption import Heirs
from .disk import Disk
from .files import Files
from .frames import FRAME, FRAME_BYTES, frame_bytes
from .line import Line
from .rejected import Rejected
from .segment import OFFSETS
from .spool import Spool

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
        super().__init__(options, options.spool_bytes, clock, lock)
        self.news: deque[News] = deque()
        self._memory = MemoryBuffer(options, clock, evicted, lock)
        self.fold_bytes = self._memory.fold_bytes
        self.fold = self._memory.fold
        self._tell = evicted
        self._index = itertools.count(1).__next__
        self._line = Line(disk, self._say, evicted)
        self._numbers = self._line.numbers
        self._files = Files(spool, disk, self._line, self._index, clock, options, self._say)
        self._rejected = Rejected(disk)
        self._heirs: Heirs | None = None
        self._disk = disk
        self._write = disk.write
        self._segment_bytes = segment_bytes
        self._rotate_at = segment_bytes
        self._number = 0
        self._fd = -1
        self._mark = secrets.token_bytes(4)
        self._tend_at = 0.0

    def put(self, item: Item) -> bool:
        level, data, _ = item
        size = len(data) + FRAME_BYTES
        if self.arrived - self._settled + size > self._comfortable and self._refuse(level, size):
            return False
        if self._fd < 0 and not self._open():
            return self._put_in_memory(item, size)
        self.arrived += size
        self._number = number = self._number + 1
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

    def _open(self) -> bool:
        """Have a segment to append to; False where the disk has failed."""
        fd = self._files.open(self._mark)
        if fd < 0:
            return False
        self._fd = fd
        self._rotate_at = self.arrived + self._segment_bytes
        return True

    def _rotate(self) -> None:
        if self._files.rotating.acquire(blocking=False):
            try:
                if self.arrived >= self._rotate_at:
                    self._rotate_at = self.arrived + self._segment_bytes
                    self._files.rotate(self._mark, lambda: self._number)
            finally:
                self._files.rotating.release()

    def take(self, count: int, size: int) -> list[Item]:
        items = self._line.take(count, size, self._files.resumed)
        if not items and len(self._memory):
            items = self._memory.take(count, size)
        if not items:
            items = self._line.take(count, size)
        self.left += frame_bytes(items)
        return items

    def adopt(self, count: int, size: int) -> list[Item]:
        return self._heirs.take(count, size) if self._heirs is not None else []

    def settle(self, items: Sequence[Item]) -> None:
        for index, group in itertools.groupby(items, lambda item: item[2] // OFFSETS):
            same = list(group)
            if index == 0:
                self._memory.settle(same)
            elif not self._line.settle(index, same):
                if self._heirs is not None:
                    self._heirs.settle(same)
                continue
            self._settled += frame_bytes(same)
        self._make_room()

    def reject(self, item: Item, reason: str) -> None:
        folder = self._files.folder()
        if folder is not None:
            with contextlib.suppress(OSError):
                self._rejected.add(folder, item, reason, self._clock.wall())

    def tend(self, now: float) -> float:
        self._files.keep_synced()
        if now >= self._tend_at:
            self._tend_at = now + LOOK_SECONDS
            self._line.tend(now)
            self._files.tend(now, self._mark, lambda: self._number)
            folder = self._files.folder()
            if folder is not None:
                with contextlib.suppress(OSError):
                    self._look(folder)
        return self._tend_at

    def _look(self, folder: int) -> None:
        """See what others have left behind, and how much of the spool they fill."""
        if self._heirs is None or self._heirs.parent != folder:
            self._heirs = Heirs(self._disk, folder, self._index, self._say)
        self._heirs.look()
        self._resize(self._files.bound_beside_others())

    def perish(self) -> list[Item]:
        items = self._memory.perish()
        self.left += frame_bytes(items)
        return items

    def release(self) -> None:
        in_hand = self._heirs is not None and self._heirs.in_hand
        if in_hand or len(self) or not self._line.settled:
            return
        # First no descriptor, then the look: a log call draws its number first, and then
        # asks for the descriptor. Either we see its number, or it sees that there is none.
        fd, self._fd = self._fd, -1
        self._line.resolve_unwritten()
        if self._number != self._numbers.resolved:
            self._fd = fd
            return
        self._heirs = None
        self._tend_at = 0.0
        self._files.release()

    def forget(self) -> None:
        self._fd = -1
        if self._heirs is not None:
            self._heirs.close()
        self._files.close()

    @property
    def spooled(self) -> int:
        self._line.resolve_unwritten()
        return self._number - self._numbers.resolved

    @property
    def backlog(self) -> bool:
        return self._heirs is not None and self._heirs.busy

    def waiting(self) -> int:
        return self._number - self._numbers.resolved

    def __len__(self) -> int:
        return self.spooled + len(self._memory)

    def _evict(self, size: int) -> None:
        items = self.take(2**62, max(size, EVICTION_BYTES))
        for level, _, _ in items:
            self._tell(level)
        self.evicted += len(items)
        self.settle(items)

    def _say(self, kind: str, topic: str, sentence: str) -> None:
        self.news.append((kind, topic, sentence))
