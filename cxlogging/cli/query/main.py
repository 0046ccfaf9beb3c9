"""`cxlogging query`: run a query against Coralogix or the local server."""

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
from .parameters import parameters
from .request import check_combination, curl_command, query_text, stream_arguments


@click.command(
    "query",
    epilog=examples(
        "cxlogging query 'source logs | filter $m.severity == ERROR' --since 1h",
        "cxlogging query @errors.dp --from now-2d --to now-1d --split -o csv",
        "cxlogging query 'source logs | countby $m.severity' --local",
        "cxlogging query 'filter user.id == {user}' --param user=o\\'neill",
    ),
)
@click.argument("query", required=False)
@click.option("--since", metavar="T", help="Begin the window this long ago: 30m, 1h, 2d.")
@click.option(
    "--from",
    "start",
    metavar="T",
    help="Begin the window at this time: 2025-01-20T00:00:00Z.",
)
@click.option(
    "--to",
    "end",
    metavar="T",
    help="End the window at this time, such as now-1h. Default: now.",
)
@parameters
@connection.tier
@click.option(
    "--syntax",
    type=click.Choice(["dataprime", "lucene"]),
    default="dataprime",
    show_default=True,
    help="The language of the query.",
)
@click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Return at most N rows. Default: the service's 2000.",
)
@click.option("--split", is_flag=True, help="If a limit cuts the result, split the window.")
@click.option(
    "--source", "default_source", metavar="S", help="Read this source if the query names none."
)
@click.option("--strict", "strict_fields", is_flag=True, help="Reject queries with unknown fields.")
@click.option(
    "--preset",
    type=click.Choice(["accuracy", "performance"]),
    help="What the service favours if it must choose between the two.",
)
@click.option(
    "--timeout",
    type=float,
    default=300.0,
    show_default=True,
    metavar="S",
    help="Give up after S seconds, including retries.",
)
@formats.output(*formats.FORMATS)
@formats.colour
@click.option("--stats", is_flag=True, help="Print duration, bytes read and limits on stderr.")
@click.option(
    "--explain", is_flag=True, help="Print the request as a curl command instead of sending it."
)
@click.option("--fail-on-empty", is_flag=True, help="Exit with code 4 if there are no rows.")
@click.option(
    "--background",
    is_flag=True,
    help="Run a background query: up to a million rows and 30 minutes.",
)
@click.option("--name", metavar="NAME", help="Name the background query NAME.")
@click.option(
    "--job", metavar="ID", help="Print the rows of a background query that was submitted earlier."
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

    QUERY is the text of the query, - to read it from standard input, or @FILE to read it from a
    file. The key comes from CX_API_KEY, or else CORALOGIX_API_KEY; it is a personal or team key,
    as a Send-Your-Data key cannot query.

    Exit codes: 0 success, 1 failure, 2 invalid usage or query, 3 authentication failed, 4 no rows
    (with --fail-on-empty), 5 temporary failure: try again, 6 rows may be missing, 130 Ctrl-C.
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
        rows = (
            background_rows(client, text, options, job)
            if in_background
            else client.stream(text, **stream_arguments(options))
        )
        answer = rows.suppress_warnings()
        with rows:
            count = formats.write(rows, formats.chosen(output), color, full=full)
    sys.stdout.flush()
    notes = notes_about(rows, answer, options, background=in_background)
    for sentence in (*notes, *(statistics(rows, count) if stats else ())):
        note(sentence)
    complete = EMPTY if fail_on_empty and not count else OK
    raise SystemExit(PARTIAL if answer.unrequested_limits else complete)
