"""
From a LogRecord to the bytes of its item.

Most records are ordinary: a text message, and texts and numbers as extras.
They take the fast path: straight from the attributes of the record to the
writer that the destination has prepared for the call site. All others take the
slow path, and become an `Event` first. Both paths return the same bytes.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..delivery.volume import Cell
from ..wire.destination import Destination, Writer
from ..wire.event import SITE, put_trace, site
from ..wire.external_errors import is_external
from ..wire.sanitizing.sanitizer import MAX_KEY
from ..wire.sanitizing.scalars import MAX_MEMBERS, MAX_NESTED_CHARACTERS
from ..wire.timestamps import LAST_NS
from .context import CAPTURED, FixedMapping, current, current_with
from .events import EventMaker, ParsedMessage
from .extras import (
    HAS_TASK_NAME,
    LAST_STANDARD,
    NOT_FIELDS,
    POSSIBLY_REDUNDANT,
    STANDARD_COUNT,
    level_name,
)
from .messages import OPENING
from .tracing import MODULES, OPENTELEMETRY, Trace, trace_of

MAX_CALL_SITES = 4_096
PLAIN = frozenset({str, bool, type(None)})
"""Types whose values are shipped as they are; numbers need a look at the value."""

LogRecord = logging.LogRecord  # the standard class, whatever setLogRecordFactory is given

_call_site_key = operator.itemgetter("levelno", "levelname", *SITE)
_parts = operator.itemgetter("msg", "args", "created", "exc_info", "exc_text", "stack_info")

CallSite = tuple[
    int, tuple[Any, ...], "Callable[[Mapping[str, Any]], Any] | None", "Writer | None", Cell
]
"""
What the records of a call site have in common.

