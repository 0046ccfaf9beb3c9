"""Reading a segment front to back, while it may still grow, past whatever is damaged."""

from __future__ import annotations

from ..queue.queue import Item
from .checksum import crc32
from .disk import Disk
from .frames import FRAME, FRAME_BYTES, HEADER_BYTES, Frame, frame_at

CHUNK_BYTES = 256 * 1024
_NEVER = 2**62


class Reader:
    """
    The items of one segment that have no outcome yet, in order.

    Args:
        disk: The file system.
        fd: The segment, open for reading.
        mark: The folder's mark.
        place: What is added to an offset to make it an item's place.
        settled: Ranges of offsets to leave out, in order.

    Attributes:
        fd: As given; another one where the file had to be opened again.
        offset: Everything before it has been read.
        numbers: Of the frames read; whoever looks at them clears them.
        damaged: How many damaged stretches were passed over.
        torn: Whether the last frame was written only in part.
        ended: Whether all has been read, and nothing will follow.
        impatient: What is incomplete will stay so, and other frames may follow it.
    """

    def __init__(
        self, disk: Disk, fd: int, mark: bytes, place: int, settled: list[tuple[int, int]]
    ) -> None:
        self._disk = disk
        self.fd = fd
        self._mark = mark
        self._place = place
        self._settled = list(reversed(settled))
        self._skip_at = settled[0][0] if settled else _NEVER
        self._chunk = b""
        self._base = HEADER_BYTES
        self._position = 0
        self.numbers: list[int] = []
        self.damaged = 0
        self.torn = False
        self.ended = False
        self.impatient = False

    @property
    def offset(self) -> int:
        return self._base + self._position

    @property
    def place(self) -> int:
        """The place of the next item."""
        return self._place + self.offset

    def pass_over(self, size: int) -> None:
        """Go past *size* bytes, which are known without reading them."""
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
        self._skip()
        chunk, position = self._chunk, self._position
        while len(items) < count:
            body = position + FRAME_BYTES
            if body <= len(chunk):
                mark, length, number, level, checksum = FRAME.unpack_from(chunk, position)
                item = chunk[body : body + length]
                sound = crc32(item, number ^ (level & 0xFFFFFFFF)) == checksum
                if sound and mark == self._mark and len(item) == length:
                    size -= length + 1
                    if size < 0 and items:
                        break
                    items.append((level, item, self._place + self._base + position))
                    self.numbers.append(number)
                    position = body + length
                    if self._base + position < self._skip_at:
                        continue
            self._position = position
            try:
                advanced = self._advance(final)
            except OSError:
                if not items:
                    raise
                return items  # these are read; the next take meets the error again
            if not advanced:
                return items
            chunk, position = self._chunk, self._position
        self._position = position
        return items

    def _skip(self) -> bool:
        """Go past what is settled already; False where nothing is, here."""
        before = self.offset
        while self._settled and self._settled[-1][0] <= self.offset:
            _, end = self._settled.pop()
            self._position += max(0, end - self.offset)
        self._skip_at = self._settled[-1][0] if self._settled else _NEVER
        return self.offset != before

    def _advance(self, final: bool) -> bool:
        """Come to a whole frame by reading on or passing over; False where none is there now."""
        if self._skip():
            return True
        found = frame_at(self._chunk, self._position, self._mark, self._base)
        if isinstance(found, Frame):
            return True
        had = len(self._chunk) - self._position
        if found and self._load(max(CHUNK_BYTES, had + found)) > had:
            return True
        if not found or final or self.impatient:
            offset = self._find(self.offset + 1)
            if offset is not None:
                self.damaged += 1
                self._move(offset)
                return True
        if final:
            left = self._disk.size(self.fd) - self.offset
            self.torn |= left > 0 and bool(found)
            self.damaged += left > 0 and not found
            self._move(self.offset + max(0, left))
            self.ended = True
        return False

    def _load(self, size: int) -> int:
        """Read from the current offset on; return how much came."""
        data = self._disk.read(self.fd, size, self.offset)
        self._base, self._position, self._chunk = self.offset, 0, data
        return len(data)

    def _move(self, offset: int) -> None:
        self._base, self._position, self._chunk = offset, 0, b""

    def _find(self, offset: int) -> int | None:
        """Return the offset of the first whole frame at or after *offset*."""
        if not self._mark:
            return None
        while data := self._disk.read(self.fd, CHUNK_BYTES, offset):
            index = data.find(self._mark)
            while index >= 0:
                found = frame_at(data, index, self._mark, offset)
                if isinstance(found, int) and found:
                    size = len(data) - index + found
                    longer = self._disk.read(self.fd, size, offset + index)
                    found = frame_at(longer, 0, self._mark, offset + index)
                if isinstance(found, Frame):
                    return offset + index
                index = data.find(self._mark, index + 1)
            # A mark may lie across the border of two readings.
            offset += max(1, len(data) - len(self._mark) + 1)
            if len(data) <= len(self._mark):
                return None
        return None
