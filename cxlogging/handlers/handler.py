"""
What the three handlers share: a logging handler in front of a delivery.

``emit`` runs in the application's thread, under any lock, in a signal handler
or a finalizer: it takes no lock of ours, does no I/O, and lets out nothing that is its own.
"""

from __future__ import annotations

import logging
import weakref
from _thread import get_ident
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..delivery.process.fork import after_fork
from ..delivery.process.state import OWN_THREADS, PROCESS, is_foreign
from ..wire.event import Event, Source
from ..wire.times import moment
from ..wire.values.guard import EXHAUSTED, is_external
from .attachment import Attachment
from .check import CheckResult, check

if TYPE_CHECKING:
    from ..delivery.delivery import Delivery
    from ..delivery.ledger import Stats
    from ..wire.destination import Destination
    from .sampling import Sampler


class ShippingHandler(logging.Handler):
    """
    A handler that gives records to a `Delivery`.

    Args:
        destination: The vendor's rules.
        level: As `logging.Handler` takes it.
        options: `Options`, and ``fields``, ``context``, ``redact``, ``sequence``.
        arguments: The vendor's own arguments, for the hint at a misspelt name.
        sampler: Decides which records are kept.

    Raises:
        ConfigurationError: An option is unknown or impossible.
    """

    def __init__(
        self,
        destination: Destination,
        level: int | str,
        options: Mapping[str, Any],
        arguments: Sequence[str],
        sampler: Sampler | None = None,
    ) -> None:
        from .pipeline import level_number, parts  # noqa: PLC0415 - where a handler is made alone

        number = level_number("level", level)
        self._delivery, self._make = parts(type(self).__name__, destination, options, arguments)
        self._sampler = sampler
        self._encode = destination.encode
        self._put = self._delivery.put
        self._missing = destination.missing
        self._selects = bool(self._missing) or sampler is not None
        super().__init__(number)
        self._attachment = Attachment(self)
        self._delivery.watch(self._attachment.look)
        weakref.finalize(self, self._delivery.close_soon).atexit = False

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - logging's name
        """Take *fmt*, unless all that it prints beside the message are fields already."""
        from .formatters import adds_nothing  # noqa: PLC0415 - few handlers have a formatter

        super().setFormatter(None if adds_nothing(fmt) else fmt)

    def handle(self, record: logging.LogRecord) -> Any:
        """Ship *record* if the filters let it pass; without a lock, as `emit` needs none."""
        try:
            if self.filters:
                return self._filtered(record)
            self.emit(record)
        except EXHAUSTED:  # nothing is left for the call itself
            self._lost(record.levelno)
        return True

    def _filtered(self, record: logging.LogRecord) -> Any:
        try:
            passed: Any = self.filter(record)
        except BaseException as error:
            if is_external(error):
                raise
            self._delivery.ledger.dropped.add(record.levelno)
            self._delivery.note("filter", f"a filter failed: {type(error).__name__}")
            return False
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    def emit(self, record: logging.LogRecord) -> None:
        """
        Accept *record*; never wait.

        Raises:
            BaseException: What a signal handler or another thread raises meanwhile.
        """
        if get_ident() in OWN_THREADS:
            self._delivery.ledger.suppressed.add()
            return
        try:
            if record.process != PROCESS.pid and is_foreign():
                after_fork()
            rate = self._rate(record) if self._selects else 1
            if rate == 0:
                return
            data = self._make(record, self.formatter, rate)
            level = record.levelno
            if type(level) is not int:
                level = logging.ERROR
        except BaseException as error:
            try:
                if is_external(error):
                    raise
                level, data = self._remains(record.__dict__, error)
            except EXHAUSTED:
                self._lost(record.levelno)
                return
        try:
            self._put(level, data)
        except EXHAUSTED:
            self._lost(level)

    def _rate(self, record: logging.LogRecord) -> int:
        """Return how many records *record* stands for; 0 where it is not shipped, and counted."""
        rate = 1
        if self._sampler is not None:
            try:
                rate = self._sampler(record)
            except BaseException as error:
                if is_external(error):
                    raise
                self._delivery.note("sample_rate", f"sample_rate failed: {type(error).__name__}")
            if type(rate) is not int or rate < 0:
                self._delivery.note("sample_rate", f"sample_rate returned {type(rate).__name__}")
                rate = 1
        if rate == 0:
            self._delivery.ledger.sampled.add()
        elif self._missing:
            self._delivery.refuse(record.levelno)
            rate = 0
        return rate

    def _remains(self, record: dict[str, Any], error: BaseException) -> tuple[int, bytes]:
        """Return the level and the event of a record that could not be read, and why."""
        name = type(error).__name__
        self._delivery.note("record", f"a record could not be read: {name}")
        message, level, created = map(record.get, ("msg", "levelno", "created"))
        text = message if type(message) is str else f"<{type(message).__name__}>"
        if type(level) is not int:
            level = logging.ERROR
        time_ns, _ = moment(created, self._delivery.clock.wall)
        fields = {"cx_error": f"<unreadable record: {name}>"}
        event = Event(time_ns, level, logging.getLevelName(level), text, fields, Source())
        return level, self._encode(event)

    def _lost(self, level: Any) -> None:
        """Count a record for which neither memory nor the stack suffices; say so once."""
        try:
            self._delivery.ledger.lose(level)
            self._delivery.note("exhausted", "records are dropped: no memory or stack is left")
        except EXHAUSTED:  # it is counted by then
            return

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """
        Wait for all that was accepted before the call; True when it has its outcome.

        Args:
            timeout: Seconds. None waits while the vendor keeps acknowledging:
                ``close_timeout`` for each acknowledgement, ``close_maximum`` in all.
                While the calling thread is inside ``logging.config`` nothing is
                waited for.
        """
        if _is_configuring():
            self._delivery.flush_now()
            return not self._delivery.outstanding
        return self._delivery.flush(timeout)

    def close(self) -> None:
        """Deliver what waits, as `flush` does; a later record begins anew."""
        self._attachment.close()
        if _is_configuring():
            self._delivery.close_soon()
        else:
            self._delivery.close()
        super().close()

    def stats(self) -> Stats:
        """Return what has become of all records so far."""
        return self._delivery.stats()

    @property
    def delivery(self) -> Delivery:
        """What carries the records, for diagnosis."""
        return self._delivery

    def check(self) -> CheckResult:
        """Send one event now, and return what came of it, with its cause and cure."""
        return check(self._delivery)

    def __repr__(self) -> str:
        level = logging.getLevelName(self.level)
        return f"<{type(self).__name__} to {self._delivery.destination.name} ({level})>"


def _is_configuring() -> bool:
    """Return True where this thread holds logging's own lock, as dictConfig does."""
    lock: Any = getattr(logging, "_lock", None)
    return lock is not None and bool(lock._is_owned())  # noqa: SLF001 - there is no public way
