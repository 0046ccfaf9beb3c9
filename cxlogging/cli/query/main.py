"""`cxlogging query`: ask the service, or the local server, and print the rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..shared import connection_options as reach
from ..shared import formats
from ..shared.completing import files_after_at
from ..shared.exit_codes import EMPTY, OK, PARTIAL
from ..shared.screen import note
from ..shared.wording import examples
from .explain import explained
from .notes import statistics, told

_DIRECT = {
    "tier": "--tier",
    "limit": "--limit",
    "row_limit": "--row-limit",
    "split": "--split",
    "default_source": "--source",
    "strict_fields": "--strict",
    "preset": "--preset",
}
"""Options that a background query does not have."""


@click.command(
    "query",
    epilog=examples(
        "cxlogging query 'source logs | filter $m.severity == ERROR' --since 1h",
        "cxlogging query @errors.dp --from now-2d --to now-1d --split -o csv",
        "cxlogging query 'source logs | countby $m.severity' --local",
    ),
)
@click.argument("query", required=False, shell_complete=files_after_at)
@click.option("--since", metavar="T", help="Begin the window so long ago: 30m, 1h, 2d.")
@click.option(
    "--from", "start", metavar="T", help="Begin the window at a time: 2025-01-20T00:00:00Z, now-2d."
)
@click.option(
    "--to", "end", metavar="T", help="End the window at a time, as for --from. Default: now."
)
@reach.tier
@click.option(
    "--syntax",
    type=click.Choice(["dataprime", "lucene"]),
    default="dataprime",
    show_default=True,
    help="The language of the query.",
)
@click.option(
    "--limit", type=int, metavar="N", help="Return at most N rows. Default: 2000, by the service."
)
@click.option("--split", is_flag=True, help="Ask again about halves of a window that was cut.")
@click.option(
    "--source", "default_source", metavar="S", help="Read this source where the query names none."
)
@click.option("--strict", "strict_fields", is_flag=True, help="Refuse a query with unknown fields.")
@click.option(
    "--preset",
    type=click.Choice(["accuracy", "performance"]),
    help="What the service favours where it cannot have both.",
)
@click.option(
    "--timeout",
    type=float,
    default=300.0,
    show_default=True,
    metavar="S",
    help="Give up after S seconds, retries included.",
)
@formats.output(*formats.FORMATS)
@formats.colour
@click.option("--stats", is_flag=True, help="Print on stderr what the query cost.")
@click.option(
    "--explain", is_flag=True, help="Print the request as a curl command, and send nothing."
)
@click.option("--fail-on-empty", is_flag=True, help="Exit with code 4 if there is no row.")
@click.option(
    "--background",
    is_flag=True,
    help="Run it in the background: up to a million rows and 30 minutes.",
)
@click.option("--name", metavar="NAME", help="Give the background query a name.")
@click.option(
    "--job", metavar="ID", help="Print the rows of a background query that was submitted before."
)
@formats.full
@reach.row_limit
@reach.options
def command(
    *,
    query: str | None,
    output: str | None,
    color: str,
    full: bool,
    stats: bool,
    explain: bool,
    fail_on_empty: bool,
    background: bool,
    job: str | None,
    local: bool,
    port: int | None,
    domain: str | None,
    url: str | None,
    **arguments: Any,
) -> None:
    """
    Print the rows of a DataPrime or Lucene QUERY.

    QUERY is its text, - for standard input, or @FILE. The key is CX_API_KEY, else
    CORALOGIX_API_KEY: a personal or team key; a Send-Your-Data key cannot query.

    Exit codes: 0 ok, 1 failure, 2 usage (a query that does not compile too), 3 authentication,
    4 no rows (--fail-on-empty), 5 worth another try, 6 rows are missing, 130 Ctrl-C.
    """
    where = reach.address(local=local, port=port, domain=domain, url=url)
    text = _text(query, job, explain=explain)
    in_background = background or job is not None
    _check(arguments, in_background=in_background)
    if explain:
        click.echo(explained(text, arguments, where, background=background))
        return
    own = (arguments["tier"], arguments["row_limit"])
    with reach.client(where, *own, timeout=arguments["timeout"]) as client:
        if in_background:
            from .job import rows_of_job

            rows = rows_of_job(client, text, arguments, job)
        else:
            rows = client.stream(text, **_request(arguments))
        answer = rows.suppress_warnings()
        with rows:
            count = formats.write(rows, formats.chosen(output), color, full=full)
    sys.stdout.flush()
    for sentence in told(rows, answer, background=in_background):
        note(sentence)
    if stats:
        for sentence in statistics(rows, count):
            note(sentence)
    raise SystemExit(_code(answer.unrequested_limits, empty=fail_on_empty and not count))


def _code(limits: tuple[str, ...], *, empty: bool) -> int:
    if limits:
        return PARTIAL
    return EMPTY if empty else OK


def _text(query: str | None, job: str | None, *, explain: bool) -> str:
    if job is not None:
        if query is not None or explain:
            raise click.UsageError("--job takes up a query that was sent: leave out the rest.")
        return ""
    if query is None:
        raise click.UsageError("a query is missing, such as 'source logs | limit 10'; - reads it.")
    if query == "-":
        return sys.stdin.read()
    if not query.startswith("@"):
        return query
    try:
        return Path(query[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise click.UsageError(f"cannot read {query[1:]!r}: {reason}.") from None


def _check(arguments: Mapping[str, Any], *, in_background: bool) -> None:
    """Refuse what goes together with nothing."""
    if not in_background:
        if arguments["name"] is not None:
            raise click.UsageError("--name names a background query: add --background.")
        return
    for name, option in _DIRECT.items():
        if arguments[name] not in {None, False, "frequent"}:
            raise click.UsageError(f"a background query has no {option}: leave it out.")


def _request(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the client's own arguments."""
    renamed = {"split": "split_on_limit"}
    left_out = {"name", "row_limit"}
    return {renamed.get(each, each): arguments[each] for each in arguments.keys() - left_out}
