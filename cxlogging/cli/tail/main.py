"""`cxlogging tail`: new logs as they arrive."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

import click

from ...dataprime import (
    DataPrimeClient,
    QueryError,
    QueryFailed,
    RateLimited,
    Row,
    Severity,
    Syntax,
    Tier,
    Unreachable,
    times,
)
from ...dataprime.language.parameters import with_parameters
from ..query.notes import nothing_yet
from ..query.text import is_text
from ..shared import connection_options as connection
from ..shared import formats
from ..shared.exit_codes import OK, PARTIAL
from ..shared.levels import LevelType
from ..shared.screen import note
from ..shared.wording import examples
from .following import Following
from .local_stream import LocalStream

INTERVAL = 5.0
LOCAL_INTERVAL = 0.5
MAX_PAUSE = 30.0
TEMPORARY = (RateLimited, Unreachable, QueryFailed)
_COMMANDS = re.compile(
    r"\s*(source|from|filter|f|where|block|find|text|wildfind|wildtext|lucene)\s", re.IGNORECASE
)


@click.command(
    "tail",
    epilog=examples(
        "cxlogging tail --level warning --local",
        "cxlogging tail 'card declined' --since 10m",
        "cxlogging tail '$d.user.id == 4711' --since 10m",
        "cxlogging tail \"wildfind 'connection refused'\" -o jsonl",
    ),
)
@click.argument("expression", metavar="[FILTER]", required=False)
@click.option(
    "--level",
    type=LevelType(),
    metavar="LEVEL",
    help="Show logs of this severity and above: warning, WARN or 30.",
)
@click.option(
    "--since",
    default="1m",
    metavar="T",
    show_default=True,
    help="Begin this long ago, or at this time: 10m, now-1h, 2025-01-20T00:00:00Z.",
)
@connection.tier
@click.option(
    "--syntax",
    type=click.Choice(["dataprime", "lucene"]),
    default="dataprime",
    show_default=True,
    help="The language of FILTER.",
)
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3600),
    metavar="S",
    help=f"Ask every S seconds. Default: {INTERVAL:g}, with --local {LOCAL_INTERVAL:g}.",
)
@click.option(
    "--late",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    metavar="S",
    show_default=True,
    help="Show logs that become visible up to S seconds after their timestamp.",
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="Exit after N rows.")
@formats.output("table", "jsonl", "raw")
@formats.colour
@formats.full
@connection.row_limit
@connection.options
def command(
    *,
    expression: str | None,
    level: Severity | None,
    since: str,
    tier: Tier,
    syntax: Syntax,
    every: float | None,
    late: float,
    count: int | None,
    output: str | None,
    color: str,
    full: bool,
    row_limit: int | None,
    local: bool,
    port: int | None,
    domain: str | None,
    url: str | None,
) -> None:
    """
    Print logs as they arrive, each once, until Ctrl-C.

    FILTER is a text to search for in all fields, such as 'card declined', a condition, such as
    '$d.user.id == 4711', or a pipeline that does not aggregate, such as
    'source spans | filter ...'; with --syntax lucene, it is a Lucene query.

    Exit codes: 0 after --count rows, 6 after --count rows of which some may be missing, 130 after
    Ctrl-C; all others are those of query.
    """
    where = connection.address(local=local, port=port, domain=domain, url=url)
    pause = every or (LOCAL_INTERVAL if local or port else INTERVAL)
    text = query_of(expression, level, syntax)
    begin = times.instant("--since", since, time.time_ns())
    with connection.client(where, tier, row_limit, timeout=60.0, retry_budget=0.0) as client:
        windows = _Windows(client, text, tier, syntax, (expression or "").strip())
        following = Following(windows.fetch, begin, int(late * 1e9))
        with _waiting(where["url"] if (local or port) and not every else None, pause) as wait:
            rows = _limited(_batches(following, pause, wait), count)
            formats.write(_flushed(rows), formats.chosen(output), color, full=full)
    raise SystemExit(PARTIAL if windows.incomplete else OK)


@contextmanager
def _waiting(url: str | None, pause: float) -> Iterator[Callable[[], None]]:
    """Give a function that waits: for the stream of the local server, or for *pause* seconds."""
    if url is None:
        yield lambda: time.sleep(pause)
        return
    with closing(LocalStream(url, pause)) as stream:
        yield stream.wait


def query_of(expression: str | None, level: Severity | None, syntax: str) -> str:
    """Return the query for a filter, which is a condition or a whole pipeline."""
    expression = (expression or "").strip()
    if syntax == "lucene":
        if level:
            raise click.UsageError(
                "--level is for DataPrime: with Lucene, put the severity into the query."
            )
        return expression or "*"
    if is_text(expression):
        text = str(with_parameters("source logs | wildfind {text}", {"text": expression}, syntax))
    elif not expression or _COMMANDS.match(f"{expression} "):
        text = expression or "source logs"
    else:
        text = f"source logs | filter {expression}"
    if level:
        wanted = (each for each in Severity if each >= level)
        text += " | filter " + " || ".join(f"$m.severity == {each.name}" for each in wanted)
    return text


class _Windows:
    """
    Runs the query of a tail for one window after another.

    Attributes:
        incomplete: True once rows may be missing.
    """

    def __init__(
        self, client: DataPrimeClient, text: str, tier: Tier, syntax: Syntax, expression: str
    ) -> None:
        self.incomplete = False
        self._client = client
        self._text, self._tier, self._syntax = text, tier, syntax
        self._expression = expression
        self._is_first = True

    def fetch(self, start: int, end: int) -> Iterator[Row]:
        """Yield the rows of a window; note if some may be missing, or if the first has none."""
        with self._client.stream(
            self._text,
            start=times.iso(start),
            end=times.iso(end),
            tier=self._tier,
            syntax=self._syntax,
            limit=self._client.row_limits[self._tier],
            timeout=60.0,
            split_on_limit=True,
        ) as rows:
            answer = rows.suppress_warnings()
            yield from rows
        if answer.limits_reached:
            self.incomplete = True
            note(f"rows may be missing: {', '.join(answer.limits_reached)} reached.")
        if self._is_first and not answer.count:
            for each in nothing_yet(self._expression, answer, lucene=self._syntax == "lucene"):
                note(each)
        self._is_first = False


def _batches(following: Following, pause: float, wait: Callable[[], None]) -> Iterator[list[Row]]:
    """Yield new rows forever; a temporary error is noted once, and the query repeated."""
    reported, failures, began = "", 0, False
    while True:
        try:
            rows = following.new_until(time.time_ns())
        except QueryError as error:
            if not (began and _is_temporary(error)):
                raise
            failures += 1
            kind = type(error).__name__
            if kind != reported:
                note(f"waiting: {error}")
            reported = kind
            retry_after = getattr(error, "retry_after", None)
            time.sleep(max(retry_after or 0.0, min(pause * 2**failures, MAX_PAUSE)))
            continue
        if reported:
            note("continuing")
        reported, failures, began = "", 0, True
        yield rows
        wait()


def _is_temporary(error: QueryError) -> bool:
    return isinstance(error, TEMPORARY) or getattr(error, "status", 0) in range(500, 600)


def _limited(batches: Iterable[list[Row]], count: int | None) -> Iterator[list[Row]]:
    left = count
    for batch in batches:
        rows = batch if left is None else batch[:left]
        yield rows
        if left is not None:
            left -= len(rows)
            if left == 0:
                return


def _flushed(batches: Iterable[list[Row]]) -> Iterator[Row]:
    for batch in batches:
        yield from batch
        sys.stdout.flush()
