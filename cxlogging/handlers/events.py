"""
From a LogRecord to an `Event`.

Whatever may change after the log call (arguments, extras, the context) is
captured here; the record itself is not changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from ..wire.event import Event
from ..wire.external_errors import is_external
from ..wire.sanitizing.sanitizer import Sanitizer
from ..wire.system_clock import wall
from ..wire.timestamps import moment
from . import context
from .exceptions.fields import failure_of
from .extras import POSSIBLY_REDUNDANT, extras, level_name, without_redundant
from .formatters import without_stacks
from .messages import formatted, structured, without_secrets
from .sequence import SequenceIds
from .tracing import Trace, trace_of

Note = Callable[[str, str], None]
"""Reports a problem: takes a topic, by which reports are deduplicated, and a sentence."""

ContextProvider = Callable[[logging.LogRecord], "Mapping[str, Any] | None"]
"""The option ``context``: returns further fields for a record."""

ParsedMessage = tuple[str, Mapping[Any, Any]]
"""The text of a message, and the fields of a structured message."""


class EventMaker:
    """
    Makes the event of a record.

    Args:
        sanitizer: Makes values shippable, and hides sensitive ones.
        fields: Constant fields of every event.
        context_provider: Returns further fields for a record.
        sequence: The name of the field for the sequence id, or None.
        note: Is called when a record has a problem.
        now: Returns seconds since 1970, for records whose own time is impossible.

    Attributes:
        constant: The constant fields, sanitized.
        sequence_field: The name of the field for the sequence id, or None.
        identify: Returns the next sequence id of a process.
        hides: Returns True if the values of the field with a given name are hidden.
        clean: Returns the sanitized form of one value.
        integers: The integers that are shipped as numbers.
        is_plain: Whether texts are shipped unchanged, and there is no context provider.
    """

    def __init__(
        self,
        sanitizer: Sanitizer,
        fields: Mapping[str, Any],
        context_provider: ContextProvider | None,
        sequence: str | None,
        note: Note,
        now: Callable[[], float] = wall,
    ) -> None:
        self._sanitizer = sanitizer
        self.constant = sanitizer.fields(fields)
        self.sequence_field = sequence
        self.is_plain = sanitizer.edit is None and context_provider is None
        self._context_provider = context_provider
        self.identify = SequenceIds().next
        self._note = note
        self._now = now
        self.hides = sanitizer.hides
        self.integers = sanitizer.integers
        self.clean = sanitizer.value

    def without_sequence(self) -> EventMaker:
        """Return one that makes the same events without sequence ids."""
        other = copy(self)
        other.sequence_field = None
        return other

    def make(
        self, record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> Event:
        """Return the event of *record*; *formatter*, if given, formats its message."""
        return self.event(record, self.message(record, formatter), rate)

    def event(
        self,
        record: logging.LogRecord,
        parsed: ParsedMessage,
        rate: int = 1,
        sequence_id: str | None = None,
    ) -> Event:
        """
        Return the event of *record*.

        Args:
            record: Is not changed.
            parsed: What `message` has returned for it.
            rate: The sample rate: how many records this one stands for.
            sequence_id: The sequence id of the record, if it already has one.
        """
        message, message_fields = parsed
        fields = self._fields(record, message_fields)
        if self.sequence_field is not None:
            fields[self.sequence_field] = sequence_id or self.identify(record.process)
        error, stack = self.stacks(record)
        task = record.__dict__.get("taskName")
        time_ns, is_possible = moment(record.created, self._now)
        if not is_possible:
            fields["cx_original_time"] = self.clean(record.created)
        return Event(
            time_ns,
            record.levelno,
            level_name(record.levelno, record.levelname),
            self._sanitizer.text(without_secrets(message, self._sanitizer)),
            fields,
            record,
            error,
            stack,
            None if task is None else self.clean_text(task),
            rate,
            self._trace(record.__dict__),
        )

    def _fields(
        self, record: logging.LogRecord, message_fields: Mapping[Any, Any]
    ) -> dict[str, Any]:
        bound = context.fields_of(record.__dict__)
        merged = {**bound, **self._context_fields(record), **message_fields, **extras(record)}
        if not POSSIBLY_REDUNDANT.isdisjoint(merged):
            merged = without_redundant(merged, record)
        return {**self.constant, **self._sanitizer.fields(merged)}

    def _context_fields(self, record: logging.LogRecord) -> Mapping[str, Any]:
        if self._context_provider is None:
            return {}
        try:
            return dict(self._context_provider(record) or {})
        except BaseException as error:
            if is_external(error):
                raise
            self._note("context", f"context= failed: {self._sanitizer.value(error)}")
            return {}

    def _trace(self, attributes: Mapping[str, Any]) -> Trace | None:
        captured = context.captured(attributes)
        trace: Any = trace_of(attributes) if captured is None else captured.get("trace")
        return (str(trace[0]), str(trace[1])) if trace else None

    def stacks(self, record: logging.LogRecord) -> tuple[dict[str, Any] | None, str | None]:
        """Return the fields of the exception of *record*, and its ``stack_info``, sanitized."""
        captured = context.captured(record.__dict__)
        error = None if captured is None else self._sanitizer.value(captured.get("error"))
        if type(error) is not dict:
            has_error = record.exc_info or record.exc_text
            error = failure_of(record, self._sanitizer) if has_error else None
        return error, self.clean_text(record.stack_info) if record.stack_info else None

    def clean_text(self, value: Any) -> str:
        """Return *value* as a text that can be shipped."""
        return self._sanitizer.text(str(value))

    def message(
        self, record: logging.LogRecord, formatter: logging.Formatter | None
    ) -> ParsedMessage:
        """Return the message of *record*, and its fields if it is a structured message."""
        if formatter is not None:
            try:
                text, fields = formatted(str.__str__(formatter.format(record)))
                return self._without_stacks(record, text, fields)
            except BaseException as error:
                if is_external(error):
                    raise
                self._note("formatter", f"a formatter failed: {type(error).__name__}")
        if type(record.msg) is not str and isinstance(record.msg, Mapping) and not record.args:
            return structured(record.msg)
        try:
            return str.__str__(record.getMessage()), {}
        except BaseException as error:
            if is_external(error):
                raise
            return self._format_failure(record, error), {}

    def _format_failure(self, record: logging.LogRecord, error: BaseException) -> str:
        """Report that the message could not be formatted, and return a replacement."""
        place = f"{record.pathname}:{record.lineno}"
        reason = self._sanitizer.value(error)
        self._note(place, f"a message could not be formatted, at {place}: {reason}")
        text, args = self._sanitizer.value(record.msg), self._sanitizer.value(record.args)
        return f"{text} <arguments do not fit: {args}>"

    def _without_stacks(
        self, record: logging.LogRecord, text: str, fields: Mapping[Any, Any]
    ) -> ParsedMessage:
        """Remove the exception and the stack from a formatter's output: they become fields."""
        if not (record.exc_info or record.exc_text or record.stack_info):
            return text, fields
        error = failure_of(record, self._sanitizer) or {}
        texts = (record.stack_info, record.exc_text, error.get("stacktrace"))
        stacks = [each for each in texts if type(each) is str and each]
        kept = {name: fields[name] for name in fields if fields[name] not in stacks}
        return without_stacks(text, stacks), kept
