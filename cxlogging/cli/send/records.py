"""Log records made from lines of text, JSON objects and table rows."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..shared.levels import LEVELS, level_of_line, level_of_value
from .timestamps import TimestampParser

TIME_NAMES = ("timestamp", "time", "@timestamp", "ts", "datetime", "date", "dt", "eventTime")
LEVEL_NAMES = (
    *("level", "severity", "levelname", "log.level", "loglevel", "lvl", "levelno"),
    *("log_level", "@level", "severityText"),
)
MESSAGE_NAMES = ("message", "msg", "event", "text", "body", "log", "@message")
LOGGER_NAMES = ("logger", "logger_name", "loggerName", "log.logger")
_MISSING = object()


@dataclass
class RecordFactory:
    """
    Makes log records from input.

    Attributes:
        timestamps: Finds the time of a record.
        logger: The logger's name if the input has none.
        time: The field that holds the time; None tries the common names.
        level: The field that holds the level; None tries the common names.
        message: The field that holds the message; None tries the common names.
        without_time: How many records had no time of their own.
    """

    timestamps: TimestampParser
    logger: str
    time: str | None = None
    level: str | None = None
    message: str | None = None
    without_time: int = field(default=0, init=False)

    def from_line(self, text: str, source: str, number: int) -> logging.LogRecord:
        """Return the record of a line of text."""
        word = level_of_line(text)
        level = (LEVELS[word.lower()], word.upper()) if word else (logging.INFO, "INFO")
        at = self.timestamps.of_line(text)
        return self._record(text, level, at, self.logger, source, number)

    def from_json(self, text: str, source: str, number: int) -> logging.LogRecord | None:
        """Return the record of a JSON object, or None if *text* is not one."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return self.from_fields(value, source, number) if isinstance(value, dict) else None

    def from_fields(self, given: Mapping[str, Any], source: str, number: int) -> logging.LogRecord:
        """Return the record of named values; time, level, message and logger are taken out."""
        fields = dict(given)
        at = self._take_time(fields)
        level = self._take_level(fields)
        name = next((each for each in LOGGER_NAMES if each in fields), None)
        logger = fields.pop(name) if name and isinstance(fields[name], str) else self.logger
        message = self._take_message(fields)
        if "message" in fields:
            fields["extra_message"] = fields.pop("message")  # another field is the message
        return self._record({"message": message, **fields}, level, at, logger, source, number)

    def _take_time(self, fields: dict[str, Any]) -> float | None:
        for name in TIME_NAMES if self.time is None else (self.time,):
            value = _lookup(fields, name)
            at = None if value is _MISSING else self.timestamps.of_value(value)
            if at is not None:
                fields.pop(name, None)
                return at
        return None

    def _take_level(self, fields: dict[str, Any]) -> tuple[int, str]:
        for name in LEVEL_NAMES if self.level is None else (self.level,):
            level = level_of_value(name, _lookup(fields, name))
            if level is not None:
                fields.pop(name, None)
                return level
        return logging.INFO, "INFO"

    def _take_message(self, fields: dict[str, Any]) -> str:
        for name in MESSAGE_NAMES if self.message is None else (self.message,):
            value = _lookup(fields, name)
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
            self.without_time += 1
        else:
            record.created = at
        # The record was logged elsewhere, not by this process and thread.
        record.process = record.processName = record.thread = record.threadName = None
        return record


def _lookup(fields: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field; dots in *name* lead into nested objects."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for step in name.split("."):
        value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
    return value
