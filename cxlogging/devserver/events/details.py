"""One event in detail: its view, its traceback in parts, how it was sent, and its neighbours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from ..event_view import view
from ..requestlog import log
from ..schema import EVENT_COLUMNS
from .copies.texts import copies
from .rows import read_rows, row_of
from .tracebacks import parts_of, raised_at
from .wire import wire_of

RELATED = 50
"""Events that share an id with this one, of which half came before it."""

RELATIONS = ("trace_id", "request_id", "task_id")
_JSON = ("data", "source", "warnings")


def event_details(connection: sqlite3.Connection, number: int, url: str) -> dict[str, Any] | None:
    """
    Return the event with this id, as the API shows it; None where there is none.

    *url* is the address of the local server, for the texts to copy.
    """
    stored = _one(connection, "events", "*", number)
    if stored is None:
        return None
    event = {**stored, **{name: json.loads(stored[name]) for name in _JSON}}
    return {
        "event": _whole(stored, event),
        "wire": _wire(connection, event),
        "request": _request(connection, event["request"]),
        "copies": copies(event, url),
        "related": {name: _related(connection, name, event) for name in RELATIONS},
    }


def _request(connection: sqlite3.Connection, number: int | None) -> dict[str, Any] | None:
    cursor = connection.execute(f"{log.SELECT} WHERE id = ?", (number,))
    record = cursor.fetchone()
    if record is None:
        return None
    entry = log.request_dict(tuple(one[0] for one in cursor.description), record)
    return {**entry, "time_ns": str(entry["time_ns"])}


def _one(
    connection: sqlite3.Connection, table: str, columns: str, number: int
) -> dict[str, Any] | None:
    cursor = connection.execute(f"SELECT {columns} FROM {table} WHERE id = ?", (number,))  # noqa: S608 - constant names
    record = cursor.fetchone()
    names = [one[0] for one in cursor.description]
    return None if record is None else dict(zip(names, record, strict=True))


def _whole(stored: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    seen = view({name: event[name] for name in EVENT_COLUMNS})
    return {
        **row_of({**stored, "data": None, "warnings": 0}),
        **{name: event[name] for name in ("level", "application", "subsystem", "logger")},
        "message": event["message"],
        "fields": seen.fields,
        "cut": False,
        "received": str(event["received_ns"]),
        "data": event["data"],
        "source": event["source"],
        "warnings": event["warnings"],
        "call_site": seen.call_site,
        "span_id": seen.span_id,
        "exception": seen.exception,
        "raised_at": raised_at(seen.traces) if seen.exception else "",
        "traces": [{"text": text, "parts": parts_of(text)} for text in seen.traces],
    }


def _wire(connection: sqlite3.Connection, event: Mapping[str, Any]) -> dict[str, Any] | None:
    if event["request"] is None:
        return None
    columns = "body, content_type, encoding, events"
    request = _one(connection, "requests", columns, event["request"])
    if request is None:
        return None
    (before,) = connection.execute(
        "SELECT COUNT(*) FROM events WHERE request = ? AND id < ?", (event["request"], event["id"])
    ).fetchone()
    return wire_of(request, event["data"], before)


def _related(
    connection: sqlite3.Connection, name: str, event: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of the events with the same id, in the order of arrival, around *event*."""
    value, number = event[name], event["id"]
    if not value:
        return []
    before = read_rows(connection, (f"{name} = ? AND id < ?", (value, number)), RELATED // 2)
    after = read_rows(
        connection,
        (f"{name} = ? AND id > ?", (value, number)),
        RELATED - len(before),
        newest_first=False,
    )
    return [*before[::-1], *after]
