"""A background query: submitted, waited for, and its rows read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...dataprime import DataPrimeClient, JobStatus, RowStream
from ..shared.screen import note
from .request import submit_arguments


def background_rows(
    client: DataPrimeClient, text: str, options: Mapping[str, Any], query_id: str | None
) -> RowStream:
    """Return the rows of a background query, submitted now or earlier, once it has succeeded."""
    if query_id is None:
        job = client.submit(text, **submit_arguments(options))
        for warning in job.warnings:
            note(f"warning: {warning}")
        job.warnings = ()  # noted now, not again at the end
    else:
        job = client.job(query_id)
    note(f"query {job.query_id}")
    try:
        with _job_progress() as show:
            job.wait(options["timeout"], show, first_pause=0.5, longest_pause=10.0)
    except KeyboardInterrupt:
        note(f"the query continues; to read its rows: cxlogging query --job {job.query_id}")
        raise
    return job.results(timeout=options["timeout"])


@contextmanager
def _job_progress() -> Iterator[Callable[[JobStatus], None]]:
    """Give a function that shows each status on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    from ..shared.progress import progress_bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task("submitted", total=None)

        def show(status: JobStatus) -> None:
            scanned = status.bytes_scanned
            suffix = "" if scanned is None else f", {scanned:,} bytes scanned"
            bar.update(task, description=f"{status.state.value}{suffix}")

        yield show
