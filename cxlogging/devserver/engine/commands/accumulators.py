"""
The accumulators of aggregations: their state for the rows of a group, and their results.

All of them ignore nulls unless they say otherwise. Accumulators of unlimited size (distinct values,
percentiles, collected values) count their values, and end the query above a limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from ..compile.scope import QueryState
from ..expression import Evaluate
from ..values import KINDS, Kind, compare, finite, group_key

NUMERIC = (Kind.NUMBER, Kind.INTERVAL)


class Accumulator(Protocol):
    """The state of an aggregation for one group."""

    def add(self, row: Any) -> None:
        """Add a row."""
        ...

    def result(self) -> Any:
        """Return the result for the rows so far."""
        ...


NewAccumulator = Callable[[], Accumulator]


class Count:
    """The number of rows, or of those where *when* is true and *of* is not null."""

    __slots__ = ("_of", "_when", "number")

    def __init__(self, when: Evaluate | None = None, of: Evaluate | None = None) -> None:
        self._when, self._of, self.number = when, of, 0

    def add(self, row: Any) -> None:
        if self._when is not None and self._when(row) is not True:
            return
        if self._of is None or self._of(row) is not None:
            self.number += 1

    def result(self) -> int:
        return self.number


class Sum:
    """The sum or the mean of numbers or intervals."""

    __slots__ = ("_kind", "_mean", "_of", "number", "total")

    def __init__(self, of: Evaluate, *, mean: bool = False) -> None:
        self._of, self._mean = of, mean
        self._kind: type = int
        self.number, self.total = 0, 0.0 if mean else 0

    def add(self, row: Any) -> None:
        value = self._of(row)
        kind = type(value)
        if kind is not int and kind is not float:
            if KINDS[kind] is not Kind.INTERVAL:
                return
            self._kind = kind
        self.total += value
        self.number += 1

    def result(self) -> Any:
        if not self.number:
            return None
        total = self.total / self.number if self._mean else self.total
        if self._kind is not int:
            return self._kind(total)
        whole = self._mean and float(total).is_integer() and abs(total) < 2**53
        return int(total) if whole else _finite_or_none(total)


class Extreme:
    """The largest or smallest value, or the value of another expression in the same row."""

    __slots__ = ("_of", "_other", "_sign", "best", "value")

    def __init__(self, of: Evaluate, sign: int, other: Evaluate | None = None) -> None:
        self._of, self._sign, self._other = of, sign, other
        self.best: Any = None
        self.value: Any = None

    def add(self, row: Any) -> None:
        value = self._of(row)
        if value is None:
            return
        order = compare(value, self.best)
        if (self.best is None and compare(value, value) == 0) or order == self._sign:
            self.best = value
            self.value = value if self._other is None else self._other(row)

    def result(self) -> Any:
        return self.value


class AnyValue:
    """The first value that is not null."""

    __slots__ = ("_of", "value")

    def __init__(self, of: Evaluate) -> None:
        self._of, self.value = of, None

    def add(self, row: Any) -> None:
        if self.value is None:
            self.value = self._of(row)

    def result(self) -> Any:
        return self.value


class Distinct:
    """The number of distinct values."""

    __slots__ = ("_of", "_state", "_when", "values")

    def __init__(self, of: Evaluate, state: QueryState, when: Evaluate | None = None) -> None:
        self._of, self._state, self._when = of, state, when
        self.values: set[Any] = set()

    def add(self, row: Any) -> None:
        if self._when is not None and self._when(row) is not True:
            return
        value = self._of(row)
        if value is None:
            return
        key = group_key(value)
        if key not in self.values:
            self._state.reserve("distinct values")
            self.values.add(key)

    def result(self) -> int:
        return len(self.values)


class Percentile:
    """A percentile, interpolated between neighbouring numbers."""

    __slots__ = ("_of", "_share", "_state", "values")

    def __init__(self, of: Evaluate, share: float, state: QueryState) -> None:
        self._of, self._share, self._state = of, share, state
        self.values: list[Any] = []

    def add(self, row: Any) -> None:
        value = self._of(row)
        if KINDS[type(value)] in NUMERIC:
            self._state.reserve("percentile")
            self.values.append(value)

    def result(self) -> Any:
        if not self.values:
            return None
        ordered = sorted(self.values)
        at = self._share * (len(ordered) - 1)
        low, high = ordered[math.floor(at)], ordered[math.ceil(at)]
        kind = type(low)
        between = low if low == high else low + (high - low) * (at - math.floor(at))
        return between if kind in (int, float) else kind(between)


class Spread:
    """Variance or standard deviation of the population (*sample* 0) or a sample (1), by Welford."""

    __slots__ = ("_of", "_root", "_sample", "mean", "number", "squares")

    def __init__(self, of: Evaluate, *, sample: int, root: bool) -> None:
        self._of, self._sample, self._root = of, sample, root
        self.number, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, row: Any) -> None:
        value = self._of(row)
        if type(value) is not int and type(value) is not float:
            return
        self.number += 1
        away = value - self.mean
        self.mean += away / self.number
        self.squares += away * (value - self.mean)

    def result(self) -> float | None:
        if self.number <= self._sample:
            return None
        variance = self.squares / (self.number - self._sample)
        found: float | None = _finite_or_none(math.sqrt(variance) if self._root else variance)
        return found


class Collect:
    """The values in the order of the rows."""

    __slots__ = ("_maximum", "_of", "_skips_nulls", "_state", "seen", "values")

    def __init__(
        self,
        of: Evaluate,
        state: QueryState,
        *,
        distinct: bool,
        maximum: int | None,
        skips_nulls: bool,
    ) -> None:
        self._of, self._state, self._maximum, self._skips_nulls = of, state, maximum, skips_nulls
        self.seen: set[Any] | None = set() if distinct else None
        self.values: list[Any] = []

    def add(self, row: Any) -> None:
        if self._maximum is not None and len(self.values) >= self._maximum:
            return
        value = self._of(row)
        if value is None and self._skips_nulls:
            return
        if self.seen is not None:
            key = group_key(value)
            if key in self.seen:
                return
            self.seen.add(key)
        self._state.reserve("collect")
        self.values.append(value)

    def result(self) -> list[Any]:
        return self.values


def _finite_or_none(value: Any) -> Any:
    try:
        return finite(value)
    except ValueError:
        return None
