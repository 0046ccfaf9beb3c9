"""`cxlogging fields`: the fields of the logs, by a sample."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from ..dataprime import FieldSummary, Tier
from .shared import connection_options as connection
from .shared.exit_codes import EMPTY, OK
from .shared.screen import note, prepare, safe, safe_json
from .shared.wording import examples

ALL_LOGS = "source logs"
EXAMPLE_LENGTH = 60
"""Characters of an example in the table."""


@click.command(
    "fields",
    epilog=examples(
        "cxlogging fields --since 1d",
        "cxlogging fields \"source logs | filter \\$l.applicationname == 'shop'\" --json --local",
    ),
)
@click.argument("query", required=False, default=ALL_LOGS)
@click.option(
    "--since", default="1h", show_default=True, metavar="T", help="Look at logs since then."
)
@click.option("--to", "end", metavar="T", help="Look at logs up to this time. Default: now.")
@connection.tier
@click.option(
    "--sample",
    type=click.IntRange(1, 15_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Read at most N logs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the fields as JSON.")
@connection.options
def command(
    *,
    query: str,
    since: str,
    end: str | None,
    tier: Tier,
    sample: int,
    as_json: bool,
    **where: Any,
) -> None:
    """
    List the fields of the logs that QUERY returns, by default of all logs.

    Each field has its keypath, its types, the share of the logs that have it, and an example; they
    come from a sample of the logs. Exit codes: 4 there are no logs; all others are those of query.
    """
    with connection.client(connection.address(**where), tier, None) as client:
        found = client.fields(query, since=since, end=end, tier=tier, sample=sample)
    prepare(sys.stdout)
    if as_json:
        text = json.dumps([asdict(each) for each in found], default=str, ensure_ascii=False)
        click.echo(safe_json(text) if sys.stdout.isatty() else text)
    else:
        _print(found)
    if not found:
        which = "" if query == ALL_LOGS else " that the query returns"
        hint = "widen the window with --since, or search --tier archive"
        note(f"no logs{which} since {since}: {hint}.")
    raise SystemExit(OK if found else EMPTY)


def _print(found: list[FieldSummary]) -> None:
    names = [safe(each.keypath) for each in found]
    kinds = ["|".join(each.types) for each in found]
    width, second = (max(map(len, column), default=0) for column in (names, kinds))
    for field, name, kind in zip(found, names, kinds, strict=True):
        example = json.dumps(field.example, default=str, ensure_ascii=False)
        if len(example) > EXAMPLE_LENGTH:
            example = f"{example[:EXAMPLE_LENGTH]}..."
        line = f"{name:<{width}}  {kind:<{second}}  {field.share:>4.0%}  {safe(example)}"
        click.echo(line)
