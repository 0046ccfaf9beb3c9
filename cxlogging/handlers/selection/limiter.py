"""The limit of a call site: the first records of each second, then one in so many."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Hashable, Iterator

from ...wire import system_clock
from .rates import parsed_count, parsed_number

MAX_SITES = 4_096

OTHERS: Hashable = ("(other)",)
"""The key that call sites share for which there is no room."""


class SiteLimiter:
    """
    Keeps the first records of each call site and second, then one in so many.

    It is for the line that someone has put into a loop. A call site is a logger, a file, a line
    and a level. Records at ERROR and above are always kept.

    Args:
        first: So many records of a call site are kept in each period.
        then: Of those that follow, one in so many is kept, and stands for so many; 0 keeps none.
        per: The period in seconds.
        clock: Seconds that only grow.

    Raises:
        ConfigurationError: An argument is not a number, or too small.
    """

    def __init__(
        self,
        first: int = 100,
        then: int = 100,
        per: float = 1,
        *,
        clock: Callable[[], float] = system_clock.monotonic,
    ) -> None:
        self._first = parsed_count("first", first)
        self._then = parsed_count("then", then)
        self._per = parsed_number("per", per, least=0, above=True, most=86_400)
        self._clock = clock
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Begin with new counts: the parent's are its own."""
        self._sites: dict[Hashable, _Site] = {}
        self._swept = -1

    def __call__(self, record: logging.LogRecord) -> int:
        if record.levelno >= logging.ERROR:
            return 1
        period = int(self._clock() / self._per)
        key = (record.name, record.pathname, record.lineno, record.levelno)
        site = self._sites.get(key)
        if site is None:
            site = self._added(key, period)
        if site.period != period:
            # In this order: of several threads each may begin the period, none uses the old count.
            site.count, site.period = itertools.count(), period
        if next(site.count) < self._first:
            return 1
        # The last of so many is kept: what it stands for has happened.
        is_turn = self._then and next(site.above) % self._then == self._then - 1
        return self._then if is_turn else 0

    def _added(self, key: Hashable, period: int) -> _Site:
        """Return the state of a call site that has none; others give way, or it shares one."""
        if len(self._sites) >= MAX_SITES and self._swept != period:
            self._swept = period
            sites = self._sites.copy().items()
            self._sites = {key: site for key, site in sites if site.period == period}
        if len(self._sites) >= MAX_SITES:
            key = OTHERS
        return self._sites.setdefault(key, _Site(period))


class _Site:
    """
    The counts of one call site.

    Attributes:
        period: In which it last had a record.
        count: Counts its records of that period.
        above: Counts all that came after the first ones of their period.
    """

    __slots__ = ("above", "count", "period")

    def __init__(self, period: int) -> None:
        self.period = period
        self.count: Iterator[int] = itertools.count()
        self.above: Iterator[int] = itertools.count()
