"""What a handler is made of, from its arguments; imported when the first handler is made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..delivery.delivery import Delivery
from ..delivery.options import Options
from ..errors import ConfigurationError, nearest
from ..wire.destination import Destination
from .events import EventMaker
from .items import ItemMaker
from .redact import Default, cleaner

HANDLER_OPTIONS = (
    "fields",
    "context",
    "redact",
    "redact_except",
    "sequence",
    "sql_parameters",
    "strip_ansi",
)

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
    plain = {name: options[name] for name in options}
    own = {name: plain.pop(name) for name in HANDLER_OPTIONS if name in plain}
    rules = cleaner(
        own.get("redact", Default()),
        own.get("redact_except"),
        destination.limits.integers,
        strips_ansi=_flag("strip_ansi", own.get("strip_ansi", False)),
    )
    delivery = Delivery(destination, Options.parse(plain))
    events = EventMaker(
        rules,
        _fields(own.get("fields")),
        _context(own.get("context")),
        _sequence(own.get("sequence", delivery.options.spool is not None)),
        delivery.note,
        delivery.clock.wall,
    )
    make: Make = ItemMaker(events, destination).make
    if not _flag("sql_parameters", own.get("sql_parameters", True)):
        from .statements import hiding  # noqa: PLC0415 - few handlers need it

        make = hiding(make)
    return delivery, make


def _check_names(handler: str, options: Mapping[str, Any], arguments: Sequence[str]) -> None:
    known = (*Options.names(), *HANDLER_OPTIONS)
    for name in options:
        if name not in known:
            hint = nearest(name, (*known, *arguments))
            raise ConfigurationError(f"{handler} takes no argument {name!r}.{hint}")


def _fields(fields: Any) -> Mapping[str, Any]:
    if fields is None:
        return {}
    if not isinstance(fields, Mapping):
        raise ConfigurationError(f"fields takes a mapping, not {type(fields).__name__}.")
    return {name: fields[name] for name in fields}


def _context(
    context: Any,
) -> Callable[[logging.LogRecord], Mapping[str, Any] | None] | None:
    """Return *context* as a callable of a record, which it need not take."""
    if context is None:
        return None
    if not callable(context):
        raise ConfigurationError(f"context takes a callable, not {type(context).__name__}.")
    import inspect  # noqa: PLC0415 - few handlers need it

    try:
        inspect.signature(context).bind(None)
    except (TypeError, ValueError):  # takes nothing, or does not tell
        return lambda record: context()  # noqa: ARG005
    asked: Callable[[logging.LogRecord], Mapping[str, Any] | None] = context
    return asked


def _flag(name: str, value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in (True, "true", "yes", "on", "1"):
        return True
    if word in (False, "false", "no", "off", "0"):
        return False
    raise ConfigurationError(f"{name} takes True or False, not {value!r}.")


def _sequence(sequence: Any) -> str | None:
    if isinstance(sequence, str) and sequence:
        return sequence
    if isinstance(sequence, bool):
        return "cx_seq" if sequence else None
    raise ConfigurationError(f"sequence takes True, False or a field's name, not {sequence!r}.")
