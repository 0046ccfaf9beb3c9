"""The tables of the store, and how events and requests are converted to rows and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from ..vendors.emulation.types import StoredEvent

SCHEMA = """
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
CREATE INDEX IF NOT EXISTS events_time ON events (time_ns);
CREATE INDEX IF NOT EXISTS events_vendor ON events (vendor, id);
CREATE INDEX IF NOT EXISTS events_severity ON events (severity, time_ns);
DROP INDEX IF EXISTS events_place;
CREATE INDEX IF NOT EXISTS events_application ON events (application, time_ns);
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
CREATE INDEX IF NOT EXISTS requests_vendor ON requests (vendor, id);
"""

EVENT_COLUMNS = (
    "vendor", "time_ns", "received_ns", "level", "severity", "message", "application",
    "subsystem", "source", "data", "warnings", "size",
)  # fmt: skip
JSON_COLUMNS = frozenset({"source", "data", "warnings"})

INSERT_EVENT = (
    f"INSERT INTO events ({', '.join(EVENT_COLUMNS)})"  # noqa: S608 - constant names
    f" VALUES ({', '.join('?' for _ in EVENT_COLUMNS)})"
)


@dataclass(frozen=True)
class RequestRecord:
    """
    A request in the log. It has neither headers nor bodies, so it never contains a key.

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


REQUEST_COLUMNS = tuple(RequestRecord.__dataclass_fields__)

INSERT_REQUEST = (
    f"INSERT INTO requests ({', '.join(REQUEST_COLUMNS)})"  # noqa: S608 - constant names
    f" VALUES ({', '.join('?' for _ in REQUEST_COLUMNS)})"
)


def event_row(event: StoredEvent) -> tuple[object, ...]:
    """Return the parameters of `INSERT_EVENT` for *event*."""
    return (
        event.vendor,
        event.time_ns,
        event.received_ns,
        escape_surrogates(event.level),
        event.severity,
        escape_surrogates(event.message),
        escape_surrogates(event.application),
        escape_surrogates(event.subsystem),
        to_json(event.source),
        to_json(event.data),
        to_json(event.warnings) if event.warnings else "[]",
        event.size,
    )


def request_row(request: RequestRecord) -> tuple[object, ...]:
    """Return the parameters of `INSERT_REQUEST` for *request*."""
    values = asdict(request)
    values["path"] = escape_surrogates(request.path[:512])
    values["error"] = escape_surrogates(request.error[:1000])
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
