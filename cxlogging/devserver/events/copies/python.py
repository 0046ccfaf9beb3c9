"""A logging call that makes the record of an event."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Mapping
from typing import Any

from ...event_view import view

CALLS = {1: "debug", 3: "info", 4: "warning", 5: "error", 6: "critical"}
"""The method of a logger by severity; there is none for 2, verbose."""

VERBOSE_LEVEL = 15

RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""Names that `extra` may not have."""


def logging_call(event: Mapping[str, Any]) -> str:
    """Return Python code that logs a record with the message, level and fields of *event*."""
    shown = view(event)
    call = CALLS.get(event["severity"])
    arguments = [ascii(event["message"])] if call else [str(VERBOSE_LEVEL), ascii(event["message"])]
    if shown.exception:
        arguments.append(f"exc_info={_exception(shown.exception)}")
    fields = {f"extra_{k}" if k in RESERVED else k: v for k, v in shown.fields.items()}
    if fields:
        arguments.append(f"extra={fields!a}")
    lines = [f"    {argument},\n" for argument in arguments]
    logger = ascii(shown.logger) if shown.logger else ""
    return f"import logging\n\nlogging.getLogger({logger}).{call or 'log'}(\n{''.join(lines)})\n"


def _exception(line: str) -> str:
    """Return an expression for the exception that is printed as *line*."""
    kind, _, message = line.partition(": ")
    argument = ascii(message) if message else ""
    if _is_built_in(kind, message):
        return f"{kind}({argument})"
    module, _, name = kind.rpartition(".")
    members = {"__module__": module or "builtins"}
    made = f"type({name!a}, (Exception,), {members!a})"
    return f"{made}({argument})"


def _is_built_in(kind: str, message: str) -> bool:
    """Return True for an exception of Python that is printed with *message* if made of it."""
    known = getattr(builtins, kind, None)
    if not (isinstance(known, type) and issubclass(known, BaseException)):
        return False
    try:
        return str(known(message)) == message
    except TypeError:
        return False
