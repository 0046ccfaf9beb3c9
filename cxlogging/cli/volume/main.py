"""`cxlogging volume`: which lines of code make the events and the bytes."""

from __future__ import annotations

import sys

import click

from ...dataprime import Row
from ...wire.settings import held
from ..shared import connection_options as connection
from ..shared import formats
from ..shared.exit_codes import EMPTY, OK, PARTIAL
from ..shared.local_api import local_origin, loopback_origin
from ..shared.local_server import local_url
from ..shared.numbers import FiniteRange
from ..shared.screen import note
from ..shared.wording import examples
from . import sources
from .measurement import Measurement, cost_sentence
from .table import print_table

PRICE_VARIABLE = "CXLOGGING_PRICE_PER_GB"
DEFAULT_SINCE = "1d"
TIMEOUT = 300.0
"""Seconds that a query takes at most."""

WIDER = "Log something, or widen the window with --since."


@click.command(
    "volume",
    epilog=examples(
        "cxlogging volume --local --top 10",
        "cxlogging volume --url http://127.0.0.1:4319 --price 0.5",
        "cxlogging volume --local --reported",
        "cxlogging volume --since 1d --price 0.5 -o csv",
    ),
)
@click.option(
    "--since",
    metavar="T",
    help="Count events since then: 30m, 1d, or a time. Default: all that is stored locally, or"
    " the last day of the service.",
)
@click.option("--to", "end", metavar="T", help="Count events up to this time. Default: now.")
@click.option(
    "--tier",
    type=click.Choice(["archive", "frequent"]),
    help="Ask the service: archive counts whole events, frequent messages alone. Default: archive.",
)
@click.option(
    "--reported",
    is_flag=True,
    help="Show the counts of the processes that report to the local server.",
)
@click.option(
    "--price",
    type=FiniteRange(0),
    metavar="P",
    help=f"Show the cost at P per GB of 10^9 bytes. Default: {PRICE_VARIABLE}, or else no cost.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 500),
    default=30,
    show_default=True,
    metavar="N",
    help="Show the N call sites with the most bytes.",
)
@formats.output("table", "json", "jsonl", "csv")
@formats.colour
@connection.options
def command(
    *,
    since: str | None,
    end: str | None,
    tier: str | None,
    reported: bool,
    price: float | None,
    top: int,
    output: str | None,
    color: str,
    local: bool,
    port: int | None,
    domain: str | None,
    url: str | None,
) -> None:
    """
    Show which lines of code make the events and the bytes: by logger, file, line and level.

    By default, counts the events that a local server has stored: at --port, at a --url on this
    machine, or at CXLOGGING_URL. With --reported, shows what running processes have counted
    themselves, and how many records they held back. A process has no address of its own: it
    reports to the local server if CXLOGGING_REPORT_STATS=1 is set for it, or if it calls
    cxlogging.report_stats(). With --domain, --tier, a --url of another machine, or --since without
    an address, asks the service by DataPrime, with the key of query.

    Exit codes: 0 success, 4 nothing was logged; all others are those of query.
    """
    price = _price_of_the_environment() if price is None else price
    where = connection.address(local=local, port=port, domain=domain, url=url)
    origin = loopback_origin(where["url"] or local_url())
    if end and not since:
        raise click.UsageError("--to needs the begin of the window: pass --since.")
    if reported:
        if since or tier or domain:
            raise click.UsageError(
                "--reported counts since processes began, at the local server: leave out --since,"
                " --tier and --domain."
            )
        measured = sources.reported(local_origin(None, where["url"]))
    elif origin is None or tier or domain or (since and not where["url"]):
        with connection.client(where, tier or "archive", None, timeout=TIMEOUT) as client:
            measured = sources.queried(client, tier or "archive", since or DEFAULT_SINCE, end, top)
    else:
        measured = sources.stored(origin, since, end)
    _print(measured, top, price, formats.chosen(output), color)
    if not measured.rows:
        note(f"{measured.what}: none.{'' if reported else ' ' + WIDER}")
        raise SystemExit(EMPTY)
    raise SystemExit(PARTIAL if measured.is_partial else OK)


def _price_of_the_environment() -> float | None:
    text = held(PRICE_VARIABLE)
    if not text:
        return None
    try:
        return FiniteRange(0).convert(text, None, None)
    except click.BadParameter:
        raise click.UsageError(
            f"{PRICE_VARIABLE} takes a price per GB, such as 0.5, not {text!r}."
        ) from None


def _print(measured: Measurement, top: int, price: float | None, form: str, colour: str) -> None:
    """Print the call sites, and what their numbers do not say."""
    if form != "table":
        rows = (Row(row.document(price)) for row in measured.rows[:top])
        formats.write(rows, form, colour)
        if price is not None and measured.rows:
            note(cost_sentence(measured, price))
    elif measured.rows:
        print_table(measured, top, price, colour)
    sys.stdout.flush()
    for sentence in measured.caveats:
        note(sentence)
    if measured.is_partial:
        note("call sites may be missing: a limit of the service was reached; narrow the window.")
