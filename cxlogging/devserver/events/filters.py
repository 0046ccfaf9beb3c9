"""
Which events are wanted, and the SQL conditions of it.

A field is a column, or a keypath in the data such as ``user.id``, which a nested member and a flat
name with dots both have. ``$d.vendor`` is the field `vendor` of the data, beside the column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from ...dataprime.rows import Severity
from ...vendors.emulation.types import SEVERITIES
from ..engine.scan import Sql
from ..schema import escape_surrogates
from .search_text import TEXT, kind_of, words

COLUMNS = (
    "vendor", "application", "subsystem", "logger", "trace_id", "request_id", "task_id",
    "call_site", "exception",
)  # fmt: skip
"""Fields that are columns of the store; `LEVEL` is one too, by severity."""

LEVEL = "level"
DATA = "$d."
SEARCHED = ("message", "data", "logger", "application")
MAX_STEPS = 20
NUMBERS = {
    **SEVERITIES,
    **{name.lower(): int(number) for name, number in Severity.__members__.items()},
    **{str(int(number)): int(number) for number in Severity},
}
"""The severity of each name of a level, and of each number as text."""


class UnknownFieldError(ValueError):
    """A field that cannot be filtered by; the message is for the user."""


class FieldValue(NamedTuple):
    """A field and a value of it, as JSON or plain text."""

    field: str
    value: str


@dataclass(frozen=True)
class EventFilter:
    """
    Which events are wanted; all by default.

    Attributes:
        text: What was typed: words or DataPrime.
        severities: Only events with one of these severities.
        wanted: Only events with one of the values, for each field.
        unwanted: Only events with none of these values.
        start: First instant in nanoseconds since 1970.
        end: First instant that is too late.
        vendor: Only events of this vendor.
    """

    text: str = ""
    severities: frozenset[int] = frozenset()
    wanted: tuple[FieldValue, ...] = ()
    unwanted: tuple[FieldValue, ...] = ()
    start: int | None = None
    end: int | None = None
    vendor: str | None = None

    @property
    def kind(self) -> str:
        """What the text is: `ALL`, `TEXT` or `DATAPRIME`."""
        return kind_of(self.text)

    def conditions(self, without: str = "") -> list[Sql]:
        """
        Return SQL conditions for everything but a DataPrime query.

        Args:
            without: A field whose values are not filtered, for counting them all.

        Raises `UnknownFieldError` for a field that cannot be filtered by.
        """
        found: list[Sql] = []
        if self.vendor is not None:
            found.append(("vendor = ?", (self.vendor,)))
        if self.severities and without != LEVEL:
            among = ", ".join(map(str, sorted(self.severities)))
            found.append((f"severity IN ({among})", ()))
        if self.start is not None:
            found.append(("time_ns >= ?", (self.start,)))
        if self.end is not None:
            found.append(("time_ns < ?", (self.end,)))
        found += _wanted(one for one in self.wanted if not _same(one.field, without))
        found += [_not(_is(*one)) for one in self.unwanted if not _same(one.field, without)]
        if self.kind == TEXT:
            found += [_holds(word) for word in words(self.text)]
        return found


def joined(conditions: Iterable[Sql]) -> Sql:
    """Return one condition that is true where all *conditions* are."""
    found = list(conditions)
    values = tuple(value for _, values in found for value in values)
    return " AND ".join(f"({sql})" for sql, _ in found) or "1", values


def expression(field: str) -> Sql:
    """Return SQL for the `value` of *field* and its `kind`, the name of its type in JSON."""
    if field in COLUMNS:
        return f"{field} AS value, 'text' AS kind", ()
    if field == LEVEL:
        return "severity AS value, 'integer' AS kind", ()
    paths = keypaths(field)
    value, kind = (
        # COALESCE takes two arguments or more.
        f"CASE WHEN json_valid(data) THEN COALESCE({f'{read}(data, ?), ' * len(paths)}NULL) END"
        for read in ("json_extract", "json_type")
    )
    return f"{value} AS value, {kind} AS kind", paths * 2


def keypaths(field: str) -> tuple[str, ...]:
    """Return the paths in the JSON of the data where *field* may be: its end may be a flat name."""
    name = field.removeprefix(DATA)
    steps = name.split(".")
    if not all(steps) or '"' in name or "\0" in name or len(steps) > MAX_STEPS:
        shown = field[:100]
        raise UnknownFieldError(f"{shown!r} is not a field: give a column, or a keypath like a.b")
    # SQLite compares names as they are written in JSON.
    steps = [json.dumps(step, ensure_ascii=False)[1:-1] for step in steps]
    names = ((*steps[:at], ".".join(steps[at:])) for at in reversed(range(len(steps))))
    return tuple(escape_surrogates("$" + "".join(f'."{one}"' for one in path)) for path in names)


def _same(field: str, other: str) -> bool:
    return _short(field) == _short(other)


def _short(field: str) -> str:
    """Return the keypath without its prefix, unless that tells it from a column."""
    name = field.removeprefix(DATA)
    return field if name in COLUMNS or name == LEVEL else name


def _wanted(pairs: Iterable[FieldValue]) -> list[Sql]:
    by_field: dict[str, list[Sql]] = {}
    for field, value in pairs:
        by_field.setdefault(field, []).append(_is(field, value))
    return [
        (" OR ".join(sql for sql, _ in found), tuple(one for _, values in found for one in values))
        for found in by_field.values()
    ]


def _is(field: str, value: str) -> Sql:
    if field == LEVEL:
        return _level_is(value)
    if field in COLUMNS:
        return f"{field} = ?", (_plain(value),)
    tests = [_json_is(path, value) for path in keypaths(field)]
    either = " OR ".join(sql for sql, _ in tests)
    # SQLite cannot read JSON that is nested deeper than a thousand levels.
    sql = f"CASE WHEN json_valid(data) THEN {either} ELSE 0 END"
    return sql, tuple(one for _, held in tests for one in held)


def _plain(value: str) -> str:
    """Return the text of a value for a column: JSON strings are decoded."""
    found = _parsed(value)
    return escape_surrogates(found if isinstance(found, str) else value)


def _level_is(value: str) -> Sql:
    name = _plain(value).lower()
    number = NUMBERS.get(name)
    return ("severity = ?", (number,)) if number else ("level = ?", (name,))


def _json_is(path: str, value: str) -> Sql:
    found, text = _parsed(value), escape_surrogates(value)
    if found is None or isinstance(found, bool):
        kind = json.dumps(found)
        return "json_type(data, ?) = ? OR json_extract(data, ?) = ?", (path, kind, path, text)
    if isinstance(found, (int, float)):
        # A larger integer is a double in SQLite, as in most readers of JSON.
        number = found if abs(found) < 2**63 else float(found)
        sql = (
            "(json_extract(data, ?) = ? AND json_type(data, ?) IN ('integer', 'real'))"
            " OR json_extract(data, ?) = ?"
        )
        return sql, (path, number, path, path, text)
    if isinstance(found, str):
        text = escape_surrogates(found)
    elif not isinstance(found, _NotJson):
        text = escape_surrogates(json.dumps(found, separators=(",", ":"), ensure_ascii=False))
    return "json_extract(data, ?) = ?", (path, text)


class _NotJson:
    """Marks a value that is plain text."""


def _parsed(value: str) -> Any:
    try:
        found = json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NotJson()
    is_huge = isinstance(found, int) and len(value) > 300
    return _NotJson() if is_huge else found


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _not(condition: Sql) -> Sql:
    sql, values = condition
    return f"NOT COALESCE({sql}, 0)", values


def _holds(word: str) -> Sql:
    inside = json.dumps(word, ensure_ascii=False)[1:-1]
    # LIKE reads a text up to its first NUL, which JSON escapes.
    columns = ("data",) if "\0" in word else SEARCHED
    patterns = tuple(
        like(escape_surrogates(inside if column == "data" else word)) for column in columns
    )
    return " OR ".join(rf"{column} LIKE ? ESCAPE '\'" for column in columns), patterns


def like(text: str) -> str:
    r"""Return the pattern of LIKE, with ``ESCAPE '\'``, for values that contain *text*."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
