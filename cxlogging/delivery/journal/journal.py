"""
The queue on disk: what a log call put is in a file before the call returns.

Rule 1: `put` is one append. No lock is held, so nothing can deadlock it.
Rule 2: what is on disk is in memory too only while the worker keeps up; else it is read back.
Rule 3: an item leaves the disk when it has its outcome, and not before.
Rule 4: while the disk fails, memory takes over.
"""

from __future__ import annotations

import _thread
import itertools
import os
import struct
from collections.abc import Callable, Sequence

from ...wire.external_errors import is_external
from ...wire.threads import HAS_GIL
from ..clock import Clocks
from ..options import Options
from ..queue.queue import Item, ItemOrigin, Queue
from .append import Appender, MemoryFallback
from .disk import Disk, LostError
from .files import JournalFiles
from .frames import FRAME, FRAME_BYTES, crc32, frame_bytes
from .orphans import OrphanReclaimer
from .reading import ENDED, RECENT_BYTES, SegmentStart
from .rejected import DeadLetterFile
from .segment import SEGMENT_SPAN
from .segments import Segments
from .spool import DestinationDir

SEGMENT_BYTES = 4 * 2**20
MIN_SEGMENT_BYTES = 64 * 1024
SEGMENTS_PER_BOUND = 64
"""At least so many segments fit into ``spool_bytes``: a process keeps the one that grows, and
checks what others hold when it is full, so that each process may be wrong by one."""

MAINTAIN_SECONDS = 10.0
"""Between two checks for what other processes left, and for a disk that works again."""

FULL_SECONDS = 0.1
"""Between two checks for room, if there was none."""

EVICTION_BYTES = 64 * 1024

_pack = FRAME.pack


