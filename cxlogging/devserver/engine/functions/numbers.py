"""Functions of numbers."""

from __future__ import annotations

import math
import random
from typing import Any

from ..values import Kind, finite
from .function import Function

N = Kind.NUMBER
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


def _sum(*values: Any) -> Any:
    return finite(sum(values))


FUNCTIONS = {
    "abs": Function(abs, (N,), N),
    "ceil": Function(math.ceil, (N,), N),
    "floor": Function(math.floor, (N,), N),
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
    "round": Function(_round, (N, N), N, minimum=1),
    "sqrt": Function(math.sqrt, (N,), N),
    "sum": Function(_sum, (N, N), N, many=True),
}
