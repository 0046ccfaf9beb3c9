"""What a handler is made of, from its arguments; imported when the first handler is made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..delivery.delivery import Delivery
from ..delivery.options import Options
from ..errors import ConfigurationError, nearest
from ..wire import parse as values
from ..wire.destination import Destination
from .events import EventMaker
from .exceptions.tracebacks import use_once
from .items import ItemMaker
from .redaction.rules import Default, cleaner

Make = Callable[[logging.LogRecord, "logging.Formatter | None", int], bytes]
"""Gives the item of a record, as `ItemMaker.make` does."""


def parts(
    handler: str, destination: Destination, options: Mapping[str, Any], arguments: Sequence[str]
) -> tuple[Delivery, Make]:
    """
    Return what carries a handler's records, and what makes their items.

    Args:
        handler: The name of its class.
        destination: The vendor's rules.
        options: `Options`, and those of `HANDLER_OPTIONS`.
        arguments: The vendor's own arguments, for the hint at a misspelt name.

    Raises:
        ConfigurationError: An option is unknown or impossible.
    """
    _check_names(handler, options, arguments)
    if not destination.missing:
        use_once()
    plain = {name: options[name] for name in options}
    own = {
        name: parse(name, plain.pop(name)) if name in plain else default
        for name, (default, parse) in HANDLER_OPTIONS.items()
    }
    delivery = Delivery(destination, Options.parse(plain))
    events = EventMaker(
        cleaner(
            own["redact"],
            own["redact_except"],
            destination.limits.integers,
            strips_ansi=own["strip_ansi"],
        ),
        own["fields"],
        own["context"],
        _sequence_field(own["sequence"], spooled=delivery.options.spool is not None),
        delivery.note,
        delivery.clock.wall,
    )
    make: Make = ItemMaker(events, destination).make
    if not own["sql_parameters"]:
        from .redaction.sql import hiding  # noqa: PLC0415 - few handlers need it

        make = hiding(make)
    return delivery, make


def _check_names(handler: str, options: Mapping[str, Any], arguments: Sequence[str]) -> None:
    known = (*Options.names(), *HANDLER_OPTIONS)
    for name in options:
        if name not in known:
            hint = nearest(name, (*known, *arguments, "allow_plain_http"))
            raise ConfigurationError(f"{handler} takes no argument {name!r}.{hint}")


def level_number(name: str, value: object) -> int:
    """Return the level that *value* is: a number, or the name of one in whatever case."""
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
    """Return *value* as `cleaner` takes it."""
    if values.is_on(value):
        return Default()
    return None if values.is_off(value) else value


def _redact_except(name: str, value: object) -> object:
    if values.is_on(value):
        raise ConfigurationError(f"{name} takes field names, not {values.shown(value)}.")
    return None if values.is_off(value) else value


def _context(
    name: str, value: object
) -> Callable[[logging.LogRecord], Mapping[str, Any] | None] | None:
    """Return *value* as a callable of a record, which it need not take."""
    context = values.function(name, value)
    if context is None:
        return None
    import inspect  # noqa: PLC0415 - few handlers need it

    try:
        inspect.signature(context).bind(None)
    except (TypeError, ValueError):  # takes nothing, or does not tell
        return lambda record: context()  # noqa: ARG005
    asked: Callable[[logging.LogRecord], Mapping[str, Any] | None] = context
    return asked


def _sequence(name: str, value: object) -> bool | str:
    """Return True, False, or the field's name."""
    if values.is_on(value) or values.is_off(value):
        return values.boolean(name, value)
    if not isinstance(value, str) or not value.isprintable() or " " in value.strip():
        raise ConfigurationError(
            f"{name} takes True, False or a field's name, not {values.shown(value)}."
        )
    values.no_placeholder(name, value)
    return value.strip()


def _sequence_field(sequence: bool | str | None, *, spooled: bool) -> str | None:
    if isinstance(sequence, str):
        return sequence
    return "cx_seq" if (spooled if sequence is None else sequence) else None


HANDLER_OPTIONS: Mapping[str, tuple[Any, values.Parser]] = {
    "fields": ({}, values.mapping),
    "context": (None, _context),
    "redact": (Default(), _redact),
    "redact_except": (None, _redact_except),
    "sequence": (None, _sequence),
    "sql_parameters": (True, values.boolean),
    "strip_ansi": (False, values.boolean),
}
"""What the handlers take beside `Options`: its default, and how it is read."""
