"""Sample rates: how they are given, and how a record stands for a whole number of records."""

from __future__ import annotations

import logging
import math
import os
import random
from collections.abc import Callable, Mapping
from typing import Any, cast

from ...wire.option_parsers import refused
from .. import context

Sampler = Callable[[logging.LogRecord], int]
"""Returns how many records the given one stands for, or 0 to leave it out."""

Chance = Callable[[], float]
"""Returns a random number from 0 to 1."""

MAX_KEY = 200
"""Characters of a value that tell records apart: more would only take memory."""

PLAIN = frozenset({int, bool, float, type(None)})

_generator = random.Random()
"""Our own generator: the application's is not disturbed. The child of a fork reseeds it."""

chance: Chance = _generator.random

reseed: Callable[[], None] = _generator.seed
"""Begin another series of random numbers: a fork's child would repeat its parent's."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reseed)


def whole(rate: float, chance: Chance) -> int:
    """Return *rate* as a whole number, which is one of its neighbours: *rate* on average."""
    least = int(rate)
    part = rate - least
    return least + 1 if part and chance() < part else least


def parsed_share(name: str, value: object) -> float:
    """
    Return which part is kept, above 0 and at most 1.

    Args:
        name: Of the argument.
        value: A float up to 1 is a part; a whole number from 1 means one in so many.

    Raises:
        ConfigurationError: *value* is neither.
    """
    number = value
    if isinstance(value, str):
        text = value.strip()
        try:
            number = int(text) if text.isdecimal() else float(text)
        except ValueError:
            number = None
    if type(number) is int and number >= 1:
        return 1 / number
    if type(number) is float and 0 < number <= 1:
        return number
    takes = "a part such as 0.1, or a whole number N from 1 for one in N"
    raise refused(name, takes, value)


def parsed_number(
    name: str, value: object, *, least: float, above: bool = False, most: float = 1e9
) -> float:
    """
    Return a number from *least*, or above it, to *most*; it may be given as text.

    Raises:
        ConfigurationError: It is not such a number.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(cast("Any", value))
    except Exception:  # whatever the __float__ of an object raises
        number = math.nan
    if not (least < number <= most if above else least <= number <= most):
        takes = f"a number above {least:g}" if above else f"a number from {least:g}"
        raise refused(name, takes, value)
    return number


def parsed_count(name: str, value: object, least: int = 0, or_else: str = "") -> int:
    """
    Return a whole number from *least*; it may be given as text. The error adds *or_else*.

    Raises:
        ConfigurationError: It is not such a number.
    """
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise refused(name, f"a whole number from {least}{or_else}", value)
    return number


def value_of(attributes: Mapping[str, Any], name: str) -> Any:
    """Return an attribute or extra of a record, or else a bound field; None if it has neither."""
    value = attributes.get(name)
    return context.fields_of(attributes).get(name) if value is None else value


def key_part(value: Any) -> Any:
    """Return what stands for *value* in a key: small, hashable, and no object of others."""
    if type(value) is str:
        return value[:MAX_KEY]
    return value if type(value) in PLAIN else str(value)[:MAX_KEY]
