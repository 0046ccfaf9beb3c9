"""Samplers: which records are kept, and how many records each of them stands for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ConfigurationError
from ...wire import option_parsers as values
from ..levels import nearest_logger
from .rates import Chance, chance, parsed_count, value_of

MAX_LOGGERS = 4_096
"""Names of loggers whose rates are remembered; beyond that, they are looked up again."""


class RandomSampler:
    """Keeps one record in *rate*, at random."""

    def __init__(self, rate: int, chance: Chance = chance) -> None:
        self._rate = rate
        self._chance = chance

    def __call__(self, record: logging.LogRecord) -> int:  # noqa: ARG002 - a Sampler takes it
        return self._rate if self._chance() * self._rate < 1 else 0


class FieldSampler:
    """
    Keeps all or none of the records that share the value of a field, such as a customer's id.

    The decision for a value is the same in every process. A record without the
    field is kept, and stands for itself. For the traces that a tracer keeps, see `TraceSampler`.

    Args:
        field: The name of an extra, or of a field bound by `cxlogging.bind`.
        rate: One value in this many is kept.
    """

    def __init__(self, field: str, rate: int) -> None:
        from hashlib import sha1  # noqa: PLC0415 - few samplers need it

        self._field = field
        self._rate = parsed_count("rate", rate, least=1)
        self._sha1 = sha1

    def __call__(self, record: logging.LogRecord) -> int:
        value = value_of(record.__dict__, self._field)
        if value is None:
            return 1
        digest = self._sha1(str(value).encode(errors="replace"), usedforsecurity=False).digest()
        return self._rate if int.from_bytes(digest[:8], "big") % self._rate == 0 else 0


LevelRates = Sequence[tuple[int, int]]
"""Levels and their rates, the highest level first."""


class LevelSampler:
    """
    Keeps one record in a number that depends on its level, and on its logger.

    Args:
        rates: By level name or number, the rate of records from that level up to the
            next one in the mapping. Records below all of these levels are kept.
        loggers: By the name of a logger, the rates of its records and of those of the loggers
            below it, instead of *rates*: a mapping like it, or one rate for all levels. The
            nearest logger counts.
        chance: Returns a random number from 0 to 1.

    Raises:
        ConfigurationError: An unknown level, or a rate that is not a whole number from 1.
    """

    def __init__(
        self,
        rates: Mapping[Any, int],
        loggers: Mapping[str, Mapping[Any, int] | int] | None = None,
        *,
        chance: Chance = chance,
    ) -> None:
        self._rates = _level_rates(rates)
        given = values.mapping("loggers", loggers)
        self._loggers = {name: _logger_rates(given[name]) for name in given}
        self._known: dict[str, LevelRates] = {}
        self._chance = chance

    def __call__(self, record: logging.LogRecord) -> int:
        rates = self._rates if not self._loggers else self._rates_of(record.name)
        for level, rate in rates:
            if record.levelno >= level:
                return rate if rate == 1 or self._chance() * rate < 1 else 0
        return 1

    def _rates_of(self, name: str) -> LevelRates:
        """Return the rates of the nearest logger that has some; `_known` remembers them."""
        rates = self._known.get(name)
        if rates is None:
            nearest = nearest_logger(name, self._loggers)
            rates = self._loggers[nearest] if nearest else self._rates
            if len(self._known) >= MAX_LOGGERS:
                self._known.clear()
            self._known[name] = rates
        return rates


def _logger_rates(value: object) -> LevelRates:
    return _level_rates(value if isinstance(value, Mapping) else {logging.NOTSET: value})


def _level_rates(rates: object) -> LevelRates:
    if not isinstance(rates, Mapping):
        raise values.refused("rates", "a mapping of levels to rates", rates)
    plain = {_level(level): parsed_count("rates", rates[level], least=1) for level in rates}
    return sorted(plain.items(), reverse=True)


def _level(level: object) -> int:
    number = logging.getLevelName(level) if isinstance(level, str) else level
    if not isinstance(number, int):
        raise ConfigurationError(f"LevelSampler: unknown level {level!r}.")
    return number
