"""The list of commands, and how one is loaded. Imports nothing outside of the standard library."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import click

COMMANDS = {
    "query": "Print the rows of a query.",
    "tail": "Print logs as they arrive.",
    "fields": "List the fields of the logs.",
    "volume": "Show which lines of code make the events and the bytes.",
    "send": "Send lines, JSON lines or CSV to a vendor.",
    "audit": "Check that all numbered records have arrived.",
    "doctor": "Find out why records do not arrive, and how to fix it.",
    "check": "Send one test event with each handler.",
    "spool": "Inspect and maintain records that wait on disk.",
    "demo": "See it work: an application, an outage, and nothing lost.",
    "dev": "Run a local server that behaves like the three vendors.",
    "fault": "Make the local server fail on purpose.",
    "relay": "Deliver the messages of a NATS stream, and look after it.",
    "mcp": "Give coding assistants tools that read the logs.",
    "completion": "Print the completion script of a shell.",
}
"""Each command and its line in `cxlogging --help`."""

EXTRAS = {"demo": "dev", "dev": "dev", "mcp": "mcp", "relay": "relay"}
"""The extra that a command needs; every other command needs `cli`."""


def load(name: str) -> click.Command:
    """Import the command *name*; exit with an explanation if a package it needs is missing."""
    try:
        command: click.Command = import_module(f".{name}", __package__).command
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cxlogging"):
            raise
        exit_for_missing_extra(name)
    return command


def exit_for_missing_extra(name: str) -> NoReturn:
    """Say which extra the command *name* needs, and exit."""
    if sys.stderr is not None:
        extra = EXTRAS.get(name, "cli")
        sys.stderr.write(
            f"The command line needs more packages: pip install 'cxlogging[{extra}]'\n"
        )
    raise SystemExit(2)
