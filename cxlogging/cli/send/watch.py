"""Beside the sending: a look at the account four times a second, shown, and acted on."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from ...delivery.ledger import Stats

EVERY = 0.25
HOLDING = "holding"


class Watch:
    """
    Looks at the account on a thread of its own.

    Where the destination refuses everything, reading on makes no sense, and the
    main thread may be waiting for input or for room: it is interrupted.

    Args:
        stats: The account.
        show: Told of it, again and again.
    """

    def __init__(self, stats: Callable[[], Stats], show: Callable[[Stats], None]) -> None:
        self._stats = stats
        self._show = show
        self._over = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(target=self._look, name="cxlogging-send", daemon=True)
        self.refused = ""

    def _look(self) -> None:
        held = 0
        while not self._over.wait(EVERY):
            stats = self._stats()
            self._show(stats)
            held = held + 1 if stats.state == HOLDING else 0
            if held == 2 and not self._over.is_set():
                self.refused = stats.last_error or "the destination refuses everything"
                _interrupt(self._main)

    def __enter__(self) -> Watch:  # noqa: PYI034 - Self is younger than 3.10
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._show(self._stats())


def _interrupt(thread: int) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextlib.contextmanager
def bar(
    size: int | None, position: Callable[[], int], *, wanted: bool
) -> Iterator[Callable[[Stats], None]]:
    """Show the account on a terminal: a bar where the input has a size; else show nothing."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from ..shared.bars import above

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}")]
    if size is not None:
        columns.insert(2, TaskProgressColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("sending", total=size, count="")

    def show(stats: Stats) -> None:
        count = f"{stats.delivered:,} delivered, {stats.pending:,} waiting"
        progress.update(
            task,
            description=stats.state,
            count=count,
            completed=position() if size is not None else 0,
        )

    with progress, above(console):
        yield show
