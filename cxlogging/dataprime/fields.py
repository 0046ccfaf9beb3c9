"""The fields of the logs: their keypaths and types, by a sample."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .rows import Row

SAMPLE = 1_000
"""Rows that are read where the caller does not say how many."""

EXAMPLE_LENGTH = 200
_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    datetime.datetime: "timestamp",
    type(None): "null",
}


@dataclass(frozen=True)
class FieldSummary:
    """
    A field of the logs.

    Attributes:
        keypath: As it is written in a query, such as ``$d.user.id``.
        types: ``string``, ``number``, ``boolean``, ``array``, ``object``, ``timestamp`` or
            ``null``, the most frequent one first.
        share: The share of the rows that have it, above 0 and up to 1.
        example: One of its values; a string has at most 200 characters.
    """

    keypath: str
    types: tuple[str, ...]
    share: float
    example: Any


def summarized(rows: Iterable[Row]) -> list[FieldSummary]:
    """Return the fields of *rows*, metadata and labels first, then by how many rows have them."""
    types: dict[str, dict[str, int]] = {}
    examples: dict[str, Any] = {}
    count = 0
    for row in rows:
        count += 1
        for name, value in row.flat().items():
            keypath = f"$m.{name}" if not row.is_aggregate and name in _METADATA else name
            kinds = types.setdefault(keypath, {})
            kind = _TYPES.get(type(value), "string")
            kinds[kind] = kinds.get(kind, 0) + 1
            if examples.get(keypath) is None:
                examples[keypath] = value[:EXAMPLE_LENGTH] if isinstance(value, str) else value
    found = [
        FieldSummary(
            keypath,
            tuple(sorted(kinds, key=lambda kind: (kind == "null", -kinds[kind]))),
            sum(kinds.values()) / count,
            examples[keypath],
        )
        for keypath, kinds in types.items()
    ]
    return sorted(found, key=lambda each: (_order(each.keypath), -each.share, each.keypath))


_METADATA = frozenset({"timestamp", "severity"})


def _order(keypath: str) -> int:
    return {"$m": 0, "$l": 1}.get(keypath[:2], 2)
