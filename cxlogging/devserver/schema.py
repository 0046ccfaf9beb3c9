"""The tables of the store, and how events and requests are converted to rows and back."""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from ..vendors.emulation.types import StoredEvent
from .event_view import IndexedFields, indexed_fields

TABLES = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    vendor TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    received_ns INTEGER NOT NULL,
    level TEXT NOT NULL,
    severity INTEGER NOT NULL,
    message TEXT NOT NULL,
    application TEXT NOT NULL,
    subsystem TEXT NOT NULL,
    source TEXT NOT NULL,
    data TEXT NOT NULL,
    warnings TEXT NOT NULL,
    size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS identity (value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,
    vendor TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,
    wire_bytes INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    events INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    error TEXT NOT NULL
);
"""

ADDED = {
    "events": {
        **dict.fromkeys(IndexedFields._fields, "TEXT NOT NULL DEFAULT ''"),
        "request": "INTEGER",
    },
    "requests": {
        "body": "BLOB",
        "content_type": "TEXT NOT NULL DEFAULT ''",
        "encoding": "TEXT NOT NULL DEFAULT ''",
        "answer": "TEXT NOT NULL DEFAULT ''",
        "rule": "TEXT NOT NULL DEFAULT ''",
        "retry_of": "INTEGER",
        "digest": "BLOB",
    },
}
"""Columns that came later: a file of an earlier version gets them when it is opened."""

INDEXES = """
CREATE INDEX IF NOT EXISTS events_time ON events (time_ns);
CREATE INDEX IF NOT EXISTS events_vendor ON events (vendor, id);
CREATE INDEX IF NOT EXISTS events_severity ON events (severity, time_ns);
DROP INDEX IF EXISTS events_place;
CREATE INDEX IF NOT EXISTS events_application ON events (application, time_ns);
CREATE INDEX IF NOT EXISTS events_trace ON events (trace_id) WHERE trace_id != '';
CREATE INDEX IF NOT EXISTS events_request_id ON events (request_id) WHERE request_id != '';
CREATE INDEX IF NOT EXISTS events_task ON events (task_id) WHERE task_id != '';
CREATE INDEX IF NOT EXISTS events_request ON events (request) WHERE request IS NOT NULL;
CREATE INDEX IF NOT EXISTS requests_vendor ON requests (vendor, id);
CREATE INDEX IF NOT EXISTS requests_rejected ON requests (id) WHERE rule != '';
CREATE INDEX IF NOT EXISTS requests_retry ON requests (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX IF NOT EXISTS requests_digest ON requests (digest, id) WHERE digest IS NOT NULL;
"""

EVENT_COLUMNS = (
    "vendor", "time_ns", "received_ns", "level", "severity", "message", "application",
    "subsystem", "source", "data", "warnings", "size",
)  # fmt: skip
"""The columns of an event as the emulator returned it: the fields of `StoredEvent`."""

MAX_LEVEL = 50
"""Characters of a level's name; the data has all of them."""

JSON_COLUMNS = frozenset({"source", "data", "warnings"})

_INSERTED = (*EVENT_COLUMNS, *ADDED["events"])

INSERT_EVENT = (
    f"INSERT INTO events ({', '.join(_INSERTED)})"  # noqa: S608 - constant names
    f" VALUES ({', '.join('?' for _ in _INSERTED)})"
)


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables, or add to those of an earlier version what they lack."""
    connection.executescript(TABLES)
    for table, added in ADDED.items():
        held = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for name, kind in added.items():
            if name not in held:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    connection.executescript(INDEXES)
    with connection:
        connection.execute(
            "INSERT INTO identity SELECT ? WHERE NOT EXISTS (SELECT 1 FROM identity)",
            (uuid.uuid4().hex,),
        )


@dataclass(frozen=True)
class RequestRecord:
    """
    A request in the log. Of its headers it has two alone, so it never contains a key.

    Attributes:
        time_ns: When it was received.
        vendor: One of the vendors, or `dataprime` for queries.
        method: The HTTP method, in upper case.
        path: The path without the query string, at most 512 characters.
        status: The status of the answer; 0 where the connection was closed without one.
        wire_bytes: The size of the body as received.
        raw_bytes: The size of the decompressed body; 0 where it was refused before.
        events: The number of events that were stored.
        duration_ms: Time from the head of the request to its answer, including the body.
        error: Why the request was refused; empty where it was not.
        content_type: The header `Content-Type`.
        encoding: The header `Content-Encoding`.
        answer: The text that was sent back, at most 4 KiB.
        rule: JSON of the `Rejection`s of the request and of its items; empty where there are none.
        retry_of: The id of the first request with the same body; None where this is the first.
        body: The body as received, with keys blanked; None where it is not kept.
        digest: What only requests with the same body have in common.
    """

    time_ns: int
    vendor: str
    method: str
    path: str
    status: int
    wire_bytes: int = 0
    raw_bytes: int = 0
    events: int = 0
    duration_ms: float = 0.0
    error: str = ""
    content_type: str = ""
    encoding: str = ""
    answer: str = ""
    rule: str = ""
    retry_of: int | None = None
    body: bytes | None = None
    digest: bytes | None = None


REQUEST_COLUMNS = tuple(RequestRecord.__dataclass_fields__)

INSERT_REQUEST = (
    f"INSERT INTO requests ({', '.join(REQUEST_COLUMNS)})"  # noqa: S608 - constant names
    f" VALUES ({', '.join('?' for _ in REQUEST_COLUMNS)})"
)


def event_row(event: StoredEvent) -> tuple[object, ...]:
    """Return the parameters of `INSERT_EVENT` for *event*, without the last one, its request."""
    return (
        event.vendor,
        event.time_ns,
        event.received_ns,
        escape_surrogates(event.level[:MAX_LEVEL]),
        event.severity,
        escape_surrogates(event.message),
        escape_surrogates(event.application),
        escape_surrogates(event.subsystem),
        to_json(event.source),
        to_json(event.data),
        to_json(event.warnings) if event.warnings else "[]",
        event.size,
        *map(escape_surrogates, indexed_fields(event.data, event.source)),
    )


def request_row(request: RequestRecord) -> tuple[object, ...]:
    """Return the parameters of `INSERT_REQUEST` for *request*."""
    values = asdict(request)
    for name, most in (("path", 512), ("error", 1000), ("content_type", 200), ("encoding", 200)):
        values[name] = escape_surrogates(values[name][:most])
    values["answer"] = escape_surrogates(request.answer[:4096])
    return tuple(values.values())


def event_dict(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row of `events` as a dict, with its JSON columns decoded."""
    return {
        name: json.loads(value) if name in JSON_COLUMNS else value
        for name, value in zip(columns, row, strict=True)
    }


def escape_surrogates(text: str) -> str:
    """Return *text* with lone surrogates escaped, so that it can be encoded as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def to_json(value: object) -> str:
    """Return compact JSON; a lone surrogate becomes its JSON escape, which restores it."""
    try:
        text = _ENCODER.encode(value)
    except RecursionError:
        return '{"cxlogging":"nested too deeply to be stored"}'
    return escape_surrogates(text)


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str)
