"""The rows of a list of events: what a reader sees of each at a glance."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from ...vendors.emulation.event_fields import compact
from ..engine.scan import Sql
from ..event_view import EventView, view
from .tracebacks import raised_at

MESSAGE = 1_000
"""Characters of a message in a row."""

FIELDS = 600
"""Characters of the fields in a row, as JSON."""

LONG = 300
"""Characters of one of the fields."""

LEAST = 30
"""Characters that are worth another one."""

SHORT = 200
"""Characters of other texts."""

LARGE_DATA = 65_536
"""Characters of data above which a row shows none of the fields."""

_PLAIN = (
    "id", "vendor", "time_ns", "severity", "level", "application", "subsystem", "logger",
    "exception", "size", "request", "trace_id", "request_id", "task_id", "source",
)  # fmt: skip
_SELECT = (
    f"SELECT {', '.join(_PLAIN)}, json_array_length(warnings) AS warnings,"  # noqa: S608 - names
    f" CASE WHEN length(data) <= {LARGE_DATA} THEN data END AS data,"
    f" CASE WHEN length(data) <= {LARGE_DATA} THEN message"
    f" ELSE substr(message, 1, {MESSAGE + 1}) END AS message FROM events"
)


def read_rows(
    connection: sqlite3.Connection, condition: Sql, limit: int, *, newest_first: bool = True
) -> list[dict[str, Any]]:
    """Return the rows of events that meet *condition*, by arrival."""
    sql, values = condition
    way = "DESC" if newest_first else "ASC"
    cursor = connection.execute(
        f"{_SELECT} WHERE {sql} ORDER BY id {way} LIMIT ?", (*values, limit)
    )
    names = [one[0] for one in cursor.description]
    return [row_of(dict(zip(names, record, strict=True))) for record in cursor]


def rows_of_ids(connection: sqlite3.Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the rows of the events with these ids that are still there, in this order."""
    found = {row["id"]: row for row in read_rows(connection, among(ids), len(ids))}
    return [found[one] for one in ids if one in found]


def among(ids: Sequence[int]) -> Sql:
    """Return the condition that an event has one of *ids*."""
    return "id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)


def row_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of an event, from the columns of the store."""
    message = record["message"]
    seen = _view(record)
    fields, cut = ({}, True) if seen is None else shortened(seen.fields)
    texts = ("vendor", "level", "application", "subsystem", "logger", "exception")
    ids = ("trace_id", "request_id", "task_id")
    return {
        "id": record["id"],
        "time": str(record["time_ns"]),
        "severity": record["severity"],
        **{name: record[name][: MESSAGE if name == "exception" else SHORT] for name in texts},
        "message": message[:MESSAGE],
        "raised_at": raised_at(seen.traces) if seen and seen.exception else "",
        "fields": fields,
        "cut": cut or len(message) > MESSAGE,
        "warnings": record["warnings"],
        "size": record["size"],
        "request": record["request"],
        **{name: record[name] for name in ids},
    }


def _view(record: Mapping[str, Any]) -> EventView | None:
    if record["data"] is None:
        return None
    try:
        decoded = {name: json.loads(record[name]) for name in ("data", "source")}
        return view({**record, **decoded})
    except RecursionError:
        return None


def shortened(fields: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return *fields* in `FIELDS` characters of JSON, and whether some were cut or left out."""
    kept: dict[str, Any] = {}
    cut, room = False, FIELDS - 2
    for name, value in fields.items():
        if room < LEAST:
            return kept, True
        most = min(room, LONG)
        is_long = isinstance(value, str) and len(value) > most
        size = most + 1 if is_long else len(compact({name: value})) - 1
        if size <= most:
            kept[name] = value
        else:
            cut = True
            short, text, size = _cut(name, value, most)
            kept[short] = text
        room -= size
    return kept, cut


def _cut(name: str, value: Any, most: int) -> tuple[str, str, int]:
    """Return the start of a name, the start of a value as text, and their size: at most *most*."""
    text = value if isinstance(value, str) else compact(value)
    # A character takes up to six in JSON.
    short = name if len(compact(name)) <= most // 2 else name[: most // 12]
    text = text[:most]
    while (size := len(compact({short: f"{text}…"})) - 1) > most:
        text = text[: len(text) // 2]
    return short, f"{text}…", size
