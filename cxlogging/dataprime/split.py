"""
A window whose answer was cut is asked again in two halves, until none is.

Whether the service counts a window's first and last instant in is not written
anywhere: both halves share their border, and a row of the border that came
with the left half is passed over in the right one.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass

from . import times
from .errors import QueryError
from .findings import merged
from .http.answer import Answer
from .request import DirectQuery
from .rows import Row

GRAIN = times.UNITS["ms"]
"""Borders lie on whole milliseconds, in case the service cuts what is finer."""

NOT_BY_TIME = frozenset({"fieldCountLimitWarning", "limits.column"})
"""Limits that a shorter window does not lift."""
REQUESTS = 1_000
"""No split query asks more often than this."""

Ask = Callable[[DirectQuery], tuple[list[Row], Answer]]


@dataclass(frozen=True)
class SplitProgress:
    """
    How far a split query is.

    Attributes:
        start: First instant of the window that was answered last.
        end: Its last instant.
        done: Share of the whole window that is answered, 0 to 1.
        rows: Rows so far.
        requests: Requests so far.
    """

    start: datetime.datetime
    end: datetime.datetime
    done: float
    rows: int
    requests: int


def split(
    query: DirectQuery,
    ask: Ask,
    whole: Answer,
    on_progress: Callable[[SplitProgress], None] | None,
) -> Generator[Row, None, None]:
    """Yield the rows of *query*'s window, in order of time; *whole* learns what is said."""
    first, last = query.start or 0, query.end or 0
    windows = [(first, last)]
    border: Counter[str] = Counter()
    requests = 0
    while windows:
        start, end = windows.pop()
        rows, answer = ask(query.within(start, end))
        requests += 1
        middle = (start + end) // 2 // GRAIN * GRAIN
        cut = not NOT_BY_TIME.issuperset(answer.limits_reached)
        if cut and start < middle < end and requests < REQUESTS:
            _refuse_aggregates(rows)
            windows += [(middle, end), (start, middle)]
        else:
            fresh = _without_border(rows, start, border)
            border = Counter(_identity(row) for row in rows if row.timestamp_ns == end)
            _learn(whole, answer, len(fresh))
            yield from fresh
            if on_progress is not None:
                share = (end - first) / (last - first) if last > first else 1.0
                moments = times.moment(start), times.moment(end)
                on_progress(SplitProgress(*moments, share, whole.count, requests))


def _without_border(rows: list[Row], start: int, border: Counter[str]) -> list[Row]:
    fresh = []
    for row in rows:
        if border and row.timestamp_ns == start and border[identity := _identity(row)] > 0:
            border[identity] -= 1
        else:
            fresh.append(row)
    return fresh


def _identity(row: Row) -> str:
    found = row.metadata.get("logid")
    return str(found) if found else json.dumps([row.metadata, row.labels, row.raw], default=str)


def _refuse_aggregates(rows: list[Row]) -> None:
    if any(row.timestamp_ns is None for row in rows):
        raise QueryError(
            "split_on_limit puts logs together, not aggregates or rows without $m.timestamp:"
            " the parts of a count are no count. Narrow the window, or submit a background query."
        )


def _learn(whole: Answer, answer: Answer, count: int) -> None:
    whole.query_id = whole.query_id or answer.query_id
    whole.count += count
    whole.nothing = whole.nothing and not count
    whole.warnings += [each for each in answer.warnings if each not in whole.warnings]
    whole.statistics = merged((whole.statistics, answer.statistics))
    whole.cut += answer.limits_reached
