"""Decides whether a record is sent, and how many records it stands for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...wire.external_errors import is_external
from .samplers import Sampler

if TYPE_CHECKING:
    from ...delivery.delivery import Delivery


class Selection:
    """
    What a handler was told to leave out.

    Args:
        delivery: Counts what is left out.
        samplers: All of them must keep a record; their rates multiply.
    """

    def __init__(self, delivery: Delivery, samplers: Sequence[Sampler]) -> None:
        self._delivery = delivery
        self._samplers = tuple(samplers)

    def rate(self, record: logging.LogRecord) -> int:
        """Return how many records *record* stands for; 0 where it is not sent, and counted."""
        rate = 1
        for sampler in self._samplers:
            rate *= self._asked(sampler, record)
            if not rate:
                self._delivery.ledger.sampled.add(record.levelno)
                return 0
        return rate

    def _asked(self, sampler: Sampler, record: logging.LogRecord) -> int:
        """Return what *sampler* says; 1 where it fails."""
        try:
            rate = sampler(record)
        except BaseException as error:
            if is_external(error):
                raise
            self._delivery.note("sample_rate", f"sample_rate failed: {type(error).__name__}")
            return 1
        if type(rate) is not int or rate < 0:
            self._delivery.note("sample_rate", f"sample_rate returned {type(rate).__name__}")
            return 1
        return rate
