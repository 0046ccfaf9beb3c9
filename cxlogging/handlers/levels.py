"""Levels, as options take them."""

from __future__ import annotations

import logging
from collections.abc import Container

from ..errors import ConfigurationError, nearest
from ..wire import option_parsers as values


def level_of(record: logging.LogRecord) -> int:
    """Return the level number of *record*; ERROR where it has none, as `emit` has it."""
    level: object = record.levelno
    return level if type(level) is int else logging.ERROR


def level_number(name: str, value: object) -> int:
    """Return the level *value* as a number; it may be a number or a name in any case."""
    text = value.strip() if isinstance(value, str) else value
    found = logging.getLevelName(text) if isinstance(text, str) else text
    if isinstance(text, str) and not isinstance(found, int):
        found = int(text) if text.isdecimal() else logging.getLevelName(text.upper())
    if not isinstance(found, int) or isinstance(found, bool):
        known = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        hint = nearest(text.upper(), known) if isinstance(text, str) else ""
        raise ConfigurationError(
            f"{name} takes a number, or a name such as 'INFO', not {values.shown(value)}.{hint}"
        )
    return found


def nearest_logger(name: str, known: Container[str]) -> str:
    """Return the *known* name of logger *name* or of the nearest one above it; ``""`` if none."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name
