"""Which loggers, or lines of code, make the bytes."""

from __future__ import annotations

import sqlite3
from typing import Any

from ...vendors.registry import VENDORS
from ..engine.scan import Sql

BY = ("logger", "call_site")
MAX_ROWS = 500


def volume(connection: sqlite3.Connection, condition: Sql, by: str) -> dict[str, Any]:
    """
    Return how much each logger or line of code logs, the most bytes first.

    ``{"rows": [{"name", "vendor", "count", "bytes", "share"}], "billed": {vendor: sentence}}``: the
    share is that of the bytes of the same vendor, from 0 to 1, and events without a name have an
    empty one.

    Args:
        connection: A connection to the store.
        condition: Which events are counted.
        by: One of `BY`.
    """
    where, values = condition
    found = connection.execute(
        f"SELECT {by}, vendor, COUNT(*), SUM(size) AS bytes,"  # noqa: S608 - a name of BY
        " SUM(SUM(size)) OVER (PARTITION BY vendor)"
        f" FROM events WHERE {where} GROUP BY {by}, vendor ORDER BY bytes DESC LIMIT {MAX_ROWS}",
        values,
    )
    rows = [
        {
            "name": name,
            "vendor": vendor,
            "count": count,
            "bytes": size,
            "share": size / total if total else 0.0,
        }
        for name, vendor, count, size, total in found
    ]
    return {"rows": rows, "billed": {name: one.profile.billed for name, one in VENDORS.items()}}
