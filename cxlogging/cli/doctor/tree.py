"""The tree of loggers: records that reach no handler, or one destination twice."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping

from ...delivery.process.registry import registered
from ...handlers.handler import ShippingHandler
from ...handlers.holding.current import TwoLevels
from ...vendors.registry import EXAMPLE
from ..shared.targets import loggers
from .findings import Finding, fail, ok, warn

MAX_NAMES = 5
CLIENT = "nats."
"""Loggers of a library that a handler may import: what they log never reaches our handlers."""


def tree(handlers: Mapping[str, ShippingHandler], own: frozenset[str]) -> Iterator[Finding]:
    """
    Yield the findings about the loggers of this process.

    Args:
        handlers: The handlers of cxlogging, by name.
        own: Loggers that this command created, which the application may not have.
    """
    if not handlers:
        yield fail(
            "handlers",
            "no handler of cxlogging is attached to a logger",
            f"Add it to the handlers of a logger, such as root: {{'handlers': [{EXAMPLE!r}]}}.",
        )
    for name, handler in handlers.items():
        places = [each for each, logger in loggers() if handler in logger.handlers]
        level = logging.getLevelName(handler.level)
        if isinstance(handler.level, TwoLevels):
            level = f"{logging.getLevelName(handler.level.outside)}, in a hold {level}"
        yield ok("handler", f"{name} at {', '.join(places)}, level {level}")
    yield from _unattached(handlers)
    yield from _levels()
    yield from _doubles(handlers)
    yield from _not_propagating(own)
    yield from _disabled(own)


def _unattached(handlers: Mapping[str, ShippingHandler]) -> Iterator[Finding]:
    known = {id(handler.delivery.workers) for handler in handlers.values()}
    idle = [each.lane for each in registered() if id(each) not in known]
    if idle:
        names = ", ".join(sorted(each.destination.name for each in idle))
        yield warn(
            "handlers",
            f"created, but not attached to a logger: {names}",
            "Add them to the handlers of a logger, or remove them.",
        )


def _levels() -> Iterator[Finding]:
    root = logging.getLogger()
    level = logging.getLevelName(root.level)
    if root.level > logging.INFO and _own_handlers(root):
        yield warn(
            "levels",
            f"the level of the root logger is {level}: lower levels are not logged",
            "Set a lower level for root, such as 'level': 'INFO'.",
        )
    else:
        yield ok("levels", f"root at {level}")
    off = logging.Logger.manager.disable
    if off:
        yield warn(
            "levels",
            f"logging.disable({off}) suppresses all records up to {logging.getLevelName(off)}",
            "Remove the call, or call logging.disable(logging.NOTSET).",
        )


def _chain(logger: logging.Logger) -> Iterator[logging.Handler]:
    """Yield the handlers that get a record of *logger*, in the order of logging."""
    current: logging.Logger | None = logger
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None


def _own_handlers(logger: logging.Logger) -> list[ShippingHandler]:
    return [each for each in _chain(logger) if isinstance(each, ShippingHandler)]


def _doubles(handlers: Mapping[str, ShippingHandler]) -> Iterator[Finding]:
    names = {id(handler): name for name, handler in handlers.items()}
    found: dict[str, list[str]] = {}
    for name, logger in loggers():
        own_handlers = _own_handlers(logger)
        places = Counter(_place(each) for each in own_handlers)
        for place, count in places.items():
            if count > 1:
                through = [
                    names.get(id(each), "?") for each in own_handlers if _place(each) == place
                ]
                found.setdefault(
                    f"{count} times to {place[0]}, by {', '.join(through)}", []
                ).append(name)
    for what, where in found.items():
        yield warn(
            "duplicates",
            f"each record of {_listed(where)} goes {what}",
            "Keep one handler for each destination, on the highest logger.",
        )
    if not found:
        yield ok("duplicates", "no record goes to a destination twice")


def _place(handler: ShippingHandler) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what handlers with the same destination have in common."""
    destination = handler.delivery.destination
    return destination.name, frozenset(destination.identity.items())


def _not_propagating(own: frozenset[str]) -> Iterator[Finding]:
    isolated = [
        name
        for name, logger in loggers()
        if name not in {"root", *own} and not logger.propagate and not _own_handlers(logger)
    ]
    if isolated and _own_handlers(logging.getLogger()):
        yield warn(
            "propagation",
            f"records of {_listed(isolated)} reach no handler of cxlogging: propagate is False",
            "Set propagate to True for these loggers, or attach the handler to them too.",
        )


def _disabled(own: frozenset[str]) -> Iterator[Finding]:
    off = [
        name
        for name, logger in loggers()
        if logger.disabled and name not in own and not name.startswith(CLIENT)
    ]
    if off:
        yield warn(
            "disabled loggers",
            f"records of {_listed(off)} are discarded",
            "Set 'disable_existing_loggers': False in the dictConfig that ran after them.",
        )


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
