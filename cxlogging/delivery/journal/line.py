"""The segments of this process: added to by log calls, read by the worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ..buffer import Item
from .adoption import Say, discard
from .disk import Disk
from .numbers import Numbers
from .segment import OFFSETS, Segment

GRACE_SECONDS = 60.0
"""After it was sealed, a segment waits so long for the writes that its numbers tell of."""


class Line:
    """
    Segments in order; the last one grows, and may be joined by frames of the one before.

    Args:
        disk: The file system.
        say: Told kind, topic and sentence of what a person should hear.
        lost: Told of each record that was written, and cannot be read any more.

    Attributes:
        numbers: Which of the numbers drawn were seen.
        unwritten: Numbers whose append failed; log calls add to it.
        doubtful: Numbers whose append was interrupted: it may have been done.
        parent: Descriptor of the destination's folder.
        owner: Name of our own folder in it.
    """

    def __init__(self, disk: Disk, say: Say, lost: Callable[[int], None]) -> None:
        self._disk = disk
        self._say = say
        self._lost = lost
        self.numbers = Numbers()
        self.doubtful: deque[int] = deque()
        self.unwritten: deque[int] = deque()
        self.parent = -1
        self.owner = ""
        self._segments: deque[Segment] = deque()
        self._unsettled: dict[int, Segment] = {}

    def add(self, segment: Segment) -> None:
        """Add the segment that grows from now on."""
        self._segments.append(segment)

    def seal(self, number: int, now: float) -> None:
        """Note that all segments but the last grow only by numbers up to *number*."""
        for segment in tuple(self._segments)[:-1]:
            if segment.sealed_at is None:
                segment.sealed_at, segment.sealed_when = number, now

    def resolve_unwritten(self) -> None:
        """Count the numbers whose append failed as seen."""
        while self.unwritten:
            self.numbers.resolve(self.unwritten.popleft())

    def expect_damage(self) -> None:
        """Note that a frame was written in part."""
        if self._segments:
            self._segments[-1].expected_damage += 1

    @property
    def newest(self) -> int:
        """The index of the segment that grows; 0 without one."""
        return self._segments[-1].index if self._segments else 0

    @property
    def settled(self) -> bool:
        """Whether nothing that was taken still lacks its outcome."""
        return all(segment.settled for segment in self._unsettled.values())

    def take(self, count: int, size: int, before: int = OFFSETS) -> list[Item]:
        """
        Return the next items.

        Args:
            count: At most so many.
            size: Bytes, but one item at least.
            before: From segments below this index alone.
        """
        self.resolve_unwritten()
        doubtful = tuple(self.doubtful)
        for segment in tuple(self._segments):
            if segment.index >= before:
                return []
            items = self._items(segment, count, size)
            if items:
                self._unsettled[segment.index] = segment
            if segment.read:
                self._segments.remove(segment)
                self._remove_if_done(segment)
            if items:
                return items
        for number in doubtful:  # everything was read, and they are not there
            self.numbers.resolve(number)
            self.doubtful.popleft()
        return []

    def _items(self, segment: Segment, count: int, size: int) -> list[Item]:
        sealed_at = segment.sealed_at
        segment.final = sealed_at is not None and self.numbers.next > sealed_at
        try:
            items = segment.take(count, size)
        except FileNotFoundError:
            if sealed_at is not None:
                self._segments.remove(segment)
                self._give_up(sealed_at)
            return []
        except OSError:  # too many files are open, for one; it stays in line
            return []
        numbers = segment.open().numbers
        if numbers:
            self.numbers.see(numbers)
            numbers.clear()
        return items

    def tend(self, now: float) -> None:
        """Give up what a sealed segment should hold, and does not."""
        for segment in tuple(self._segments):
            late = segment.sealed_at is not None and now - segment.sealed_when > GRACE_SECONDS
            if late and segment.opened:
                self._give_up(segment.sealed_at or 0)

    def _give_up(self, number: int) -> None:
        missing = self.numbers.give_up(number)
        for _ in range(missing):
            self._lost(0)
        if missing:
            self._say("lost", str(number), f"{missing} records are gone from the spool")

    def settle(self, index: int, items: Sequence[Item]) -> bool:
        """Note that *items* of segment *index* have their outcome; False if it is not ours."""
        segment = self._unsettled.get(index)
        if segment is None:
            return False
        segment.settle(items)
        self._remove_if_done(segment)
        return True

    def _remove_if_done(self, segment: Segment) -> None:
        if segment.done:
            self._unsettled.pop(segment.index, None)
            discard(self._disk, self.parent, segment, self.owner, self._say)

    def clear(self) -> None:
        """Remove the segment that grew, in which nothing waits."""
        self._unsettled.clear()
        while self._segments:
            self._segments.popleft().remove()

    def close(self) -> None:
        """Let go of all files, and leave them where they are."""
        for segment in (*self._segments, *self._unsettled.values()):
            segment.close()
