"""From a line, a JSON object or a row of a table to a log record."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .times import LEVELS, Reader, level_of_line, level_of_value

TIME_NAMES = ("timestamp", "time", "@timestamp", "ts", "datetime", "date", "dt", "eventTime")
LEVEL_NAMES = (
    *("level", "severity", "levelname", "log.level", "loglevel", "lvl", "levelno"),
    *("log_level", "@level", "severityText"),
)
MESSAGE_NAMES = ("message", "msg", "event", "text", "body", "log", "@message")
LOGGER_NAMES = ("logger", "logger_name", "loggerName", "log.logger")
_NOTHING = object()


@dataclass
class Maker:
    """
    Makes records.

    Attributes:
        reader: Reads times.
        logger: The logger's name where the input names none.
        time: The field that holds the time; None looks for the usual names.
        level: Likewise.
        message: Likewise.
        timeless: How many records had no time of their own.
    """

    reader: Reader
    logger: str
    time: str | None = None
    level: str | None = None
    message: str | None = None
    timeless: int = field(default=0, init=False)

    def of_line(self, text: str, source: str, number: int) -> logging.LogRecord:
        """Return the record of a line of text."""
        word = level_of_line(text)
        level = (LEVELS[word.lower()], word.upper()) if word else (logging.INFO, "INFO")
        return self._record(text, level, self.reader.of_line(text), self.logger, source, number)

    def of_json(self, text: str, source: str, number: int) -> logging.LogRecord | None:
        """Return the record of a JSON object, or None where *text* is none."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return self.of_fields(value, source, number) if isinstance(value, dict) else None

    def of_fields(self, given: Mapping[str, Any], source: str, number: int) -> logging.LogRecord:
        """Return the record of named values; what is recognised is no field any more."""
        fields = dict(given)
        at = self._time(fields)
        level = self._level(fields)
        name = _first(fields, LOGGER_NAMES)
        logger = fields.pop(name) if name and isinstance(fields[name], str) else self.logger
        message = self._message(fields)
        if "message" in fields:
            fields["extra_message"] = fields.pop("message")  # the message came from elsewhere
        return self._record({"message": message, **fields}, level, at, logger, source, number)

    def _time(self, fields: dict[str, Any]) -> float | None:
        for name in TIME_NAMES if self.time is None else (self.time,):
            value = _held(fields, name)
            at = None if value is _NOTHING else self.reader.of_value(value)
            if at is not None:
                fields.pop(name, None)
                return at
        return None

    def _level(self, fields: dict[str, Any]) -> tuple[int, str]:
        for name in LEVEL_NAMES if self.level is None else (self.level,):
            found = level_of_value(name, _held(fields, name))
            if found is not None:
                fields.pop(name, None)
                return found
        return logging.INFO, "INFO"

    def _message(self, fields: dict[str, Any]) -> str:
        for name in MESSAGE_NAMES if self.message is None else (self.message,):
            value = _held(fields, name)
            if isinstance(value, str):
                fields.pop(name, None)
                return value
        return ""

    def _record(
        self,
        message: Any,
        level: tuple[int, str],
        at: float | None,
        logger: str,
        source: str,
        number: int,
    ) -> logging.LogRecord:
        record = logging.LogRecord(logger, level[0], source, number, message, None, None)
        record.levelname = level[1]
        if at is None:
            self.timeless += 1
        else:
            record.created = at
        # It was made elsewhere: this process and its thread are none of its facts.
        record.process = record.processName = record.thread = record.threadName = None
        return record


def _held(fields: Mapping[str, Any], name: str) -> Any:
    """Return what *name* names: a field, or one in others, by dots."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for step in name.split("."):
        value = value.get(step, _NOTHING) if isinstance(value, dict) else _NOTHING
    return value


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in fields), None)
