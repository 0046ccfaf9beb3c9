"""Reading events: their level, their message, and what is unusual about them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .types import SEVERITIES

LEVEL_FIELDS = ("level", "severity", "severity_text", "log.level", "levelname")
MESSAGE_FIELDS = ("message", "body", "msg", "text", "event", "name")

BEYOND_DOUBLE = "a number beyond a double, which readers turn into Infinity"
INEXACT = "an integer beyond 2^53, which this vendor rounds to a double: send it as text"
EXACT = 2**53
"""A double holds every integer up to this one."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str)
_SMALLEST, _BIGGEST = -(2**63), 2**64 - 1


def level_of(data: Mapping[str, Any]) -> tuple[str, int]:
    """Return the level's name in lower case, and its severity; ("", 3) if there is none."""
    for name in LEVEL_FIELDS:
        value = data.get(name)
        if isinstance(value, str) and value:
            level = value.lower()
            return level, SEVERITIES.get(level, 3)
    return "", 3


def message_of(data: Mapping[str, Any], first: str = "message") -> str:
    """Return the field *first*, another field for messages, or else the start of the JSON."""
    for name in (first, *MESSAGE_FIELDS):
        value = data.get(name)
        if isinstance(value, str) and value:
            return value
    return compact(data)[:300]


def logger_of(data: Mapping[str, Any], category: object = None) -> str:
    """Return the logger's name: the *category* of the envelope, a field, or an empty text."""
    context = data.get("context")
    runtime = context.get("runtime") if isinstance(context, dict) else None
    found = (
        category,
        data.get("logger"),
        runtime.get("logger_name") if isinstance(runtime, dict) else None,
    )
    return next((each for each in found if isinstance(each, str) and each), "")


def tidy(data: dict[str, Any], *, doubles: bool = False) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return *data* with numbers that JSON can hold, and its `oddities`."""
    odd = oddities(data, doubles=doubles)
    if BEYOND_DOUBLE in odd:
        data = json.loads(json.dumps(data), parse_constant=str)
    return data, odd


def compact(value: object) -> str:
    """Return *value* as compact JSON; what is not JSON as its text."""
    return _ENCODER.encode(value)


def shown_item(value: object) -> str:
    """Return *value*, an item that was refused, as JSON; empty where that is not possible."""
    try:
        return compact(value)
    except (TypeError, ValueError, RecursionError):
        return ""


def oddities(value: object, *, doubles: bool = False) -> tuple[str, ...]:
    """
    Return what is valid in *value* but may be changed on its way: huge integers, lone surrogates.

    Args:
        value: A JSON value.
        doubles: Whether the vendor keeps every number as a double.
    """
    found: dict[str, None] = {}
    waiting: list[object] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if not one.isascii() and _has_surrogate(one):
                found["a lone surrogate, which is not Unicode text"] = None
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, int) and not _SMALLEST <= one <= _BIGGEST:
            found["an integer beyond 64 bits, which readers round or refuse"] = None
        elif doubles and isinstance(one, int) and abs(one) > EXACT:
            found[INEXACT] = None
        elif isinstance(one, float) and math.isinf(one):
            found[BEYOND_DOUBLE] = None
    return tuple(found)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
