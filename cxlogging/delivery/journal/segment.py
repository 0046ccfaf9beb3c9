"""One segment: its items, which of them are settled, and its removal."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ..queue.queue import Item, ItemOrigin, Report
from .disk import Disk
from .frames import (
    ACK_BYTES,
    FRAME_BYTES,
    HEADER_BYTES,
    MAGIC_BYTES,
    VERSION,
    acked_ranges,
    frame_bytes,
    pack_ack,
    parse_header,
)
from .reading import RecentItems, SegmentReader

SEGMENT_SPAN = 2**40
"""An item's position is its segment's index times this, plus its offset in the segment."""

SEGMENT = ".seg"
ACK = ".ack"

DAMAGED = "damaged"
MAX_DAMAGED = 16
"""Damaged segments that are kept; the oldest are removed."""


class UnknownVersionError(OSError):
    """A segment that a newer version wrote: it is left as it is."""


class Segment:
    """
    A segment file, and the file beside it that says what of it is settled.

    Args:
        disk: The file system.
        folder: Descriptor of the process's directory.
        name: Of both files, without suffix.
        index: Of the segment in this process, from 1.
        magic: The frames' magic number, if it is known; else the header's.
        process: Name of that directory.
        final: Nothing will be appended any more.

    Attributes:
        final: As given, and later set by the owner.
        expected_damage: How many frames are known to be incomplete.
        sealed_at: The last sequence number that may still be written to it; None while it grows.
        skip_incomplete: As `SegmentReader` has it.
    """

    def __init__(
        self,
        disk: Disk,
        folder: int,
        name: str,
        index: int,
        magic: bytes = b"",
        *,
        process: str = "",
        final: bool,
    ) -> None:
        self.process = process
        self.name = name
        self.index = index
        self.final = final
        self.expected_damage = 0
        self.sealed_at: int | None = None
        self.skip_incomplete = False
        self._disk = disk
        self._folder = folder
        self._magic = magic
        self._reader: SegmentReader | None = None
        self._fd: int | None = None
        self._ack_fd: int | None = None
        self._unwritten_acks = b""
        self._taken = 0
        self._settled = 0

    def origin(self, place: int) -> ItemOrigin:
        """Return where the item at *place* comes from."""
        number = int(self.name) * SEGMENT_SPAN + place % SEGMENT_SPAN
        return ItemOrigin(self.process.rpartition("-")[2], number, FRAME_BYTES)

    def open(self) -> SegmentReader:
        """Return the reader; the first call opens the file."""
        if self._reader is None:
            try:
                self._reader = self._opened()
            except OSError:
                self.close()
                raise
        return self._reader

    def _opened(self) -> SegmentReader:
        self._fd = fd = self._disk.open(self._folder, self.name + SEGMENT)
        head = parse_header(self._disk.read(fd, HEADER_BYTES + MAGIC_BYTES, 0))
        if head.version > VERSION:
            raise UnknownVersionError(f"{self.name}{SEGMENT} has format {head.version}")
        self._magic = self._magic or head.magic
        settled = acked_ranges(self._magic, self._read_acks())
        return SegmentReader(self._disk, fd, self._magic, self.index * SEGMENT_SPAN, settled)

    def reopen(self, lost: int, folder: int) -> None:
        """
        Open again files that something else closed, if they are in the directory *lost*.

        Args:
            lost: The former descriptor of the directory.
            folder: Its new descriptor.
        """
        if self._folder != lost:
            return
        self._folder = folder
        if self._reader is not None and self._fd is not None:
            self._reader.fd = fd = self._disk.open(folder, self.name + SEGMENT)
            self._disk.close(self._fd)
            self._fd = fd
        if self._ack_fd is not None:
            self._disk.close(self._ack_fd)
            self._ack_fd = None

    def _read_acks(self) -> bytes:
        try:
            fd = self._disk.open(self._folder, self.name + ACK)
        except FileNotFoundError:
            return b""
        try:
            return self._disk.read(fd, self._disk.size(fd), 0)
        finally:
            self._disk.close(fd)

    def settled_bytes(self) -> int:
        """Return how many bytes have their outcome, as the file of acknowledgements says; close."""
        try:
            self.open()
            return sum(end - start for start, end in acked_ranges(self._magic, self._read_acks()))
        finally:
            self.close()

    def take(self, count: int, size: int, recent: RecentItems | None = None) -> list[Item]:
        """Return the next items, as `SegmentReader.take` does, from *recent* where it has them."""
        reader = self.open()
        items = recent.take(self.index, reader, count, size) if recent else None
        if items is None:
            reader.skip_incomplete = self.skip_incomplete
            items = reader.take(count, size, final=self.final)
        self._taken += len(items)
        return items

    def settle(self, items: Sequence[Item]) -> None:
        """Note on disk that *items*, in order, have their outcome."""
        self._settled += len(items)
        acks = [pack_ack(self._magic, start, end) for start, end in _ranges(items)]
        self._unwritten_acks += b"".join(acks)
        with contextlib.suppress(OSError):  # a full disk: after a crash they would be sent again
            if self._ack_fd is None:
                self._ack_fd = self._disk.append(self._folder, self.name + ACK)
            written = self._disk.write(self._ack_fd, self._unwritten_acks)
            self._unwritten_acks = self._unwritten_acks[written - written % ACK_BYTES :]

    @property
    def is_read(self) -> bool:
        """Whether every item has been taken."""
        return self._reader is not None and self._reader.ended

    @property
    def is_settled(self) -> bool:
        """Whether every item that was taken has its outcome."""
        return self._taken == self._settled

    @property
    def is_done(self) -> bool:
        """Whether every item has its outcome."""
        return self.is_read and self.is_settled

    @property
    def damaged(self) -> int:
        """How many ranges could not be read, beyond the incomplete frames that were expected."""
        return max(0, self._reader.damaged - self.expected_damage) if self._reader else 0

    @property
    def torn(self) -> bool:
        """Whether the last item is incomplete."""
        return self._reader is not None and self._reader.torn

    def remove(self, damaged: int | None = None, prefix: str = "") -> None:
        """
        Remove the files, the segment first: its acknowledgements alone do no harm.

        Args:
            damaged: Descriptor of a directory to which the segment is moved instead.
            prefix: Of its name there.
        """
        self.close()
        name = self.name + SEGMENT
        if damaged is None:
            self._disk.remove(self._folder, name)
        else:
            self._disk.rename(self._folder, name, damaged, f"{prefix}-{name}")
        self._disk.remove(self._folder, self.name + ACK)

    def discard(self, parent: int, dir_name: str, report: Report) -> None:
        """
        Remove a segment that is done; keep it aside, and say so, if a part was unreadable.

        Args:
            parent: Descriptor of the destination's directory.
            dir_name: Name of the process's directory.
            report: Called with kind, topic and sentence of a diagnostic.

        Raises:
            OSError: It stays where it is; whoever finds it later finds it settled.
        """
        damaged = self.damaged
        if self.torn:
            report("torn", self.name, "the last record of a process is incomplete and was skipped")
        if not damaged:
            self.remove()
            return
        folder = self._disk.folder(parent, DAMAGED, create=True)
        try:
            self.remove(folder, dir_name)
            for name in self._disk.names(folder)[:-MAX_DAMAGED]:
                self._disk.remove(folder, name)
        finally:
            self._disk.close(folder)
        report(
            "damaged",
            f"{dir_name}-{self.name}",
            f"{damaged} damaged ranges in a segment of the spool were skipped, with at least one"
            f" record in each; the segment is kept in the spool's directory {DAMAGED!r}",
        )

    def close(self) -> None:
        """Close the files."""
        for fd in (self._fd, self._ack_fd):
            if fd is not None:
                self._disk.close(fd)
        self._fd = self._ack_fd = self._reader = None


def _ranges(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Return the offsets at which *items*, in order, begin and end; neighbours are one range."""
    first = items[0][2] % SEGMENT_SPAN
    end = items[-1][2] % SEGMENT_SPAN + FRAME_BYTES + len(items[-1][1])
    if end - first == frame_bytes(items):  # a whole batch, nearly always
        return [(first, end)]
    found: list[tuple[int, int]] = []
    for _, data, position in items:
        start = position % SEGMENT_SPAN
        end = start + FRAME_BYTES + len(data)
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
