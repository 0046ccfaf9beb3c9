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
from .options import Amount

if TYPE_CHECKING:
    from ...delivery.queue.shared_count import SharedCount

DAY = 86_400
AHEAD = 3_600
"""Seconds by which the allowance is ahead of the day: its first records find some."""

SHARES = ((logging.DEBUG, 0.7), (logging.INFO, 0.85), (logging.WARNING, 0.95), (math.inf, 1.0))
"""Up to these levels, the part of the allowance that may be used."""

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
        self._delivery = delivery
        self._is_hard = is_hard
        self._shared = shared
        self._short_on = self._said_on = self._day = -1
        self._sync_at = -math.inf
        self._begin(int(delivery.lane.clock.wall() // DAY))
        if shared is not None:
            self.work(delivery.lane.clock.monotonic())

    def _begin(self, day: int) -> None:
        """Count anew: on a new day, and in the child of a fork, which has another queue."""
        self._day = day
        self._queue = self._delivery.lane.queue
        self._start = self._queue.items_in, self._queue.data_in
        self._written = self._others = (0, 0)

    def _own(self) -> tuple[int, int]:
        """Return how many items this process has put on this day, and their bytes."""
        items, size = self._start
        return self._queue.items_in - items, self._queue.data_in - size

    def rate(self, record: logging.LogRecord) -> int:
        """Return 0 where *record* is left out, else 1."""
        return 0 if self.refuses(record.levelno, 1) else 1

    def refuses(self, level: int, size: int) -> bool:
        """Return whether an item of *size* bytes is left out. For log calls."""
        wall = self._delivery.lane.clock.wall()
        day = int(wall // DAY)
        if day != self._day or self._queue is not self._delivery.lane.queue:
            self._begin(day)
        if level >= logging.ERROR and not self._is_hard:
            return False
        number, is_events = self._amount.number, self._amount.is_events
        kind = 0 if is_events else 1
        allowed = number * min((wall - day * DAY + AHEAD) / DAY, 1.0)
        share = next(share for highest, share in SHARES if level <= highest)
        used = self._others[kind] + self._own()[kind]
        if used + (1 if is_events else size) <= allowed * share:
            return False
        if self._short_on != day:
            self._short_on = day
            self._delivery.wake()
        return True

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
        diagnostics = self._delivery.lane.diagnostics
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
            self._others = total.items - items, total.size - size

    def _say_short(self) -> None:
        last = "ERROR too" if self._is_hard else "ERROR is sent"
        sentence = (
            f"the part of budget={self._amount.text!r} for this time of the day (UTC) is used up:"
            f" records are left out, DEBUG first, then INFO, then WARNING; {last}"
        )
        self._delivery.lane.diagnostics.say("budget", str(self._short_on), sentence)
