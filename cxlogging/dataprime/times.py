"""
Instants: whole nanoseconds since 1970, UTC.

An argument is an aware `datetime`, an ISO 8601 string with ``Z`` or an offset,
or a string relative to now: ``"1h"`` (an hour ago), ``"now"``, ``"now-2d"``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

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
EARLIEST = -62_135_596_800 * SECOND
LATEST = 253_402_300_800 * SECOND - 1

_SPAN = r"(?:\d{1,9}(?:ms|[smhdw]))+"
_RELATIVE = re.compile(rf"now(?:\s*([+-])\s*({_SPAN}))?|-?({_SPAN})", re.ASCII)
_STEP = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*"
    r"([Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def instant(argument: str, value: object, now: int) -> int:
    """Return the instant that *value* names, or raise a sentence about *argument*."""
    if isinstance(value, datetime.datetime):
        found = _aware(argument, value)
    elif isinstance(value, datetime.timedelta):
        found = now - _nanoseconds(value)
    elif isinstance(value, str):
        found = _text(argument, value.strip(), now)
    else:
        raise ConfigurationError(
            f"{argument} takes a datetime, an ISO 8601 string, or a string such as '1h' or"
            f" 'now-2d', not {type(value).__name__}."
        )
    if not EARLIEST <= found <= LATEST:
        raise ConfigurationError(f"{argument} lies outside the years 1 to 9999.")
    return found


def iso(moment: int) -> str:
    """Return the ISO 8601 string of an instant, with as many digits as it needs."""
    seconds, fraction = divmod(moment, SECOND)
    text = (EPOCH + datetime.timedelta(seconds=seconds)).strftime("-%m-%dT%H:%M:%S")
    year = (EPOCH + datetime.timedelta(seconds=seconds)).year
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{year:04}{text}{digits}Z"


def served(text: str) -> int | None:
    """
    Return the instant that the service wrote, or None where it is none.

    The service's own stamps have no offset and are UTC; a number is seconds,
    milliseconds, microseconds or nanoseconds, by its digits.
    """
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text) * 10 ** next(power for power in (9, 6, 3, 0) if len(text) + power <= 19)
    found = _ISO.fullmatch(text)
    try:
        instant_found = None if found is None else _instant(found)
    except ValueError:
        return None
    in_range = instant_found is not None and EARLIEST <= instant_found <= LATEST
    return instant_found if in_range else None


def moment(nanoseconds: int) -> datetime.datetime:
    """Return an instant as an aware datetime, cut to microseconds."""
    return EPOCH + datetime.timedelta(microseconds=nanoseconds // 1_000)


def _aware(argument: str, value: datetime.datetime) -> int:
    if value.utcoffset() is None:
        raise ConfigurationError(
            f"{argument} is a datetime without a time zone: make it aware, such as"
            " datetime.now(timezone.utc)."
        )
    return _nanoseconds(value - EPOCH)


def _nanoseconds(span: datetime.timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * SECOND + span.microseconds * 1_000


def _text(argument: str, value: str, now: int) -> int:
    relative = _RELATIVE.fullmatch(value)
    if relative is not None:
        span = relative[2] or relative[3] or ""
        length = sum(int(count) * UNITS[unit] for count, unit in _STEP.findall(span))
        return now + length if relative[1] == "+" else now - length
    found = _ISO.fullmatch(value)
    if _DAY.fullmatch(value) or (found is not None and found[8] is None):
        raise ConfigurationError(
            f"{argument} {value!r} has no time zone: end it with Z for UTC, as in"
            " '2025-01-20T00:00:00Z', or with an offset."
        )
    try:
        if found is not None:
            return _instant(found)
    except ValueError:
        pass
    raise ConfigurationError(
        f"{argument} {value!r} is no time: pass '2025-01-20T00:00:00Z', or '1h', '30m', 'now-2d'."
    )


def _instant(found: re.Match[str]) -> int:
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
