"""
Reading a segment front to back while it may still grow: from the disk, or from copies in memory.

A log call keeps a copy of what it has written, so that the worker need not read it back:

Rule 1: a log call adds a copy only if every call that began before has ended and none has begun
since: then its frame is the last one on disk. Otherwise no copies are added until the next
segment begins.
Rule 2: copies are taken while their sequence numbers are consecutive: then their frames are too.
A debugger can switch threads between a check and what follows from it.
Rule 3: what is copied is on disk; forgetting a copy costs a read, never a record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..queue.queue import Item
from .disk import Disk
from .frames import FRAME, FRAME_BYTES, HEADER_BYTES, DecodedFrame, crc32, frame_at

CHUNK_BYTES = 256 * 1024
_NEVER = 2**62

RECENT_BYTES = 4 * 2**20
"""If more than this waits, records are read back from the disk."""

ENDED = -1


class SegmentReader:
    """
    The items of one segment that have no outcome yet, in order; damage is skipped.

    Args:
        disk: The file system.
        fd: The segment, open for reading.
        magic: Of the segment.
        first_position: Added to an offset, it is an item's position.
        settled: Ranges of offsets to leave out, in order.

    Attributes:
        fd: As given; another one if the file had to be opened again.
        offset: Everything before it has been read.
        numbers: Sequence numbers of the frames read; the caller clears them.
        damaged: How many damaged ranges were skipped.
        torn: Whether the last frame is incomplete.
        ended: Whether all has been read, and nothing will follow.
        skip_incomplete: Whether to look for other frames behind an incomplete one.
    """

    def __init__(
        self, disk: Disk, fd: int, magic: bytes, first_position: int, settled: list[tuple[int, int]]
    ) -> None:
        self._disk = disk
        self.fd = fd
        self._magic = magic
        self._first_position = first_position
        self._settled = list(reversed(settled))
        self._skip_at = settled[0][0] if settled else _NEVER
        self._chunk = b""
        self._base = HEADER_BYTES
        self._index = 0
        self.numbers: list[int] = []
        self.damaged = 0
        self.torn = False
        self.ended = False
        self.skip_incomplete = False

    @property
    def offset(self) -> int:
        return self._base + self._index

    @property
    def position(self) -> int:
        """The position of the next item."""
        return self._first_position + self.offset

    def skip(self, size: int) -> None:
        """Skip *size* bytes, whose items are known without reading them."""
        self._move(self.offset + size)

    def take(self, count: int, size: int, *, final: bool) -> list[Item]:
        """
        Return the next items: at most *count*, and *size* bytes, but one at least.

        Args:
            count: Items.
            size: Bytes.
            final: Nothing will be appended any more: what is incomplete stays so.
        """
        items: list[Item] = []
        self._skip_settled()
        chunk, index = self._chunk, self._index
        while len(items) < count:
            body = index + FRAME_BYTES
            if body <= len(chunk):
                magic, length, number, level, checksum = FRAME.unpack_from(chunk, index)
                item = chunk[body : body + length]
                valid = crc32(item, number ^ (level & 0xFFFFFFFF)) == checksum
                if valid and magic == self._magic and len(item) == length:
                    size -= length + 1
                    if size < 0 and items:
                        break
                    items.append((level, item, self._first_position + self._base + index))
                    self.numbers.append(number)
                    index = body + length
                    if self._base + index < self._skip_at:
                        continue
            self._index = index
            try:
                advanced = self._advance(final)
            except OSError:
                if not items:
                    raise
                return items  # these are read; the next take meets the error again
            if not advanced:
                return items
            chunk, index = self._chunk, self._index
        self._index = index
        return items

    def _skip_settled(self) -> bool:
        """Skip what is settled already; return False if nothing here is."""
        before = self.offset
        while self._settled and self._settled[-1][0] <= self.offset:
            _, end = self._settled.pop()
            self._index += max(0, end - self.offset)
        self._skip_at = self._settled[-1][0] if self._settled else _NEVER
        return self.offset != before

    def _advance(self, final: bool) -> bool:
        """Get to a complete frame by reading on or skipping; return False if there is none now."""
        if self._skip_settled():
            return True
        found = frame_at(self._chunk, self._index, self._magic, self._base)
        if isinstance(found, DecodedFrame):
            return True
        loaded = len(self._chunk) - self._index
        if found and self._load(max(CHUNK_BYTES, loaded + found)) > loaded:
            return True
        if not found or final or self.skip_incomplete:
            offset = self._find(self.offset + 1)
            if offset is not None:
                self.damaged += 1
                self._move(offset)
                return True
        if final:
            rest = self._disk.size(self.fd) - self.offset
            self.torn |= rest > 0 and bool(found)
            self.damaged += rest > 0 and not found
            self._move(self.offset + max(0, rest))
            self.ended = True
        return False

    def _load(self, size: int) -> int:
        """Read from the current offset on; return how much was read."""
        data = self._disk.read(self.fd, size, self.offset)
        self._base, self._index, self._chunk = self.offset, 0, data
        return len(data)

    def _move(self, offset: int) -> None:
        self._base, self._index, self._chunk = offset, 0, b""

    def _find(self, offset: int) -> int | None:
        """Return the offset of the first complete frame at or after *offset*."""
        if not self._magic:
            return None
        while data := self._disk.read(self.fd, CHUNK_BYTES, offset):
            index = data.find(self._magic)
            while index >= 0:
                found = frame_at(data, index, self._magic, offset)
                if isinstance(found, int) and found:
                    size = len(data) - index + found
                    longer = self._disk.read(self.fd, size, offset + index)
                    found = frame_at(longer, 0, self._magic, offset + index)
                if isinstance(found, DecodedFrame):
                    return offset + index
                index = data.find(self._magic, index + 1)
            # A magic number may lie across the border of two reads.
            offset += max(1, len(data) - len(self._magic) + 1)
            if len(data) <= len(self._magic):
                return None
        return None


class SegmentStart(NamedTuple):
    """Where a *segment* begins among the copies; its first item has the number after *number*."""

    segment: int
    number: int


class RecentItems:
    """
    The copies, in the order of the disk.

    Args:
        on_taken: Called with the first sequence number of what was taken, and how many there are.

    Attributes:
        copies: Items with sequence numbers for positions; a `SegmentStart` before each segment's.
        until: A copy is added while the journal's ``bytes_in`` is below it; `ENDED` if none is.
    """

    def __init__(self, on_taken: Callable[[int, int], None]) -> None:
        self.copies: deque[Item | SegmentStart] = deque()
        self.until = ENDED
        self._on_taken = on_taken
        self._segment = 0
        self._number = 0

    def end(self) -> None:
        """Add no more copies: the next item may lie anywhere."""
        self.until = ENDED

    def forget(self) -> None:
        """Forget all copies: what was not taken will be read."""
        self.until = ENDED
        self.copies.clear()
        self._segment = 0  # what comes is behind what was forgotten

    def extend(self, until: int) -> None:
        """Allow copies until this many bytes were put, unless they have ended."""
        if self.until != ENDED:
            self.until = until

    def take(self, segment: int, reader: SegmentReader, count: int, size: int) -> list[Item] | None:
        """
        Return the next items of a segment; None if they must be read.

        Args:
            segment: The segment's index.
            reader: Of the segment; it skips what is returned.
            count: At most so many.
            size: Bytes, but one item at least.
        """
        # Checked before looking at the copies: once they have ended, none is added.
        is_growing = self.until != ENDED
        front = self._begin(segment, reader)
        if self._segment != segment:
            return None
        if front is None and is_growing:
            return []
        if front is None or isinstance(front, SegmentStart):
            self._segment = 0  # what else the segment holds was written without a copy
            return None
        return self._items(reader, count, size)

    def _begin(self, segment: int, reader: SegmentReader) -> Item | SegmentStart | None:
        """Return the first copy, after the start of *segment* if that comes first."""
        front = self.copies[0] if self.copies else None
        at_start = reader.offset == HEADER_BYTES
        if isinstance(front, SegmentStart) and front.segment == segment and at_start:
            self._segment, self._number = front
            self.copies.popleft()
            front = self.copies[0] if self.copies else None
        elif front is not None and self._segment < segment and not _is_later(front, segment):
            self.forget()  # copies of a segment that is gone
            front = None
        return front

    def _items(self, reader: SegmentReader, count: int, size: int) -> list[Item]:
        items: list[Item] = []
        copies, before, first = self.copies, reader.position, self._number + 1
        position = before
        for expected in range(first, first + min(count, len(copies))):
            copy = copies.popleft()
            if isinstance(copy, SegmentStart):
                copies.appendleft(copy)
                break
            level, data, number = copy
            length = len(data)
            size -= length + 1
            if size < 0 and items:
                copies.appendleft(copy)
                break
            if number != expected:
                self.forget()
                break
            items.append((level, data, position))
            position += length + FRAME_BYTES
        reader.skip(position - before)
        self._on_taken(first, len(items))
        self._number += len(items)
        return items


def _is_later(front: Item | SegmentStart, segment: int) -> bool:
    return isinstance(front, SegmentStart) and front.segment > segment
