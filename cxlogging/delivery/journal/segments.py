"""The segments of this process: added to by log calls, read by the worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ..queue.queue import Item
from .disk import Disk, LostError
from .numbers import Numbers
from .recent import Recent
from .removal import Say, discard
from .segment import OFFSETS, Segment

GRACE_SECONDS = 60.0
"""A number that was drawn is waited for so long at least, once all that is there was read."""


class Line:
    """
    Segments in order; the last one grows, and may be joined by frames of the one before.

    Args:
        disk: The file system.
        say: Told kind, topic and sentence of what a person should hear.
        lost: Told how many records were written, and cannot be read any more.

    Attributes:
        numbers: Which of the numbers drawn were seen.
        recent: Copies of the newest items.
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
        self.recent = Recent(self.numbers)
        self.doubtful: deque[int] = deque()
        self.unwritten: deque[int] = deque()
        self.parent = -1
        self.owner = ""
        self._segments: deque[Segment] = deque()
        self._unsettled: dict[int, Segment] = {}
        self._overdue = self._aged = 0
        self._aged_at = 0.0
        self._unread = False
        self._unremoved: deque[Segment] = deque()

    def add(self, segment: Segment) -> None:
        """Add the segment that grows from now on."""
        self.recent.end()
        self._segments.append(segment)

    def seal(self, number: int) -> None:
        """Note that all segments but the last grow only by numbers up to *number*."""
        for segment in tuple(self._segments)[:-1]:
            if segment.sealed_at is None:
                segment.sealed_at = number

    def resolve_unwritten(self) -> None:
        """Count the numbers whose append failed as seen."""
        while self.unwritten:
            self.numbers.resolve(self.unwritten.popleft())

    def expect_damage(self) -> None:
        """Note that a frame was written in part."""
        segments = tuple(self._segments)
        for segment in segments:
            segment.impatient = True
        for segment in segments[-1:]:
            segment.expected_damage += 1

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
        self._unread = False
        items = self._first(count, size, before)
        if not items and not self._unread:
            # Everything that is there was read.
            self._give_up_doubtful(doubtful)
            if self.numbers.next <= self._overdue:
                self._insist()
                items = self._first(count, size, before)
                if not items:
                    self._give_up_overdue()
        return items

    def _first(self, count: int, size: int, before: int) -> list[Item]:
        for segment in tuple(self._segments):
            if segment.index >= before:
                self._unread = True
                return []
            items = self._items(segment, count, size)
            if items:
                self._unsettled[segment.index] = segment
            if segment.read:
                self._segments.remove(segment)
                self._remove_if_done(segment)
            if items:
                return items
        return []

    def _items(self, segment: Segment, count: int, size: int) -> list[Item]:
        sealed_at = segment.sealed_at
        if sealed_at is not None and self.numbers.next > sealed_at:
            segment.final = True
        try:
            items = segment.take(count, size, self.recent)
        except LostError:  # it is opened again
            self._unread = True
            return []
        except FileNotFoundError:
            if sealed_at is not None:
                self._segments.remove(segment)
            return []
        except OSError:  # too many files are open, for one; it stays in line
            self._unread = True
            return []
        numbers = segment.open().numbers
        if numbers:
            self.numbers.see(numbers)
            numbers.clear()
        return items

    def age(self, now: float, drawn: int) -> None:
        """Note that numbers up to *drawn* have been drawn by monotonic *now*."""
        if now - self._aged_at > GRACE_SECONDS:
            self._overdue, self._aged, self._aged_at = self._aged, drawn, now
        for _ in range(len(self._unremoved)):
            self._discard(self._unremoved.popleft())

    def _insist(self) -> None:
        """Look behind what is incomplete: nothing that is overdue will complete it."""
        for segment in self._segments:
            segment.impatient = True
            if segment.sealed_at is not None and segment.sealed_at <= self._overdue:
                segment.final = True

    def _give_up_overdue(self) -> None:
        missing = self.numbers.give_up(self._overdue)
        self._lost(missing)
        self._say("lost", str(self._overdue), f"{missing} records are gone from the spool")

    def _give_up_doubtful(self, doubtful: Sequence[int]) -> None:
        for number in doubtful:
            self.doubtful.popleft()
            if not self.numbers.was_seen(number):
                self.numbers.resolve(number)
                self._lost(0)

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
            self._discard(segment)

    def _discard(self, segment: Segment) -> None:
        try:
            discard(self._disk, self.parent, segment, self.owner, self._say)
        except OSError as error:
            self._unremoved.append(segment)
            self._say("remove", str(error), f"a segment of the spool cannot be removed: {error}")

    def detach(self) -> list[Segment]:
        """Forget and return the segments, in which nothing waits."""
        segments = [*self._segments, *self._unremoved]
        self.recent.forget()
        self._unsettled.clear()
        self._segments.clear()
        self._unremoved.clear()
        return segments

    def reopen(self, parent: int, lost: int, folder: int) -> None:
        """Open all files again that were in our own folder: *folder* is it now, inside *parent*."""
        self.parent = parent
        for segment in {*self._segments, *self._unsettled.values(), *self._unremoved}:
            segment.reopen(lost, folder)

    def forsake(self) -> None:
        """Expect nothing more from the segments: another process has taken them over."""
        self._segments.clear()

    def close(self) -> None:
        """Let go of all files, and leave them where they are."""
        for segment in (*self._segments, *self._unsettled.values(), *self._unremoved):
            segment.close()
