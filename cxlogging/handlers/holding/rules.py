"""When a scope holds a record back, and when it releases what it holds."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import ConfigurationError
from ...wire import option_parsers as values
from ...wire.external_errors import is_external
from ..levels import level_number, nearest_logger

Note = Callable[[str, str], None]
"""Reports a problem: takes a topic, by which reports are deduplicated, and a sentence."""

Decide = Callable[[logging.LogRecord], Any]
"""Returns a true value for a record that releases a scope."""

ANY_LEVEL = -sys.maxsize

CANCELLATIONS = (
    ("asyncio.exceptions", "CancelledError"),
    ("trio", "Cancelled"),
    ("greenlet", "GreenletExit"),
)
"""What ends a task or a greenlet on purpose: its class, where its module is loaded."""


_parse_size = values.size()
_size_of = functools.lru_cache(maxsize=64)(_parse_size)
_parse_slow = values.optional(values.seconds(above=0))


class Rules(NamedTuple):
    """
    The arguments of `cxlogging.hold`, parsed.

    Attributes:
        below: Records of lower levels are held back.
        release_level: Records of lower levels release nothing.
        decide: Decides whether a record from that level on releases; None: each does.
        ignore: Exceptions that release nothing.
        max_bytes: The most bytes that one scope holds for one handler.
        slow: Seconds after which a scope releases when it ends, or None.
    """

    below: int
    release_level: int
    decide: Decide | None
    ignore: tuple[type[BaseException], ...]
    max_bytes: int
    slow: float | None

    @classmethod
    def parse(
        cls, below: object, release_at: object, ignore: object, max_bytes: object, slow: object
    ) -> Rules:
        """
        Return the rules for these arguments of `cxlogging.hold`.

        Raises:
            ConfigurationError: One of them is invalid.
        """
        if callable(below):
            raise ConfigurationError(
                f"below takes a level, not {values.shown(below)}: a decorator is written with"
                " parentheses, @cxlogging.hold()."
            )
        level, decide = _release_at(release_at)
        # A level is looked up each time, as its name may get another; a text of a size is not.
        parse_size = _size_of if type(max_bytes) is str else _parse_size
        return cls(
            level_number("below", below),
            level,
            decide,
            _ignore(ignore),
            parse_size("max_bytes", max_bytes),
            None if slow is None else _parse_slow("slow", slow),
        )

    def decides(self, record: logging.LogRecord, note: Note) -> bool:
        """Return what `decide` says about *record*; report to *note* if it fails."""
        try:
            return self.decide is None or bool(self.decide(record))
        except BaseException as error:
            if is_external(error):
                raise
            name = type(error).__name__
            note("release_at", f"release_at of cxlogging.hold failed: {name}; it counts as False")
            return False

    def ignores(self, error: BaseException) -> bool:
        """Return True if *error*, which leaves a scope, says nothing about what went wrong."""
        if isinstance(error, (*self.ignore, GeneratorExit)) or _is_cancellation(error):
            return True
        if isinstance(error, SystemExit):
            code = error.code
            return code is None or (isinstance(code, int) and code == 0)
        nested = _nested(error)
        return bool(nested) and all(map(self.ignores, nested))


def _is_cancellation(error: BaseException) -> bool:
    for module, name in CANCELLATIONS:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(error, kind):
            return True
    return False


def _nested(error: BaseException) -> Sequence[BaseException]:
    """Return the exceptions of a group; nothing for another exception."""
    module = sys.modules.get("exceptiongroup" if sys.version_info < (3, 11) else "builtins")
    kind = getattr(module, "BaseExceptionGroup", None)
    nested: Sequence[BaseException] = ()
    if isinstance(kind, type) and isinstance(error, kind):
        nested = error.exceptions  # type: ignore[attr-defined]
    return nested


def _release_at(value: object) -> tuple[int, Decide | None]:
    """Return the level, or what decides instead."""
    if isinstance(value, Mapping):
        return ANY_LEVEL, _by_logger(value)
    if callable(value):
        decide: Decide = value
        return ANY_LEVEL, decide
    try:
        return level_number("release_at", value), None
    except ConfigurationError as error:
        raise ConfigurationError(
            str(error).replace(
                ", not ", ", a mapping from logger names to levels, or a callable, not ", 1
            )
        ) from None


def _by_logger(given: Mapping[Any, Any]) -> Decide:
    """Return what decides by logger: the nearest name above a record's logger counts."""
    levels = {}
    for name in given:
        if not isinstance(name, str):
            shown = values.shown(name)
            raise ConfigurationError(f"release_at takes names of loggers, not {shown}.")
        levels[name] = level_number(f"release_at[{name!r}]", given[name])
    default = levels.get("", levels.get("root", logging.ERROR))

    def decide(record: logging.LogRecord) -> bool:
        return record.levelno >= levels.get(nearest_logger(record.name, levels), default)

    return decide


def _ignore(value: object) -> tuple[type[BaseException], ...]:
    """Return the exception classes; one may be given alone."""
    given = tuple(value) if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    if value is None:
        return ()
    for each in given:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise ConfigurationError(
                f"ignore takes exception classes, such as ignore=(KeyError,), not"
                f" {values.shown(each)}."
            )
    return given
