"""
Splitting a window: where a limit cut the answer, each half is queried again, until none is cut.

Whether a window includes its first and last instant is not documented: so both
halves share their boundary, and rows at the boundary that came with the left half
are skipped in the right one.
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
from .request.direct import DirectQuery
from .rows import Row
from .summary import AnswerSummary

RESOLUTION = times.UNITS["ms"]
"""Boundaries are whole milliseconds, in case the service ignores finer fractions."""

NOT_BY_TIME = frozenset(
    {"fieldCountLimitWarning", "limits.column", "archiveWarning", "timeRangeWarning"}
)
"""Limits that a shorter window does not lift."""
MAX_REQUESTS = 1_000
"""Maximum number of requests of one split query."""

Ask = Callable[[DirectQuery], tuple[list[Row], AnswerSummary]]


@dataclass(frozen=True)
class SplitProgress:
    """
    The progress of a split query.

    Attributes:
        start: First instant of the part that was answered last.
        end: Its last instant.
        done: Share of the whole window that was answered, from 0 to 1.
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
    whole: AnswerSummary,
    on_progress: Callable[[SplitProgress], None] | None,
) -> Generator[Row, None, None]:
    """Yield the rows of *query*'s window in order of time; *whole* gets all findings."""
    first, last = query.start or 0, query.end or 0
    windows = [(first, last)]
    boundary: Counter[str] = Counter()
    requests = 0
    while windows:
        start, end = windows.pop()
        rows, summary = ask(query.within(start, end))
        requests += 1
        middle = (start + end) // 2 // RESOLUTION * RESOLUTION
        cut = not NOT_BY_TIME.issuperset(summary.limits_reached)
        if cut and start < middle < end and requests < MAX_REQUESTS:
            _refuse_aggregates(rows)
            windows += [(middle, end), (start, middle)]
        else:
            fresh = _without_seen(rows, start, boundary)
            boundary = Counter(_identity(row) for row in rows if row.timestamp_ns == end)
            _add_part(whole, summary, len(fresh))
            yield from fresh
            if on_progress is not None:
                share = (end - first) / (last - first) if last > first else 1.0
                moments = times.to_datetime(start), times.to_datetime(end)
                on_progress(SplitProgress(*moments, share, whole.count, requests))


def _without_seen(rows: list[Row], start: int, boundary: Counter[str]) -> list[Row]:
    fresh = []
    for row in rows:
        if boundary and row.timestamp_ns == start and boundary[identity := _identity(row)] > 0:
            boundary[identity] -= 1
        else:
            fresh.append(row)
    return fresh


def _identity(row: Row) -> str:
    found = row.metadata.get("logid")
    return str(found) if found else json.dumps([row.metadata, row.labels, row.raw], default=str)


def _refuse_aggregates(rows: list[Row]) -> None:
    if any(row.timestamp_ns is None for row in rows):
        raise QueryError(
            "split_on_limit works for logs, not for aggregates or rows without $m.timestamp:"
            " aggregates of parts cannot be merged. Narrow the window, or submit a background"
            " query."
        )


def _add_part(whole: AnswerSummary, part: AnswerSummary, count: int) -> None:
    whole.query_id = whole.query_id or part.query_id
    whole.count += count
    whole.found_nothing = whole.found_nothing and not count
    whole.warnings += [each for each in part.warnings if each not in whole.warnings]
    whole.statistics = merged((whole.statistics, part.statistics))
    whole.limits_of_parts += part.limits_reached
