"""The tree of loggers: which records reach the handlers, which do not, and which do twice."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping

from ...delivery.process import lifecycle
from ...handlers.handler import ShippingHandler
from ...vendors.registry import EXAMPLE
from ..shared.targets import loggers
from .findings import Finding, fail, ok, warn

MOST_NAMES = 5


def tree(handlers: Mapping[str, ShippingHandler], own: frozenset[str]) -> Iterator[Finding]:
    """
    Yield the findings about the loggers of this process.

    Args:
        handlers: Those of ours, by name.
        own: Loggers that this program made itself, and the application may not have.
    """
    if not handlers:
        yield fail(
            "handlers",
            "no handler of cxlogging stands at a logger",
            f"Name it in the handlers of a logger, such as root: {{'handlers': [{EXAMPLE!r}]}}.",
        )
    for name, handler in handlers.items():
        places = [each for each, logger in loggers() if handler in logger.handlers]
        level = logging.getLevelName(handler.level)
        yield ok("handler", f"{name} at {', '.join(places)}, level {level}")
    yield from _unattached(handlers)
    yield from _levels()
    yield from _doubles(handlers)
    yield from _islands(own)
    yield from _disabled(own)


def _unattached(handlers: Mapping[str, ShippingHandler]) -> Iterator[Finding]:
    known = {id(handler.delivery) for handler in handlers.values()}
    idle = [each for each in lifecycle.deliveries() if id(each) not in known]
    if idle:
        names = ", ".join(sorted(each.destination.name for each in idle))
        yield warn(
            "handlers",
            f"made, and at no logger: {names}",
            "Name them in the handlers of a logger, or leave them out.",
        )


def _levels() -> Iterator[Finding]:
    root = logging.getLogger()
    level = logging.getLevelName(root.level)
    if root.level > logging.INFO and _ours(root):
        yield warn(
            "levels",
            f"the root logger's level is {level}: what is below is not logged",
            "Set the level of root, such as 'level': 'INFO'.",
        )
    else:
        yield ok("levels", f"root at {level}")
    off = logging.Logger.manager.disable
    if off:
        yield warn(
            "levels",
            f"logging.disable({off}) turns off every record up to {logging.getLevelName(off)}",
            "Take the call out, or call logging.disable(logging.NOTSET).",
        )


def _chain(logger: logging.Logger) -> Iterator[logging.Handler]:
    """Yield the handlers that a record of *logger* passes, as logging does."""
    current: logging.Logger | None = logger
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None


def _ours(logger: logging.Logger) -> list[ShippingHandler]:
    return [each for each in _chain(logger) if isinstance(each, ShippingHandler)]


def _doubles(handlers: Mapping[str, ShippingHandler]) -> Iterator[Finding]:
    names = {id(handler): name for name, handler in handlers.items()}
    found: dict[str, list[str]] = {}
    for name, logger in loggers():
        ours = _ours(logger)
        goals = Counter(_goal(each) for each in ours)
        for goal, count in goals.items():
            if count > 1:
                through = [names.get(id(each), "?") for each in ours if _goal(each) == goal]
                found.setdefault(f"{count} times to {goal[0]}, by {', '.join(through)}", []).append(
                    name
                )
    for what, where in found.items():
        yield warn(
            "duplicates",
            f"each record of {_listed(where)} goes {what}",
            "Leave one handler for each destination, at the highest logger.",
        )
    if not found:
        yield ok("duplicates", "no record goes to one destination twice")


def _goal(handler: ShippingHandler) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what two handlers share that ship to the same place."""
    destination = handler.delivery.destination
    return destination.name, frozenset(destination.identity.items())


def _islands(own: frozenset[str]) -> Iterator[Finding]:
    alone = [
        name
        for name, logger in loggers()
        if name not in {"root", *own} and not logger.propagate and not _ours(logger)
    ]
    if alone and _ours(logging.getLogger()):
        yield warn(
            "islands",
            f"records of {_listed(alone)} end there: propagate is False, and no handler ships them",
            "Set propagate to True for them, or give them the handler too.",
        )


def _disabled(own: frozenset[str]) -> Iterator[Finding]:
    off = [name for name, logger in loggers() if logger.disabled and name not in own]
    if off:
        yield warn(
            "disabled loggers",
            f"switched off: {_listed(off)}",
            "Set 'disable_existing_loggers': False in the dictConfig that ran after them.",
        )


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
