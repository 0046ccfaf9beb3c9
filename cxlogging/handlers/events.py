"""
From a LogRecord to an `Event`: the only reader of a record's attributes.

What may change after the logging call (arguments, extras, the context) is
captured here; the record itself is not changed.
"""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..wire.clean import Cleaner
from ..wire.event import Event
from . import context
from .failures import failure, failure_of_text

_SAMPLE = logging.LogRecord("", 0, "", 0, "", None, None)
STANDARD = frozenset(_SAMPLE.__dict__) | {"message", "asctime", "taskName"}
STANDARD_COUNT = len(_SAMPLE.__dict__)
LAST_STANDARD = tuple(_SAMPLE.__dict__)[-1]
FOREIGN = frozenset({"_logger", "_name", "_record", "_from_structlog"})
"""Attributes that other logging libraries leave on a record for themselves."""

MESSAGE_KEYS = ("message", "event", "msg")
Note = Callable[[str, str], None]


class Sequence:
    """Numbers the events of one process run: ``<run>-<number>``."""

    def __init__(self) -> None:
        self._current: tuple[int | None, str, Iterator[int]] = (-1, "", itertools.count(1))

    def identify(self, pid: int | None) -> str:
        """Return the next id; a fork's child has a run of its own."""
        current = self._current  # one value: threads that begin at once have a run each
        if pid != current[0]:
            self._current = current = (pid, secrets.token_hex(6), itertools.count(1))
        return f"{current[1]}-{next(current[2])}"


class EventMaker:
    """
    Makes the event of a record.

    Args:
        cleaner: Makes values shippable, and hides sensitive ones.
        fields: Constant fields of every event.
        more: Gives further fields for a record.
        sequence: Name of the field for the sequence id, or None.
        note: Told a topic and a sentence when a record was odd.
    """

    def __init__(
        self,
        cleaner: Cleaner,
        fields: Mapping[str, Any],
        more: Callable[[logging.LogRecord], Mapping[str, Any] | None] | None,
        sequence: str | None,
        note: Note,
    ) -> None:
        self._cleaner = cleaner
        self._constant = cleaner.fields(fields)
        self._more = more
        self._sequence_field = sequence
        self._sequence = Sequence()
        self._note = note

    def make(
        self, record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> Event:
        """Return the event of *record*, whose message *formatter* makes where there is one."""
        cleaner = self._cleaner
        message, own = self._message(record, formatter)
        fields = extras(record)
        bound = context.current()
        if own or bound or self._more is not None:
            fields = {**bound, **self._asked(record), **own, **fields}
        fields = cleaner.fields(fields) if fields else {}
        if self._constant:
            fields = {**self._constant, **fields}
        if self._sequence_field is not None:
            fields[self._sequence_field] = self._sequence.identify(record.process)
        event = Event(
            int(record.created * 1e6 + 0.5) * 1000,
            record.levelno,
            record.levelname,
            cleaner.text(message),
            fields,
            record,
        )
        event.sample_rate = rate
        if record.exc_info or record.exc_text:
            event.error = self._error(record)
        if record.stack_info:
            event.stack = cleaner.text(str(record.stack_info))
        task = record.__dict__.get("taskName")
        if task is not None:
            event.task = cleaner.text(str(task))
        return event

    def _message(
        self, record: logging.LogRecord, formatter: logging.Formatter | None
    ) -> tuple[str, Mapping[Any, Any]]:
        """Return the message, and the fields that a structured message brings."""
        if formatter is not None:
            try:
                return _formatted(formatter.format(record))
            except Exception as error:
                self._note("formatter", f"a formatter failed: {type(error).__name__}")
        if isinstance(record.msg, Mapping) and not record.args:
            return _structured(record.msg)
        try:
            message = record.getMessage()
        except Exception as error:
            topic = f"{record.pathname}:{record.lineno}"
            self._note(topic, f"a message and its arguments do not fit, at {topic}: {error}")
            text, args = self._cleaner.value(record.msg), self._cleaner.value(record.args)
            return f"{text} <arguments do not fit: {args}>", {}
        return (message if type(message) is str else str.__str__(message)), {}

    def _asked(self, record: logging.LogRecord) -> Mapping[str, Any]:
        if self._more is None:
            return {}
        try:
            return dict(self._more(record) or {})
        except Exception as error:
            self._note("context", f"context= failed: {type(error).__name__}: {error}")
            return {}

    def _error(self, record: logging.LogRecord) -> dict[str, Any] | None:
        info: Any = record.exc_info
        if isinstance(info, BaseException):
            return failure(info, info.__traceback__, self._cleaner)
        if isinstance(info, tuple) and len(info) == 3 and isinstance(info[1], BaseException):
            return failure(info[1], info[2], self._cleaner)
        if record.exc_text:
            return failure_of_text(str(record.exc_text), self._cleaner)
        if info is True:
            error = sys.exc_info()[1]
            return None if error is None else failure(error, error.__traceback__, self._cleaner)
        return None


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """
    Return what ``extra=``, filters and formatters have put on *record*.

    A record's own attributes come first, so the rest is what follows them; a
    record of another making is looked through whole.
    """
    attributes = record.__dict__
    if len(attributes) == STANDARD_COUNT and LAST_STANDARD in attributes:
        keys = itertools.islice(attributes, STANDARD_COUNT - 1, None)
        if next(keys) == LAST_STANDARD:
            return {}
    rest: Iterator[str] = itertools.islice(attributes, STANDARD_COUNT - 1, None)
    if next(rest, None) != LAST_STANDARD:
        rest = iter(attributes)
    return {key: attributes[key] for key in rest if key not in STANDARD and key not in FOREIGN}


def _structured(message: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]]:
    """Return a mapping's own message text, and its other members."""
    fields = dict(message)
    for key in MESSAGE_KEYS:
        if isinstance(fields.get(key), str):
            text: str = fields.pop(key)
            return str.__str__(text), fields
    return "", fields


def _formatted(text: str) -> tuple[str, Mapping[Any, Any]]:
    """Return a formatter's text; where it is a JSON object, its message and members."""
    if text[:1] == "{" and text.rstrip()[-1:] == "}":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text, {}
        return _structured(value)
    return text, {}
