"""What other libraries leave on a record: colours, and what a record says already."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..wire.values.text import strip_ansi

LEVEL_NAMES = frozenset(
    {"level", "levelname", "level_name", "log_level", "loglevel", "log.level", "severity"}
)
LOGGER_NAMES = frozenset({"logger", "logger_name", "log.logger"})
COLOR_NAMES = frozenset(
    {"color", "end_color", "log_color", "message_log_color", "levelname_color", "reset", "bold"}
)
SUSPECTS = LEVEL_NAMES | LOGGER_NAMES | COLOR_NAMES
"""Names of fields that may hold no more than the record itself says, or a terminal's colour."""


def level_name(number: Any, name: Any) -> Any:
    """
    Return the name of a level by its *number*, without colours.

    A formatter may have written another *name* onto the record; it is taken where
    the number has none, as with levels of another process.
    """
    if type(number) is int:
        known = logging.getLevelName(number)
        if known != f"Level {number}" or type(name) is not str:
            name = known
    return strip_ansi(name).strip() if type(name) is str and not name.isalnum() else name


def without_leftovers(fields: Mapping[Any, Any], record: logging.LogRecord) -> dict[Any, Any]:
    """Return *fields* without those of `SUSPECTS` that say nothing new of *record*."""
    return {name: fields[name] for name in fields if not _is_leftover(name, fields[name], record)}


def _is_leftover(name: Any, value: Any, record: logging.LogRecord) -> bool:
    if type(value) is not str:
        return name in LEVEL_NAMES and type(value) is int and value == record.levelno
    if name in COLOR_NAMES:
        return not strip_ansi(value)
    if name in LEVEL_NAMES:
        own = level_name(record.levelno, record.levelname)
        return isinstance(own, str) and strip_ansi(value).strip().casefold() == own.casefold()
    return name in LOGGER_NAMES and value == record.name
