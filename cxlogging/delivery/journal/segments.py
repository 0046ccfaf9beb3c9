"""The segments of this process: written by log calls, read by the worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ..queue.queue import Item, Report
from .disk import Disk, LostError
from .frames import NUMBERS
from .reading import RecentItems
from .segment import SEGMENT_SPAN, Segment

GRACE_SECONDS = 60.0
"""A number that was drawn is waited for at least this long, once all that is there was read."""


class SequenceNumbers:
    """
    Which of the sequence numbers that log calls have drawn were seen on disk.

    Numbers start at 1; each is seen once, nearly in order. A log call draws its number before it
    writes. When every number up to one was seen, no call that drew an earlier one can still
    write to an older segment, however long its thread was suspended.

    Attributes:
        next: The first number that was not seen.
        resolved: How many were seen or given up.
    """

    def __init__(self) -> None:
        self.next = 1
        self.resolved = 0
        self._ahead: set[int] = set()

    def see(self, low: Sequence[int]) -> None:
        """Note numbers as frames hold them: their low 32 bits."""
        first, last = min(low), max(low)
        gapless = last - first == len(low) - 1 == len(set(low)) - 1
        if gapless and not self._ahead and first == self.next % NUMBERS:
            self.next += len(low)
            self.resolved += len(low)
            return
        above = self._whole(first) - first
        if self._whole(last) != last + above:  # the low bits overflow among them
            for number in low:
                self._note(self._whole(number))
        else:  # of several threads, whose frames are nearly in order: all at once
            fresh = {number + above for number in low} - self._ahead
            if first + above < self.next:
                fresh = {number for number in fresh if number >= self.next}
            self.resolved += len(fresh)
            self._ahead |= fresh
        self._catch_up()

    def see_run(self, first: int, count: int) -> None:
        """Note *count* consecutive numbers from *first* on, all of their bits given."""
        if first == self.next and not self._ahead:
            self.next += count
            self.resolved += count
            return
        for number in range(first, first + count):
            self._note(number)
        self._catch_up()

    def resolve(self, number: int) -> None:
        """Note that the call that drew *number* has written nothing."""
        self._note(number)
        self._catch_up()

    def _note(self, number: int) -> None:
        # One that was given up, and is seen after all, counts once.
        if not self.was_seen(number):
            self.resolved += 1
            self._ahead.add(number)

    def was_seen(self, number: int) -> bool:
        """Whether *number* was seen or given up."""
        return number < self.next or number in self._ahead

    def give_up(self, last: int) -> int:
        """Give up the numbers up to *last* that were not seen; return how many."""
        missing = [number for number in range(self.next, last + 1) if number not in self._ahead]
        self.resolved += len(missing)
        self._ahead.update(missing)
        self._catch_up()
        return len(missing)

    def _whole(self, low: int) -> int:
        half = NUMBERS // 2
        return self.next + (low - self.next + half) % NUMBERS - half

    def _catch_up(self) -> None:
        while self.next in self._ahead:
            self._ahead.discard(self.next)
            self.next += 1


class Segments:
    """
    Segments in order; the last one grows, and the one before may still get a few frames.

    Args:
        disk: The file system.
        report: Called with kind, topic and sentence of a diagnostic.
        lost: Called with how many records were written and can no longer be read; with 0 for a
            number that no record has, as its append was interrupted.

    Attributes:
        numbers: Which of the numbers drawn were seen.
        recent: Copies of the newest items.
        failed: Numbers whose append failed; log calls add to it.
        uncertain: Numbers whose append was interrupted, and may have been done.
        parent: Descriptor of the destination's directory.
        dir_name: Name of this process's directory in it.
    """

    def __init__(self, disk: Disk, report: Report, lost: Callable[[int], None]) -> None:
        self._disk = disk
        self._report = report
        self._lost = lost
        self.numbers = SequenceNumbers()
        self.recent = RecentItems(self.numbers.see_run)
        self.uncertain: deque[int] = deque()
        self.failed: deque[int] = deque()
        self.parent = -1
        self.dir_name = ""
        self._waiting: deque[Segment] = deque()
        self._unsettled: dict[int, Segment] = {}
        self._undiscarded: deque[Segment] = deque()
        self._overdue = self._drawn = 0
        self._drawn_at = 0.0
        self._unreadable = False

    def add(self, segment: Segment) -> None:
        """Add the segment that grows from now on."""
        self.recent.end()
        self._waiting.append(segment)

    def seal(self, number: int) -> None:
        """Note that all segments but the last grow only by numbers up to *number*."""
        for segment in tuple(self._waiting)[:-1]:
            if segment.sealed_at is None:
                segment.sealed_at = number

    def resolve_failed(self) -> None:
        """Count the numbers whose append failed as seen."""
        while self.failed:
            self.numbers.resolve(self.failed.popleft())

    def expect_damage(self) -> None:
        """Note that a frame was written in part."""
        segments = tuple(self._waiting)
        for segment in segments:
            segment.skip_incomplete = True
        for segment in segments[-1:]:
            segment.expected_damage += 1

    @property
    def newest(self) -> int:
        """The index of the segment that grows; 0 without one."""
        return self._waiting[-1].index if self._waiting else 0

    @property
    def is_settled(self) -> bool:
        """Whether everything that was taken has its outcome."""
        return all(segment.is_settled for segment in self._unsettled.values())

    def take(self, count: int, size: int, before: int = SEGMENT_SPAN) -> list[Item]:
        """
        Return the next items.

        Args:
            count: At most so many.
            size: Bytes, but one item at least.
            before: Only from segments with a lower index.
        """
        self.resolve_failed()
        uncertain = tuple(self.uncertain)
        self._unreadable = False
        items = self._first(count, size, before)
        if not items and not self._unreadable:
            # Everything that is there was read.
            self._give_up_uncertain(uncertain)
            if self.numbers.next <= self._overdue:
                self._skip_incomplete()
                items = self._first(count, size, before)
                if not items:
                    self._give_up_overdue()
        return items

    def _first(self, count: int, size: int, before: int) -> list[Item]:
        for segment in tuple(self._waiting):
            if segment.index >= before:
                self._unreadable = True
                return []
            items = self._items(segment, count, size)
            if items:
                self._unsettled[segment.index] = segment
            if segment.is_read:
                self._waiting.remove(segment)
                self._discard_if_done(segment)
            if items:
                return items
        return []

    def _items(self, segment: Segment, count: int, size: int) -> list[Item]:
        sealed_at = segment.sealed_at
        if sealed_at is not None and self.numbers.next > sealed_at:
            segment.final = True
        try:
            items = segment.take(count, size, self.recent)
        except LostError:  # it will be opened again
            self._unreadable = True
            return []
        except FileNotFoundError:
            if sealed_at is not None:
                self._waiting.remove(segment)
            return []
        except OSError:  # for example, too many files are open: try again later
            self._unreadable = True
            return []
        numbers = segment.open().numbers
        if numbers:
            self.numbers.see(numbers)
            numbers.clear()
        return items

    def maintain(self, now: float, drawn: int) -> None:
        """Note that numbers up to *drawn* were drawn by monotonic *now*; retry failed removals."""
        if now - self._drawn_at > GRACE_SECONDS:
            self._overdue, self._drawn, self._drawn_at = self._drawn, drawn, now
        for _ in range(len(self._undiscarded)):
            self._discard(self._undiscarded.popleft())

    def _skip_incomplete(self) -> None:
        """Look behind incomplete frames: numbers that are overdue will not complete them."""
        for segment in self._waiting:
            segment.skip_incomplete = True
            if segment.sealed_at is not None and segment.sealed_at <= self._overdue:
                segment.final = True

    def _give_up_overdue(self) -> None:
        missing = self.numbers.give_up(self._overdue)
        self._lost(missing)
        self._report("lost", str(self._overdue), f"{missing} records are gone from the spool")

    def _give_up_uncertain(self, uncertain: Sequence[int]) -> None:
        for number in uncertain:
            self.uncertain.popleft()
            if not self.numbers.was_seen(number):
                self.numbers.resolve(number)
                self._lost(0)

    def segment(self, index: int) -> Segment | None:
        """Return the segment with *index* of which items have no outcome."""
        return self._unsettled.get(index)

    def settle(self, index: int, items: Sequence[Item]) -> bool:
        """Note that *items* of segment *index* have their outcome; False if it is not ours."""
        segment = self._unsettled.get(index)
        if segment is None:
            return False
        segment.settle(items)
        self._discard_if_done(segment)
        return True

    def _discard_if_done(self, segment: Segment) -> None:
        if segment.is_done:
            self._unsettled.pop(segment.index, None)
            self._discard(segment)

    def _discard(self, segment: Segment) -> None:
        try:
            segment.discard(self.parent, self.dir_name, self._report)
        except OSError as error:
            self._undiscarded.append(segment)
            self._report("remove", str(error), f"a segment of the spool cannot be removed: {error}")

    def detach(self) -> list[Segment]:
        """Forget and return the segments, in which nothing waits."""
        segments = [*self._waiting, *self._undiscarded]
        self.recent.forget()
        self._unsettled.clear()
        self._waiting.clear()
        self._undiscarded.clear()
        return segments

    def reopen(self, parent: int, lost: int, folder: int) -> None:
        """
        Open all files of this process's directory again.

        Args:
            parent: Descriptor of the destination's directory.
            lost: Former descriptor of this process's directory.
            folder: Its new descriptor.
        """
        self.parent = parent
        for segment in {*self._waiting, *self._unsettled.values(), *self._undiscarded}:
            segment.reopen(lost, folder)

    def forget_waiting(self) -> None:
        """Read no more from the segments: another process has adopted them."""
        self._waiting.clear()

    def close(self) -> None:
        """Close all files, and leave them where they are."""
        for segment in (*self._waiting, *self._unsettled.values(), *self._undiscarded):
            segment.close()
