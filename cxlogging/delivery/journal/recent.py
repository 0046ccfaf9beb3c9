"""
Copies in memory of the newest items on disk, so that the worker need not read these back.

Rule 1: a log call adds one only where all that was begun before has ended, and nothing was
begun since: then its frame is the last one on disk. Otherwise copies end, until the next
segment begins them again.
Rule 2: copies are taken while their numbers follow each other: so do their frames then. A
debugger can change threads between a look and what follows from it.
Rule 3: what is copied is on disk; forgetting a copy costs a reading, never a record.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ..queue.queue import Item
from .frames import FRAME_BYTES, HEADER_BYTES
from .numbers import Numbers
from .reader import Reader

RECENT_BYTES = 4 * 2**20
"""Waiting, from which on what comes is read back from the disk."""

ENDED = -1


class Start(NamedTuple):
    """Here begins a *segment*; the first item has the number after *number*."""

    segment: int
    number: int


class Recent:
    """
    The copies, in the order of the disk.

    Args:
        numbers: Told which numbers were taken.

    Attributes:
        line: Items with their numbers for places, and a `Start` before those of each segment.
        until: One is added while ``arrived`` is below it; `ENDED` where none is.
    """

    def __init__(self, numbers: Numbers) -> None:
        self.line: deque[Item | Start] = deque()
        self.until = ENDED
        self._numbers = numbers
        self._index = 0
        self._number = 0

    def end(self) -> None:
        """Add no more of them: the next item may lie anywhere."""
        self.until = ENDED

    def forget(self) -> None:
        """Let go of all: what was not taken will be read."""
        self.until = ENDED
        self.line.clear()
        self._index = 0  # what comes lies behind what was forgotten

    def extend(self, until: int) -> None:
        """Have copies added until so many bytes have come, unless they have ended."""
        if self.until != ENDED:
            self.until = until

    def take(self, index: int, reader: Reader, count: int, size: int) -> list[Item] | None:
        """
        Return the next items of a segment; None where they must be read.

        Args:
            index: The segment's.
            reader: Of the segment; it is led past what is returned.
            count: At most so many.
            size: Bytes, but one item at least.
        """
        # Asked before the look at the line: once they have ended, nothing is added to it.
        goes_on = self.until != ENDED
        front = self._begin(index, reader)
        if self._index != index:
            return None
        if front is None and goes_on:
            return []
        if front is None or isinstance(front, Start):
            self._index = 0  # what else the segment holds was written without a copy
            return None
        return self._items(reader, count, size)

    def _begin(self, index: int, reader: Reader) -> Item | Start | None:
        """Return the front of the line, after the beginning of segment *index* if that is it."""
        front = self.line[0] if self.line else None
        if isinstance(front, Start) and front.segment == index and reader.offset == HEADER_BYTES:
            self._index, self._number = front
            self.line.popleft()
            front = self.line[0] if self.line else None
        elif front is not None and self._index < index and not _is_later(front, index):
            self.forget()  # of a segment that is gone
            front = None
        return front

    def _items(self, reader: Reader, count: int, size: int) -> list[Item]:
        items: list[Item] = []
        line, before, first = self.line, reader.place, self._number + 1
        place = before
        for expected in range(first, first + min(count, len(line))):
            copy = line.popleft()
            if isinstance(copy, Start):
                line.appendleft(copy)
                break
            level, data, number = copy
            length = len(data)
            size -= length + 1
            if size < 0 and items:
                line.appendleft(copy)
                break
            if number != expected:
                self.forget()
                break
            items.append((level, data, place))
            place += length + FRAME_BYTES
        reader.pass_over(place - before)
        self._numbers.see_run(first, len(items))
        self._number += len(items)
        return items


def _is_later(front: Item | Start, index: int) -> bool:
    return isinstance(front, Start) and front.segment > index
