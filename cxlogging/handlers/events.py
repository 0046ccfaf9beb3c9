"""
From a LogRecord to an `Event`: the only reader of a record's attributes.

What may change after the logging call (arguments, extras, the context) is
captured here; the record itself is not changed.
"""

from __future__ import annotations

import contextlib
import logging
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..wire.clean import MAX_CHARACTERS, MAX_KEY, Cleaner
from ..wire.event import SITE, Event, Parts, Site
from ..wire.plain import MAX_MEMBERS, MAX_NESTED_CHARACTERS
from . import context
from .extras import LAST_STANDARD, STANDARD_COUNT, UNSHIPPED, extras
from .failures import failure, failure_of_text
from .messages import formatted, structured
from .sequence import Sequence

REMEMBERED = 1_000
ODD: tuple[Any, ...] = (object(),)
"""A name that no record has."""

REMEMBERED_SITES = 4_096

_parts = operator.itemgetter("msg", "args", "created", "exc_info", "exc_text", "stack_info")
_site = operator.itemgetter("levelno", "levelname", *SITE)
Head = Callable[[int, str, Site], Any]
Known = tuple[tuple[Any, ...], tuple[Any, ...], int, Any]
"""
What is known of a call site: the extras that are fields, further attributes,
how many there are in all, and what the destination's ``head`` gave.
"""
UNKNOWN: Known = ((), (), -1, None)

Note = Callable[[str, str], None]


