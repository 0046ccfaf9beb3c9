"""Sampling: which records are kept, and how many records each of them stands for."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import ConfigurationError
from .. import context

Sampler = Callable[[logging.LogRecord], int]
"""Returns how many records the given one stands for, or 0 to drop it."""

_generator = random.Random()
"""Our own generator: the application's is not disturbed. The child of a fork reseeds it."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_generator.seed)


class RandomSampler:
    """Keeps one record in *rate*, at random."""

    def __init__(self, rate: int, chance: Callable[[], float] = _generator.random) -> None:
        self._rate = rate
        self._chance = chance

    def __call__(self, record: logging.LogRecord) -> int:  # noqa: ARG002 - a Sampler takes it
        return self._rate if self._chance() * self._rate < 1 else 0


class FieldSampler:
    """
    Keeps all or none of the records that share the value of a field, such as a trace id.

    The decision for a value is the same in every process. A record without the
    field is kept, and stands for itself.

    Args:
        field: The name of an extra, or of a field bound by `cxlogging.bind`.
        rate: One value in this many is kept.
    """

    def __init__(self, field: str, rate: int) -> None:
        from hashlib import sha1  # noqa: PLC0415 - only this sampler needs it

        self._field = field
        self._rate = _parsed_rate("rate", rate)
        self._sha1 = sha1

    def __call__(self, record: logging.LogRecord) -> int:
        value = record.__dict__.get(self._field)
        if value is None:
            value = context.fields_of(record.__dict__).get(self._field)
        if value is None:
            return 1
        digest = self._sha1(str(value).encode(errors="replace"), usedforsecurity=False).digest()
        return self._rate if int.from_bytes(digest[:8], "big") % self._rate == 0 else 0


class LevelSampler:
    """
    Keeps one record in a number that depends on its level.

    Args:
        rates: By level name or number, the rate of records from that level up to the
            next one in the mapping. Records below all of these levels are kept.
        chance: Returns a random number from 0 to 1.
    """

    def __init__(
        self, rates: Mapping[Any, int], chance: Callable[[], float] = _generator.random
    ) -> None:
        plain = {_level(level): _parsed_rate("rates", rates[level]) for level in rates}
        self._rates = sorted(plain.items(), reverse=True)
        self._chance = chance

    def __call__(self, record: logging.LogRecord) -> int:
        for level, rate in self._rates:
            if record.levelno >= level:
                return rate if self._chance() * rate < 1 else 0
        return 1


def samplers(name: str, value: object) -> tuple[Sampler, ...]:
    """
    Return the samplers for a ``sample_rate`` option: a rate, a callable, or a list of these.

    Raises:
        ConfigurationError: It is none of these.
    """
    given = value if value and isinstance(value, (list, tuple)) else (value,)
    chosen = (_sampler(name, given[index]) for index in range(len(given)))
    return tuple(each for each in chosen if each is not None)


def _sampler(name: str, value: object) -> Sampler | None:
    if callable(value):
        return value
    rate = _parsed_rate(name, value)
    return None if rate == 1 else RandomSampler(rate)


def _parsed_rate(name: str, value: object) -> int:
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        from ...wire.option_parsers import shown  # noqa: PLC0415 - only for the error

        takes = "a whole number from 1"
        if name == "sample_rate":
            takes += ", or a callable"
        raise ConfigurationError(f"{name} takes {takes}, not {shown(value)}.")
    return number


def _level(level: object) -> int:
    number = logging.getLevelName(level) if isinstance(level, str) else level
    if not isinstance(number, int):
        raise ConfigurationError(f"LevelSampler: unknown level {level!r}.")
    return number
