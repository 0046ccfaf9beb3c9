"""Functions of timestamps and intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..values import (
    UNITS,
    Interval,
    Kind,
    Timestamp,
    finite,
    interval_text,
    parse_interval,
    round_down,
    timestamp_text,
)
from . import time_formats
from .function import Function
from .time_formats import Moment

T, V, N, S = Kind.TIMESTAMP, Kind.INTERVAL, Kind.NUMBER, Kind.STRING

LONG_UNITS = {
    "day": "d", "days": "d", "hour": "h", "hours": "h", "minute": "m", "minutes": "m",
    "second": "s", "seconds": "s", "milli": "ms", "millis": "ms", "micro": "us",
    "micros": "us", "nano": "ns", "nanos": "ns",
}  # fmt: skip
_PARTS: dict[str, Callable[[Moment], float]] = {
    "year": lambda moment: moment.local.year,
    "month": lambda moment: moment.local.month,
    "week": lambda moment: moment.local.isocalendar()[1],
    "day_of_year": lambda moment: moment.local.timetuple().tm_yday,
    "day_of_week": lambda moment: moment.local.isoweekday(),
    "day": lambda moment: moment.local.day,
    "hour": lambda moment: moment.local.hour,
    "minute": lambda moment: moment.local.minute,
    "second": lambda moment: moment.local.second + moment.nanos / time_formats.SECOND,
}
_SHORT_PARTS = {
    "Y": "year", "M": "month", "W": "week", "doy": "day_of_year", "dow": "day_of_week",
    "d": "day", "h": "hour", "m": "minute", "s": "second",
}  # fmt: skip


def _size(unit: str) -> int:
    size = UNITS.get(LONG_UNITS.get(unit, unit))
    if size is None:
        raise ValueError(unit)
    return size


def _since_epoch(moment: int, unit: str = "ms") -> int:
    # int(): the result is a number, not a timestamp.
    return int(moment) // _size(unit)


def _from_epoch(number: float, unit: str = "ms") -> Timestamp:
    return Timestamp(finite(number * _size(unit)))


def _interval(number: float, unit: str = "ns") -> Interval:
    return Interval(finite(number * _size(unit)))


def _in_unit(span: int, unit: str | None = None) -> str:
    if unit is None:
        return interval_text(span)
    return f"{int(span) // _size(unit)}{LONG_UNITS.get(unit, unit)}"


def _rounded(span: int, unit: str) -> Interval:
    size = _size(unit)
    # Towards zero: the smaller units become zero.
    return Interval(abs(span) // size * size * (-1 if span < 0 else 1))


def _time_units(span: int, unit: str) -> float:
    whole, rest = divmod(int(span), _size(unit))
    return whole if not rest else int(span) / _size(unit)


def _part(time: int, unit: str, zone: str = "UTC") -> float:
    if not _is_part(unit):
        raise ValueError(unit)
    moment = time_formats.moment_in(time, zone)
    return _PARTS[_SHORT_PARTS.get(unit, unit)](moment)


def _is_zone(name: str) -> bool:
    try:
        time_formats.zone_of(name)
    except ValueError:
        return False
    return True


def _is_unit(name: str) -> bool:
    return LONG_UNITS.get(name, name) in UNITS


def _is_part(name: str) -> bool:
    return _SHORT_PARTS.get(name, name) in _PARTS


def _of_unit(
    apply: Callable[..., Any],
    takes: Kind,
    returns: Kind,
    subject: str,
    unit: str = "timeUnit",
    minimum: int = 1,
) -> Function:
    """Return a function of a value and a time unit."""
    return Function(
        apply, (takes, S), returns, minimum=minimum, checks={1: _is_unit}, names=(subject, unit)
    )  # fmt: skip


def _parsing(warning: str = "") -> Function:
    return Function(
        time_formats.read, (S, S, S), T, minimum=1, checks={1: time_formats.is_read, 2: _is_zone},
        names=("string", "format", "tz"), defaults={1: "auto"}, warning=warning,
    )  # fmt: skip


_FORMAT = Function(
    time_formats.shown, (T, S, S), S, minimum=1, checks={1: time_formats.is_shown, 2: _is_zone},
    names=("timestamp", "format", "tz"), defaults={1: "iso8601"},
)  # fmt: skip
_ROUND_NAMES = ("sourceTimestamp", "timeInterval")

FUNCTIONS = {
    "addInterval": Function(lambda one, two: Interval(one + two), (V, V), V),
    "addTime": Function(lambda moment, span: Timestamp(moment + span), (T, V), T),
    "diffTime": Function(lambda to, start: Interval(to - start), (T, T), V),
    "extractTime": Function(
        _part, (T, S, S), N, minimum=2, checks={1: _is_part, 2: _is_zone},
        names=("timestamp", "unit", "tz"),
    ),
    "formatInterval": _of_unit(_in_unit, V, S, "interval", "scale"),
    "formatTimestamp": _FORMAT,
    "fromUnixTime": _of_unit(_from_epoch, N, T, "unixTime"),
    "multiplyInterval": Function(lambda span, factor: Interval(span * factor), (V, N), V),
    "parseInterval": Function(parse_interval, (S,), V),
    "parseTimestamp": _parsing(),
    "parseToTimestamp": _parsing("deprecated: use parseTimestamp()"),
    "roundInterval": _of_unit(_rounded, V, V, "interval", "scale", 2),
    "roundTime": Function(round_down, (T, V), T, names=_ROUND_NAMES),
    "subtractInterval": Function(lambda one, two: Interval(one - two), (V, V), V),
    "subtractTime": Function(lambda moment, span: Timestamp(moment - span), (T, V), T),
    "timeRound": Function(round_down, (T, V), T, warning="deprecated: use roundTime()"),
    "toInterval": _of_unit(_interval, N, V, "number"),
    "toIso8601DateTime": Function(
        timestamp_text, (T,), S, warning="deprecated: use formatTimestamp()"
    ),
    "toTimeUnit": _of_unit(_time_units, V, N, "interval", minimum=2),
    "toUnixTime": _of_unit(_since_epoch, T, N, "timestamp"),
}  # fmt: skip
