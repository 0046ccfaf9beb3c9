"""What a handler does with a record that is logged in a scope."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...delivery.process.state import PROCESS
from ..context import CAPTURED
from .pointless import look_soon
from .scope import Fate, Hold, current_hold
from .shelf import Outlet

if TYPE_CHECKING:
    from ...delivery.delivery import Delivery
    from ...delivery.volume import Cell


MakeItem = Callable[..., bytes]
"""Returns the item of a record, as `ItemMaker.make` does."""


class Gate:
    """
    Holds records of one handler back.

    Args:
        delivery: Of the handler.
        put: Accepts an item of a level.
        make: Makes the item of a record that is held: it takes no number of a sequence.
        limit: The most bytes that all scopes hold for the handler.
        on_discard: Called when records are discarded.
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
        self._outlet = Outlet(delivery, put, limit, on_discard)

    def watch(self, handler: logging.Handler) -> None:
        """Have the next scope look whether the levels of loggers let records reach *handler*."""
        look_soon(handler, lambda each, sentence: each.delivery.note("hold", sentence))

    def rate(
        self, record: logging.LogRecord, formatter: logging.Formatter | None, innermost: Hold
    ) -> int | None:
        """
        Decide about *record*: hold it, or release its scopes, outermost first.

        Args:
            record: From a log call.
            formatter: Formats its message, if given.
            innermost: The innermost scope of the log call, perhaps closed by now.

        Returns:
            0: it is held. 1: its scopes are released, and it is sent whatever samplers say.
            None: scopes have no part in it.
        """
        if _is_from_elsewhere(record):
            return None
        level = record.levelno if type(record.levelno) is int else logging.ERROR
        scope: Hold | None = innermost
        holder = released = None
        while scope is not None:
            if scope.is_open:
                rules = scope.rules
                if (scope.fate is not None and scope.fate is Fate.SHIP) or (
                    level >= rules.release_level and rules.decides(record, self._note)
                ):
                    released = scope
                elif holder is None and level < rules.below:
                    holder = scope
            scope = scope.parent
        outlet = self._outlet
        if released is not None:
            _release(innermost, released)
            if not released.is_busy(outlet):
                return 1
            holder = released  # behind what waits: the order is kept
        if holder is None:
            return None
        cells: list[Cell] = []
        data = self._make(record, formatter, 1, cells)
        holder.park(outlet, (level, data, cells[0]))
        return 0

    def is_outside(self, record: logging.LogRecord) -> bool:
        """Return True if *record* was logged where no scope is open."""
        return _is_from_elsewhere(record) or current_hold() is None


def _is_from_elsewhere(record: logging.LogRecord) -> bool:
    """Return True if *record* was logged behind a queue, or in another process."""
    pid = record.process
    return CAPTURED in record.__dict__ or bool(pid != PROCESS.pid and pid)


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
