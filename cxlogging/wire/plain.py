"""
The JSON form of the kinds of values that people log.

Integers beyond 64 bits, NaN, bytes and the like have no number or text that
every vendor takes: they become strings that still tell the value.
"""

from __future__ import annotations

import base64
import datetime
import enum
import os
import uuid
from collections import deque
from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .http import INTEGERS

MAX_MEMBERS = 1_000
MAX_NESTED_CHARACTERS = 32 * 1024


def describe(value: object) -> str:
    """Return ``repr(value)``, or for a class or function its qualified name."""
    if isinstance(value, type) or callable(value):
        name = getattr(value, "__qualname__", None)
        if type(name) is str:
            return f"{value.__module__}.{name}"
    return repr(value)


def _number(value: float) -> float | str:
    plain = float.__add__(value, -0.0)
    if plain - plain == 0.0:
        return plain
    return "NaN" if plain != plain else ("Infinity" if plain > 0 else "-Infinity")  # noqa: PLR0124


def _integer(value: int) -> int | str:
    plain = int.__add__(value, 0)
    if plain in INTEGERS:
        return plain
    bits = plain.bit_length()
    return str(plain) if bits < 8_192 else f"<int of {bits} bits>"


def _octets(value: bytes | bytearray | memoryview) -> str:
    raw = bytes(memoryview(value)[: MAX_NESTED_CHARACTERS // 2])
    more = f"… [cut from {len(value)} bytes]" if len(value) > len(raw) else ""
    try:
        return raw.decode() + more
    except UnicodeDecodeError:
        return f"<bytes base64 {base64.b64encode(raw).decode()}{more}>"


def _error(value: BaseException) -> str:
    text = str(value)
    return f"{type(value).__qualname__}: {text}" if text else type(value).__qualname__


SCALARS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (str, lambda value: value.value if isinstance(value, enum.Enum) else str.__str__(value)),
    (bool, bool),
    (int, _integer),
    (float, _number),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: value.isoformat()),
    (datetime.timedelta, datetime.timedelta.total_seconds),
    ((uuid.UUID, Decimal, Fraction, complex), str),
    ((bytes, bytearray, memoryview), _octets),
    (os.PathLike, lambda value: os.fsdecode(os.fspath(value))),
    (BaseException, _error),
)


SEQUENCES = (list, tuple, set, frozenset, deque, KeysView, ValuesView, ItemsView, range)
_JSON = (list, dict, str, int, float, bool, type(None))


def plain_form(value: Any) -> Any:
    """Return *value* as a mapping, a sequence, a plain scalar, or else its description."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, (Mapping, *SEQUENCES)):
        return value
    if isinstance(value, type):
        return describe(value)
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses  # noqa: PLC0415 - where there is such a value, it is imported

        return {each.name: getattr(value, each.name, None) for each in dataclasses.fields(value)}
    for name in ("tolist", "model_dump"):  # arrays and numpy scalars; pydantic models
        method = getattr(value, name, None)
        if callable(method) and (name != "tolist" or _is_short(value)):
            plain = method()
            if type(plain) in _JSON:
                return plain
    return describe(value)


def _is_short(array: Any) -> bool:
    """Return True where an array tells that it has few members; a tensor's size is a method."""
    size = getattr(array, "size", None)
    if size is None and hasattr(array, "__len__"):
        size = len(array)
    return isinstance(size, int) and size <= MAX_MEMBERS
