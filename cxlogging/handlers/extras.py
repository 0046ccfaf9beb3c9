"""The fields of a record: what ``extra=`` has added, without what other libraries leave there."""

from __future__ import annotations

import copy
import itertools
import logging
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ..wire.sanitizing.truncation import strip_ansi
from .context import CAPTURED

_SAMPLE = logging.LogRecord("", 0, "", 0, "", None, None)
STANDARD = frozenset(_SAMPLE.__dict__) | {"message", "asctime", "taskName"}
STANDARD_COUNT = len(_SAMPLE.__dict__)
LAST_STANDARD = tuple(_SAMPLE.__dict__)[-1]
HAS_TASK_NAME = "taskName" in _SAMPLE.__dict__
FOREIGN = frozenset(
    "_logger _name _record _from_structlog color_message server_time"
    " otelTraceID otelSpanID otelTraceSampled".split()
) | {CAPTURED}
"""Attributes that other logging libraries set on a record for their own use."""

NOT_FIELDS = STANDARD | FOREIGN

LEVEL_NAMES = frozenset(
    {"level", "levelname", "level_name", "log_level", "loglevel", "log.level", "severity"}
)
LOGGER_NAMES = frozenset({"logger", "logger_name", "log.logger"})
COLOR_NAMES = frozenset(
    {"color", "end_color", "log_color", "message_log_color", "levelname_color", "reset", "bold"}
)
SERVICE_NAME = "otelServiceName"
"""OpenTelemetry's logging instrumentation sets it, also where nobody has named the service."""
POSSIBLY_REDUNDANT = LEVEL_NAMES | LOGGER_NAMES | COLOR_NAMES | {SERVICE_NAME}
"""Names of fields that may only repeat an attribute of the record, or hold a terminal colour."""


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """
    Return what ``extra=``, filters and formatters have set on *record*.

    The standard attributes of a record come first, so only those after them are
    examined; of a record that was created in another way, all are.
    """
    attributes = record.__dict__
    if len(attributes) == STANDARD_COUNT and LAST_STANDARD in attributes:
        keys = itertools.islice(attributes, STANDARD_COUNT - 1, None)
        if next(keys) == LAST_STANDARD:
            return {}
    names: Iterator[str] = itertools.islice(attributes, STANDARD_COUNT - 1, None)
    if next(names, None) != LAST_STANDARD:
        names = iter(attributes)
    return {name: attributes[name] for name in names if name not in NOT_FIELDS}


def own_copy(record: logging.LogRecord) -> logging.LogRecord:
    """
    Return what a filter may change for its handler alone.

    Since Python 3.12 a filter may return another record: a copy. Before, it is *record* itself,
    and handlers that come later see the change.
    """
    return copy.copy(record) if sys.version_info >= (3, 12) else record


def level_name(number: Any, name: Any) -> Any:
    """
    Return the name of the level *number*, without colours.

    A formatter may have changed the *name* on the record; it is used only if the
    number has no registered name, as may be for records of another process.
    """
    if type(number) is int:
        registered = logging.getLevelName(number)
        if registered != f"Level {number}" or type(name) is not str:
            name = registered
    return strip_ansi(name).strip() if type(name) is str and not name.isalnum() else name


def without_redundant(fields: Mapping[Any, Any], record: logging.LogRecord) -> dict[Any, Any]:
    """Return *fields* without those of `POSSIBLY_REDUNDANT` that only repeat *record*."""
    return {name: fields[name] for name in fields if not _is_redundant(name, fields[name], record)}


def _is_redundant(name: Any, value: Any, record: logging.LogRecord) -> bool:
    if type(value) is not str:
        return name in LEVEL_NAMES and type(value) is int and value == record.levelno
    if name == SERVICE_NAME:
        return not value or value.startswith("unknown_service")
    if name in COLOR_NAMES:
        return not strip_ansi(value)
    if name in LEVEL_NAMES:
        level = level_name(record.levelno, record.levelname)
        return isinstance(level, str) and strip_ansi(value).strip().casefold() == level.casefold()
    return name in LOGGER_NAMES and value == record.name
