"""What a handler does with a record that is logged in a scope."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...delivery.process.state import PROCESS
from ..context import CAPTURED
from .current import CURRENT
from .pointless import look_soon
from .scope import Fate, Hold
from .shelf import Outlet

if TYPE_CHECKING:
    from ...delivery.delivery import Delivery

MakeItem = Callable[[logging.LogRecord, "logging.Formatter | None", int], bytes]
"""Returns the item of a record, without a sequence id."""


class Gate:
    """
    Holds records of one handler back.

    Args:
        delivery: Of the handler.
        put: Accepts an item of a level.
        make: Makes the item of a record that is held: it takes no number of a sequence.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when a record is discarded.
    """

    def __init__(
        self,
        delivery: Delivery,
        put: Callable[[int, bytes], object],
        make: MakeItem,
        limit: int,
        on_discard: Callable[[], object],
    ) -> None:
        self._make = make
        self._note = delivery.note
        self._cell_of = delivery.lane.volume.cell_of
        self._outlet = Outlet(delivery, put, limit, on_discard)

    def watch(self, handler: logging.Handler) -> None:
        """Have the next scope look whether the levels of loggers let records reach *handler*."""
        look_soon(handler, lambda each, sentence: each.delivery.note("hold", sentence))

    def rate(self, record: logging.LogRecord, formatter: logging.Formatter | None) -> int | None:
        """
        Decide about *record*: hold it, or release its scopes, outermost first.

        Returns:
            0: it is held. 1: its scopes are released, and it is sent whatever samplers say.
            None: scopes have no part in it.
        """
        innermost = scope_of(record)
        level = record.levelno if type(record.levelno) is int else logging.ERROR
        scope, holder, released = innermost, None, None
        while scope is not None:
            if scope.is_open:
                rules = scope.rules
                if (
                    scope.fate is Fate.SHIP
                    or (rules.decide is None and level >= rules.release_level)
                    or (rules.decide is not None and rules.decides(record, self._note))
                ):
                    released = scope
                elif holder is None and level < rules.below:
                    holder = scope
            scope = scope.parent
        outlet = self._outlet
        if innermost is not None and released is not None:
            _release(innermost, released)
            if not released.is_busy(outlet):
                return 1
            holder = released  # behind what waits: the order is kept
        if holder is None:
            return None
        data = self._make(record, formatter, 1)
        cell = self._cell_of(record.__dict__)
        outlet.lane.ledger.held.add(level)
        holder.park(outlet, (level, data, cell))
        return 0

    def is_outside(self, record: logging.LogRecord) -> bool:
        """Return True if *record* was logged where no scope is open."""
        return scope_of(record) is None


def scope_of(record: logging.LogRecord) -> Hold | None:
    """Return the innermost open scope in which *record* was logged; None behind a queue."""
    scope: Hold | None = CURRENT.get()
    while scope is not None and not scope.is_open:
        scope = scope.parent
    if CAPTURED in record.__dict__ or (record.process != PROCESS.pid and record.process):
        return None
    return scope


def _release(innermost: Hold, outermost: Hold) -> None:
    """Release the open scopes from *outermost* to *innermost*, in this order."""
    chain = []
    scope: Hold | None = innermost
    while scope is not None:
        if scope.is_open and scope.fate is not Fate.SHIP:
            chain.append(scope)
        scope = None if scope is outermost else scope.parent
    for scope in reversed(chain):
        scope.release()
