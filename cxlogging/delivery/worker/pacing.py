"""When to send: flush triggers, backoff and holding. Values in, values out; no clock."""

from __future__ import annotations

import enum
import math

from ...wire.http import Limits
from ..options import Options
from .backoff import HOLD_SECONDS, backoff

GROWTH = 1.05
"""Factor per delivered batch, after a timeout or a 413 has made batches smaller."""

FIRST_BATCH = 256 * 1024
"""Bytes of a batch until the vendor has answered: what is in flight takes memory."""

FIRST_GROWTH = 4.0
"""Factor per delivered batch, from there to the largest batch."""

SLOW_SECONDS = 0.1

MOST_REFUSALS = 16
"""Items refused in a row, with none delivered between them, before there are pauses."""

REFUSED_PAUSE = 0.5

SLOW_BATCH = 16_384
"""Bytes below which a batch is not made smaller because of a timeout."""

MAX_ITEMS = 4_000
"""
Items of a batch, unless asked otherwise.

A worker that joins, settles and frees ten thousand at once keeps the application's threads
waiting, and so many alive make the garbage collector look at all that there is.
"""

NEVER = 2**62


class Health(enum.Enum):
    """How the vendor's answers have been lately."""

    HEALTHY = "healthy"
    RETRYING = "retrying"
    HOLDING = "holding"


class Pace:
    """
    Decides when a flush is due, how large a batch may be, and when to try again.

    All times are monotonic seconds, given by the caller.

    Attributes:
        max_items: The most items of a batch.
        max_bytes: The most bytes that a batch may ever have.
        batch_bytes: The most bytes of a batch now.
        health: How the vendor's answers have been lately.
        resume_at: Nothing is sent before.
        slow: Answers take long: more requests at a time are worth a thread each.
        awaits_first: What an idle queue has sent at once has no answer yet.
        flush_until: Until so many items were ever taken, those that wait are due already.
    """

    def __init__(self, options: Options, limits: Limits) -> None:
        self._options = options
        self.max_items = min(options.batch_count or MAX_ITEMS, limits.batch_count)
        most = limits.body_bytes - limits.overhead
        self.max_bytes = min(options.batch_bytes or most, most)
        self._first = self.max_bytes if options.batch_bytes else min(self.max_bytes, FIRST_BATCH)
        self.batch_bytes = self._first
        self._growth = FIRST_GROWTH
        self.health = Health.HEALTHY
        self.resume_at = 0.0
        self.slow = False
        self.awaits_first = False
        self._may_resume_early = True
        self._failures = 0
        self._refusals = 0
        self._since: float | None = None
        self._flushed_at = -math.inf
        self.flush_until = 0

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong with the vendor."""
        return self.health is Health.HEALTHY

    def due(self, now: float, waiting: int, waiting_bytes: int, taken: int = 0) -> float:
        """
        Return the seconds until a flush is due: 0 or less when it is, `NEVER` when nothing waits.

        What comes to an idle queue is due at once: a process may end before an interval
        is over. A queue is idle when it is empty, and was last flushed an interval ago.
        A flush sends everything that waits when it becomes due; what comes meanwhile has
        been waiting since that moment at most.

        Args:
            now: Monotonic time.
            waiting: How many items wait.
            waiting_bytes: Their bytes.
            taken: How many items were ever taken from the queue.
        """
        if not waiting:
            self._since, self.flush_until = None, 0
            return NEVER
        if taken < self.flush_until:
            return 0
        interval = self._options.flush_interval
        at_once = waiting >= self.max_items or waiting_bytes >= self.batch_bytes
        if self._since is None:
            self._since = now
            self.awaits_first = now - self._flushed_at >= interval
            at_once = at_once or self.awaits_first
        wait = 0 if at_once else self._since + interval - now
        if wait <= 0:
            self.flush(now, waiting, taken)
        return wait

    def flush(self, now: float, waiting: int, taken: int = 0) -> None:
        """Make all that waits due."""
        self.flush_until, self._since = taken + waiting, now
        if waiting:
            self._flushed_at = now

    def delivered(self, seconds: float) -> None:
        """Note an answer that took *seconds* and was good."""
        self.health = Health.HEALTHY
        self.awaits_first = False
        self._failures = self._refusals = 0
        self.resume_at = 0.0
        self.slow = seconds > max(self._options.flush_interval / 2, SLOW_SECONDS)
        self.batch_bytes = min(int(self.batch_bytes * self._growth) + 1, self.max_bytes)

    def refused(self, now: float) -> None:
        """Note an answer that refused single items; where no other comes, slow down."""
        self.awaits_first = False
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            self.resume_at = now + REFUSED_PAUSE

    def failed(self, now: float, wait: float | None, random: float) -> None:
        """Note a passing failure; *wait* is what the vendor asks for."""
        self.health = Health.RETRYING
        self._failures += 1
        self.batch_bytes = min(self.batch_bytes, self._first)
        options = self._options
        pause = backoff(self._failures, options.retry_initial, options.retry_maximum, random)
        self.resume_at = now + max(pause, wait or 0.0)
        self._may_resume_early = wait is None

    def hold(self, now: float) -> None:
        """Note that nothing can be delivered until somebody fixes the configuration."""
        self.health = Health.HOLDING
        self.resume_at = now + HOLD_SECONDS
        self._may_resume_early = False

    def shrink(self, size: int, least: int = 1) -> None:
        """Keep batches below half of *size* bytes, but not below *least*, for a while."""
        self.batch_bytes = min(self.batch_bytes, max(size // 2, least))
        self._growth = GROWTH

    def end_pause(self, now: float) -> None:
        """End a pause that only our own backoff asks for: closing has no time for it."""
        if self._may_resume_early:
            self.resume_at = min(self.resume_at, now)
