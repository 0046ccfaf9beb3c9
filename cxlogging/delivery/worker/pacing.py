"""When to send: flush triggers, backoff and holding. Values in, values out; no clock."""

from __future__ import annotations

import enum
import math

from ...wire.http import Limits
from ..options import Options
from .backoff import HOLD_SECONDS, backoff

GROWTH = 1.05
"""Per delivered batch, after a timeout or a 413 has made batches smaller."""

FIRST_BATCH = 256 * 1024
"""Bytes, while it is not known that the vendor answers: what is in flight takes memory."""

FIRST_GROWTH = 4.0
"""Per delivered batch, from there to the ceiling."""

PAIR = 2
AHEAD_BYTES = 16 * 2**20
"""In flight, from which on no third request is begun: each takes memory, as items and as a body."""

SLOW_SECONDS = 0.1

PATIENCE = 16
"""Items refused in a row, with none delivered between them, before there are pauses."""

REFUSED_PAUSE = 0.5

SLOW_BATCH = 16_384
"""Bytes below which a batch is not made smaller because of a timeout."""

MOST = 4_000
"""
Items of a batch, unless asked otherwise.

A worker that joins, settles and frees ten thousand at once keeps the application's threads
waiting, and so many alive make the garbage collector look at all that there is.
"""

NEVER = 2**62


class State(enum.Enum):
    """How it goes with the vendor."""

    SOUND = "sound"
    RETRYING = "retrying"
    HOLDING = "holding"


class Pace:
    """
    Decides when the line is due, how large a batch may be, and when to try again.

    All times are monotonic seconds, given by the caller.
    """

    def __init__(self, options: Options, limits: Limits) -> None:
        self._options = options
        self.most = min(options.batch_count or MOST, limits.batch_count)
        ceiling = limits.body_bytes - limits.overhead
        self.ceiling = min(options.batch_bytes or ceiling, ceiling)
        self._first = self.ceiling if options.batch_bytes else min(self.ceiling, FIRST_BATCH)
        self.batch_bytes = self._first
        self._growth = FIRST_GROWTH
        self.state = State.SOUND
        self.resume_at = 0.0
        self.may_hurry = True
        self.slow = False
        self._failures = 0
        self._refusals = 0
        self._since: float | None = None
        self._flushed_at = -math.inf
        self.leads = False
        """What an idle line sent at once has no answer yet."""
        self._left = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with the vendor."""
        return self.state is State.SOUND

    def due(self, now: float, waiting: int, waiting_bytes: int) -> float:
        """
        Return the seconds until the line is due: 0 or less when it is, `NEVER` when empty.

        What comes to an idle line is due at once: a process may end before an interval
        is over. A line is idle when it is empty, and was last flushed an interval ago.
        Everything that waits when the line becomes due is flushed; what comes
        meanwhile is as old as that moment at most.
        """
        if not waiting:
            self._since, self._left = None, 0
            return NEVER
        if self._left > 0:
            return 0
        interval = self._options.flush_interval
        at_once = waiting >= self.most or waiting_bytes >= self.batch_bytes
        if self._since is None:
            self._since = now
            self.leads = now - self._flushed_at >= interval
            at_once = at_once or self.leads
        wait = 0 if at_once else self._since + interval - now
        if wait <= 0:
            self.flush(now, waiting)
        return wait

    @property
    def owes(self) -> bool:
        """Whether items wait that are due already."""
        return self._left > 0

    def has_room(self, flying: int, flying_bytes: int) -> bool:
        """Return whether one more request may be begun beside *flying* ones."""
        if flying >= self._options.concurrency:
            return False
        return flying < PAIR or flying_bytes < AHEAD_BYTES

    def flush(self, now: float, waiting: int) -> None:
        """Make all that waits due."""
        self._left, self._since = waiting, now
        if waiting:
            self._flushed_at = now

    def took(self, count: int) -> None:
        """Note that *count* items were taken from the line."""
        self._left -= count

    def delivered(self, seconds: float) -> None:
        """Note an answer that took *seconds* and was good."""
        self.state = State.SOUND
        self.leads = False
        self._failures = self._refusals = 0
        self.resume_at = 0.0
        self.slow = seconds > max(self._options.flush_interval / 2, SLOW_SECONDS)
        self.batch_bytes = min(int(self.batch_bytes * self._growth) + 1, self.ceiling)

    def refused(self, now: float) -> None:
        """Note an answer that refused single items; where nothing else comes, slow down."""
        self.leads = False
        self._refusals += 1
        if self._refusals > PATIENCE:
            self.resume_at = now + REFUSED_PAUSE

    def failed(self, now: float, wait: float | None, random: float) -> None:
        """Note a passing failure; *wait* is what the vendor asks for."""
        self.state = State.RETRYING
        self._failures += 1
        self.batch_bytes = min(self.batch_bytes, self._first)
        options = self._options
        pause = backoff(self._failures, options.retry_initial, options.retry_maximum, random)
        self.resume_at = now + max(pause, wait or 0.0)
        self.may_hurry = wait is None

    def hold(self, now: float) -> None:
        """Note that nothing can pass until somebody mends the configuration."""
        self.state = State.HOLDING
        self.resume_at = now + HOLD_SECONDS
        self.may_hurry = False

    def shrink(self, size: int, least: int = 1) -> None:
        """Keep batches below half of *size* bytes, but not below *least*, for a while."""
        self.batch_bytes = min(self.batch_bytes, max(size // 2, least))
        self._growth = GROWTH

    def hurry(self, now: float) -> None:
        """End a pause that only our own backoff asks for: closing has no time for it."""
        if self.may_hurry:
            self.resume_at = min(self.resume_at, now)
