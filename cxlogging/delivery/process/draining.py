"""Waiting until deliveries are done, within the exit budget."""

from __future__ import annotations

import _thread
import sys
import time
from collections.abc import Sequence

from ...wire.external_errors import is_external
from ..lane import Lane, Lifecycle
from ..worker.threads import Workers

LOOK_SECONDS = 0.5


def drain(
    waited_for: Sequence[Workers], timeout: float | None = None, *, adopted: bool = False
) -> bool:
    """
    Wait until all that was accepted by now has its outcome, or the budget is spent.

    The budget of each delivery: ``close_timeout`` since its vendor last
    acknowledged anything, ``close_maximum`` in all. What is accepted meanwhile
    is not waited for.

    Args:
        waited_for: At least one delivery's workers.
        timeout: Seconds that replace the budget.
        adopted: Wait for what processes that have ended left behind, too.

    Returns:
        Whether all has its outcome.
    """
    clock = waited_for[0].lane.clock
    start = clock.monotonic()
    positions = [(each, each.lane.end_position()) for each in waited_for]
    waiter = _thread.allocate_lock()
    # Kept: a fork's child has other lists.
    waiters = [each.lane.waiters for each in waited_for]
    for each, others in zip(waited_for, waiters, strict=True):
        others.append(waiter)
        each.flush_now()
    try:
        while True:
            now = clock.monotonic()
            busy = [each for each, end in positions if not each.lane.is_done(end, adopted=adopted)]
            if not busy:
                return True
            ends = {each: _budget_end(each.lane, start, timeout) for each in busy}
            end = max(ends.values())
            if end <= now:
                return False
            wait = _work_inline([each for each in busy if ends[each] > now], end)
            if wait > 0:
                wait = min(wait, end - clock.monotonic(), LOOK_SECONDS)
                _wait(waiter, max(wait, 0.001))
    finally:
        for others in waiters:
            others.remove(waiter)


def _wait(waiter: _thread.LockType, seconds: float) -> None:
    """Wait until *waiter* is released, or as long as that."""
    try:
        waiter.acquire(timeout=seconds)
    except RuntimeError as error:
        if is_external(error):
            raise
        time.sleep(seconds)  # since Python 3.14 no lock can be waited for at interpreter shutdown


def _budget_end(lane: Lane, start: float, timeout: float | None) -> float:
    """Return the monotonic time until which a delivery is waited for."""
    if timeout is not None:
        return start + timeout
    if lane.lifecycle is Lifecycle.GIVEN_UP:
        return start
    options = lane.options
    quiet_since = max(start, lane.acknowledged_at)
    return min(quiet_since + options.close_timeout, start + options.close_maximum)


def _work_inline(busy: Sequence[Workers], end: float) -> float:
    """
    Send one batch on this thread for each of *busy* that has no thread.

    One that does not answer leaves the others their part of the time until monotonic *end*.

    Returns:
        The seconds until the next look.
    """
    # Where the interpreter ends, other threads stand still for ever.
    alone = [each for each in busy if sys.is_finalizing() or not len(each)]
    wait = LOOK_SECONDS
    for number, workers in enumerate(alone):
        left = (end - workers.lane.clock.monotonic()) / (len(alone) - number)
        if left > 0:
            wait = min(wait, workers.work_inline(left))
    return wait
