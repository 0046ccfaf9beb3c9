"""The fields that events have: their keypaths, types and examples, for completion."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.scan import Sql
from ..query.labels import labels
from .rows import LARGE_DATA

SAMPLE = 2_000
"""Events that are read, the newest first."""

MAX_FIELDS = 1_000
MAX_EXAMPLES = 5
EXAMPLE = 80
"""Characters of an example."""

DEPTH = 6
_WORD = re.compile("[A-Za-z_][A-Za-z0-9_]*")
TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}

_SELECT = (
    f"SELECT CASE WHEN length(data) <= {LARGE_DATA} THEN data END,"  # noqa: S608 - a constant
    " vendor, application, subsystem, source FROM events"
)


@dataclass
class FieldUse:
    """How often a field occurs, its types, and some of its values."""

    count: int = 0
    types: dict[str, None] = field(default_factory=dict)
    examples: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any) -> None:
        """Count one more *value*."""
        self.count += 1
        self.types[TYPES.get(type(value), "null")] = None
        if len(self.examples) < MAX_EXAMPLES and isinstance(value, (str, int, float)):
            shown = value[:EXAMPLE] if isinstance(value, str) else value
            self.examples.setdefault(f"{type(value)} {shown}", shown)


def used_fields(connection: sqlite3.Connection, condition: Sql) -> list[dict[str, Any]]:
    """Return the fields of the newest events that meet *condition*, as `used_paths` does."""
    where, values = condition
    rows = connection.execute(f"{_SELECT} WHERE {where} ORDER BY id DESC LIMIT {SAMPLE}", values)
    return used_paths((_decoded(data), labels(*place)) for data, *place in rows)


def used_paths(events: Iterable[tuple[Any, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """
    Return the fields of events, given as their data and their labels, the most frequent first.

    Each is ``{"path", "count", "types", "examples"}``, with a path as a DataPrime query names it:
    ``$d.user.id``, ``$l.applicationname``.
    """
    found: dict[str, FieldUse] = {}
    for data, place in events:
        for path, value in _leaves(data):
            _count(found, path, value)
        for name, value in place.items():
            _count(found, _path("$l", name), value)
    ordered = sorted(found.items(), key=lambda item: (-item[1].count, item[0]))
    return [
        {
            "path": path,
            "count": use.count,
            "types": list(use.types),
            "examples": list(use.examples.values()),
        }
        for path, use in ordered
    ]


def _count(found: dict[str, FieldUse], path: str, value: Any) -> None:
    if path in found:
        found[path].add(value)
    elif len(found) < MAX_FIELDS:
        found[path] = FieldUse()
        found[path].add(value)


def _decoded(data: str | None) -> Any:
    try:
        return json.loads(data or "{}")
    except RecursionError:
        return {}


def _leaves(value: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, held in value.items():
        steps = (*above, *_steps(name))
        if isinstance(held, dict) and held and len(steps) < DEPTH:
            yield from _leaves(held, steps)
        elif not isinstance(held, dict):
            yield _path("$d", *steps), held


def _steps(name: str) -> tuple[str, ...]:
    """Return the steps of a keypath that reads the field *name*, which may be flat: `user.id`."""
    parts = name.split(".")
    return tuple(parts) if all(map(_WORD.fullmatch, parts)) else (name[:200],)


def _path(root: str, *steps: str) -> str:
    """Return the keypath as a query names it; names that are not words are in brackets."""
    return root + "".join(
        f".{step}" if _WORD.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]"
        for step in steps
    )
