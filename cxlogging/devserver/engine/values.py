"""
The values of queries: strings, numbers, bools, null, arrays and objects as in JSON, and
timestamps, intervals and severities as integers with types of their own.

An operation that is impossible at run time returns null, never an error.
"""

from __future__ import annotations

import datetime
import enum
import json
import math
import re
from typing import Any

from ...dataprime import times
from ...dataprime.rows import Severity


class Kind(enum.Enum):
    """The types of the query language."""

    ANY = "any"
    NULL = "null"
    STRING = "string"
    NUMBER = "number"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    REGEXP = "regexp"
    ENUM = "severity"
    ARRAY = "array"
    OBJECT = "object"


class Timestamp(int):
    """A time in nanoseconds since 1970."""

    __slots__ = ()


class Interval(int):
    """A duration in nanoseconds."""

    __slots__ = ()


UNITS = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
"""Units of an interval, in nanoseconds."""

KINDS: dict[type, Kind] = {
    type(None): Kind.NULL, str: Kind.STRING, int: Kind.NUMBER, float: Kind.NUMBER,
    bool: Kind.BOOL, Timestamp: Kind.TIMESTAMP, Interval: Kind.INTERVAL, Severity: Kind.ENUM,
    list: Kind.ARRAY, dict: Kind.OBJECT, re.Pattern: Kind.REGEXP,
}  # fmt: skip

_INTERVAL = re.compile("-?" + "".join(rf"(?:(\d+){unit})?" for unit in UNITS), re.ASCII)


def kind_of(value: Any) -> Kind:
    """Return the type of *value*."""
    return KINDS[type(value)]


def equals(left: Any, right: Any) -> bool | None:
    """Return `left == right`: null equals only null, and different types return null."""
    if left is None or right is None:
        other = right if left is None else left
        return None if type(other) is dict else left is right
    one, two = KINDS[type(left)], KINDS[type(right)]
    if one is not two:
        return None
    if one in (Kind.ARRAY, Kind.OBJECT):
        return bool(group_key(left) == group_key(right))
    return bool(left == right)


def compare(left: Any, right: Any) -> int | None:
    """Return -1, 0 or 1; None where the two values have no order."""
    if left is None or right is None:
        return None
    kind = KINDS[type(left)]
    if kind is not KINDS[type(right)] or kind in (Kind.ARRAY, Kind.OBJECT, Kind.REGEXP):
        return None
    return int(left > right) - int(left < right)


def sort_key_of(value: Any) -> tuple[int, Any]:
    """Return a key that sorts values of all types: by type, with null last."""
    kind = KINDS[type(value)]
    if kind is Kind.NULL:
        return 99, 0
    if kind in (Kind.ARRAY, Kind.OBJECT):
        return _ORDER[kind], json.dumps(json_value(value), sort_keys=True)
    return _ORDER[kind], value


_ORDER = {kind: number for number, kind in enumerate(Kind)}


