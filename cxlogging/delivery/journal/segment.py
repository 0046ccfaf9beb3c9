"""One segment: its items, what of them is settled, and its end."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ..queue.queue import Item
from .disk import Disk
from .frames import (
    FRAME_BYTES,
    HEADER_BYTES,
    MARK_BYTES,
    RANGE_BYTES,
    VERSION,
    frame_bytes,
    pack_range,
    parse_header,
    ranges,
)
from .reader import Reader
from .recent import Recent

OFFSETS = 2**40
"""An item's place is its segment's index times this, and its offset."""

SEGMENT = ".seg"
SETTLED = ".ack"


class UnknownVersionError(OSError):
    """A segment that a newer version wrote: it is left as it is."""


class Segment:
    """
    A segment file, and the file beside it that says what of it is settled.

    Args:
        disk: The file system.
        folder: Descriptor of the owner's folder.
        name: Of both files, without what follows the dot.
        index: Of the segment in this process, from 1.
        mark: The folder's mark, where it is known; else the header's.
        final: Nothing will be appended any more.

    Attributes:
        final: As given, and later set by the owner.
        expected_damage: Frames that are known to be written only in part.
        sealed_at: The last number that may still be written to it; None while it grows.
        impatient: What is incomplete will stay so, and other frames may follow it.
    """

    def __init__(
        self, disk: Disk, folder: int, name: str, index: int, mark: bytes = b"", *, final: bool
    ) -> None:
        self.name = name
        self.index = index
        self.final = final
        self.expected_damage = 0
        self.sealed_at: int | None = None
        self.impatient = False
        self._disk = disk
        self._folder = folder
        self._mark = mark
        self._reader: Reader | None = None
        self._fd: int | None = None
        self._settled_fd: int | None = None
        self._unwritten = b""
        self._taken = 0
        self._settled_count = 0

    def open(self) -> Reader:
        """Return the reader; the files are opened when it is needed first."""
        if self._reader is None:
            try:
                self._reader = self._opened()
            except OSError:
                self.close()
                raise
        return self._reader

    def _opened(self) -> Reader:
        self._fd = fd = self._disk.open(self._folder, self.name + SEGMENT)
        head = parse_header(self._disk.read(fd, HEADER_BYTES + MARK_BYTES, 0))
        if head.version > VERSION:
            raise UnknownVersionError(f"{self.name}{SEGMENT} has format {head.version}")
        self._mark = self._mark or head.mark
        settled = ranges(self._mark, self._acknowledgements())
        return Reader(self._disk, fd, self._mark, self.index * OFFSETS, settled)

    def reopen(self, lost: int, folder: int) -> None:
        """
        Open again what somebody has closed, if it is in the folder of the descriptor *lost*.

        Reading goes on where it was, in *folder*.
        """
        if self._folder != lost:
            return
        self._folder = folder
        if self._reader is not None and self._fd is not None:
            self._reader.fd = fd = self._disk.open(folder, self.name + SEGMENT)
            self._disk.close(self._fd)
            self._fd = fd
        if self._settled_fd is not None:
            self._disk.close(self._settled_fd)
            self._settled_fd = None

    def _acknowledgements(self) -> bytes:
        try:
            fd = self._disk.open(self._folder, self.name + SETTLED)
        except FileNotFoundError:
            return b""
        try:
            return self._disk.read(fd, self._disk.size(fd), 0)
        finally:
            self._disk.close(fd)

    def settled_bytes(self) -> int:
        """Return what of the segment has its outcome, as the file beside it says; then close it."""
        try:
            self.open()
            return sum(end - start for start, end in ranges(self._mark, self._acknowledgements()))
        finally:
            self.close()

    def take(self, count: int, size: int, recent: Recent | None = None) -> list[Item]:
        """Return the next items, as `Reader.take` does; those that are in *recent* from there."""
        reader = self.open()
        items = recent.take(self.index, reader, count, size) if recent else None
        if items is None:
            reader.impatient = self.impatient
            items = reader.take(count, size, final=self.final)
        self._taken += len(items)
        return items

    def settle(self, items: Sequence[Item]) -> None:
        """Note on disk that *items*, in order, have their outcome."""
        self._settled_count += len(items)
        entries = [pack_range(self._mark, start, end) for start, end in _stretches(items)]
        self._unwritten += b"".join(entries)
        with contextlib.suppress(OSError):  # a full disk: a crash would send these again
            if self._settled_fd is None:
                self._settled_fd = self._disk.append(self._folder, self.name + SETTLED)
            written = self._disk.write(self._settled_fd, self._unwritten)
            self._unwritten = self._unwritten[written - written % RANGE_BYTES :]

    @property
    def opened(self) -> bool:
        """Whether reading has begun."""
        return self._reader is not None

    @property
    def read(self) -> bool:
        """Whether every item has been taken."""
        return self._reader is not None and self._reader.ended

    @property
    def settled(self) -> bool:
        """Whether every item that was taken has its outcome."""
        return self._taken == self._settled_count

    @property
    def done(self) -> bool:
        """Whether every item has its outcome."""
        return self.read and self.settled

    @property
    def damaged(self) -> int:
        """How many stretches could not be read, beyond those that were expected."""
        return max(0, self._reader.damaged - self.expected_damage) if self._reader else 0

    @property
    def torn(self) -> bool:
        """Whether the last item was written only in part."""
        return self._reader is not None and self._reader.torn

    def remove(self, aside: int | None = None, prefix: str = "") -> None:
        """
        Remove the files, the items first: what is left without them does no harm.

        Args:
            aside: Descriptor of a folder to which a damaged segment is moved instead.
            prefix: Of its name there.
        """
        self.close()
        if aside is None:
            self._disk.remove(self._folder, self.name + SEGMENT)
        else:
            name = self.name + SEGMENT
            self._disk.rename(self._folder, name, aside, f"{prefix}-{name}")
        self._disk.remove(self._folder, self.name + SETTLED)

    def close(self) -> None:
        """Close the files."""
        for fd in (self._fd, self._settled_fd):
            if fd is not None:
                self._disk.close(fd)
        self._fd = self._settled_fd = self._reader = None


def _stretches(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Return where *items*, in order, begin and end; neighbours are one stretch."""
    first = items[0][2] % OFFSETS
    end = items[-1][2] % OFFSETS + FRAME_BYTES + len(items[-1][1])
    if end - first == frame_bytes(items):  # a whole batch, as nearly always
        return [(first, end)]
    found: list[tuple[int, int]] = []
    for _, data, place in items:
        start = place % OFFSETS
        end = start + FRAME_BYTES + len(data)
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
