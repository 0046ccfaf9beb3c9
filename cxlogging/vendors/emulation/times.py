"""Reads times in the forms that senders use, as whole nanoseconds since 1970."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?P<middle>[Tt ])(?P<clock>[0-9]{2}:[0-9]{2}:)"
    r"(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST_NS = 2**63 - 1


def fits(nanoseconds: int) -> bool:
    """Return whether *nanoseconds* is a time that fits into 64 bits (1677 to 2262)."""
    return -_LAST_NS <= nanoseconds <= _LAST_NS


def rfc3339_ns(text: str, *, relaxed: bool = False) -> int | None:
    """
    Return the nanoseconds of an RFC 3339 time, or None; digits below nanoseconds are ignored.

    Args:
        text: A text such as `2022-12-31T13:45:59.123456Z`.
        relaxed: Accept a space for the `T`, `t` and `z` in lower case, and no zone (UTC).
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    middle, zone = match["middle"], match["zone"]
    if not relaxed and (middle != "T" or zone is None or zone == "z"):
        return None
    leap = match["second"] == "60"
    try:
        moment = datetime.fromisoformat(
            f"{match['date']}T{match['clock']}{'59' if leap else match['second']}{_offset(zone)}"
        )
        since = moment - _EPOCH + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return None
    fraction = (match["fraction"] or "")[:9].ljust(9, "0")
    nanoseconds = (since.days * 86_400 + since.seconds) * 1_000_000_000 + int(fraction)
    return nanoseconds if fits(nanoseconds) else None


def _offset(zone: str | None) -> str:
    return "+00:00" if zone in (None, "Z", "z") else str(zone)
