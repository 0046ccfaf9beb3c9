"""Functions of numbers."""

from __future__ import annotations

import math
import random
import re
from typing import Any

from ..values import Kind, finite
from .function import Function

N, S = Kind.NUMBER, Kind.STRING
MAX_NUMBER = 2**1_000


def _round(value: float, digits: float = 0) -> float:
    # Halves are rounded up, 569.5 to 570; Python's round() rounds halves to even.
    scale = 10 ** int(digits)
    rounded = math.floor(value * scale + 0.5) / scale
    return int(rounded) if digits <= 0 else rounded


def _power(value: float, exponent: float) -> float:
    if abs(exponent) > 1_024 or abs(value) > MAX_NUMBER:
        raise OverflowError
    found: Any = value**exponent
    if isinstance(found, complex) or abs(found) > MAX_NUMBER:
        raise OverflowError
    return float(found) if isinstance(found, float) else int(found)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_IN_BASE = re.compile(r"-?[0-9a-zA-Z]{1,300}")


def _from_base(text: str, radix: float) -> int:
    if not _IN_BASE.fullmatch(text) or radix != int(radix):
        raise ValueError
    return int(text, int(radix))


def _to_base(value: float, radix: float) -> str:
    if value != int(value) or radix not in range(2, len(_DIGITS) + 1):
        raise ValueError
    rest, digits = abs(int(value)), ""
    if rest > MAX_NUMBER:
        raise OverflowError
    while rest or not digits:
        rest, digit = divmod(rest, int(radix))
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if value < 0 else digits


def _sum(*values: Any) -> Any:
    return finite(sum(values))


FUNCTIONS = {
    "abs": Function(abs, (N,), N),
    "ceil": Function(math.ceil, (N,), N),
    "e": Function(lambda: math.e, (), N),
    "floor": Function(math.floor, (N,), N),
    "fromBase": Function(_from_base, (S, N), N),
    "ln": Function(math.log, (N,), N),
    "log": Function(lambda base, value: math.log(value, base), (N, N), N),
    "log2": Function(math.log2, (N,), N),
    "max": Function(max, (N, N), N, many=True),
    "min": Function(min, (N, N), N, many=True),
    "mod": Function(lambda value, divisor: finite(math.fmod(value, divisor)), (N, N), N),
    "pi": Function(lambda: math.pi, (), N),
    "power": Function(_power, (N, N), N),
    "random": Function(random.random, (), N, varies=True),
    "randomInt": Function(lambda bound: random.randrange(int(bound)), (N,), N, varies=True),
    "round": Function(_round, (N, N), N, minimum=1, names=("number", "digits")),
    "sqrt": Function(math.sqrt, (N,), N),
    "sum": Function(_sum, (N, N), N, many=True),
    "toBase": Function(_to_base, (N, N), S),
}