The number of their attributes, the names of their fields, a function that fails
if one of their other attributes is missing, the writer of their items, and the cell
in which these are counted.
"""
UNKNOWN: CallSite = (-1, (), None, None, Cell())


class UnusualError(Exception):
    """The record needs the slow path."""


class ItemMaker:
    """
    Makes the item of a record.

    Args:
        events: Makes the event of a record that needs the slow path.
        destination: The destination of the items.
        cell_of: Returns the cell for a record's attributes, in which its item is counted; by
            default none is counted.
    """

    def __init__(
        self,
        events: EventMaker,
        destination: Destination,
        cell_of: Callable[[Mapping[str, Any]], Cell] = lambda _: Cell(),
    ) -> None:
        self._events = events
        self._destination = destination
        self._cell_of = cell_of
        self._error_fields = destination.error_fields
        self._trace = destination.trace_fields
        self._latest_trace: tuple[Trace | None, Mapping[str, str]] = (None, {})
        self._message_field = destination.message_field
        self._nests = destination.limits.nests
        # An item of at most this size contains no text that would have to be cut.
        self._limit = min(destination.limits.item_bytes, MAX_NESTED_CHARACTERS)
        self._integers = events.integers
        self._constant = events.constant
        self._sequence = events.sequence_field
        self._identify = events.identify
        self._call_sites: dict[tuple[Any, ...], CallSite] = {}

    def make(  # noqa: C901, PLR0912 - the fast path: a call costs more than most of its branches
        self,
        record: logging.LogRecord,
        formatter: logging.Formatter | None,
        rate: int = 1,
        cells: list[Cell] | None = None,
    ) -> bytes:
        """
        Return the item of *record*.

        Args:
            record: From a log call.
            formatter: Formats its message, if given.
            rate: How many records it stands for.
            cells: Gets its cell, if given: then the item is not counted in it.
        """
        attributes = record.__dict__
        size = len(attributes)
        key: tuple[Any, ...] = _call_site_key(attributes)
        msg, args, created, info, text, stack = _parts(attributes)
        if bound := current_with(info) if info else current():
            attributes, size, key = {**bound, **attributes}, size + len(bound), (*key, *bound)
        parsed: ParsedMessage | None = None
        sequence_id: str | None = None
        try:
            count, names, require_present, write, cell = self._call_sites.get(key, UNKNOWN)
            if count != size:
                found = self._call_site(key, record.__dict__, bound)
                _, names, require_present, write, cell = found
            if write is None:
                return self._slow_path(record, formatter, rate, cells)
            if type(record) is LogRecord and formatter is None and type(msg) is str:
                message, message_fields = msg % args if args else msg, None
            else:
                message, message_fields = parsed = self._events.message(record, formatter)
            time_ns = int(created * 1e6 + 0.5) * 1000
            is_special = len(message) > MAX_NESTED_CHARACTERS or message[:1] in OPENING
            if is_special or message_fields or not 0 <= time_ns <= LAST_NS:
                return self._slow_path(record, formatter, rate, cells, parsed)
            document: dict[str, Any] = {self._message_field: message, **self._constant}
            if require_present is not None:
                require_present(attributes)
            for name in names:
                value = attributes[name]
                kind = type(value)
                is_plain = kind in PLAIN or (kind is int and value in self._integers)
                if is_plain or (kind is float and value - value == 0.0):
                    document[name] = value
                else:
                    self._add_other(document, name, value, attributes)
            task = attributes["taskName"] if HAS_TASK_NAME else None
            if self._sequence is not None:
                sequence_id = document[self._sequence] = self._identify(attributes["process"])
            if OPENTELEMETRY in MODULES:
                self._add_trace(document, attributes)
            if info or text or stack:
                document.update(self._error_fields(*self._events.stacks(record)))
            task = None if task is None else self._events.clean_text(task)
            item = write(time_ns, document, rate, task)
            if (length := len(item)) <= self._limit:
                if cells is None:
                    cell.events += 1
                    cell.bytes += length
                else:
                    cells.append(cell)
                return item
        except BaseException as error:
            if not self._is_recoverable(error, key):
                raise
        return self._slow_path(record, formatter, rate, cells, parsed, sequence_id)

    def _add_other(
        self, document: dict[str, Any], name: str, value: Any, attributes: Mapping[str, Any]
    ) -> None:
        """
        Add to *document* a field that is neither a text nor a number.

        Raises:
            UnusualError: The destination does not take such a value as it is.
        """
        if type(value) is FixedMapping:
            self._add_fixed(document, name, value, attributes)
            return
        clean = self._events.clean(value)
        if not self._nests and isinstance(clean, (dict, list)):
            raise UnusualError("fields of this destination are flat")
        document[name] = clean

    def _add_fixed(
        self,
        document: dict[str, Any],
        name: str,
        value: FixedMapping,
        attributes: Mapping[str, Any],
    ) -> None:
        """
        Add to *document* what the field *name* becomes; it is prepared for its first record.

        Raises:
            UnusualError: That depends on the other fields of the record.
        """
        key = (self, name)
        if key not in value.prepared:
            value.prepared[key] = self._members(name, value)
        members = value.prepared[key]
        if members is None or (
            not self._nests
            and (
                name in document
                or not document.keys().isdisjoint(members)
                or not attributes.keys().isdisjoint(members)
            )
        ):
            raise UnusualError("another field has the name of one of its members")
        document.update(members)

    def _members(self, name: str, value: FixedMapping) -> Mapping[str, Any] | None:
        """Return what the field *name* becomes, or None if only the slow path can tell."""
        members = self._destination.flat({name: self._events.clean(value)})
        return None if members is None or self._sequence in members else members

    def _add_trace(self, document: dict[str, Any], attributes: Mapping[str, Any]) -> None:
        """Add to *document* the ids of the active span."""
        trace = trace_of(attributes)
        if trace is None:
            return
        known, members = self._latest_trace
        if known is not trace:  # of the same span it is the same object
            members = self._trace(*trace)
            self._latest_trace = (trace, members)
        put_trace(document, members)

    def _is_recoverable(self, error: BaseException, key: tuple[Any, ...]) -> bool:
        """Return True if the slow path can handle the record for which *error* was raised."""
        if isinstance(error, UnusualError):
            return True
        if is_external(error):
            return False
        if isinstance(error, KeyError):  # as many extras as usual at this call site, but others
            self._call_sites[key] = UNKNOWN
        return True

    def _slow_path(
        self,
        record: logging.LogRecord,
        formatter: logging.Formatter | None,
        rate: int,
        cells: list[Cell] | None,
        parsed: ParsedMessage | None = None,
        sequence_id: str | None = None,
    ) -> bytes:
        parsed = parsed or self._events.message(record, formatter)
        item = self._destination.encode(self._events.event(record, parsed, rate, sequence_id))
        cell = self._cell_of(record.__dict__)
        if cells is None:
            cell.add(len(item))
        else:
            cells.append(cell)
        return item

    def _call_site(
        self, key: tuple[Any, ...], attributes: Mapping[str, Any], bound: Mapping[str, Any]
    ) -> CallSite:
        """Return the cached call site *key*, or examine a record of it."""
        tail = tuple(attributes)[STANDARD_COUNT - 1 :]
        if key in self._call_sites:  # its records differ: tell them apart by their extras
            key += tail
        call_site = self._call_sites.get(key)
        if call_site is None:
            call_site = self._examine(key, attributes, bound, tail)
            if len(self._call_sites) >= MAX_CALL_SITES:
                self._call_sites.clear()
            self._call_sites[key] = call_site
        return call_site

    def _examine(
        self,
        key: tuple[Any, ...],
        attributes: Mapping[str, Any],
        bound: Mapping[str, Any],
        tail: tuple[str, ...],
    ) -> CallSite:
        """Return the call site of a record with these *attributes*; `UNKNOWN` if not ordinary."""
        names = (*bound, *(name for name in tail[1:] if name not in NOT_FIELDS))
        others = [name for name in tail[1:] if name in NOT_FIELDS]
        if not bound.keys().isdisjoint((*attributes, *NOT_FIELDS)):
            return UNKNOWN
        if not self._are_ordinary(tail, names):
            return UNKNOWN
        fields = {**self._constant, **dict.fromkeys(names)}
        if self._sequence is not None:
            fields[self._sequence] = ""
        try:
            write = self._destination.writer(key[0], level_name(*key[:2]), site(attributes), fields)
        except BaseException as error:  # the slow path meets it again, and handles it
            if is_external(error):
                raise
            return UNKNOWN
        require_present = operator.itemgetter(*others) if others else None
        cell = self._cell_of(attributes)
        return (len(attributes) + len(bound), names, require_present, write, cell)

    def _are_ordinary(self, tail: tuple[Any, ...], names: tuple[Any, ...]) -> bool:
        """
        Return True if fields with these *names* can be taken from the record as they are.

        Args:
            tail: The attributes of the record from the last standard one on.
            names: The names of its fields.
        """
        if (
            not self._events.is_plain
            or not POSSIBLY_REDUNDANT.isdisjoint(names)
            or tail[:1] != (LAST_STANDARD,)
            or len(names) > MAX_MEMBERS
        ):
            return False
        if not HAS_TASK_NAME and "taskName" in tail:  # set by the application: make() ignores it
            return False
        if CAPTURED in tail or ("otelTraceID" in tail and OPENTELEMETRY not in MODULES):
            return False
        return all(
            type(name) is str and len(name) <= MAX_KEY and not self._events.hides(name)
            for name in names
        )
