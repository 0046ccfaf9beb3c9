"""Which loggers, or lines of code, make the bytes."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...dataprime.rows import Severity
from ...vendors.registry import VENDORS
from ..engine.scan import Sql

COLUMNS = {"logger": "logger", "call_site": "call_site, logger, severity"}
"""What the events are grouped by, in SQL."""

BY = tuple(COLUMNS)
MAX_ROWS = 500
_CALL_SITE = re.compile(r"(?P<file>.*):(?P<line>\d+)(?: (?P<function>.*))?", re.DOTALL)


def volume(connection: sqlite3.Connection, condition: Sql, by: str) -> dict[str, Any]:
    """
    Return how much each logger or line of code logs, the most bytes first.

    ``{"rows": [{"name", "vendor", "count", "bytes", "share"}], "billed": {vendor: sentence},
    "count", "bytes", "from", "to"}``: the share is that of the bytes of the same vendor, from 0 to
    1, and events without a name have an empty one. Lines of code have ``logger``, ``level``,
    ``file``, ``line`` and ``function`` too. ``from`` and ``to`` are the times of the first and the
    last event in nanoseconds, null where there is none.

    Args:
        connection: A connection to the store.
        condition: Which events are counted.
        by: One of `BY`.
    """
    where, values = condition
    found = connection.execute(
        f"SELECT vendor, COUNT(*), SUM(size) AS bytes,"  # noqa: S608 - constant names
        f" SUM(SUM(size)) OVER (PARTITION BY vendor), {COLUMNS[by]}"
        f" FROM events WHERE {where} GROUP BY vendor, {COLUMNS[by]}"
        f" ORDER BY bytes DESC LIMIT {MAX_ROWS}",
        values,
    ).fetchall()
    count, size, first, last = connection.execute(
        "SELECT COUNT(*), SUM(size), MIN(time_ns), MAX(time_ns)"  # noqa: S608 - see above
        f" FROM events WHERE {where}",
        values,
    ).fetchone()
    return {
        "rows": [_row(by, *each) for each in found],
        "billed": {name: one.profile.billed for name, one in VENDORS.items()},
        "count": count,
        "bytes": size or 0,
        "from": None if first is None else str(first),
        "to": None if last is None else str(last),
    }


def _row(by: str, vendor: str, count: int, size: int, total: int, *names: Any) -> dict[str, Any]:
    row = {
        "name": names[0],
        "vendor": vendor,
        "count": count,
        "bytes": size,
        "share": size / total if total else 0.0,
    }
    if by == "logger":
        return row
    name, logger, severity = names
    found = _CALL_SITE.fullmatch(name)
    level = Severity(severity).name if severity in set(Severity) else ""
    return {
        **row,
        "logger": logger,
        "level": level,
        "file": found["file"] if found else "",
        "line": int(found["line"]) if found else 0,
        "function": (found["function"] or "") if found else "",
    }


def with_held_back(
    answer: Mapping[str, Any], reported: Iterable[Mapping[str, Any]], *, whole: bool
) -> dict[str, Any]:
    """
    Return *answer* with how many records applications held back at each line of code.

    Where no event is stored, the counts are those of the applications, and ``reported`` is true.

    Args:
        answer: What `volume` returned for lines of code.
        reported: The call sites that applications report.
        whole: The answer is about all events, and has rows for lines of which none is stored.
    """
    sites = _by_line(reported)
    if whole and sites and not answer["count"]:
        totals = Counter[str]()
        for row in sites.values():
            totals[row["vendor"]] += row["bytes"]
        for row in sites.values():
            row["share"] = row["bytes"] / (totals[row["vendor"]] or 1)
        rows = sorted(sites.values(), key=lambda row: -row["bytes"])
        sums = {name: sum(row[name] for row in rows) for name in ("count", "bytes")}
        return {**answer, **sums, "rows": rows, "reported": True}
    rows = [
        {**row, "held_back": sites.pop(_key(row), {"held_back": 0})["held_back"]}
        for row in answer["rows"]
    ]
    if whole:
        rows += [
            {**row, "count": 0, "bytes": 0, "share": 0.0}
            for row in sites.values()
            if row["held_back"]
        ]
    return {**answer, "rows": rows}


def _by_line(reported: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return a row for each line of code, summed over processes, named as those of events are."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for site in reported:
        file = site["file"].replace("\\", "/").rpartition("/")[2]
        name = f"{file}:{site['line']} {site['function']}".rstrip() if file else ""
        texts = {each: site[each] for each in ("vendor", "logger", "level", "line", "function")}
        row = {"name": name, **texts, "file": file, "count": 0, "bytes": 0, "held_back": 0}
        row = found.setdefault(_key(row), row)
        row["count"] += site["events"]
        row["bytes"] += site["bytes"]
        row["held_back"] += site["held_back"]
    return found


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["vendor"], row["name"], row["logger"], row["level"]
