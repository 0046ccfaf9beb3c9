"""
Texts with which a reader takes an event elsewhere: a curl command, a logging call, a query.

What is not printable is escaped in all of them, so that it cannot disturb the terminal or the
editor into which they are pasted.
"""

from __future__ import annotations

import builtins
import json
import logging
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..vendors.emulation.event_fields import MESSAGE_FIELDS
from ..vendors.registry import VENDORS
from .event_view import view

CALLS = {1: "debug", 3: "info", 4: "warning", 5: "error", 6: "critical"}
"""The method of a logger by severity; there is none for 2, verbose."""

VERBOSE_LEVEL = 15
MAX_LITERAL = 200
"""Characters of a message in a query; a longer one is compared by its start."""

RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""Names that `extra` may not have."""


def copies(event: Mapping[str, Any], url: str) -> dict[str, str]:
    """
    Return by name the texts for *event*, a dict as `Store.newest` returns it.

    Args:
        event: The event.
        url: The address of the local server.

    Returns:
        ``curl`` sends the event again, to the local server; the key is read from the vendor's
        variable. ``python`` makes a record like the one that was logged. ``dataprime`` finds the
        event. A text is empty where the event is nested too deeply for it.
    """
    makers: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "curl": partial(curl_command, url=url),
        "python": logging_call,
        "dataprime": query,
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make(event)
        except RecursionError:
            found[name] = ""
    return found


def curl_command(event: Mapping[str, Any], *, url: str) -> str:
    """Return a command for a POSIX shell that sends *event* to *url* again."""
    profile = VENDORS[event["vendor"]].profile
    sample = profile.sample_request(event)
    # The local server takes any key, so the command works as it is.
    credential = f"{sample.credential_header}${{{profile.shown_first}:-dev}}"
    body = shlex.quote(json.dumps(sample.body, separators=(",", ":"), default=str))
    return " \\\n  ".join(
        [
            f"curl {shlex.quote(url.rstrip('/') + sample.path)}",
            f'-H "{credential}"',
            "-H 'Content-Type: application/json'",
            f"--data-binary {body}",
        ]
    )


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
    made = f"type({name!a}, (Exception,), { {'__module__': module or 'builtins'}!a})"
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


def query(event: Mapping[str, Any]) -> str:
    """Return a DataPrime query that finds *event*: by its time, application and message."""
    data, message = event["data"], event["message"]
    conditions = [f"$m.timestampMicros == {event['time_ns'] // 1000}"]
    if event["application"]:
        conditions.append(f"$l.applicationname == {_literal(event['application'])}")
    field = next((name for name in MESSAGE_FIELDS if data.get(name) == message), None)
    if field and message:
        conditions.append(_compared(field, message))
    return "source logs\n| filter " + "\n    && ".join(conditions)


def _compared(field: str, message: str) -> str:
    if len(message) <= MAX_LITERAL:
        return f"$d.{field} == {_literal(message)}"
    return f"startsWith($d.{field}, {_literal(message[:MAX_LITERAL])})"


def _literal(text: str) -> str:
    """Return *text* as a string of the language."""
    return f"'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    # The language has no escape for characters beyond U+FFFF.
    if character.isprintable() or ord(character) > 0xFFFF:
        return character
    return f"\\u{ord(character):04x}"
