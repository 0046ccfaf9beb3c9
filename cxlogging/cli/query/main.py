"""`cxlogging query`: ask the service, or the local server, and print the rows."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..shared import connection_options as connection
from ..shared import formats
from ..shared.exit_codes import EMPTY, OK, PARTIAL
from ..shared.screen import note
from ..shared.wording import examples
from .background import background_rows
from .notes import notes_about, statistics
from .request import check_combination, curl_command, query_text, stream_arguments


@click.command(
    "query",
    epilog=examples(
        "cxlogging query 'source logs | filter $m.severity == ERROR' --since 1h",
        "cxlogging query @errors.dp --from now-2d --to now-1d --split -o csv",
        "cxlogging query 'source logs | countby $m.severity' --local",
    ),
)
@click.argument("query", required=False)
@click.option("--since", metavar="T", help="Begin the window so long ago: 30m, 1h, 2d.")
@click.option(
    "--from", "start", metavar="T", help="Begin the window at a time: 2025-01-20T00:00:00Z, now-2d."
)
@click.option(
    "--to", "end", metavar="T", help="End the window at a time, as for --from. Default: now."
)
@connection.tier
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
@connection.row_limit
@connection.options
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
    **options: Any,
) -> None:
    """
    Print the rows of a DataPrime or Lucene QUERY.

    QUERY is its text, - for standard input, or @FILE. The key is CX_API_KEY, else
    CORALOGIX_API_KEY: a personal or team key; a Send-Your-Data key cannot query.

    Exit codes: 0 ok, 1 failure, 2 usage (a query that does not compile too), 3 authentication,
    4 no rows (--fail-on-empty), 5 worth another try, 6 rows are missing, 130 Ctrl-C.
    """
    where = connection.address(local=local, port=port, domain=domain, url=url)
    text = query_text(query, job, explain=explain)
    in_background = background or job is not None
    check_combination(options, in_background=in_background)
    if explain:
        click.echo(curl_command(text, options, where, background=background))
        return
    tier, row_limit, timeout = options["tier"], options["row_limit"], options["timeout"]
    with connection.client(where, tier, row_limit, timeout=timeout) as client:
        if in_background:
            rows = background_rows(client, text, options, job)
        else:
            rows = client.stream(text, **stream_arguments(options))
        answer = rows.untold()
        with rows:
            count = formats.write(rows, formats.chosen(output), color, full=full)
    sys.stdout.flush()
    for sentence in notes_about(rows, answer, background=in_background):
        note(sentence)
    if stats:
        for sentence in statistics(rows, count):
            note(sentence)
    if answer.unasked_limits:
        raise SystemExit(PARTIAL)
    raise SystemExit(EMPTY if fail_on_empty and not count else OK)
