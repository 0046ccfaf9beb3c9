"""`cxlogging fault`: make the local server fail on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..vendors.emulation.types import QUERIES
from ..vendors.registry import QUERIED, VENDORS
from .shared.local_api import call, local_origin
from .shared.local_server import address_options
from .shared.numbers import FiniteRange
from .shared.screen import note, safe
from .shared.wording import examples

LIST, CLEAR = "list", "clear"
SUGGESTED = {
    "503": "unavailable",
    "429": "rate limit, with --retry-after",
    "401": "the key is refused",
    "413": "the body is too large",
    LIST: "print the faults that are set",
    CLEAR: "remove all faults",
}
"""What the first argument is completed to."""


class ActionType(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.3
    """A status to answer with, or what to do with the faults that are set."""

    name = "action"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | int:
        """Return `LIST`, `CLEAR`, or the status as a number."""
        if value in {LIST, CLEAR}:
            return value
        if not (isinstance(value, int) or (value.isascii() and value.isdigit())):
            self.fail(f"{value!r} is neither a status, such as 503, nor list or clear.", param, ctx)
        if not 200 <= int(value) <= 599:
            self.fail(f"{value} is not a status from 200 to 599.", param, ctx)
        return int(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the usual statuses, and the words."""
        del ctx, param
        found = ((name, told) for name, told in SUGGESTED.items() if name.startswith(incomplete))
        return [CompletionItem(name, help=told) for name, told in found]


@click.command(
    "fault",
    epilog=examples(
        f"cxlogging fault 503 --vendor {QUERIED.name} --times 3",
        "cxlogging fault 429 --retry-after 2 --for 30",
        "cxlogging fault --reset after --times 1",
        "cxlogging fault list",
        "cxlogging fault clear",
    ),
)
@click.argument("action", metavar="[STATUS|list|clear]", type=ActionType(), required=False)
@click.option(
    "--vendor",
    type=click.Choice([*VENDORS, QUERIES]),
    help=f"Whose requests fail; {QUERIES} means queries. Default: all requests, queries too.",
)
@click.option(
    "--times",
    type=click.IntRange(1),
    metavar="N",
    help="How many requests fail. Default: all, until the fault is cleared.",
)
@click.option(
    "--for",
    "seconds",
    type=FiniteRange(0, min_open=True),
    metavar="SECONDS",
    help="How long requests fail.",
)
@click.option(
    "--retry-after",
    metavar="VALUE",
    help="The header Retry-After of the answer: seconds or an HTTP date.",
)
@click.option(
    "--delay",
    type=FiniteRange(0, 3600),
    metavar="SECONDS",
    help="Wait this long before anything else happens; without a status, then answer as usual.",
)
@click.option(
    "--reset",
    type=click.Choice(["before", "after"]),
    help="Reset the connection instead of an answer, before or after the events are stored.",
)
@click.option(
    "--trickle",
    type=FiniteRange(0, 3600),
    metavar="SECONDS",
    help="Wait this long between two bytes of the answer.",
)
@address_options
def command(
    *, action: str | int | None, port: int | None, url: str | None, **attributes: Any
) -> None:
    """
    Make the local server fail on purpose, as a vendor, a proxy or the network may.

    With a STATUS, requests get this answer, and nothing is stored. The options alone are faults
    too, such as --delay 2. "list" prints the faults that are set; "clear" removes them.

    Exit codes: 0 done, 1 another server listens there, 2 invalid usage, 5 no server listens.
    """
    origin = local_origin(port, url)
    given = {name: value for name, value in attributes.items() if value is not None}
    if action in {LIST, CLEAR} and given:
        raise click.UsageError(f"{action!r} takes no options but --port and --url.")
    if action == LIST:
        faults = call(origin, "/api/faults")["faults"]
        for fault in faults:
            click.echo(safe(sentence(fault)))
        if not faults:
            note("no faults are set")
    elif action == CLEAR:
        click.echo(f"faults removed: {call(origin, '/api/faults/clear', {})['cleared']}")
    else:
        if action is None and given.keys() <= {"vendor", "times", "seconds"}:
            raise click.UsageError(
                "nothing says how to fail: pass a status, such as 503, or --delay, --reset or"
                " --trickle."
            )
        fault = given if action is None else {"status": action, **given}
        click.echo(safe(sentence(call(origin, "/api/faults", fault)["fault"])))
        if not given.keys() & {"times", "seconds"}:
            note("undo: cxlogging fault clear")


def sentence(fault: Mapping[str, Any]) -> str:
    """Return a fault, as the API has it, in words."""
    rest = {name: value for name, value in fault.items() if name != "id"}
    who = rest.pop("vendor", "all requests")
    times, seconds = rest.pop("times", None), rest.pop("seconds", None)
    what = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in rest.items())
    until = ["" if times is None else f"{times} request" + "s" * (times > 1)]
    until.append("" if seconds is None else f"{seconds:g} seconds")
    how_long = " or ".join(filter(None, until))
    return f"{who}: {what}, " + (f"for {how_long}" if how_long else "until it is cleared")
