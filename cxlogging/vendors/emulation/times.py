"""Times as senders write them, to whole nanoseconds since 1970. None where they are not times."""

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
    """True when *nanoseconds* is a time that 64 bits hold (1677 to 2262)."""
    return -_LAST_NS <= nanoseconds <= _LAST_NS


def rfc3339_ns(text: str, *, relaxed: bool = False) -> int | None:
    """
    An RFC 3339 time, with up to nanoseconds; further digits are cut.

    Args:
        text: Such as `2022-12-31T13:45:59.123456Z`.
        relaxed: Takes a blank for the `T`, small `t` and `z`, and no zone at all (UTC).
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
