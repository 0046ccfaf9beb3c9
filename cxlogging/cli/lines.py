"""A log as one line for a person: when, how bad, from where, what; then the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..dataprime import Row, Severity
from ..dataprime.times import iso
from .screen import painted, safe

MESSAGE_NAMES = ("message", "body", "msg", "event", "text", "log")
PLACE_NAMES = frozenset("level severity file line thread pid process".split())
"""Fields that say where a record was made: they stand in -o json, and not in a line."""

STYLES: Mapping[Severity | None, tuple[str, ...]] = {
    Severity.DEBUG: ("dim",),
    Severity.VERBOSE: ("dim",),
    Severity.INFO: ("green",),
    Severity.WARNING: ("yellow",),
    Severity.ERROR: ("red",),
    Severity.CRITICAL: ("red", "bold"),
}


def line_of(row: Row, *, coloured: bool) -> str:
    """Return *row* for a terminal; what follows its first line is marked, to be no other row."""
    paint = painted if coloured else _plain
    message, rest = _parts(row.data)
    severity = row.severity
    first, *more = message.split("\n")
    parts = [
        paint(_moment(row), "dim"),
        paint(f"{severity.name if severity else '-':<8}", *STYLES.get(severity, ())),
        paint(safe(_source(row)), "cyan"),
        safe(first),
        paint(" ".join(f"{safe(name)}={_shown(value)}" for name, value in rest.items()), "dim"),
    ]
    line = "  ".join(part for part in parts if part)
    return "\n".join([line, *(f"    | {safe(each)}" for each in more)])


def _plain(text: str, *styles: str) -> str:
    del styles
    return text


def _moment(row: Row) -> str:
    at = row.timestamp_ns
    if at is None:
        return ""
    return f"{iso(at)[:19].replace('T', ' ')}.{at // 1_000_000 % 1_000:03}"


def _source(row: Row) -> str:
    names = (row.labels.get("applicationname"), row.labels.get("subsystemname"))
    return "/".join(str(name) for name in names if name)


def _parts(data: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(data, dict):
        return (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)), {}
    name = next((each for each in MESSAGE_NAMES if isinstance(data.get(each), str)), None)
    rest = {key: value for key, value in data.items() if key != name and key not in PLACE_NAMES}
    return ("" if name is None else str(data[name]).rstrip("\n")), rest


def _shown(value: Any) -> str:
    if isinstance(value, str) and value and " " not in value and '"' not in value:
        return safe(value)
    return safe(json.dumps(value, ensure_ascii=False, default=str))
