"""A background query on the command line: submitted, waited for, read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from ...dataprime import DataPrimeClient, JobStatus, RowStream
from ..shared.screen import note


def rows_of_job(
    client: DataPrimeClient, text: str, arguments: Mapping[str, Any], query_id: str | None
) -> RowStream:
    """Return the rows of a background query, submitted now or before, once it has succeeded."""
    if query_id is None:
        job = client.submit(text, **submitted(arguments))
        for warning in job.warnings:
            note(f"warning: {warning}")
    else:
        job = client.job(query_id)
    note(f"query {job.query_id}")
    try:
        with _progress() as show:
            job.wait(arguments["timeout"], show, first_pause=0.5, longest_pause=10.0)
    except KeyboardInterrupt:
        note(f"the query goes on: cxlogging query --job {job.query_id}")
        raise
    return job.results(timeout=arguments["timeout"])


def submitted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a submission."""
    starts = [arguments[name] for name in ("since", "start") if arguments[name] is not None]
    if len(starts) != 1:
        raise click.UsageError("a background query needs one of --since and --from.")
    return {
        "start": starts[0],
        "end": arguments["end"] or "now",
        "syntax": arguments["syntax"],
        "name": arguments["name"],
    }


@contextmanager
def _progress() -> Iterator[Callable[[JobStatus], None]]:
    """Show each status: a bar on a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("submitted", total=None)

        def show(status: JobStatus) -> None:
            scanned = status.bytes_scanned
            read = "" if scanned is None else f", {scanned:,} bytes scanned"
            bar.update(task, description=f"{status.state.value}{read}")

        yield show
