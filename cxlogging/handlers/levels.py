"""Levels: how they are given, and the two levels of a handler that holds records back."""

from __future__ import annotations

import logging

from ..errors import ConfigurationError, nearest
from ..wire import option_parsers as values


def level_number(name: str, value: object) -> int:
    """Return the level *value* as a number; it may be a number or a name in any case."""
    text = value.strip() if isinstance(value, str) else value
    found = logging.getLevelName(text) if isinstance(text, str) else text
    if isinstance(text, str) and not isinstance(found, int):
        found = int(text) if text.isdecimal() else logging.getLevelName(text.upper())
    if not isinstance(found, int) or isinstance(found, bool):
        known = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        hint = nearest(text.upper(), known) if isinstance(text, str) else ""
        raise ConfigurationError(
            f"{name} takes a number, or a name such as 'INFO', not {values.shown(value)}.{hint}"
        )
    return found


class TwoLevels(int):
    """
    The level of a handler that takes lower levels inside of scopes than outside.

    It is the lower one, as `logging` compares it with each record. Whoever reads
    ``handler.level`` and later sets it again, as test tools do, keeps both.

    Args:
        outside: The level where no scope is open.
        inside: The level in a scope.

    Attributes:
        outside: The level where no scope is open.
    """

    outside: int

    def __new__(cls, outside: int, inside: int) -> TwoLevels:
        self = super().__new__(cls, min(outside, inside))
        self.outside = outside
        return self
