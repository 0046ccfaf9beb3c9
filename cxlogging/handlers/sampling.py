"""Sampling: which records are kept, and how many each of them stands for."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigurationError
from . import context

Sampler = Callable[[logging.LogRecord], int]
"""Returns how many records the given one stands for, or 0 to leave it out."""


_chance = random.Random()
"""Chance of our own: the application's generator is left alone; a fork's child begins anew."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_chance.seed)


class RandomSampler:
    """Keeps one record in *rate*, by chance."""

    def __init__(self, rate: int, chance: Callable[[], float] = _chance.random) -> None:
        self._rate = rate
        self._chance = chance

    def __call__(self, record: logging.LogRecord) -> int:  # noqa: ARG002 - all alike
        return self._rate if self._chance() * self._rate < 1 else 0


class FieldSampler:
    """
    Keeps all or none of the records that share a field's value, such as a trace id.

    The same value gets the same decision in every process. A record without
    the field is kept, and stands for itself.

    Args:
        field: Name of an extra, or of a field bound by `cxlogging.bind`.
        rate: One value in so many is kept.
    """

    def __init__(self, field: str, rate: int) -> None:
        from hashlib import sha1  # noqa: PLC0415 - for this sampler alone

        self._field = field
        self._rate = _rate(rate)
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
    Keeps one in so many records, by their level.

    Args:
        rates: Level names or numbers, and the rate of records at that level and
            above it, up to the next one named. Levels below all of them are kept.
        chance: A number from 0 to 1.
    """

    def __init__(
        self, rates: Mapping[Any, int], chance: Callable[[], float] = _chance.random
    ) -> None:
        plain = {_level(level): _rate(rates[level]) for level in rates}
        self._rates = sorted(plain.items(), reverse=True)
        self._chance = chance

    def __call__(self, record: logging.LogRecord) -> int:
        for level, rate in self._rates:
            if record.levelno >= level:
                return rate if self._chance() * rate < 1 else 0
        return 1


def sampler(sample_rate: object) -> Sampler | None:
    """
    Return the sampler for a ``sample_rate`` argument; None keeps everything.

    Raises:
        ConfigurationError: It is no rate and no callable.
    """
    if callable(sample_rate):
        return sample_rate
    rate = _rate(sample_rate)
    return None if rate == 1 else RandomSampler(rate)


def _rate(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        from ..wire.parse import shown  # noqa: PLC0415 - for the error alone

        raise ConfigurationError(
            f"sample_rate takes a whole number from 1, or a callable, not {shown(value)}."
        )
    return number


def _level(level: object) -> int:
    number = logging.getLevelName(level) if isinstance(level, str) else level
    if not isinstance(number, int):
        raise ConfigurationError(f"LevelSampler: {level!r} is no level.")
    return number