class EventMaker:
    """
    Makes the event of a record.

    Args:
        cleaner: Makes values shippable, and hides sensitive ones.
        fields: Constant fields of every event.
        more: Gives further fields for a record.
        sequence: Name of the field for the sequence id, or None.
        note: Told a topic and a sentence when a record was odd.
        head: The destination's; asked once for each call site.
    """

    def __init__(
        self,
        cleaner: Cleaner,
        fields: Mapping[str, Any],
        more: Callable[[logging.LogRecord], Mapping[str, Any] | None] | None,
        sequence: str | None,
        note: Note,
        head: Head | None = None,
    ) -> None:
        self._cleaner = cleaner
        self._constant = cleaner.fields(fields)
        self._more = more
        self._sequence_field = sequence
        self._sequence = Sequence()
        self._note = note
        self._is_plain = cleaner.edit is None
        self._adds = bool(self._constant) or sequence is not None
        self._head = head
        self._sites: dict[tuple[Any, ...], Known] = {}
        self._layouts: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def make(
        self, record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> Event:
        """Return the event of *record*, whose message *formatter* makes where there is one."""
        return Event(*self.parts(record, formatter, rate))

    def parts(
        self, record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> Parts:
        """
        Return the event of *record* as `make` does, but as a plain tuple.

        In one piece, as calling its parts would cost more than most of them do.
        """
        attributes = record.__dict__
        key = _site(attributes)
        try:
            known = self._sites.get(key) or self._know(key, attributes)
        except TypeError:  # an attribute that cannot be a key
            known = UNKNOWN
        msg, args, created, info, text, stack = _parts(attributes)
        own: Mapping[Any, Any] | None = None
        if formatter is None and type(msg) is str:
            try:
                if type(record) is logging.LogRecord:
                    message = msg % args if args else msg
                else:
                    message = record.getMessage()
            except Exception as error:
                message = self._misfit(record, error)
        else:
            message, own = self._message(record, formatter)
        if len(message) > MAX_CHARACTERS or not self._is_plain or type(message) is not str:
            message = self._cleaner.text(str.__str__(message))
        bound = context.current()
        if own or bound or self._more is not None:
            merged = {**bound, **self._asked(record), **(own or {}), **extras(record)}
            fields = self._cleaner.fields(merged)
        else:
            fields = self._extras(record, known)
        if self._adds:
            fields = self._added(fields, record)
        failed = self._error(record) if info or text else None
        task = attributes.get("taskName")
        return (
            int(created * 1e6 + 0.5) * 1000,
            key[0],
            key[1],
            message,
            fields,
            record,
            failed,
            self._cleaner.text(str(stack)) if stack else None,
            self._cleaner.text(str(task)) if task is not None else None,
            rate,
            known[3],
        )

    def _know(self, key: tuple[Any, ...], attributes: Mapping[str, Any]) -> Known:
        """Return what is to be known of the call site *key*, and remember it."""
        tail = tuple(attributes)[STANDARD_COUNT - 1 :]
        names = self._layout(tail)
        others = tuple(name for name in tail[1:] if name not in names)
        count = -1 if names is ODD else len(attributes)
        head = None
        if self._head is not None:
            with contextlib.suppress(Exception):  # encoding meets it again, and mends it
                head = self._head(key[0], key[1], key[2:])
        if len(self._sites) >= REMEMBERED_SITES:
            self._sites.clear()
        self._sites[key] = known = (names, others, count, head)
        return known

    def _added(self, fields: dict[str, Any], record: logging.LogRecord) -> dict[str, Any]:
        """Return *fields* with the constant ones below them, and the sequence id above."""
        if self._constant:
            fields = {**self._constant, **fields}
        if self._sequence_field is not None:
            fields[self._sequence_field] = self._sequence.identify(record.process)
        return fields

    def _extras(self, record: logging.LogRecord, known: Known) -> dict[str, Any]:
        """Return the clean form of `extras`, with what is cheap done right here."""
        attributes = record.__dict__
        names, others, count, _ = known
        if len(attributes) != count or not all(map(attributes.__contains__, others)):
            names = self._names(attributes)
        fields: dict[str, Any] = {}
        try:
            for name in names:
                value = attributes[name]
                kind = type(value)
                if kind is str:
                    if len(value) > MAX_NESTED_CHARACTERS:
                        value = self._cleaner.value(value)
                elif kind is int:
                    if not -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
                        value = self._cleaner.value(value)
                elif kind is not float or value - value != 0.0:
                    value = self._cleaner.value(value)
                fields[name] = value
        except KeyError:  # as many extras as this call site had before, but others
            return self._cleaner.fields(extras(record))
        return fields

    def _names(self, attributes: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the names of the extras that are fields; one that is missing for an odd record."""
        tail = tuple(attributes)[STANDARD_COUNT - 1 :]
        names = self._layouts.get(tail)
        return self._layout(tail) if names is None else names

    def _layout(self, tail: tuple[Any, ...]) -> tuple[Any, ...]:
        """
        Return the names of *tail* whose values are fields, or `ODD`, and remember it.

        *tail* begins with the last attribute that a record is born with.
        """
        odd = tail[:1] != (LAST_STANDARD,) or len(tail) > MAX_MEMBERS or not self._is_plain
        names = tuple(name for name in tail[1:] if name not in UNSHIPPED)
        for name in names:
            odd = odd or type(name) is not str or len(name) > MAX_KEY or self._cleaner.hides(name)
        layout = ODD if odd else names
        if len(self._layouts) < REMEMBERED:
            self._layouts[tail] = layout
        return layout

    def _misfit(self, record: logging.LogRecord, error: Exception) -> str:
        topic = f"{record.pathname}:{record.lineno}"
        self._note(topic, f"a message and its arguments do not fit, at {topic}: {error}")
        text, args = self._cleaner.value(record.msg), self._cleaner.value(record.args)
        return f"{text} <arguments do not fit: {args}>"

    def _message(
        self, record: logging.LogRecord, formatter: logging.Formatter | None
    ) -> tuple[str, Mapping[Any, Any]]:
        """Return the message, and the fields that a structured message brings."""
        if formatter is not None:
            try:
                return formatted(formatter.format(record))
            except Exception as error:
                self._note("formatter", f"a formatter failed: {type(error).__name__}")
        if isinstance(record.msg, Mapping) and not record.args:
            return structured(record.msg)
        try:
            return record.getMessage(), {}
        except Exception as error:
            return self._misfit(record, error), {}

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
