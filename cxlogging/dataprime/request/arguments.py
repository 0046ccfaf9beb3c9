"""Checks of arguments that direct and background queries share."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ConfigurationError, nearest
from ...wire.option_parsers import shown
from .. import times


def query_text(query: object) -> str:
    """Return *query* where it can be one."""
    if not isinstance(query, str):
        raise ConfigurationError(f"query takes a string, not {type(query).__name__}.")
    if not query.strip():
        raise ConfigurationError("query is empty: pass such as 'source logs | limit 10'.")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            "query is not valid text: it contains half a surrogate pair."
        ) from None
    return query


def optional_text(argument: str, value: object) -> str | None:
    """Return *value* where it is a string with text in it, or None."""
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigurationError(f"{argument} takes a string that is not empty, or None.")
    return value


def choice(argument: str, value: object, table: Mapping[str, str]) -> str:
    """Return the short name of *value*, which is a key of *table* or one of the API's own names."""
    if isinstance(value, str):
        short = {long: name for name, long in table.items()}.get(value, value.lower())
        if short in table:
            return short
    names = ", ".join(repr(name) for name in table)
    raise ConfigurationError(
        f"{argument} takes one of {names}, not {value!r}.{nearest(str(value), table)}"
    )


def boolean(argument: str, value: object) -> bool:
    """Return *value* where it is True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{argument} takes True or False, not {shown(value)}.")
    return value


def seconds(argument: str, value: object, least: float = 0.001) -> float:
    """Return *value* where it is a number of seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value) if abs(value) < 1e9 else math.inf
        if least <= number < math.inf:
            return number
    raise ConfigurationError(f"{argument} takes seconds from {least}, not {value!r}.")


def _pair(since: Sequence[Any], end: object, now: int) -> tuple[Any, Any]:
    """Return start and end of a window that *since* gives as a pair."""
    if len(since) != 2 or end is not None:
        raise ConfigurationError(
            "since takes a time, or a pair of start and end (or duration); then leave out end."
        )
    first, last = since
    if isinstance(last, datetime.timedelta):
        begin = times.to_datetime(times.instant("since", first, now))
        return begin, begin + last
    return first, last


def window(arguments: Mapping[str, Any], now: int) -> tuple[int | None, int | None]:
    """Return start and end of a call's window; one with a start and no end ends *now*."""
    since, start, end = (arguments.get(name) for name in ("since", "start", "end"))
    if isinstance(since, (tuple, list)):
        since, end = _pair(since, end, now)
    if since is not None and start is not None:
        raise ConfigurationError("since and start both say where the window begins: pass one.")
    name = "start" if since is None else "since"
    first = start if since is None else since
    begin = None if first is None else times.instant(name, first, now)
    open_end = None if begin is None else now
    finish = open_end if end is None else times.instant("end", end, now)
    if begin is not None and finish is not None and finish < begin:
        raise ConfigurationError(
            f"the window ends ({times.iso(finish)}) before it begins ({times.iso(begin)})."
        )
    return begin, finish
