"""Tells the operator where the levels of loggers leave nothing to hold back."""

from __future__ import annotations

import logging
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ...wire.external_errors import contained
from .current import TwoLevels

TRIES = 5
"""As many scopes look at a handler that is attached to no logger."""

MOST_HANDLERS = 100
"""Of those that no scope has looked at yet, the newest."""

Note = Callable[[Any, str], None]
"""Tells the operator of a handler what is wrong; keeps neither the handler nor its delivery."""

_new: deque[tuple[weakref.ref[logging.Handler], Note, int]] = deque(maxlen=MOST_HANDLERS)


def look_soon(handler: logging.Handler, note: Note) -> None:
    """Have the next scope look at the loggers of *handler*, and *note* what is wrong with them."""
    _new.append((weakref.ref(handler), note, TRIES))


def look_at_levels(below: int) -> None:
    """
    Look at each handler that is new since a scope was opened.

    Args:
        below: The scope holds records of lower levels.
    """
    for _ in range(len(_new)):
        with contained:  # a class of loggers may be the application's
            reference, note, tries = _new.popleft()
            handler = reference()
            if handler is None:
                continue
            levels = [_level(each) for each in _loggers() if _reaches(each, handler)]
            if not levels and tries > 1:
                _new.append((reference, note, tries - 1))
            if levels and (sentence := _sentence(handler, min(levels), below)):
                note(handler, sentence)


def _sentence(handler: Any, lowest: int, below: int) -> str:
    """Return what is wrong with the levels of *handler* and its loggers, or an empty text."""
    own, held_level = handler.level, handler.held_level
    names = [logging.getLevelName(level) for level in (lowest, below, own)]
    if lowest >= below:
        return (
            f"cxlogging.hold has nothing to hold: it keeps records below {names[1]}, and the"
            f" loggers of this handler create none below {names[0]}; set their level to DEBUG,"
            " for example by logging.getLogger().setLevel('DEBUG')"
        )
    if own >= below:
        return (
            f"cxlogging.hold has nothing to hold: it keeps records below {names[1]}, and this"
            f" handler takes none below {names[2]}; set held_level='DEBUG'"
        )
    if held_level is not None and not isinstance(own, TwoLevels):
        return (
            f"held_level={logging.getLevelName(held_level)} has no effect: this handler ships from"
            f" {names[2]} on, also where nothing is held; set its level to INFO or above"
        )
    if isinstance(own, TwoLevels) and lowest > own:
        return (
            f"cxlogging.hold keeps records from {names[2]} on, but the loggers of this handler"
            f" create none below {names[0]}; set their level to {names[2]}"
        )
    return ""


def _loggers() -> Iterator[logging.Logger]:
    yield logging.root
    for logger in tuple(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger


def _reaches(logger: logging.Logger, handler: logging.Handler) -> bool:
    """Return True if *handler* gets the records of *logger*."""
    current: logging.Logger | None = None if logger.disabled else logger
    while current is not None:
        if any(each is handler for each in tuple(current.handlers)):
            return True
        current = current.parent if current.propagate else None
    return False


def _level(logger: logging.Logger) -> int:
    """Return the lowest level of the records that *logger* creates."""
    return max(logger.getEffectiveLevel(), logger.manager.disable + 1)