def group_key(value: Any) -> Any:
    """Return *value* as a hashable key: `1` and `true` differ, `1` and `1.0` are equal."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is list:
        return kind, tuple(map(group_key, value))
    if kind is dict:
        return kind, frozenset((name, group_key(held)) for name, held in value.items())
    return value if kind is float else (kind, value)


def json_value(value: Any) -> Any:
    """Return *value* as JSON: timestamps as nanoseconds, intervals and severities as strings."""
    kind = type(value)
    if kind is dict:
        return {name: json_value(held) for name, held in value.items()}
    if kind is list:
        return [json_value(held) for held in value]
    if kind is Timestamp:
        return int(value)
    if kind is Interval:
        return interval_text(value)
    if kind is Severity:
        return severity_text(value)
    if kind is float and not math.isfinite(value):
        return None
    return value.pattern if kind is re.Pattern else value


def to_text(value: Any) -> str | None:
    """Return *value* as a string; None for null, arrays and objects."""
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None or kind is list or kind is dict:
        return None
    if kind is bool:
        return "true" if value else "false"
    if kind is Timestamp:
        return timestamp_text(value)
    if kind is float:
        whole = value.is_integer() and abs(value) < 2**53
        return str(int(value)) if whole else repr(value)
    return str(json_value(value))


def severity_text(value: Severity) -> str:
    """Return such as `Error`, as the service writes it."""
    return value.name.capitalize()


def timestamp_text(value: int) -> str | None:
    """Return ISO 8601 in UTC, in milli-, micro- or nanoseconds; None outside of 1 to 9999."""
    if not times.EARLIEST <= value <= times.LATEST:
        return None
    text, point, fraction = times.iso(value).removesuffix("Z").partition(".")
    return text + point + fraction.ljust(-(-len(fraction) // 3) * 3, "0") + "Z"


def interval_text(value: int) -> str:
    """Return such as `12m30s`; `0ns` for zero."""
    parts, rest = [], abs(value)
    for unit, size in UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    sign = "-" if value < 0 else ""
    return sign + "".join(parts) if parts else "0ns"


def parse_interval(value: str) -> Interval | None:
    """Return the interval in *value*, with units in descending order; None where it is invalid."""
    found = _INTERVAL.fullmatch(value)
    if found is None or not any(found.groups()):
        return None
    counts = zip(found.groups(), UNITS.values(), strict=True)
    total = sum(int(count) * size for count, size in counts if count)
    return Interval(-total if value.startswith("-") else total)


def parse_timestamp(value: str) -> Timestamp | None:
    """Return the time in *value*, an ISO 8601 time or date, UTC without an offset; or None."""
    try:
        day = datetime.date.fromisoformat(value)
    except ValueError:
        found = None if value.isdecimal() else times.parse_service_time(value)
        return None if found is None else Timestamp(found)
    return Timestamp((day - times.EPOCH.date()).days * UNITS["d"])


def parse_number(value: str) -> float | None:
    """Return the number in *value*, in decimal notation; None where it is invalid."""
    if not _NUMBER.fullmatch(value):
        return None
    try:
        return int(value)
    except ValueError:
        found = float(value)
        return found if math.isfinite(found) else None


_NUMBER = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def cast(value: Any, kind: str) -> Any:
    """Return *value* cast to *kind*; None where that is impossible."""
    if value is None or KINDS[type(value)].value == kind:
        return value
    return _CASTS[kind](value)


def _to_number(value: Any) -> Any:
    if type(value) is str:
        return parse_number(value)
    if type(value) is bool:
        return int(value)
    return int(value) if isinstance(value, int) else None


def _to_bool(value: Any) -> Any:
    return {"true": True, "false": False}.get(value) if type(value) is str else None


def number_as_timestamp(value: Any) -> Any:
    """Return a whole number as a time, its unit given by its digits; other values unchanged."""
    if type(value) is not int or value < 0:
        return value
    found = times.parse_service_time(str(value))
    return None if found is None else Timestamp(found)


def _to_timestamp(value: Any) -> Any:
    if type(value) is str:
        return parse_timestamp(value)
    found = number_as_timestamp(value)
    return found if type(found) is Timestamp else None


def _to_interval(value: Any) -> Any:
    if type(value) is int:
        return Interval(value)
    return parse_interval(value) if type(value) is str else None


def _no_cast(value: Any) -> Any:
    del value


def finite(value: Any) -> Any:
    """Return *value*; raise `ValueError` where it is infinite or NaN."""
    if type(value) is float and not math.isfinite(value):
        raise ValueError
    return value


def round_down(time: int, interval: int) -> Timestamp | None:
    """Return *time* rounded down to a multiple of *interval*; None unless that is positive."""
    return Timestamp(time - time % interval) if interval > 0 else None


_CASTS = {
    "string": to_text, "number": _to_number, "bool": _to_bool, "timestamp": _to_timestamp,
    "interval": _to_interval, "array": _no_cast, "object": _no_cast, "enum": _no_cast,
    "regexp": _no_cast,
}  # fmt: skip
