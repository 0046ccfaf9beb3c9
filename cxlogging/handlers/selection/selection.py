"""Decides whether a record is sent, and how many records it stands for."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...delivery.delivery import Delivery
from ...wire.external_errors import is_external
from ..levels import level_of
from .rates import Sampler, reseed
from .report import HeldBackReport

if TYPE_CHECKING:
    from .budget import Budget

MAX_RATE = 2**31 - 1
"""A record stands for at most so many: what every vendor stores exactly."""


class Selection:
    """
    What leaves records of a handler out: its samplers, its limit and its budget.

    Args:
        delivery: Counts what is left out.
        report: Tells the vendor of it.
        samplers: All of them must keep a record; their rates multiply.
        limit: The limit of call sites: a sampler too, counted for itself.
        budget: What may be sent a day.

    Its part as a `Chore` is what samplers and the budget have to do from time to time.
    """

    def __init__(
        self,
        delivery: Delivery,
        report: HeldBackReport,
        samplers: Sequence[Sampler] = (),
        limit: Sampler | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._delivery = delivery
        self._report = report
        asked: list[tuple[Sampler, str, str]] = [
            (sampler, "sample_rate", "sampled") for sampler in samplers
        ]
        if limit is not None:
            asked.append((limit, "limit", "limited"))
        if budget is not None:
            asked.append((budget.rate, "budget", "over_budget"))
        self._asked = tuple(asked)
        self._budget = budget
        parts = [*samplers, limit, budget]
        self._workers: list[Any] = [part for part in parts if hasattr(part, "work")]
        self._forgetful: list[Any] = [part for part in parts if hasattr(part, "reset_after_fork")]
        for part in self._workers:
            if hasattr(part, "attach"):
                part.attach(delivery.wake)
        delivery.lane.add_chore(self)

    def rate(self, record: logging.LogRecord) -> int:
        """Return how many records *record* stands for; 0 where it is not sent, and counted."""
        rate = 1
        for sampler, option, outcome in self._asked:
            try:
                one = sampler(record)
            except BaseException as error:
                if is_external(error):
                    raise
                self._delivery.note(option, f"{option} failed: {type(error).__name__}")
                continue
            if type(one) is not int or one < 0:
                self._delivery.note(option, f"{option} returned {type(one).__name__}")
            elif one != 1:
                rate *= one
                if not rate:
                    self._leave_out(record, outcome)
                    return 0
        return min(rate, MAX_RATE)

    def _leave_out(self, record: logging.LogRecord, outcome: str) -> None:
        getattr(self._delivery.ledger, outcome).add(level_of(record))
        self._delivery.lane.volume.cell_of(record.__dict__).hold_back()
        self._report.note()

    def released(self, record: logging.LogRecord) -> int:
        """Return 1, or 0 where the budget leaves out *record*, whose scopes are released."""
        if self._budget is None or self._budget.rate(record):
            return 1
        self._leave_out(record, "over_budget")
        return 0

    def put(self, level: int, data: bytes) -> bool:
        """Accept the item of a record that was held back; False where it is over the budget."""
        if self._budget is not None and self._budget.refuses(level):
            self._delivery.ledger.over_budget.add(level)
            self._report.note()
            return False
        self._delivery.put(level, data)
        return True

    @property
    def due_at(self) -> float:
        """When `work` is to be called by a worker."""
        return min((each.due_at for each in self._workers), default=math.inf)

    def work(self, now: float) -> None:
        """Do what is due: compute rates, count what other processes have sent."""
        for each in self._workers:
            each.work(now)

    def reset_after_fork(self) -> None:
        """Begin with new counts and other random numbers, as a fork's child."""
        reseed()
        for each in self._forgetful:
            each.reset_after_fork()
