"""
Times as whole nanoseconds since 1970, UTC.

An argument may be an aware `datetime`, a `date` (its first instant, UTC), a number of seconds,
milliseconds, microseconds or nanoseconds since 1970, an ISO 8601 string with ``Z`` or an offset,
or a string relative to now: ``"1h"`` (an hour ago), ``"now"``, ``"now-2d"``.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from fractions import Fraction

from ..errors import ConfigurationError

SECOND = 1_000_000_000
UNITS: Mapping[str, int] = {
    "ms": SECOND // 1_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": 86_400 * SECOND,
    "w": 604_800 * SECOND,
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
SMALLEST_EPOCH = 10**8
"""A smaller number is rather a duration whose unit was forgotten than a time."""

EARLIEST = -62_135_596_800 * SECOND
LATEST = 253_402_300_800 * SECOND - 1

_DURATION = r"(?:\d{1,9}(?:ms|[smhdw]))+"
_RELATIVE = re.compile(rf"now(?:\s*([+-])\s*({_DURATION}))?|-?({_DURATION})", re.ASCII)
_UNIT = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*"
    r"([Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_EPOCH_TEXT = re.compile(r"\d{9,19}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def instant(argument: str, value: object, now: int) -> int:
    """Return the time that *value* names; an error names *argument*."""
    if isinstance(value, datetime.datetime):
        found = _from_datetime(argument, value)
    elif isinstance(value, datetime.date):
        days = (value - EPOCH.date()).days
        found = days * UNITS["d"]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = _from_epoch(argument, value)
    elif isinstance(value, datetime.timedelta):
        found = now - _nanoseconds(value)
    elif isinstance(value, str):
        found = _from_text(argument, value.strip(), now)
    else:
        raise ConfigurationError(
            f"{argument} takes a datetime, a date, seconds since 1970, an ISO 8601 string, or a"
            f" string such as '1h' or 'now-2d', not {type(value).__name__}."
        )
    if not EARLIEST <= found <= LATEST:
        raise ConfigurationError(f"{argument} is outside the years 1 to 9999.")
    return found


def iso(time: int) -> str:
    """Return the ISO 8601 string of a time, with as many digits as it needs."""
    seconds, fraction = divmod(time, SECOND)
    text = (EPOCH + datetime.timedelta(seconds=seconds)).strftime("-%m-%dT%H:%M:%S")
    year = (EPOCH + datetime.timedelta(seconds=seconds)).year
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{year:04}{text}{digits}Z"


def parse_service_time(text: str) -> int | None:
    """
    Return the time that the service wrote, or None where *text* is not a time.

    The service's times have no offset and are UTC; a number is seconds,
    milliseconds, microseconds or nanoseconds, depending on its number of digits.
    """
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text) * 10 ** next(power for power in (9, 6, 3, 0) if len(text) + power <= 19)
    found = _ISO.fullmatch(text)
    try:
        time = None if found is None else _from_iso(found)
    except ValueError:
        return None
    return time if time is not None and EARLIEST <= time <= LATEST else None


def to_datetime(nanoseconds: int) -> datetime.datetime:
    """Return a time as an aware datetime, truncated to microseconds."""
    return EPOCH + datetime.timedelta(microseconds=nanoseconds // 1_000)


def readable(time: datetime.datetime) -> str:
    """Return an aware datetime as people read it: in UTC, with as many digits as it needs."""
    text = time.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat(" ")
    return f"{text.rstrip('0') if '.' in text else text}Z"


def _from_datetime(argument: str, value: datetime.datetime) -> int:
    if value.utcoffset() is None:
        raise ConfigurationError(
            f"{argument} is a datetime without a time zone: make it aware, such as"
            " datetime.now(timezone.utc)."
        )
    return _nanoseconds(value - EPOCH)


def _from_epoch(argument: str, value: float) -> int:
    """Return the time of a number since 1970, whose size tells its unit."""
    if not math.isfinite(value) or abs(value) < SMALLEST_EPOCH:
        raise ConfigurationError(
            f"{argument} {value} is not a time: pass seconds, milliseconds, microseconds or"
            " nanoseconds since 1970 (from 1973 on), or a string with a unit, such as '5m'."
        )
    for bound, unit in ((10**11, SECOND), (10**14, 10**6), (10**17, 10**3)):
        if abs(value) < bound:
            # As a fraction: a product of floats would change the last digits.
            return int(Fraction(value) * unit)
    return int(value)


def _nanoseconds(duration: datetime.timedelta) -> int:
    whole_seconds = duration.days * 86_400 + duration.seconds
    return whole_seconds * SECOND + duration.microseconds * 1_000


def _from_text(argument: str, value: str, now: int) -> int:
    relative = _RELATIVE.fullmatch(value)
    if relative is not None:
        parts = _UNIT.findall(relative[2] or relative[3] or "")
        duration = sum(int(count) * UNITS[unit] for count, unit in parts)
        return now + duration if relative[1] == "+" else now - duration
    if _EPOCH_TEXT.fullmatch(value):
        return _from_epoch(argument, int(value))
    found = _ISO.fullmatch(value)
    if _DAY.fullmatch(value) or (found is not None and found[8] is None):
        raise ConfigurationError(
            f"{argument} {value!r} has no time zone: end it with Z for UTC, as in"
            " '2025-01-20T00:00:00Z', or with an offset."
        )
    try:
        if found is not None:
            return _from_iso(found)
    except ValueError:
        pass
    raise ConfigurationError(
        f"{argument} {value!r} is not a time: pass '2025-01-20T00:00:00Z', '1h', '30m' or 'now-2d'."
    )


def _from_iso(found: re.Match[str]) -> int:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    whole = datetime.datetime(
        int(year),
        int(month),
        int(day),
        int(hour),
        int(minute),
        int(second or 0),
        tzinfo=datetime.timezone.utc,
    )
    return _nanoseconds(whole - EPOCH) + int((fraction or "").ljust(9, "0")) - _offset(zone)


def _offset(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    return (-1 if zone[0] == "-" else 1) * (hours * UNITS["h"] + minutes * UNITS["m"])
