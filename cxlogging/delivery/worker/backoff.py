"""How long to wait before the next try: full jitter, and what the vendor asks for."""

from __future__ import annotations

from collections.abc import Mapping

RETRY_AFTER_MAXIMUM = 600.0
"""The longest wait that a server may ask for, by Retry-After or a RateLimit header; queries too."""

HOLD_SECONDS = 30.0
"""Between two probes of a destination that refuses everything."""


def backoff(attempt: int, initial: float, maximum: float, random: float) -> float:
    """
    Return the seconds to wait after *attempt* failures in a row.

    Full jitter: uniform between 0 and ``min(maximum, initial * 2 ** (attempt - 1))``.

    Args:
        attempt: From 1.
        initial: Seconds of the first bound.
        maximum: Seconds of the largest bound.
        random: A number from 0 to 1.
    """
    return min(maximum, initial * 2.0 ** min(attempt - 1, 60)) * random


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """
    Return the seconds that an answer's ``Retry-After`` asks for, or None.

    Seconds and HTTP dates are understood (RFC 9110, section 10.2.3); a date is
    measured against the answer's own ``Date``, as this machine's clock may be
    wrong. At most `RETRY_AFTER_MAXIMUM`, at least nothing.

    Args:
        headers: The answer's headers, names in lower case.
        now: This machine's time, seconds since 1970.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        wait = float(value)
    except ValueError:
        until, date = _date(value), _date(headers.get("date", ""))
        if until is None:
            return None
        wait = until - (now if date is None else date)
    return min(max(wait, 0.0), RETRY_AFTER_MAXIMUM) if wait == wait else None  # noqa: PLR0124


def _date(value: str) -> float | None:
    try:
        from email.utils import parsedate_to_datetime  # it came with the transport

        return parsedate_to_datetime(value).timestamp()
    except (ImportError, TypeError, ValueError, OverflowError, IndexError):
        return None
