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
    Unreachable,
    times,
)
from ..query.notes import nothing_yet
from ..shared import connection_options as reach
from ..shared import formats
from ..shared.exit_codes import OK, PARTIAL
from ..shared.levels import Level
from ..shared.screen import note
from ..shared.wording import examples
from .doorbell import Doorbell
from .following import Following

EVERY = 5.0
EVERY_LOCAL = 0.5
LONGEST_PAUSE = 30.0
PASSING = (RateLimited, Unreachable, QueryFailed)
_COMMANDS = re.compile(
    r"\s*(source|from|filter|f|where|block|find|text|wildfind|wildtext|lucene)\s", re.IGNORECASE
)


@click.command(
    "tail",
    epilog=examples(
        "cxlogging tail --level warning --local",
        "cxlogging tail '$d.user.id == 4711' --since 10m",
        "cxlogging tail \"wildfind 'connection refused'\" -o jsonl",
    ),
)
@click.argument("expression", metavar="[FILTER]", required=False)
@click.option(
    "--level",
    type=Level(),
    metavar="LEVEL",
    help="Show this severity and those above: warning, WARN, 30.",
)
@click.option(
    "--since",
    default="1m",
    metavar="T",
    show_default=True,
    help="Begin so long ago, or at a time: 10m, now-1h, 2025-01-20T00:00:00Z.",
)
@reach.tier
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
    help=f"Ask every S seconds. Default: {EVERY:g}, {EVERY_LOCAL:g} with --local.",
)
@click.option(
    "--late",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    metavar="S",
    show_default=True,
    help="Show logs that become visible up to S seconds after their time.",
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after N rows.")
@formats.output("table", "jsonl", "raw")
@formats.colour
@formats.full
@reach.row_limit
@reach.options
def command(
    *,
    expression: str | None,
    level: Severity | None,
    since: str,
    tier: str,
    syntax: str,
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

    FILTER is a condition, such as '$d.user.id == 4711', or a pipeline of commands that keep logs
    as they are, such as 'source spans | filter ...'; with --syntax lucene, a Lucene query.

    Exit codes: 0 after --count rows, 6 the same and rows may be missing, 130 Ctrl-C; else as query.
    """
    where = reach.address(local=local, port=port, domain=domain, url=url)
    pause = every or (EVERY_LOCAL if local or port else EVERY)
    text = question(expression, level, syntax)
    begin = times.instant("--since", since, time.time_ns())
    with reach.client(where, tier, row_limit, timeout=60.0, retry_budget=0.0) as client:
        asking = _Asking(client, text, tier, syntax, (expression or "").strip())
        following = Following(asking.ask, begin, int(late * 1e9))
        with _waiting(where["url"] if (local or port) and not every else None, pause) as wait:
            rows = _limited(_batches(following, pause, wait), count)
            formats.write(_flushed(rows), formats.chosen(output), color, full=full)
    raise SystemExit(PARTIAL if asking.cut else OK)


@contextmanager
def _waiting(url: str | None, pause: float) -> Iterator[Callable[[], None]]:
    """Give what waits for the next question: the local server's stream, or time."""
    if url is None:
        yield lambda: time.sleep(pause)
        return
    with closing(Doorbell(url, pause)) as bell:
        yield bell.wait


def question(expression: str | None, level: Severity | None, syntax: str) -> str:
    """Return the query of a filter: a condition, or a pipeline as it is."""
    expression = (expression or "").strip()
    if syntax == "lucene":
        if level:
            raise click.UsageError("--level goes with DataPrime: write severity into the query.")
        return expression or "*"
    if not expression or _COMMANDS.match(f"{expression} "):
        text = expression or "source logs"
    else:
        text = f"source logs | filter {expression}"
    if level:
        wanted = (each for each in Severity if each >= level)
        text += " | filter " + " || ".join(f"$m.severity == {each.name}" for each in wanted)
    return text


class _Asking:
    """
    The question of a tail, about one window after another.

    Attributes:
        cut: True once rows may be missing.
    """

    def __init__(
        self, client: DataPrimeClient, text: str, tier: str, syntax: str, expression: str
    ) -> None:
        self.cut = False
        self._client = client
        self._text, self._tier, self._syntax = text, tier, syntax
        self._expression = expression
        self._is_first = True

    def ask(self, start: int, end: int) -> Iterator[Row]:
        """Yield the rows of a window; say where some may be missing, and why the first has none."""
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
            self.cut = True
            note(f"rows may be missing: {', '.join(answer.limits_reached)} reached.")
        if self._is_first and not answer.count:
            for each in nothing_yet(self._expression, answer, lucene=self._syntax == "lucene"):
                note(each)
        self._is_first = False


def _batches(following: Following, pause: float, wait: Callable[[], None]) -> Iterator[list[Row]]:
    """Yield what is new, for ever; trouble that passes is said once, and waited for."""
    trouble, failures, began = "", 0, False
    while True:
        try:
            rows = following.new_until(time.time_ns())
        except QueryError as error:
            if not (began and _is_passing(error)):
                raise
            failures += 1
            kind = type(error).__name__
            if kind != trouble:
                note(f"waiting: {error}")
            trouble = kind
            asked = getattr(error, "retry_after", None)
            time.sleep(max(asked or 0.0, min(pause * 2**failures, LONGEST_PAUSE)))
            continue
        if trouble:
            note("going on")
        trouble, failures, began = "", 0, True
        yield rows
        wait()


def _is_passing(error: QueryError) -> bool:
    return isinstance(error, PASSING) or getattr(error, "status", 0) in range(500, 600)


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
