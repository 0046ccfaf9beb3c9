"""The table of requests: entries within bounds, and the queries that read them."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from ..schema import INSERT_REQUEST, REQUEST_COLUMNS, RequestRecord, request_row

MAX_BODIES = 32 * 1024 * 1024
"""Bytes of all bodies that are kept; beyond them the oldest are dropped."""

HIDDEN = ("body", "digest")
"""Columns that no list shows."""

_COLUMNS = ", ".join(f"requests.{name}" for name in ("id", *REQUEST_COLUMNS) if name not in HIDDEN)
_RETRIES = "(SELECT COUNT(*) FROM requests AS later WHERE later.retry_of = requests.id)"

SELECT = f"SELECT {_COLUMNS}, {_RETRIES} AS retries_seen FROM requests"  # noqa: S608 - constant names
"""Reads entries for `request_dict`."""

REJECTED = "rule != ''"
"""Requests that a rule refused, as a whole or some of their items."""


class RequestLog:
    """
    Writes the log. Its methods are called in a transaction of the store's one writer.

    Args:
        max_requests: The most entries; the oldest are removed.
        max_bodies: The most bytes of all bodies; the oldest are dropped.
    """

    def __init__(self, max_requests: int, max_bodies: int = MAX_BODIES) -> None:
        self._max_requests, self._max_bodies = max_requests, max_bodies
        self._held: int | None = None

    def add(self, writer: sqlite3.Connection, request: RequestRecord) -> int:
        """Add *request*, with the id of the first request with the same body; return its own."""
        row = dict(zip(REQUEST_COLUMNS, request_row(request), strict=True))
        row["retry_of"] = _first_with(writer, request.digest)
        last = writer.execute(INSERT_REQUEST, tuple(row.values())).lastrowid or 0
        if last % 64 == 0 or self._max_requests < 64:
            writer.execute("DELETE FROM requests WHERE id <= ?", (last - self._max_requests,))
            self._held = None
        if request.body is not None:
            self._make_room(writer, len(request.body))
        return last

    def _make_room(self, writer: sqlite3.Connection, size: int) -> None:
        held = _held(writer) if self._held is None else self._held + size
        self._held = held
        if held > self._max_bodies:
            # A little more than needed, so that not every request has to drop some.
            self.drop_bodies(writer, held - self._max_bodies * 9 // 10)

    def drop_bodies(self, writer: sqlite3.Connection, size: int) -> None:
        """Drop the oldest bodies: at least *size* bytes, if there is so much."""
        last = 0
        lengths = writer.execute(
            "SELECT id, LENGTH(body) FROM requests WHERE body IS NOT NULL ORDER BY id"
        )
        for number, length in lengths:
            if size <= 0:
                break
            last, size = number, size - length
        writer.execute(
            "UPDATE requests SET body = NULL WHERE id <= ? AND body IS NOT NULL", (last,)
        )
        self._held = None

    def clear(self, writer: sqlite3.Connection) -> int:
        """Remove all entries, and return how many there were."""
        self._held = None
        return writer.execute("DELETE FROM requests").rowcount


def _held(writer: sqlite3.Connection) -> int:
    total = writer.execute("SELECT SUM(LENGTH(body)) FROM requests WHERE body IS NOT NULL")
    return int(total.fetchone()[0] or 0)


def _first_with(writer: sqlite3.Connection, digest: bytes | None) -> int | None:
    if digest is None:
        return None
    found = writer.execute(
        "SELECT COALESCE(retry_of, id) FROM requests WHERE digest = ? ORDER BY id LIMIT 1",
        (digest,),
    ).fetchone()
    return None if found is None else int(found[0])


def request_dict(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """Return an entry as a dict, with the first rule as an object or None."""
    entry = dict(zip(columns, row, strict=True))
    rejections = json.loads(entry["rule"] or "[]")
    return {**entry, "rule": rejections[0]["rule"] if rejections else None}


def rejected_dict(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """
    Return an entry as `request_dict` does, with what broke the rule.

    `item` is what broke the first rule, or None; `items` are all refusals that are kept: of items
    with their place in the batch and the vendor's words.
    """
    rejections = json.loads(row[columns.index("rule")] or "[]")
    items = [{**each, "item": each["item"] or None} for each in rejections]
    return {
        **request_dict(columns, row),
        "item": items[0]["item"] if items else None,
        "items": items,
    }
