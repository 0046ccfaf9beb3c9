"""Converts the times of events to the formats of vendors."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import gmtime, strftime
from typing import Any

from .external_errors import is_external

LAST_NS = 2**63 - 1
"""In the year 2262; every vendor stores nanoseconds since 1970 in 64 bits."""

FULL_NS = 10**18
"""In the year 2001; earlier times have fewer digits, and vendors take them for another unit."""


def moment(seconds: Any, now: Callable[[], float]) -> tuple[int, bool]:
    """
    Return nanoseconds since 1970, and whether *seconds* is a possible time.

    Args:
        seconds: Seconds since 1970. If this is anything but a number whose time is between
            1970 and 2262, *now* is used instead.
        now: Returns seconds since 1970.
    """
    for possible, read in ((True, lambda: seconds), (False, now)):
        try:
            time_ns = int(read() * 1e6 + 0.5) * 1000
        except (TypeError, ValueError, ArithmeticError) as error:
            if is_external(error):
                raise
            continue
        if 0 <= time_ns <= LAST_NS:
            return time_ns, possible
    return 0, False


@lru_cache(maxsize=4)
def rfc3339_second(second: int) -> bytes:
    """Return the RFC 3339 form of a *second* since 1970, without fraction and time zone."""
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second)).encode()


def rfc3339(time_ns: int) -> str:
    """Return the RFC 3339 form of *time_ns*, UTC."""
    second, nanosecond = divmod(time_ns, 1_000_000_000)
    return f"{rfc3339_second(second).decode()}.{nanosecond:09d}Z"
