"""`cxlogging audit`: check at the destination that all records have arrived."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from ...dataprime import DataPrimeClient, SplitProgress
from ..shared import connection_options as connection
from ..shared.exit_codes import EMPTY, OK, PARTIAL, RETRYABLE
from ..shared.screen import is_coloured, note, painted, safe
from ..shared.wording import examples
from .runs import IN_TRANSIT_NS, ProcessRun, ProcessRuns

RETRY_BUDGET = 3_600.0
"""Seconds to wait for the rate limit in all: a long window takes many requests."""

MAX_GAPS_SHOWN = 20


@click.command(
    "audit",
    epilog=examples(
        "cxlogging audit --since 2h",
        "cxlogging audit --local --json --complete --expect 10000",
    ),
)
@click.option("--since", metavar="T", help="Begin the window this long ago. Default: 1h.")
@click.option("--from", "start", metavar="T", help="Begin the window at this time, such as now-2d.")
@click.option("--to", "end", metavar="T", help="End the window at this time. Default: now.")
@connection.tier
@click.option(
    "--field",
    default="cx_seq",
    show_default=True,
    metavar="NAME",
    help="The field that holds the ids of records.",
)
@click.option("--run", "only", metavar="RUN", help="Check only this process run.")
@click.option(
    "--complete", is_flag=True, help="Require that every run begins with number 1 in the window."
)
@click.option(
    "--expect", type=click.IntRange(0), metavar="N", help="Require N different records in all."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@connection.row_limit
@connection.options
def command(
    *,
    since: str | None,
    start: str | None,
    end: str | None,
    tier: str,
    field: str,
    only: str | None,
    complete: bool,
    expect: int | None,
    as_json: bool,
    row_limit: int | None,
    **where: Any,
) -> None:
    """
    Check for every process run which numbered records have arrived, and which are missing.

    Handlers number their records if the option sequence is on. Exit codes: 0 nothing is missing,
    6 records are missing, 5 records are missing but may still be on their way, 4 there are no
    numbered records; all others are those of query.
    """
    window = {"since": since, "start": start, "end": end}
    if since is None and start is None:
        window["since"] = "1h"
    address = connection.address(**where)
    with connection.client(address, tier, row_limit, retry_budget=RETRY_BUDGET) as client:
        runs, cut = _read(client, _query_text(field, only), field, {**window, "tier": tier})
    document = _document(runs, complete=complete, now=time.time_ns())
    document["truncated"] = list(cut)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        _print(document)
    code, reason = verdict(document, expect)
    note(f"exit code {code}: {reason}.")
    raise SystemExit(code)


def _query_text(field: str, only: str | None) -> str:
    path = _path(field)
    text = f"source logs | filter {path} != null"
    return text if only is None else f"{text} && {path}.startsWith({_quoted(only, '-')})"


def _path(field: str) -> str:
    return f"$d.{field}" if field.replace(".", "").isidentifier() else f"$d[{_quoted(field)}]"


def _quoted(text: str, suffix: str = "") -> str:
    if "'" in text or "\\" in text:
        raise click.UsageError(f"{text!r} contains a quote or a backslash, which no id has.")
    return f"'{text}{suffix}'"


def _read(
    client: DataPrimeClient, text: str, field: str, window: Mapping[str, Any]
) -> tuple[ProcessRuns, tuple[str, ...]]:
    runs, path = ProcessRuns(), _path(field)
    limit = client.row_limits[window["tier"]]
    with (
        _progress() as show,
        client.stream(text, **window, limit=limit, split_on_limit=True, on_progress=show) as rows,
    ):
        answer = rows.suppress_warnings()
        for row in rows:
            runs.add(row.get(path), row.timestamp_ns or 0)
    return runs, answer.limits_reached


def _document(runs: ProcessRuns, *, complete: bool, now: int) -> dict[str, Any]:
    """Return the result, as it is printed as JSON."""
    found = {
        name: _run(run, complete=complete, now=now)
        for name, run in sorted(runs.runs.items(), key=lambda each: each[1].ranges[0].at)
    }
    names = ("arrived", "missing", "young", "duplicates")
    totals = {name: sum(each[name] for each in found.values()) for name in names}
    return {"runs": found, **totals, "foreign": runs.foreign}


def _run(run: ProcessRun, *, complete: bool, now: int) -> dict[str, Any]:
    gaps = list(run.gaps(from_one=complete))
    return {
        "first": run.first,
        "last": run.last,
        "arrived": run.arrived,
        "missing": sum(last - first + 1 for first, last, _ in gaps),
        "young": sum(last - first + 1 for first, last, at in gaps if now - at < IN_TRANSIT_NS),
        "duplicates": run.duplicates,
        "gaps": [[first, last] for first, last, _ in gaps],
    }


def verdict(document: Mapping[str, Any], expect: int | None) -> tuple[int, str]:
    """Return the exit code, and every reason for it in a sentence."""
    arrived, runs = document["arrived"], len(document["runs"])
    old = document["missing"] - document["young"]
    reasons = []
    if document["truncated"]:
        limits = ", ".join(document["truncated"])
        reasons.append(f"not all rows of the window could be read: {limits} reached")
    if old:
        reasons.append(f"{_counted(old)} missing, and the next ones are over a minute old")
    if expect is not None and arrived < expect:
        missing = f"{expect - arrived:,} are missing"
        reasons.append(f"{arrived:,} arrived, {expect:,} were expected: {missing}")
    if reasons:
        return PARTIAL, "; ".join(reasons)
    if document["young"]:
        young = _counted(document["young"])
        return RETRYABLE, f"{young} missing, but may be on their way: try again in a minute"
    if runs:
        return OK, f"nothing is missing of {arrived:,} records in {runs:,} runs"
    if expect == 0:
        return OK, "no numbered record in this window, as expected"
    return EMPTY, "no numbered record in this window: is sequence=True set, and --field right"


def _counted(number: int) -> str:
    return f"{number:,} records are" if number > 1 else "1 record is"


def _print(document: Mapping[str, Any]) -> None:
    paint = painted if is_coloured(sys.stdout) else lambda text, *_: text
    for name, run in document["runs"].items():
        state = "whole"
        if run["missing"]:
            state = f"{run['missing']:,} missing"
            state += " (may be on their way)" if run["young"] == run["missing"] else ""
        duplicates = f", {run['duplicates']:,} duplicates" if run["duplicates"] else ""
        span = f"{run['first']:,} to {run['last']:,}"
        verdict = paint(state, "red" if run["missing"] else "green")
        click.echo(f"{safe(name)}  {span}  {run['arrived']:,} arrived  {verdict}{duplicates}")
        for first, last in run["gaps"][:MAX_GAPS_SHOWN]:
            click.echo(f"    {first:,}" + (f" to {last:,}" if last > first else ""))
        if len(run["gaps"]) > MAX_GAPS_SHOWN:
            click.echo(
                f"    and {len(run['gaps']) - MAX_GAPS_SHOWN:,} more gaps: --json has them all"
            )
    if document["foreign"]:
        note(f"{document['foreign']:,} records have the field without an id in it")


@contextmanager
def _progress() -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield None
        return
    from ..shared.progress import progress_bar

    with progress_bar() as bar:
        task = bar.add_task("reading", total=1.0)

        def show(part: SplitProgress) -> None:
            bar.update(task, completed=part.done, description=f"{part.rows:,} records")

        yield show
