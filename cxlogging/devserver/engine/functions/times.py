"""Functions of timestamps and intervals."""

from __future__ import annotations

from typing import Any

from ..values import (
    UNITS,
    Interval,
    Kind,
    Timestamp,
    finite,
    interval_text,
    parse_interval,
    parse_timestamp,
    round_down,
    timestamp_text,
)
from .function import Function

T, V, N, S = Kind.TIMESTAMP, Kind.INTERVAL, Kind.NUMBER, Kind.STRING

LONG_UNITS = {
    "day": "d", "days": "d", "hour": "h", "hours": "h", "minute": "m", "minutes": "m",
    "second": "s", "seconds": "s", "milli": "ms", "millis": "ms", "micro": "us",
    "micros": "us", "nano": "ns", "nanos": "ns",
}  # fmt: skip
FORMATS = {
    "timestamp_second": 10**9, "timestamp_milli": 10**6, "timestamp_micro": 10**3,
    "timestamp_nano": 1,
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


def _parsed(text: str, form: str = "auto") -> Any:
    if form in ("auto", "iso8601"):
        return parse_timestamp(text)
    if form not in FORMATS:
        raise ValueError(form)
    return Timestamp(int(text) * FORMATS[form]) if text.isdecimal() else None


_PARSE = Function(_parsed, (S, S), T, minimum=1, words={1: ("auto", "iso8601", *FORMATS)})

FUNCTIONS = {
    "addInterval": Function(lambda one, two: Interval(one + two), (V, V), V),
    "addTime": Function(lambda moment, span: Timestamp(moment + span), (T, V), T),
    "diffTime": Function(lambda to, start: Interval(to - start), (T, T), V),
    "formatInterval": Function(_in_unit, (V, S), S, minimum=1),
    "fromUnixTime": Function(_from_epoch, (N, S), T, minimum=1),
    "multiplyInterval": Function(lambda span, factor: Interval(span * factor), (V, N), V),
    "parseInterval": Function(parse_interval, (S,), V),
    "parseTimestamp": _PARSE,
    "parseToTimestamp": _PARSE,
    "roundTime": Function(round_down, (T, V), T),
    "subtractInterval": Function(lambda one, two: Interval(one - two), (V, V), V),
    "subtractTime": Function(lambda moment, span: Timestamp(moment - span), (T, V), T),
    "timeRound": Function(round_down, (T, V), T),
    "toInterval": Function(_interval, (N, S), V, minimum=1),
    "toIso8601DateTime": Function(timestamp_text, (T,), S),
    "toUnixTime": Function(_since_epoch, (T, S), N, minimum=1),
}
