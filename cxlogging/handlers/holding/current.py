"""What every handler's import includes of holding: where the open scope is, and the two levels."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

CURRENT: ContextVar[Any] = ContextVar("cxlogging_hold", default=None)
"""The innermost `Hold` of this context, perhaps closed by now, or None."""


class TwoLevels(int):
    """
    The level of a handler that takes lower levels inside of scopes than outside.

    It is the lower one, as `logging` compares it with each record. Whoever reads
    ``handler.level`` and later sets it again, as test tools do, keeps both.

    Attributes:
        outside: The level where no scope is open.
    """

    outside: int


def two_levels(level: int, held_level: int) -> int:
    """Return the level of a handler that was given *level*, and *held_level* for scopes."""
    outside = level.outside if isinstance(level, TwoLevels) else level
    if held_level >= outside:
        return outside
    both = TwoLevels(held_level)
    both.outside = outside
    return both
