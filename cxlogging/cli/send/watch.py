"""Watching a delivery while it sends: progress is shown, and a refusal ends the reading."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from ...delivery.ledger import Stats

POLL_SECONDS = 0.25


class Watch:
    """
    Watches the statistics of a delivery on its own thread.

    If the destination refuses everything, the main thread is interrupted: it may be blocked
    reading input, or waiting for room in the queue.

    Args:
        stats: Returns the statistics.
        show: Called with the statistics four times a second.

    Attributes:
        refused: Why the destination refuses everything; empty if it does not.
    """

    def __init__(self, stats: Callable[[], Stats], show: Callable[[Stats], None]) -> None:
        self._stats = stats
        self._show = show
        self._ended = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(target=self._run, name="cxlogging-send", daemon=True)
        self.refused = ""

    def _run(self) -> None:
        times_held = 0
        while not self._ended.wait(POLL_SECONDS):
            stats = self._stats()
            self._show(stats)
            times_held = times_held + 1 if stats.state == "holding" else 0
            if times_held == 2 and not self._ended.is_set():
                self.refused = stats.last_error or "the destination refuses everything"
                _interrupt(self._main)

    def __enter__(self) -> Watch:  # noqa: PYI034 - typing.Self came with Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()
        self._show(self._stats())


def _interrupt(thread: int) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextlib.contextmanager
def delivery_progress(
    size: int | None, position: Callable[[], int], *, wanted: bool
) -> Iterator[Callable[[Stats], None]]:
    """Give a function that shows statistics on a terminal: a bar if the input's size is known."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn

    from ..shared.progress import progress_bar

    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}")]
    if size is not None:
        columns.insert(2, TaskProgressColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task("sending", total=size, count="")

        def show(stats: Stats) -> None:
            bar.update(
                task,
                description=stats.state,
                count=f"{stats.delivered:,} delivered, {stats.pending:,} waiting",
                completed=position() if size is not None else 0,
            )

        yield show
