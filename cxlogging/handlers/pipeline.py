"""Builds the parts of a handler from its options; imported when the first handler is created."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..delivery import isolation
from ..delivery.delivery import Delivery
from ..delivery.options import Options
from ..errors import ConfigurationError, nearest
from ..wire import option_parsers as values
from ..wire.destination import Destination
from .events import ContextProvider, EventMaker
from .exceptions.tracebacks import preload
from .holding.gate import Gate, MakeItem
from .items import ItemMaker
from .levels import level_number
from .redaction.rules import DefaultRules, build_sanitizer
from .selection import options as selecting
from .selection.report import HeldBackReport

if TYPE_CHECKING:
    from .selection.selection import Selection


class Pipeline(NamedTuple):
    """
    The parts of a handler.

    Attributes:
        delivery: Sends what is accepted.
        make: Makes the item of a record.
        selection: Leaves records out; None where all are sent.
        gate: Holds records back; None where none are.
        held_level: The level inside of scopes, or None where it is the handler's level.
    """

    delivery: Delivery
    make: MakeItem
    selection: Selection | None
    gate: Gate | None
    held_level: int | None


def build_pipeline(
    handler: type[logging.Handler], destination: Destination, options: Mapping[str, Any]
) -> Pipeline:
    """
    Return the parts of a handler.

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
    if parsed["budget_hard"] and parsed["budget"] is None:
        raise ConfigurationError("budget_hard needs budget=, such as budget='2GB/day'.")
    delivery = _delivery(destination, Options.parse(given))
    if not delivery.destination.missing:
        preload()
    report = HeldBackReport(delivery)
    selection = _selection(parsed, delivery, report)
    events = _event_maker(parsed, delivery)
    cell_of = delivery.lane.volume.cell_of
    make = _item_maker(parsed, ItemMaker(events, destination, cell_of))
    gate = None
    if parsed["hold"] and not delivery.destination.missing and not isolation.is_disabled():
        held = make
        if events.sequence_field is not None:
            unnumbered = ItemMaker(events.without_sequence(), destination, cell_of)
            held = _item_maker(parsed, unnumbered)
        put = delivery.put if selection is None else selection.put
        gate = Gate(delivery, put, held, parsed["hold_bytes"], report.note)
    held_level = None if gate is None else parsed["held_level"]
    return Pipeline(delivery, make, selection, gate, held_level)


def _item_maker(parsed: Mapping[str, Any], maker: ItemMaker) -> MakeItem:
    if parsed["sql_parameters"]:
        return maker.make
    from .redaction.sql import hiding_parameters  # noqa: PLC0415 - few handlers need it

    return hiding_parameters(maker.make)


def _selection(
    parsed: Mapping[str, Any], delivery: Delivery, report: HeldBackReport
) -> Selection | None:
    """Return what leaves records out; None where all are sent."""
    samplers, limit, amount = parsed["sample_rate"], parsed["limit"], parsed["budget"]
    if not (samplers or limit or amount):
        return None
    from .selection.selection import Selection  # noqa: PLC0415 - few handlers have one

    budget = None
    if amount is not None:
        from .selection.budget import Budget  # noqa: PLC0415 - few handlers have one

        shared = delivery.shared_count()
        budget = Budget(amount, delivery, is_hard=parsed["budget_hard"], shared=shared)
    return Selection(delivery, report, samplers, limit, budget)


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
    "budget": (None, selecting.budget),
    "budget_hard": (False, values.boolean),
    "fields": ({}, values.mapping),
    "context": (None, _context),
    "held_level": (None, values.optional(level_number)),
    "hold": (True, values.boolean),
    "hold_bytes": (2**24, values.size()),
    "limit": (None, selecting.limit),
    "redact": (DefaultRules(), _redact),
    "redact_except": (None, _redact_except),
    "sample_rate": ((), selecting.samplers),
    "sequence": (None, _sequence),
    "sql_parameters": (True, values.boolean),
    "strip_ansi": (False, values.boolean),
}
"""The options of the handlers beyond `Options`: the default and the parser of each."""