class Journal(Queue):
    """
    This process's queue for one destination, in files that outlive the process.

    Args:
        spool: The destination's directory.
        options: ``spool_bytes``, ``overflow``, ``block_timeout``, ``durability``; and
            ``buffer_bytes`` for the queue in memory that takes over.
        clock: The clocks.
        evicted: Called with the level of each item that is evicted.
        lock: The delivery's lock.
        disk: The file system.
        segment_bytes: A segment grows to this size.
        recent_bytes: Up to this much of what waits is in memory too.
    """

    item_overhead = FRAME_BYTES

    def __init__(
        self,
        spool: DestinationDir,
        options: Options,
        clock: Clocks,
        evicted: Callable[[int], None],
        lock: _thread.RLock,
        *,
        disk: Disk,
        segment_bytes: int = SEGMENT_BYTES,
        recent_bytes: int = RECENT_BYTES,
    ) -> None:
        super().__init__(options, options.spool_bytes, clock, evicted, lock)
        self._spool = spool
        self._spool_bytes = options.spool_bytes
        next_index = itertools.count(1).__next__
        self._memory = MemoryFallback(options, clock, self._memory_evicted, lock)
        self.fold_bytes = self._memory.fold_bytes
        self._segments = Segments(disk, self._report, self._lost)
        self._numbers = self._segments.numbers
        self._recent = self._segments.recent
        self._files = JournalFiles(
            spool, disk, self._segments, next_index, clock, options, self._report
        )
        self._appender = Appender(disk, clock, self._report)
        self._dead_letters = DeadLetterFile(disk)
        self._orphans = OrphanReclaimer(disk, next_index, self._report)
        most = max(options.spool_bytes // SEGMENTS_PER_BOUND, MIN_SEGMENT_BYTES)
        self._segment_bytes = min(segment_bytes, most)
        self._recent_bytes = min(recent_bytes, options.buffer_bytes) if HAS_GIL else -1
        self._rotate_at = self._segment_bytes
        self._fast_limit = min(self._fast_limit, self._segment_bytes)
        self._refuse_by_policy, self._refuse = self._refuse, self._refuse_beside_others
        self._measure_at = 0
        self._full_until = 0.0
        self._rounds = 0
        self._is_synced = options.durability == "system"
        self._is_missing = False
        self._done = 0
        self._fd = -1
        self._magic = os.urandom(4)

    # The log call

    def put(self, item: Item) -> bool:
        level, data, _ = item
        length = len(data)
        size = length + FRAME_BYTES
        if self.bytes_in - self._settled + size > self._fast_limit and self._refuse(level, size):
            return False
        if self._fd < 0 and not self._files.open(self._magic, self._use):
            return self._put_in_memory(item, size)
        self.bytes_in += size
        self.items_in = number = self.items_in + 1
        try:
            checksum = crc32(data, (number ^ level) & 0xFFFFFFFF)
            head = _pack(self._magic, length, number & 0xFFFFFFFF, level, checksum)
            # The descriptor is read after the number was drawn: see `release`.
            written = self._appender.write(self._fd, head + data)
        except BaseException as error:
            if isinstance(error, (OSError, struct.error)) and not is_external(error):
                return self._failed(item, size, number, error)
            self._segments.uncertain.append(number)
            self._done += 1
            self._recent.end()
            raise
        if written != size:
            self._segments.expect_damage()
            return self._failed(item, size, number, None)
        recent = self._recent
        try:
            self._done = done = self._done + 1
            if done == number == self.items_in and self.bytes_in < recent.until:
                recent.copies.append((level, data, number))
            else:  # its position is not certain, or the worker does not keep up
                recent.until = ENDED
            if self.bytes_in >= self._rotate_at:
                self._rotate()
        except MemoryError as error:
            recent.until = ENDED
            if is_external(error):
                raise
        return True  # it is on disk, whatever happened after that

    def _failed(self, item: Item, size: int, number: int, error: Exception | None) -> bool:
        """Go on after an append that failed; without an *error* it was only partly written."""
        self.bytes_in -= size
        self._done += 1
        self._recent.end()
        self._segments.failed.append(number)
        if isinstance(error, struct.error):  # the level does not fit into a frame
            level = max(-(2**31), min(item[0], 2**31 - 1))
            return self.put((level, item[1], 0))
        if self._fd < 0:  # another thread has released it, or seen the disk fail
            return self.put(item)
        self._fd = -1
        self._files.fail(error)
        if isinstance(error, LostError):
            self.maintain_at = 0.0  # the worker's next turn opens it again
        return self._put_in_memory(item, size)

    def _put_in_memory(self, item: Item, size: int) -> bool:
        accepted = self._memory.put(item)
        if accepted:
            self.bytes_in += size
        if self.notices:
            self.on_notice()
        return accepted

    def _use(self, fd: int, begins: bool) -> None:
        """Append with *fd* from now on."""
        number = self.items_in
        self._rotate_at = self.bytes_in + self._segment_bytes
        self._fd = fd
        if begins:
            self._copy_after(number)

    def _rotate(self) -> None:
        with self._files.lock.hold() as held:
            if held and self._fd >= 0 and self.bytes_in >= self._rotate_at:
                number = self.items_in
                self._rotate_at = self.bytes_in + self._segment_bytes
                if self._files.rotate(self._magic, lambda: self.items_in):
                    self._copy_after(number)

    def _copy_after(self, number: int) -> None:
        """Keep copies of what comes after *number*, the last one before the segment just begun."""
        recent, start = self._recent, SegmentStart(self._segments.newest, number)
        until = self.bytes_out + self._recent_bytes
        # A call that drew its number before, and is still running, ends the copies when it ends.
        # If one comes in between, its number is missing, and the copies are not used.
        if self.items_in == number and self.bytes_in < until:
            recent.copies.append(start)
            recent.until = until

    def _refuse_beside_others(self, level: int, size: int) -> bool:
        """Decide near the bound, or when it is time to see how much of it others hold."""
        now = self._clock.monotonic()
        is_due = self._full_until and now >= self._full_until
        if self.bytes_in + size > self._measure_at or is_due:
            self._measure()
            self._full_until = 0.0
        if self.bytes_held + size <= self._fast_limit:
            return False
        refused = self._refuse_by_policy(level, size)
        if refused and not self._full_until:
            self._full_until = now + FULL_SECONDS
        return refused

    def _measure(self) -> None:
        """See how much of the bound other processes leave, until a segment was added."""
        with self._files.lock.hold() as held:
            room = self._files.available_bytes() if held else None
            if room is not None:
                self._resize(room)
                self._measure_at = self.bytes_in + self._segment_bytes
                self._fast_limit = min(self._fast_limit, self.bytes_held + self._segment_bytes)

    # The worker

    def take(self, count: int, size: int) -> list[Item]:
        items = self._segments.take(count, size, self._files.resumed)
        if not items and self._in_memory:
            items = self._memory.take(count, size)
        if not items:
            items = self._segments.take(count, size)
        self.bytes_out += frame_bytes(items)
        self._recent.extend(self.bytes_out + self._recent_bytes)
        # A log call that was running has ended by the next time, or the copies are incomplete.
        is_missing = not items and self.spooled > 0
        if is_missing and self._is_missing:
            self._recent.forget()
        self._is_missing = is_missing
        return items

    def fold(self) -> bool:
        self._recent.forget()
        return self._memory.fold()

    def adopt(self, count: int, size: int) -> list[Item]:
        return self._orphans.take(count, size)

    def settle(self, items: Sequence[Item]) -> None:
        if items and items[0][2] // SEGMENT_SPAN == items[-1][2] // SEGMENT_SPAN:
            self._settle(items)  # a batch is from one segment, or from memory
        else:
            for _, group in itertools.groupby(items, lambda item: item[2] // SEGMENT_SPAN):
                self._settle(list(group))
        self._make_room()

    def _settle(self, items: Sequence[Item]) -> None:
        index = items[0][2] // SEGMENT_SPAN
        if index == 0:
            self._memory.settle(items)
        elif not self._segments.settle(index, items):
            self._orphans.settle(items)
            return
        self._settled += frame_bytes(items)

    def origin(self, place: int) -> ItemOrigin | None:
        index = place // SEGMENT_SPAN
        segment = self._segments.segment(index) or self._orphans.segment(index)
        return segment.origin(place) if segment is not None else None

    def reject(self, item: Item, reason: str) -> None:
        folder = self._files.folder()
        if folder is not None:
            try:
                self._dead_letters.add(folder, item, reason, self._clock.wall())
            except OSError as error:
                why = error.strerror or str(error)
                sentence = f"rejected records cannot be kept in the spool {self._spool.path}: {why}"
                self._report("rejected", why, sentence)

    def maintain(self, now: float, *, at_once: bool = False) -> None:
        self._files.keep_synced()
        if self._rounds == 1 and (self.items_in or now >= self.maintain_at):
            # Not in the first round: the application may not have made all its handlers yet.
            self._rounds, self.needs_care = 2, self._is_synced
            for other in self._spool.other_accounts():
                topic = f"{other.account} waits"
                self._report(topic, topic, other.sentence(self._spool.path))
        if at_once or now >= self.maintain_at:
            self.maintain_at = now + MAINTAIN_SECONDS
            self._rounds = self._rounds or 1
            self._segments.maintain(now, self.items_in)
            self._files.maintain(now, self._magic, lambda: self.items_in)
            folder = self._files.folder()
            if folder is not None:
                self._orphans.look(folder)
                self._measure()

    def drop_volatile(self) -> list[Item]:
        items = self._memory.drop_volatile()
        self.bytes_out += frame_bytes(items)
        return items

    def release(self) -> None:
        if self._orphans.is_holding or len(self) or not self._segments.is_settled:
            return
        with self._files.lock.hold() as held:
            if not held:  # a log call begins a segment
                return
            # The descriptor first, then the check: a log call draws its number before it reads
            # the descriptor. Either its number is seen here, or it sees that there is none.
            fd, self._fd = self._fd, -1
            self._segments.resolve_failed()
            if self.items_in != self._numbers.resolved:
                self._fd = fd
                return
            self._orphans.close()
            self.maintain_at = 0.0
            remove = self._files.detach()
        remove()

    def reset_after_fork(self) -> None:
        self._fd = -1
        self._orphans.close()
        self._files.close()

    @property
    def spooled(self) -> int:
        self._segments.resolve_failed()
        return self.items_in - self._numbers.resolved

    @property
    def backlog(self) -> bool:
        return self._orphans.has_items

    @property
    def _in_memory(self) -> int:
        """How many items wait in memory: none, as long as the disk has never failed."""
        return len(self._memory) if self._memory.items_in else 0

    def __len__(self) -> int:
        return self.spooled + self._in_memory

    @property
    def full(self) -> str:
        path, size = self._spool.path, self._spool_bytes
        if self._files.failed:
            return f"the spool {path} cannot be written, and {self._memory.full}"
        others = size - self.bound
        also = f", {others} of them with what other processes left or hold" if others > 0 else ""
        return f"the spool {path} of {size} bytes is full{also}"

    def _evict(self, size: int) -> None:
        items = self.take(2**62, max(size, EVICTION_BYTES))
        self.settle(items)
        self._count_evicted(items)

    def _memory_evicted(self, items: Sequence[Item]) -> None:
        self._write_off(frame_bytes(items))
        self._count_evicted(items)

    def _lost(self, count: int) -> None:
        """
        Count numbers that were given up when everything that is there was read.

        Args:
            count: How many records these were; 0 if an exception has ended the append of one,
                which was so never accepted.
        """
        self._write_off(self.bytes_in - self.bytes_out - self._memory.frame_bytes)
        self._count_evicted([(0, b"", 0)] * count)
        if not count:  # who waits for all that came before has waited for this one, too
            self.evicted += 1

    def _write_off(self, size: int) -> None:
        self.bytes_out += size
        self._settled += size

    def _report(self, kind: str, topic: str, sentence: str) -> None:
        self.notices.append((kind, topic, sentence))
