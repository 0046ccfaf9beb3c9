"""
Converts scalar values to JSON values.

Integers beyond 64 bits, NaN, bytes and similar values have no JSON form that every
vendor accepts: they become texts that still show the value.
"""

from __future__ import annotations

import base64
import datetime
import enum
import os
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..http import INTEGERS

MAX_MEMBERS = 1_000
MAX_NESTED_CHARACTERS = 32 * 1024


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
