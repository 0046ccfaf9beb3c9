"""Which of the numbers that log calls have drawn were seen again on disk."""

from __future__ import annotations

from collections.abc import Sequence

from .frames import NUMBERS


class Numbers:
    """
    Numbers from 1 on, each seen once, nearly in order.

    A log call draws its number before it writes. When every number up to one
    was seen, no call that drew an earlier one can still be on its way into an
    older segment, however long its thread was kept waiting.

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
        if self._whole(last) != last + above:  # the numbers begin anew among them
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
        """Note *count* numbers from *first* on, whole."""
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
        # One that was given up, and comes after all, counts once.
        if not self.was_seen(number):
            self.resolved += 1
            self._ahead.add(number)

    def was_seen(self, number: int) -> bool:
        """Whether *number* was seen or given up."""
        return number < self.next or number in self._ahead

    def give_up(self, last: int) -> int:
        """Give up the numbers until *last* that were not seen; return how many."""
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
