"""How often each value of a field occurs, and how many events there are over time."""

from __future__ import annotations

import sqlite3
from typing import Any

from ..engine.scan import Sql
from .filters import expression

VALUES = 20
LONGEST = 500
"""Characters of a value; longer ones are counted among the others."""

SEVERITIES = range(1, 7)
MAX_BUCKETS = 500

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
STEPS = (
    *(10**power * factor for power in range(9) for factor in (1, 2, 5)),
    *(_SECOND * factor for factor in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800)),
    *(_SECOND * 3_600 * factor for factor in (1, 2, 3, 6, 12)),
    *(_DAY * factor for factor in (1, 2, 7, 14, 28, 91, 364, 3_640, 36_400)),
)
"""Widths of the bars of a histogram, in nanoseconds."""


def facet(connection: sqlite3.Connection, field: str, condition: Sql) -> dict[str, Any]:
    """
    Return the most frequent values of *field* among the events that meet *condition*.

    ``{"values": [{"value", "count"}], "others": n}``: at most `VALUES`, the most frequent first,
    and how many events have another value. Events without the field are not counted; the values of
    `level` are severities.
    """
    where, values = condition
    sql, paths = expression(field)
    counted = connection.execute(
        "SELECT value, kind, COUNT(*) AS n, SUM(COUNT(*)) OVER () FROM"  # noqa: S608 - values are parameters
        f" (SELECT {sql} FROM events WHERE {where})"
        " WHERE value IS NOT NULL AND value != '' AND kind NOT IN ('object', 'array')"
        " GROUP BY kind, value ORDER BY n DESC, value LIMIT ?",
        (*paths, *values, VALUES),
    ).fetchall()
    shown = [
        {"value": bool(value) if kind in ("true", "false") else value, "count": count}
        for value, kind, count, _ in counted
        if not (isinstance(value, str) and len(value) > LONGEST)
    ]
    total = counted[0][3] if counted else 0
    return {"values": shown, "others": total - sum(one["count"] for one in shown)}


def histogram(
    connection: sqlite3.Connection,
    condition: Sql,
    start: int | None,
    end: int | None,
    buckets: int,
) -> dict[str, Any]:
    """
    Return how many events of each severity there are over time.

    Args:
        connection: A connection to the store.
        condition: Which events are counted.
        start: First instant in nanoseconds; None for that of the first event.
        end: First instant that is too late; None for that after the last event.
        buckets: The largest number of bars.

    The step is a width that people can read, and the first bar begins at a multiple of it.
    """
    where, values = condition
    first, last = connection.execute(
        f"SELECT MIN(time_ns), MAX(time_ns) FROM events WHERE {where}",  # noqa: S608 - see above
        values,
    ).fetchone()
    if first is None:
        return {"from": None, "to": None, "step": None, "levels": {}}
    start = first if start is None else start
    end = last + 1 if end is None else end
    step = next((one for one in STEPS if _bars(start, end, one) <= buckets), STEPS[-1])
    origin, count = start // step * step, min(_bars(start, end, step), MAX_BUCKETS)
    return {
        "from": str(origin),
        "to": str(origin + count * step),
        "step": str(step),
        "levels": _levels(connection, condition, origin, step, count),
    }


def _levels(
    connection: sqlite3.Connection, condition: Sql, origin: int, step: int, count: int
) -> dict[str, list[int]]:
    where, values = condition
    levels = {str(severity): [0] * count for severity in SEVERITIES}
    for severity, bar, number in connection.execute(
        "SELECT severity, CAST((time_ns - ?) / ? AS INTEGER) AS bar, COUNT(*)"  # noqa: S608 - values are parameters
        f" FROM events WHERE {where} GROUP BY severity, bar",
        (max(origin, -(2**63)), step, *values),
    ):
        if 0 <= bar < count and str(severity) in levels:
            levels[str(severity)][bar] = number
    return levels


def _bars(start: int, end: int, step: int) -> int:
    return max(1, -(-end // step) - start // step)
