"""Waiting for deliveries to be done, within the exit budget."""

from __future__ import annotations

import _thread
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...wire.external_errors import is_external

if TYPE_CHECKING:
    from ..delivery import Delivery

LOOK_SECONDS = 0.5


def drain(
    waited_for: Sequence[Delivery], timeout: float | None = None, *, adopted: bool = False
) -> bool:
    """
    Wait until all that was accepted by now has its outcome, or the budget is spent.

    The budget of each delivery: ``close_timeout`` since its vendor last
    acknowledged anything, ``close_maximum`` in all. What is accepted meanwhile
    is not waited for.

    Args:
        waited_for: At least one delivery.
        timeout: Seconds that replace the budget.
        adopted: Wait for what processes that have ended left behind, too.

    Returns:
        Whether all has its outcome.
    """
    clock = waited_for[0].clock
    start = clock.monotonic()
    marks = [(delivery, delivery.mark()) for delivery in waited_for]
    waiter = _thread.allocate_lock()
    for delivery in waited_for:
        delivery.waiters.append(waiter)
        delivery.hurry()
    try:
        while True:
            now = clock.monotonic()
            owing = [each for each, mark in marks if each.owes(mark, adopted=adopted)]
            if not owing:
                return True
            ends = {each: _budget_end(each, start, timeout) for each in owing}
            end = max(ends.values())
            if end <= now:
                return False
            wait = _work_inline([each for each in owing if ends[each] > now], end)
            if wait > 0:
                wait = min(wait, end - clock.monotonic(), LOOK_SECONDS)
                _wait(waiter, max(wait, 0.001))
    finally:
        for delivery in waited_for:
            delivery.waiters.remove(waiter)


def _wait(waiter: _thread.LockType, seconds: float) -> None:
    """Wait until *waiter* is released, or as long as that."""
    try:
        waiter.acquire(timeout=seconds)
    except RuntimeError as error:
        if is_external(error):
            raise
        time.sleep(seconds)  # since Python 3.14 no lock is waited for once the interpreter ends


def _budget_end(delivery: Delivery, start: float, timeout: float | None) -> float:
    """Return the monotonic time at which *delivery* is no longer waited for."""
    if timeout is not None:
        return start + timeout
    if delivery.given_up:
        return start
    options = delivery.options
    quiet_since = max(start, delivery.acknowledged_at)
    return min(quiet_since + options.close_timeout, start + options.close_maximum)


def _work_inline(owing: Sequence[Delivery], end: float) -> float:
    """
    Send one batch on this thread for each of *owing* that no worker serves.

    One that does not answer leaves the others their part of the time until monotonic *end*.

    Returns:
        The seconds until the next look.
    """
    # Where the interpreter ends, other threads stand still for ever.
    alone = [each for each in owing if sys.is_finalizing() or not len(each.workers)]
    wait = LOOK_SECONDS
    for number, delivery in enumerate(alone):
        left = (end - delivery.clock.monotonic()) / (len(alone) - number)
        if left > 0:
            wait = min(wait, delivery.workers.work_inline(left))
    return wait
