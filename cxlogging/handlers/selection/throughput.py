"""A sampler that keeps about so many records a second, whatever the traffic."""

from __future__ import annotations

import _thread
import itertools
import logging
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

from ...delivery.ledger import count_of
from ...wire import system_clock
from ...wire.option_parsers import refused
from .rates import Chance, chance, key_part, parsed_number, value_of, whole

MAX_KEYS = 500
OTHERS: Hashable = "(other)"
"""The key that records share for whose own key there is no room."""

WEIGHT = 0.5
"""Of the latest interval in the moving average."""

AGE_OUT = 0.5
"""Records per interval below which a key is forgotten."""

BURST = 2.0
"""So many times the records that an interval usually has are a burst."""

LEAST_SECONDS = 1.0
"""No rate is estimated from less: a few records at once are not a trend."""


class ThroughputSampler:
    """
    Keeps about *goal* records a second, the rare kinds of records before the frequent ones.

    As dynsampler's throughput sampler with an exponential moving average: the goal is divided
    among the keys by the logarithm of their counts; what a key does not need is divided among the
    others. The rates are computed after each interval by a worker thread of the handler, and
    earlier when there are twice as many records as usual. Each key keeps about one record an
    interval at least, so that many keys may exceed a small goal.

    Args:
        goal: Records a second.
        key: What kinds of records there are: the names of attributes, extras or bound fields, or
            a callable that returns a value for a record. The first 500 values have rates of
            their own, all others share one.
        interval: Seconds between two computations of the rates.
        chance: Returns a random number from 0 to 1.
        clock: Seconds that only grow.

    Attributes:
        due_at: When `work` is to be called; infinite where nothing has come since.

    Raises:
        ConfigurationError: An argument is impossible.
    """

    def __init__(
        self,
        goal: float,
        key: Iterable[str] | Callable[[logging.LogRecord], Any] = ("levelname", "name"),
        interval: float = 15,
        *,
        chance: Chance = chance,
        clock: Callable[[], float] = system_clock.monotonic,
    ) -> None:
        self._goal = parsed_number("goal", goal, least=0, above=True)
        self._key_of = _key_of(key)
        self._interval = parsed_number("interval", interval, least=1, most=3_600)
        self._chance = chance
        self._clock = clock
        self._wake: Callable[[], object] = int
        self._averages: dict[Hashable, float] = {}
        self._keys: dict[Hashable, _Kind] = {}
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Count anew; the rates stay until there are new ones."""
        for kind in self._keys.values():
            kind.taken()
        self._computing = _thread.allocate_lock()
        self._begin_interval()

    def _begin_interval(self) -> None:
        usual = sum(self._averages.values()) * self._interval
        self._has_burst = False
        self._burst_at = max(BURST * usual, self._goal)
        self.due_at = self._began = math.inf
        self._count = itertools.count()

    def attach(self, wake: Callable[[], object]) -> None:
        """Have *wake* called, in a log call, when `work` is due earlier than `due_at` has said."""
        self._wake = wake

    def __call__(self, record: logging.LogRecord) -> int:
        count = next(self._count)
        if not count:
            self._began = self._clock()
            self.due_at = self._began + self._interval
        elif count >= self._burst_at:
            self._burst_at, self.due_at = math.inf, -math.inf
            self._wake()
        key = self._key_of(record)
        kind = self._keys.get(key)
        if kind is None:
            key = key if len(self._keys) < MAX_KEYS else OTHERS
            kind = self._keys.setdefault(key, _Kind())
        next(kind.count)
        rate = kind.rate
        if rate <= 1:
            return 1
        return whole(rate, self._chance) if self._chance() * rate < 1 else 0

    def work(self, now: float) -> None:
        """Compute the rates; called by a worker thread when it is due."""
        if not self._computing.acquire(blocking=False):  # for another handler
            return
        try:
            self._compute(now)
        finally:
            self._computing.release()

    def _compute(self, now: float) -> None:
        began = self._began
        if began == math.inf:
            return
        seconds = max(now - began, LEAST_SECONDS)
        if now >= began + self._interval:
            latest = {key: kind.taken() / seconds for key, kind in self._keys.copy().items()}
            self._average(latest)
            self._set_rates(self._averages)
            self._begin_interval()
            return
        # A burst: the interval goes on, and its next look is when the count has doubled.
        self._has_burst = True
        self.due_at = began + self._interval
        so_far = {key: kind.seen / seconds for key, kind in self._keys.copy().items()}
        self._burst_at = BURST * max(count_of(self._count), 1)
        self._set_rates({key: max(so_far[key], self._averages.get(key, 0.0)) for key in so_far})

    def _average(self, latest: Mapping[Hashable, float]) -> None:
        """Add the records per second of the *latest* interval to the averages."""
        # After a burst, and at first, the old average says nothing.
        weight = 1.0 if self._has_burst or not self._averages else WEIGHT
        for key, rate in latest.items():
            old = self._averages.get(key, rate)  # a new key begins with its first count
            new = old + weight * (rate - old)
            if new * self._interval < AGE_OUT:
                self._averages.pop(key, None)
                self._keys.pop(key, None)
            else:
                self._averages[key] = new

    def _set_rates(self, rates: Mapping[Hashable, float]) -> None:
        """Divide the goal among the keys with so many records per second, the rarest first."""
        shares = {key: math.log10(1 + rate * self._interval) for key, rate in rates.items()}
        goal, total, least = self._goal, sum(shares.values()), 1 / self._interval
        for key in sorted(rates, key=rates.__getitem__):
            share = max(goal * shares[key] / total if total > 0 else goal, least)
            kind = self._keys.get(key)
            if kind is not None:
                kind.rate = max(rates[key] / share, 1.0)
            goal -= min(rates[key], share)
            total -= shares[key]


class _Kind:
    """The records of one key: their sample rate, and their count in this interval."""

    __slots__ = ("count", "rate")

    def __init__(self) -> None:
        self.rate = 1.0
        self.count: Iterator[int] = itertools.count()

    @property
    def seen(self) -> int:
        return count_of(self.count)

    def taken(self) -> int:
        """Return the count, and begin again."""
        count, self.count = self.count, itertools.count()
        return count_of(count)


def _key_of(given: object) -> Callable[[logging.LogRecord], Hashable]:
    """Return a function of a record that returns its key: *given*, or its values of these names."""
    if callable(given):
        return lambda record: key_part(given(record))
    listed = given.split(",") if isinstance(given, str) else given
    names: tuple[str, ...] = ()
    if isinstance(listed, (list, tuple)) and all(isinstance(each, str) for each in listed):
        names = tuple(each.strip() for each in listed)
    if not names or not all(names):
        raise refused("key", "names of fields, or a callable", given)

    def key(record: logging.LogRecord) -> Hashable:
        attributes = record.__dict__
        return tuple([key_part(value_of(attributes, name)) for name in names])

    return key
