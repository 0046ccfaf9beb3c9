"""Builds the parts of a handler from its options; imported when the first handler is created."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..delivery import isolation
from ..delivery.delivery import Delivery
from ..delivery.options import Options
from ..errors import ConfigurationError, nearest
from ..wire import option_parsers as values
from ..wire.destination import Destination
from .events import ContextProvider, EventMaker
from .exceptions.tracebacks import preload
from .items import ItemMaker
from .redaction.rules import DefaultRules, build_sanitizer
from .selection.samplers import Sampler, samplers
from .selection.selection import Selection

MakeItem = Callable[[logging.LogRecord, "logging.Formatter | None", int], bytes]
"""Returns the item of a record, as `ItemMaker.make` does."""


def build_pipeline(
    handler: type[logging.Handler], destination: Destination, options: Mapping[str, Any]
) -> tuple[Delivery, MakeItem, Selection | None]:
    """
    Return the delivery of a handler, what makes items for it, and what it leaves out.

    Args:
        handler: The handler's class.
        destination: The rules of the vendor.
        options: `Options`, and those of `HANDLER_OPTIONS`.

    Raises:
        ConfigurationError: An option is unknown or invalid.
    """
    _check_names(handler, options)
    # An item of dictConfig's own mapping is converted only when it is accessed by name.
    given = {name: options[name] for name in options}
    parsed = {
        name: parse(name, given.pop(name)) if name in given else default
        for name, (default, parse) in HANDLER_OPTIONS.items()
    }
    delivery = _delivery(destination, Options.parse(given))
    if not delivery.destination.missing:
        preload()
    cell_of = delivery.lane.volume.cell_of
    make = ItemMaker(_event_maker(parsed, delivery), destination, cell_of).make
    selection = _selection(parsed, delivery)
    if parsed["sql_parameters"]:
        return delivery, make, selection
    from .redaction.sql import hiding_parameters  # noqa: PLC0415 - few handlers need it

    return delivery, hiding_parameters(make), selection


def _selection(parsed: Mapping[str, Any], delivery: Delivery) -> Selection | None:
    """Return what leaves records out; None where all are sent."""
    chosen: tuple[Sampler, ...] = parsed["sample_rate"]
    return Selection(delivery, chosen) if chosen else None


def _delivery(destination: Destination, options: Options) -> Delivery:
    factory = isolation.replacement
    if factory is None and not isolation.is_disabled():
        return Delivery(destination, options)
    # What waits in a spool is the application's, not the test's: it stays where it is.
    return Delivery(
        destination,
        options._replace(spool=None, spool_local=None, sigterm=False),
        transport=isolation.NoTransport if factory is None else lambda: factory(destination),
    )


def _event_maker(parsed: Mapping[str, Any], delivery: Delivery) -> EventMaker:
    sanitizer = build_sanitizer(
        parsed["redact"],
        parsed["redact_except"],
        delivery.destination.limits.integers,
        strips_ansi=parsed["strip_ansi"],
    )
    sequence = parsed["sequence"]
    if sequence is None:
        sequence = delivery.options.spool is not None
    if not isinstance(sequence, str):
        sequence = "cx_seq" if sequence else None
    return EventMaker(
        sanitizer,
        parsed["fields"],
        parsed["context"],
        sequence,
        delivery.note,
        delivery.clock.wall,
    )


def _check_names(handler: type[logging.Handler], options: Mapping[str, Any]) -> None:
    known = (*Options.names(), *HANDLER_OPTIONS)
    for name in options:
        if name not in known:
            import inspect  # noqa: PLC0415 - it takes long to import, and few need it

            own = tuple(inspect.signature(handler).parameters)
            hint = nearest(name, (*known, *own, "allow_plain_http"))
            raise ConfigurationError(f"{handler.__name__} takes no argument {name!r}.{hint}")


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


def _redact(_: str, value: object) -> object:
    """Return *value* as `build_sanitizer` takes it."""
    if values.is_on(value):
        return DefaultRules()
    return None if values.is_off(value) else value


def _redact_except(name: str, value: object) -> object:
    if values.is_on(value):
        raise ConfigurationError(f"{name} takes field names, not {values.shown(value)}.")
    return None if values.is_off(value) else value


def _context(name: str, value: object) -> ContextProvider | None:
    """Return *value* as a function of a record; it may also take no argument."""
    function = values.function(name, value)
    if function is None:
        return None
    import inspect  # noqa: PLC0415 - few handlers need it

    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):  # takes no argument, or has no signature
        return lambda record: function()  # noqa: ARG005
    provider: ContextProvider = function
    return provider


def _sequence(name: str, value: object) -> bool | str:
    """Return True, False, or the name of the field."""
    if values.is_on(value) or values.is_off(value):
        return values.boolean(name, value)
    if not isinstance(value, str) or not value.isprintable() or " " in value.strip():
        raise ConfigurationError(
            f"{name} takes True, False or a field's name, not {values.shown(value)}."
        )
    values.no_placeholder(name, value)
    return value.strip()


HANDLER_OPTIONS: Mapping[str, tuple[Any, values.Parser]] = {
    "fields": ({}, values.mapping),
    "context": (None, _context),
    "redact": (DefaultRules(), _redact),
    "redact_except": (None, _redact_except),
    "sample_rate": ((), samplers),
    "sequence": (None, _sequence),
    "sql_parameters": (True, values.boolean),
    "strip_ansi": (False, values.boolean),
}
"""The options of the handlers beyond `Options`: the default and the parser of each."""
