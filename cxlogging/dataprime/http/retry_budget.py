"""Time as the client sees it, and how long one call may wait for retries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...delivery.worker.backoff import backoff
from ..errors import QueryError, RateLimited


@dataclass(frozen=True)
class Clock:
    """
    Time as the client sees it; a test passes its own.

    Attributes:
        now: Nanoseconds since 1970.
        monotonic: Seconds that only grow.
        sleep: Waits so many seconds.
        random: A number from 0 to 1.
    """

    now: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


class RetryBudget:
    """
    The retries of one call: at most *budget* seconds of waiting, and none past *deadline*.

    Args:
        clock: Time and sleeping.
        budget: Seconds of waiting.
        deadline: The monotonic time at which the call ends, or None.
    """

    def __init__(self, clock: Clock, budget: float, deadline: float | None) -> None:
        self.clock = clock
        self.deadline = deadline
        self._seconds_left = budget
        self._failures = 0

    def wait_after(self, error: QueryError) -> None:
        """Wait before the next try, or raise *error* where there is none left."""
        self._failures += 1
        wait = error.retry_after if isinstance(error, RateLimited) else None
        if wait is None:
            wait = backoff(self._failures, 1.0, 30.0, self.clock.random())
        too_late = self.deadline is not None and self.clock.monotonic() + wait >= self.deadline
        if wait > self._seconds_left or too_late:
            raise error
        # A wait of 0 seconds costs something too, or a server could keep the client in a loop.
        self._seconds_left -= max(wait, 0.5)
        self.clock.sleep(wait)
