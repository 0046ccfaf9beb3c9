"""
The budget: what a handler may send a day.

The allowance grows over the day, so that a bad morning does not use up the evening's; as
with ``overflow="shed"``, the lower levels are left out first. What is used is what the queue has
counted: a log call only compares.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from ...delivery.delivery import Delivery
from ..levels import level_of
from .options import Amount

if TYPE_CHECKING:
    from ...delivery.queue.shared_count import SharedCount

DAY = 86_400
AHEAD = 3_600
"""Seconds by which the allowance is ahead of the day: its first records find some."""

SYNC_SECONDS = 1.0
RETRY_SECONDS = 10.0
"""After the shared count could not be written."""


class Budget:
    """
    Tells which records are left out because the allowance is used up.

    A day is one of UTC. A record at ERROR or above is sent whatever was used, unless *is_hard*.

    Args:
        amount: What may be sent a day.
        delivery: Where items go, and what counts them.
        is_hard: ERROR and above are left out too.
        shared: The count of all processes; None where each process has the whole budget.
    """

    def __init__(
        self,
        amount: Amount,
        delivery: Delivery,
        *,
        is_hard: bool = False,
        shared: SharedCount | None = None,
    ) -> None:
        self._amount = amount
        self._lane = delivery.lane
        self._wake = delivery.wake
        self._is_hard = is_hard
        self._shared = shared
        self._short_on = self._said_on = self._day = -1
        self._sync_at = -math.inf
        self._begin(int(self._lane.clock.wall() // DAY))
        if shared is not None:
            self.work(self._lane.clock.monotonic())

    def _begin(self, day: int) -> None:
        """Count anew: on a new day, and in the child of a fork, which has another queue."""
        others = 0, 0
        if self._shared is not None and day == self._day:  # what its parent has sent counts
            (items, size), (own_items, own_size) = self._others, self._own()
            others = items + own_items, size + own_size
        self._day, self._ends = day, (day + 1) * DAY
        self._queue = self._lane.queue
        self._start = self._queue.items_in, self._queue.data_in
        self._written = (0, 0)
        self._allowed = 0.0
        self._note_others(*others)

    def _note_others(self, items: int, size: int) -> None:
        """Note what other processes have sent on this day."""
        self._others = items, size
        kind = 0 if self._amount.is_events else 1
        self._before = self._others[kind] - self._start[kind]

    def _own(self) -> tuple[int, int]:
        """Return how many items this process has put on this day, and their bytes."""
        items, size = self._start
        return self._queue.items_in - items, self._queue.data_in - size

    def rate(self, record: logging.LogRecord) -> int:
        """Return 0 where *record* is left out, else 1."""
        return 0 if self.refuses(level_of(record)) else 1

    def refuses(self, level: int) -> bool:
        """Return whether a record of *level* is left out. For log calls."""
        if level >= logging.ERROR and not self._is_hard:
            return False
        wall = self._lane.clock.wall()
        if wall >= self._ends or self._queue is not self._lane.queue:
            self._begin(int(wall // DAY))
        if self._has_room(level):
            return False
        # What was allowed at the last look is used up: it has grown since.
        day = int(wall // DAY)
        if day != self._day:  # the clock was set back
            self._begin(day)
        self._allowed = self._amount.number * min((wall - day * DAY + AHEAD) / DAY, 1.0)
        if self._has_room(level):
            return False
        if self._short_on != day:
            self._short_on = day
            self._wake()
        return True

    def _has_room(self, level: int) -> bool:
        queue = self._queue
        used = self._before + (queue.items_in if self._amount.is_events else queue.data_in)
        return used < self._allowed * share_of(level)

    @property
    def due_at(self) -> float:
        """When `work` is to be called by a worker."""
        if self._short_on != self._said_on:
            return -math.inf
        is_new = self._shared is not None and self._own() != self._written
        return self._sync_at if is_new else math.inf

    def work(self, now: float) -> None:
        """Say that the budget is used up, and add to the count of all processes."""
        if self._short_on != self._said_on:
            self._said_on = self._short_on
            self._say_short()
        if self._shared is None:
            return
        self._sync_at = now + SYNC_SECONDS
        day, (items, size), (old_items, old_size) = self._day, self._own(), self._written
        diagnostics = self._lane.diagnostics
        try:
            new = max(items - old_items, 0), max(size - old_size, 0)
            total = self._shared.add(day, *new)
        except OSError as error:
            self._sync_at = now + RETRY_SECONDS
            reason = error.strerror or type(error).__name__
            sentence = (
                f"what counts for budget= cannot be noted in the spool ({reason}): this process"
                " counts for itself until it can"
            )
            diagnostics.say("budget file", reason, sentence)
            return
        diagnostics.passed("budget file")
        if total is not None and day == self._day:
            self._written = items, size
            self._note_others(total.items - items, total.size - size)

    def _say_short(self) -> None:
        last = "ERROR too" if self._is_hard else "ERROR is sent"
        sentence = (
            f"the part of budget={self._amount.text!r} for this time of the day (UTC) is used up:"
            f" records are left out, DEBUG first, then INFO, then WARNING; {last}"
        )
        self._lane.diagnostics.say("budget", str(self._short_on), sentence)


def share_of(level: int) -> float:
    """Return the part of the allowance that records of *level* may use up."""
    if level <= logging.DEBUG:
        return 0.7
    if level <= logging.INFO:
        return 0.85
    return 0.95 if level <= logging.WARNING else 1.0
