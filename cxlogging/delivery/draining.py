"""Waiting for deliveries to be done, within the exit budget."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .delivery import Delivery


def drain(
    waited_for: Sequence[Delivery],
    timeout: float | None = None,
    done: Callable[[], bool] | None = None,
) -> None:
    """
    Wait until nothing is outstanding, or the budget is spent.

    The budget of each delivery: ``close_timeout`` since its vendor last
    acknowledged anything, ``close_maximum`` in all.

    Args:
        waited_for: At least one delivery.
        timeout: Seconds that replace the budget.
        done: Replaces the question whether nothing is outstanding; for one delivery.
    """
    clock = waited_for[0].clock
    start = clock.monotonic()
    waiter = _thread.allocate_lock()
    for delivery in waited_for:
        delivery.waiters.append(waiter)
        delivery.hurry()
    try:
        while True:
            now = clock.monotonic()
            ends = [
                _budget_end(delivery, start, timeout)
                for delivery in waited_for
                if not (done() if done else not delivery.busy)
            ]
            if not ends or max(ends) <= now:
                return
            if not _work_inline(waited_for, max(ends)):
                waiter.acquire(timeout=max(min(max(ends) - now, 0.5), 0.001))
    finally:
        for delivery in waited_for:
            delivery.waiters.remove(waiter)


def _budget_end(delivery: Delivery, start: float, timeout: float | None) -> float:
    """Return the monotonic time at which *delivery* is no longer waited for."""
    if timeout is not None:
        return start + timeout
    if delivery.given_up:
        return start
    options = delivery.options
    quiet_since = max(start, delivery.acknowledged_at)
    return min(quiet_since + options.close_timeout, start + options.close_maximum)


def _work_inline(waited_for: Sequence[Delivery], until: float) -> bool:
    """Deliver on this thread for those that no worker can serve; True where there were any."""
    alone = [each for each in waited_for if each.busy and not len(each.workers)]
    for delivery in alone:
        delivery.workers.work_inline(until)
    return bool(alone)
