"""
What a log call does with the line on disk.

Rule 1: `put` is one append. No lock is held, so nothing can deadlock it.
Rule 2: where the disk fails, memory takes over, and the disk again when it can.
"""

from __future__ import annotations

import _thread
import itertools
import os
import struct
from collections.abc import Callable, Sequence

from ...wire.external_errors import is_external
from ...wire.threads import HAS_GIL
from ..clock import Clock
from ..options import Options
from ..queue.queue import Item, Queue
from .append import Append
from .checksum import crc32
from .disk import Disk, LostError
from .fallback import Standby
from .files import JournalFiles
from .frames import FRAME, FRAME_BYTES, frame_bytes
from .recent import ENDED, RECENT_BYTES, Start
from .segments import Line
from .spool import DestinationDir

SEGMENT_BYTES = 4 * 2**20
LEAST_SEGMENT_BYTES = 64 * 1024
SEGMENTS = 64
"""The bound is so many segments at least: a process keeps the one that grows, and looks at what
others have when as much more waits as one holds, so that each may be wrong by one."""

FULL_SECONDS = 0.1
"""Between looks for room, where there was none."""

_pack = FRAME.pack


class Appending(Queue):
    """
    A line on disk, seen from its end.

    Args:
        spool: Where.
        options: ``spool_bytes``, ``overflow``, ``block_timeout``, ``durability``; and
            ``buffer_bytes`` for the line in memory that takes over.
        clock: The clocks.
        evicted: Told the level of each item that is given up.
        lock: The delivery's lock.
        disk: The file system.
        segment_bytes: A segment grows to so much.
        recent_bytes: So much of what waits is in memory too.
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
        super().__init__(options, options.spool_bytes, clock, evicted, lock)
        self._memory = Standby(options, clock, self._memory_evicted, lock)
        self.fold_bytes = self._memory.fold_bytes
        self._index = itertools.count(1).__next__
        self._line = Line(disk, self._say, self._lost)
        self._numbers = self._line.numbers
        self._recent = self._line.recent
        self._recent_bytes = min(recent_bytes, options.buffer_bytes) if HAS_GIL else -1
        self._done = 0
        self._spool = spool
        self._options = options
        self._by_policy, self._refuse = self._refuse, self._refuse_beside_others
        self._measure_at = 0
        self._maintain_at = 0.0
        self._full_until = 0.0
        self._files = JournalFiles(spool, disk, self._line, self._index, clock, options, self._say)
        self._append = Append(disk, clock, self._say)
        most = max(options.spool_bytes // SEGMENTS, LEAST_SEGMENT_BYTES)
        self._segment_bytes = min(segment_bytes, most)
        self._rotate_at = self._segment_bytes
        self._fast_limit = min(self._fast_limit, self._segment_bytes)
        self._fd = -1
        self._mark = os.urandom(4)

    def put(self, item: Item) -> bool:
        level, data, _ = item
        length = len(data)
        size = length + FRAME_BYTES
        if self.bytes_in - self._settled + size > self._fast_limit and self._refuse(level, size):
            return False
        if self._fd < 0 and not self._files.open(self._mark, self._use):
            return self._put_in_memory(item, size)
        self.bytes_in += size
        self.items_in = number = self.items_in + 1
        try:
            checksum = crc32(data, (number ^ level) & 0xFFFFFFFF)
            head = _pack(self._mark, length, number & 0xFFFFFFFF, level, checksum)
            # The descriptor after the number: see `release`.
            written = self._append.write(self._fd, head + data)
        except BaseException as error:
            if isinstance(error, (OSError, struct.error)) and not is_external(error):
                return self._failed(item, size, number, error)
            self._line.doubtful.append(number)
            self._done += 1
            self._recent.end()
            raise
        if written != size:
            self._line.expect_damage()
            return self._failed(item, size, number, None)
        recent = self._recent
        try:
            self._done = done = self._done + 1
            if done == number == self.items_in and self.bytes_in < recent.until:
                recent.line.append((level, data, number))
            else:  # not sure of its place, or the worker does not keep up
                recent.until = ENDED
            if self.bytes_in >= self._rotate_at:
                self._rotate()
        except MemoryError as error:
            recent.until = ENDED
            if is_external(error):
                raise
        return True  # it is on disk, whatever came after that

    def _failed(self, item: Item, size: int, number: int, error: Exception | None) -> bool:
        """Go on after an append that failed."""
        self.bytes_in -= size
        self._done += 1
        self._recent.end()
        self._line.unwritten.append(number)
        if isinstance(error, struct.error):  # a level that no frame can hold
            level = max(-(2**31), min(item[0], 2**31 - 1))
            return self.put((level, item[1], 0))
        if self._fd < 0:  # another thread has let go of it, or seen the disk fail
            return self.put(item)
        self._fd = -1
        self._files.fail(error)
        if isinstance(error, LostError):
            self._maintain_at = 0.0  # a worker's next turn opens it again
        return self._put_in_memory(item, size)

    def _put_in_memory(self, item: Item, size: int) -> bool:
        took = self._memory.put(item)
        if took:
            self.bytes_in += size
        if self.notices:
            self.on_notice()
        return took

    def _use(self, fd: int, begins: bool) -> None:
        """Append with *fd* from now on."""
        number = self.items_in
        self._rotate_at = self.bytes_in + self._segment_bytes
        self._fd = fd
        if begins:
            self._copy_after(number)

    def _rotate(self) -> None:
        with self._files.lock.hold() as alone:
            if alone and self._fd >= 0 and self.bytes_in >= self._rotate_at:
                number = self.items_in
                self._rotate_at = self.bytes_in + self._segment_bytes
                if self._files.rotate(self._mark, lambda: self.items_in):
                    self._copy_after(number)

    def _refuse_beside_others(self, level: int, size: int) -> bool:
        """Decide near the bound, or where it is time to see how much of it others have taken."""
        now = self._clock.monotonic()
        if self.bytes_in + size > self._measure_at or (
            self._full_until and now >= self._full_until
        ):
            with self._files.lock.hold() as alone:
                if alone:
                    self._measure_alone()
            self._full_until = 0.0
        if self.bytes_held + size <= self._fast_limit:
            return False
        refused = self._by_policy(level, size)
        if refused and not self._full_until:
            self._full_until = now + FULL_SECONDS
        return refused

    def _measure(self) -> None:
        with self._files.lock.hold() as alone:
            if alone:
                self._measure_alone()

    def _measure_alone(self) -> None:
        """See how much of the bound is left for us, until we have added a segment."""
        room = self._files.available_bytes()
        if room is not None:
            self._resize(room)
            self._measure_at = self.bytes_in + self._segment_bytes
            self._fast_limit = min(self._fast_limit, self.bytes_held + self._segment_bytes)

    def _copy_after(self, number: int) -> None:
        """Keep copies of what comes after *number*, the last before the segment just begun."""
        recent, start = self._recent, Start(self._line.newest, number)
        until = self.bytes_out + self._recent_bytes
        # A call that drew its number before, and is still under way, ends the copies when it
        # ends. One that comes in between is missed: its number is, and they are not believed.
        if self.items_in == number and self.bytes_in < until:
            recent.line.append(start)
            recent.until = until

    @property
    def full(self) -> str:
        if self._files.failed:
            return f"the spool {self._spool.path} cannot be written, and {self._memory.full}"
        whole = self._options.spool_bytes
        others = whole - self.bound
        beside = f", {others} of them with what other processes left or hold" if others > 0 else ""
        return f"the spool {self._spool.path} of {whole} bytes is full{beside}"

    def _memory_evicted(self, items: Sequence[Item]) -> None:
        self._forgo(frame_bytes(items))
        self._count_evicted(items)

    def _lost(self, count: int) -> None:
        """Note that so many numbers were given up, when all that is there was read."""
        self._forgo(self.bytes_in - self.bytes_out - self._memory.frame_bytes)
        self._count_evicted([(0, b"", 0)] * count)

    def _forgo(self, size: int) -> None:
        self.bytes_out += size
        self._settled += size

    def _say(self, kind: str, topic: str, sentence: str) -> None:
        self.notices.append((kind, topic, sentence))
