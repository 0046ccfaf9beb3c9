"""
The base class of all handlers: a logging handler in front of a delivery.

``emit`` runs in the application's thread, possibly while it holds locks, in a
signal handler or in a finalizer: it takes no lock, does no network I/O,
and raises no error of its own.
"""

from __future__ import annotations

import logging
import weakref
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from ..delivery.process.state import OWN_THREADS, PROCESS, is_foreign
from ..wire.event import Event, SyntheticOrigin
from ..wire.external_errors import EXHAUSTED, is_external
from ..wire.timestamps import moment
from .attachment import Attachment
from .check import CheckResult, check
from .holding.current import CURRENT, TwoLevels, two_levels

if TYPE_CHECKING:
    from ..delivery.delivery import Delivery
    from ..delivery.ledger import Stats
    from ..delivery.volume import VolumeRow
    from ..wire.destination import Destination
    from .holding.scope import Hold


class ShippingHandler(logging.Handler):
    """
    A handler that sends records to a destination.

    It can be attached as it is, ``ShippingHandler(MyDestination(...), "INFO")``, or be the base
    of a class that makes its destination from arguments of its own.

    Args:
        destination: Where to send, and how.
        level: The level, as `logging.Handler` takes it.
        options: See the documentation of options: they are the same for every handler.

    Attributes:
        held_level: The level inside of scopes of `cxlogging.hold`; None where it is the same.

    Raises:
        ConfigurationError: An option is unknown or invalid.
    """

    def __init__(
        self, destination: Destination, /, level: int | str = logging.NOTSET, **options: Any
    ) -> None:
        # Imported here so that importing a handler's name stays cheap.
        from ..delivery.isolation import is_disabled  # noqa: PLC0415
        from .levels import level_number  # noqa: PLC0415
        from .pipeline import build_pipeline  # noqa: PLC0415

        number = level_number("level", level)
        parts = build_pipeline(type(self), destination, options)
        self._delivery, self._make = parts.delivery, parts.make
        self._put = self._delivery.put
        self._selection, self._gate = parts.selection, parts.gate
        self.held_level = parts.held_level
        self._encode = destination.encode
        self._missing = self._delivery.destination.missing
        self._disabled = is_disabled()
        self._selects = bool(self._missing) or self._disabled or self._selection is not None
        super().__init__(number)
        self.setLevel(number)
        if self._gate is not None:
            self._gate.watch(self)
        self._attachment = Attachment(self)
        self._delivery.watch(self._attachment.check)
        weakref.finalize(self, _let_go, self._delivery, self._attachment).atexit = False

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - logging's name
        """Set the level outside of scopes; inside it is ``held_level``, where that is lower."""
        super().setLevel(level)
        if self.held_level is not None:
            self.level = two_levels(self.level, self.held_level)

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - logging's name
        """Use *fmt*, unless it only adds to the message what are fields already."""
        from .formatters import adds_nothing  # noqa: PLC0415 - few handlers have a formatter

        super().setFormatter(None if adds_nothing(fmt) else fmt)

    def handle(self, record: logging.LogRecord) -> Any:
        """Emit *record* if the filters accept it; takes no lock, as `emit` needs none."""
        try:
            level = self.level
            if type(level) is TwoLevels and self._is_too_low(record, level.outside):
                return False
            if self.filters:
                return self._filtered(record)
            self.emit(record)
        except EXHAUSTED:  # by the call of emit itself
            self._lose(record.levelno)
        return True

    def _is_too_low(self, record: logging.LogRecord, level: int) -> bool:
        """Return True if *record* is below *level* and in no scope."""
        number: Any = record.levelno
        if type(number) is not int or number >= level:
            return False
        return CURRENT.get() is None or self._gate is None or self._gate.is_outside(record)

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
            BaseException: Raised by a signal handler, or by another thread, during the call.
        """
        if get_ident() in OWN_THREADS:
            self._delivery.ledger.suppressed.add()
            return
        try:
            if record.process != PROCESS.pid and is_foreign():
                _after_fork()
            scope = CURRENT.get()
            rate = 1 if scope is None and not self._selects else self._rate(record, scope)
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
                level, data = self._fallback_event(record.__dict__, error)
                self._delivery.lane.volume.cell_of(record.__dict__).add(len(data))
            except EXHAUSTED:
                self._lose(record.levelno)
                return
        try:
            self._put(level, data)
        except EXHAUSTED:
            self._lose(level)

    def _rate(self, record: logging.LogRecord, scope: Hold | None) -> int:
        """Return how many records *record* stands for; 0 where it is not shipped, and counted."""
        if scope is not None and self._gate is not None:
            decided = self._gate.rate(record, self.formatter, scope)
            if decided is not None:
                selection = self._selection
                return selection.released(record) if decided and selection is not None else decided
        rate = 1
        if self._disabled:
            self._delivery.ledger.suppressed.add()
            return 0
        if self._selection is not None:
            rate = self._selection.rate(record)
        if rate and self._missing:
            self._delivery.refuse(record.levelno)
            rate = 0
        return rate

    def _fallback_event(self, record: dict[str, Any], error: BaseException) -> tuple[int, bytes]:
        """Return the level and the encoded event of a record that could not be read."""
        name = type(error).__name__
        self._delivery.note("record", f"a record could not be read: {name}")
        message, level, created = map(record.get, ("msg", "levelno", "created"))
        text = message if type(message) is str else f"<{type(message).__name__}>"
        if type(level) is not int:
            level = logging.ERROR
        time_ns, _ = moment(created, self._delivery.clock.wall)
        fields = {"cx_error": f"<unreadable record: {name}>"}
        event = Event(time_ns, level, logging.getLevelName(level), text, fields, SyntheticOrigin())
        return level, self._encode(event)

    def _lose(self, level: Any) -> None:
        """Count a record for which memory or the stack was exhausted; report it once."""
        try:
            self._delivery.ledger.lose(level)
            self._delivery.note(
                "exhausted", "records are dropped: memory or the recursion limit is exhausted"
            )
        except EXHAUSTED:  # by the report: the record has been counted
            return

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """
        Wait until all records accepted before the call have an outcome; return True if they do.

        Args:
            timeout: Seconds. None waits while the vendor keeps acknowledging:
                ``close_timeout`` for each acknowledgement, ``close_maximum`` in all.
                Does not wait if the calling thread is inside ``logging.config``.
        """
        if _is_configuring():
            self._delivery.flush_now()
            return not self._delivery.outstanding
        return self._delivery.flush(timeout)

    def close(self) -> None:
        """Deliver the waiting records, as `flush` does; a later record reopens the handler."""
        self._attachment.is_closed = True
        if _is_configuring():
            self._delivery.close_soon()
        else:
            self._delivery.close()
        super().close()

    def stats(self) -> Stats:
        """Return the statistics of this handler: what has become of its records so far."""
        return self._delivery.stats()

    def volume(self) -> list[VolumeRow]:
        """
        Return which lines of code have logged how much, the most bytes first.

        2,000 call sites (logger, file, line, function and level) have a row each; the others share
        one, of the logger ``"(other)"``.
        """
        return self._delivery.lane.volume.rows(self._delivery.destination.name)

    @property
    def delivery(self) -> Delivery:
        """The delivery behind this handler, for diagnosis."""
        return self._delivery

    def check(self) -> CheckResult:
        """Send one event now, and return the result: if it failed, with the cause and the cure."""
        return check(self._delivery)

    def __repr__(self) -> str:
        level = logging.getLevelName(self.level)
        if isinstance(self.level, TwoLevels):
            level = f"{logging.getLevelName(self.level.outside)}, in a hold {level}"
        return f"<{type(self).__name__} to {self._delivery.destination.name} ({level})>"


def _let_go(delivery: Delivery, attachment: Attachment) -> None:
    """Deliver what waits for a handler that is gone."""
    if attachment.is_closed:
        delivery.close_soon()
    else:
        delivery.leave_open()


def _after_fork() -> None:
    """Reset all deliveries, in the child of a fork that ran no hook."""
    # Imported here so that importing a handler's name stays cheap; it is loaded by now.
    from ..delivery.process.fork import after_fork  # noqa: PLC0415

    after_fork()


def _is_configuring() -> bool:
    """Return True if this thread holds the lock of `logging`, as dictConfig does."""
    lock: Any = getattr(logging, "_lock", None)
    return lock is not None and bool(lock._is_owned())  # noqa: SLF001 - logging has no public name for it
