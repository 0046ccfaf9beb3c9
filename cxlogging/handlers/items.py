"""
From a LogRecord to the bytes of its item.

Most records are ordinary: a text message, and texts and numbers as extras.
These go the short way, straight from the record's attributes to what the
destination prepared for the call site. All others become an `Event` first.
Both give the same bytes.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..wire.destination import Destination, Writer
from ..wire.event import SITE, put_trace, site
from ..wire.times import LAST_NS
from ..wire.values.guard import is_external
from ..wire.values.sanitize import MAX_KEY
from ..wire.values.scalars import MAX_MEMBERS, MAX_NESTED_CHARACTERS
from .context import CAPTURED, current
from .events import EventMaker, Told
from .extras import HAS_TASKS, LAST_STANDARD, STANDARD_COUNT, UNSHIPPED
from .foreign_fields import SUSPECTS, level_name
from .messages import OPENING
from .tracing import MODULES, OPENTELEMETRY, trace_of

REMEMBERED_SITES = 4_096
LogRecord = logging.LogRecord  # what it is without a factory of somebody's

_site = operator.itemgetter("levelno", "levelname", *SITE)
_parts = operator.itemgetter("msg", "args", "created", "exc_info", "exc_text", "stack_info")

Known = tuple[int, tuple[Any, ...], "Callable[[Mapping[str, Any]], Any] | None", "Writer | None"]
"""
What is known of a call site: how many attributes its records have, which of them are
fields, what fails where the further ones are not there, and what makes its items.
"""
NOTHING_YET: tuple[Told | None, str | None] = (None, None)
UNKNOWN: Known = (-1, (), None, None)


class UnusualError(Exception):
    """A record that only the encoding of whole events can do justice to."""


class ItemMaker:
    """
    Makes the item of a record.

    Args:
        events: Makes the event of a record that is not ordinary.
        destination: Whose items.
    """

    def __init__(self, events: EventMaker, destination: Destination) -> None:
        self._events = events
        self._destination = destination
        self._rest = destination.error_fields
        self._trace = destination.trace_fields
        self._message_field = destination.message_field
        self._nests = destination.limits.nests
        # What is no longer than one text may be holds no text that is longer.
        self._limit = min(destination.limits.item_bytes, MAX_NESTED_CHARACTERS)
        self._integers = events.integers
        self._constant = events.constant
        self._sequence = events.sequence_field
        self._identify = events.identify
        self._sites: dict[tuple[Any, ...], Known] = {}

    def make(  # noqa: C901, PLR0912, PLR0915 - a call costs more than most of these branches
        self, record: logging.LogRecord, formatter: logging.Formatter | None, rate: int = 1
    ) -> bytes:
        """Return the item of *record*, whose message *formatter* makes where there is one."""
        attributes = record.__dict__
        size = len(attributes)
        key: tuple[Any, ...] = _site(attributes)
        if bound := current():
            attributes = {**bound, **attributes}
            size += len(bound)
            key += tuple(bound)
        try:
            count, names, others, write = self._sites.get(key, UNKNOWN)
            if count != size:
                _, names, others, write = self._known(key, record.__dict__, bound)
        except TypeError as error:  # an attribute that cannot be a key
            if is_external(error):
                raise
            _, names, others, write = UNKNOWN
        msg, args, created, info, text, stack = _parts(attributes)
        if write is None:
            return self._long_way(record, rate, self._events.message(record, formatter))
        told, mark = NOTHING_YET
        try:
            if type(record) is LogRecord and formatter is None and type(msg) is str:
                message, own = msg % args if args else msg, None
            else:
                message, own = told = self._events.message(record, formatter)
            time_ns = int(created * 1e6 + 0.5) * 1000
            if (
                own
                or len(message) > MAX_NESTED_CHARACTERS
                or message[:1] in OPENING  # it may be a document, with secrets in it
                or not 0 <= time_ns <= LAST_NS
            ):
                return self._long_way(record, rate, told)
            document: dict[str, Any] = {self._message_field: message}
            if self._constant:
                document.update(self._constant)
            if others is not None:
                others(attributes)
            for name in names:
                value = attributes[name]
                kind = type(value)
                if kind is str:
                    simple = len(value) <= MAX_NESTED_CHARACTERS
                elif kind is int:
                    simple = value in self._integers
                elif kind is float:
                    simple = value - value == 0.0
                else:
                    simple = value is None or kind is bool
                document[name] = value if simple else self._clean(value)
            task = attributes["taskName"] if HAS_TASKS else None
            if self._sequence is not None:
                mark = document[self._sequence] = self._identify(attributes["process"])
            if OPENTELEMETRY in MODULES and (trace := trace_of(attributes)):
                put_trace(document, self._trace(*trace))
            if info or text or stack:
                document.update(self._rest(*self._events.stacks(record)))
            task = None if task is None else self._events.clean_text(task)
            item = write(time_ns, document, rate, task)
        except KeyError as error:  # as many extras as this call site had before, but others
            if is_external(error):
                raise
            self._sites[key] = UNKNOWN
            return self._long_way(record, rate, told, mark)
        except UnusualError:
            return self._long_way(record, rate, told, mark)
        except BaseException as error:  # encoding mends it
            if is_external(error):
                raise
            return self._long_way(record, rate, told, mark)
        return item if len(item) <= self._limit else self._long_way(record, rate, told, mark)

    def _clean(self, value: Any) -> Any:
        """
        Return the clean form of an extra.

        Raises:
            UnusualError: The destination takes no such value as it is, or hardly.
        """
        if type(value) is str:
            raise UnusualError("a text that may have to be cut")
        clean = self._events.clean(value)
        if not self._nests and isinstance(clean, (dict, list)):
            raise UnusualError("fields of this destination are flat")
        return clean

    def _long_way(
        self,
        record: logging.LogRecord,
        rate: int,
        told: Told | None,
        mark: str | None = None,
    ) -> bytes:
        told = told or self._events.message(record, None)
        return self._destination.encode(self._events.event(record, told, rate, mark))

    def _known(
        self, key: tuple[Any, ...], attributes: Mapping[str, Any], bound: Mapping[str, Any]
    ) -> Known:
        """Return what is known of records like this one of the call site *key*."""
        tail = tuple(attributes)[STANDARD_COUNT - 1 :]
        if key in self._sites:  # its records differ: the names of the extras tell which
            key += tail
        known = self._sites.get(key)
        if known is None:
            known = self._learn(key, attributes, bound, tail)
            if len(self._sites) >= REMEMBERED_SITES:
                self._sites.clear()
            self._sites[key] = known
        return known

    def _learn(
        self,
        key: tuple[Any, ...],
        attributes: Mapping[str, Any],
        bound: Mapping[str, Any],
        tail: tuple[str, ...],
    ) -> Known:
        names = (*bound, *(name for name in tail[1:] if name not in UNSHIPPED))
        others = [name for name in tail[1:] if name in UNSHIPPED]
        if not bound.keys().isdisjoint((*attributes, *UNSHIPPED)):
            return UNKNOWN
        if not self._are_ordinary(tail, names):
            return UNKNOWN
        fields = {**self._constant, **dict.fromkeys(names)}
        if self._sequence is not None:
            fields[self._sequence] = ""
        try:
            write = self._destination.writer(key[0], level_name(*key[:2]), site(attributes), fields)
        except BaseException as error:  # encoding meets it again, and mends it
            if is_external(error):
                raise
            return UNKNOWN
        present = operator.itemgetter(*others) if others else None
        return (len(attributes) + len(bound), names, present, write)

    def _are_ordinary(self, tail: tuple[Any, ...], names: tuple[Any, ...]) -> bool:
        """
        Return True where extras of these *names* can be taken as they are.

        *tail* begins with the last attribute that a record is born with.
        """
        if (
            not self._events.is_plain
            or not SUSPECTS.isdisjoint(names)
            or tail[:1] != (LAST_STANDARD,)
            or len(tail) > MAX_MEMBERS
        ):
            return False
        if not HAS_TASKS and "taskName" in tail:  # set by hand; here none is looked for
            return False
        if CAPTURED in tail or ("otelTraceID" in tail and OPENTELEMETRY not in MODULES):
            return False
        return all(
            type(name) is str and len(name) <= MAX_KEY and not self._events.hides(name)
            for name in names
        )
