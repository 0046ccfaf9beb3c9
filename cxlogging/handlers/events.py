"""
From a LogRecord to an `Event`: the only reader of a record's attributes.

What may change after the logging call (arguments, extras, the context) is
captured here; the record itself is not changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..wire.event import Event
from ..wire.realtime import wall
from ..wire.times import moment
from ..wire.values.guard import is_external
from ..wire.values.sanitize import Cleaner
from . import context
from .exceptions.fields import failure_of
from .extras import extras
from .foreign_fields import SUSPECTS, level_name, without_leftovers
from .formatters import without_stacks
from .messages import formatted, structured, without_secrets
from .sequence import Sequence
from .tracing import Trace, trace_of

Note = Callable[[str, str], None]
Told = tuple[str, Mapping[Any, Any]]
"""A message, and the fields that a structured message brings."""


class EventMaker:
    """
    Makes the event of a record.

    Args:
        cleaner: Makes values shippable, and hides sensitive ones.
        fields: Constant fields of every event.
        more: Gives further fields for a record.
        sequence: Name of the field for the sequence id, or None.
        note: Told a topic and a sentence when a record was odd.
        now: Gives seconds since 1970, for records whose own time is impossible.

    Attributes:
        constant: The constant fields, clean.
        sequence_field: As given.
        identify: Takes a record's process, and returns its next sequence id.
        hides: Tells whether the values of a field are hidden, by its name.
        clean: Returns the clean form of one value.
        integers: Those that stay numbers.
        is_plain: Whether texts are shipped as they are, and no further fields are asked for.
    """

    def __init__(
        self,
        cleaner: Cleaner,
        fields: Mapping[str, Any],
        more: Callable[[logging.LogRecord], Mapping[str, Any] | None] | None,
        sequence: str | None,
        note: Note,
        now: Callable[[], float] = wall,
    ) -> None:
        self._cleaner = cleaner
        self.constant = cleaner.fields(fields)
        self.sequence_field = sequence
        self.is_plain = cleaner.edit is None and more is None
        self._more = more
        self.identify = Sequence().identify
        self._note = note
        self._now = now
        self.hides = cleaner.hides
        self.integers = cleaner.integers
        self.clean = cleaner.value

    def make(
        self, record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> Event:
        """Return the event of *record*, whose message *formatter* makes where there is one."""
        return self.event(record, self.message(record, formatter), rate)

    def event(
        self, record: logging.LogRecord, told: Told, rate: int = 1, mark: str | None = None
    ) -> Event:
        """
        Return the event of *record*.

        Args:
            record: Left as it is.
            told: What `message` gave for it.
            rate: How many records this one stands for.
            mark: The record's sequence id, if it has been given one.
        """
        message, own = told
        bound = context.fields_of(record.__dict__)
        merged = {**bound, **self._asked(record), **own, **extras(record)}
        if not SUSPECTS.isdisjoint(merged):
            merged = without_leftovers(merged, record)
        fields = {**self.constant, **self._cleaner.fields(merged)}
        if self.sequence_field is not None:
            fields[self.sequence_field] = mark or self.identify(record.process)
        error, stack = self.stacks(record)
        task = record.__dict__.get("taskName")
        time_ns, is_possible = moment(record.created, self._now)
        if not is_possible:
            fields["cx_original_time"] = self.clean(record.created)
        return Event(
            time_ns,
            record.levelno,
            level_name(record.levelno, record.levelname),
            self._cleaner.text(without_secrets(message, self._cleaner)),
            fields,
            record,
            error,
            stack,
            None if task is None else self.clean_text(task),
            rate,
            self._trace(record.__dict__),
        )

    def _trace(self, attributes: Mapping[str, Any]) -> Trace | None:
        kept = context.captured(attributes)
        trace: Any = trace_of(attributes) if kept is None else kept.get("trace")
        return (str(trace[0]), str(trace[1])) if trace else None

    def stacks(self, record: logging.LogRecord) -> tuple[dict[str, Any] | None, str | None]:
        """Return the fields of the exception of *record*, and the text of its stack, clean."""
        kept = context.captured(record.__dict__)
        failed = None if kept is None else self._cleaner.value(kept.get("error"))
        if type(failed) is not dict:
            has_failed = record.exc_info or record.exc_text
            failed = failure_of(record, self._cleaner) if has_failed else None
        return failed, self.clean_text(record.stack_info) if record.stack_info else None

    def clean_text(self, value: Any) -> str:
        """Return *value* as a text that can be shipped."""
        return self._cleaner.text(str(value))

    def _misfit(self, record: logging.LogRecord, error: BaseException) -> str:
        topic = f"{record.pathname}:{record.lineno}"
        reason = self._cleaner.value(error)
        self._note(topic, f"a message and its arguments do not fit, at {topic}: {reason}")
        text, args = self._cleaner.value(record.msg), self._cleaner.value(record.args)
        return f"{text} <arguments do not fit: {args}>"

    def message(self, record: logging.LogRecord, formatter: logging.Formatter | None) -> Told:
        """Return the message, and the fields that a structured message brings."""
        if formatter is not None:
            try:
                text, own = formatted(str.__str__(formatter.format(record)))
                return self._without_stacks(record, text, own)
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
            return self._misfit(record, error), {}

    def _without_stacks(self, record: logging.LogRecord, text: str, own: Mapping[Any, Any]) -> Told:
        """Return what a formatter gave, without the exception and the stack: they are fields."""
        if not (record.exc_info or record.exc_text or record.stack_info):
            return text, own
        error = failure_of(record, self._cleaner) or {}
        texts = (record.stack_info, record.exc_text, error.get("stacktrace"))
        stacks = [each for each in texts if type(each) is str and each]
        kept = {name: own[name] for name in own if own[name] not in stacks}
        return without_stacks(text, stacks), kept

    def _asked(self, record: logging.LogRecord) -> Mapping[str, Any]:
        if self._more is None:
            return {}
        try:
            return dict(self._more(record) or {})
        except BaseException as error:
            if is_external(error):
                raise
            self._note("context", f"context= failed: {self._cleaner.value(error)}")
            return {}
