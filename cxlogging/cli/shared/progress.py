"""Progress bars on a terminal."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from ...delivery.stderr import STDERR

DIAGNOSTICS_SECONDS = 1.0
"""How long the last diagnostics may take to be printed: a terminal may be stopped."""


@contextlib.contextmanager
def progress_bar(*columns: ProgressColumn | str, keep: bool = False) -> Iterator[Progress]:
    """
    Show a progress bar on stderr, and the diagnostics of cxlogging above it.

    Shows nothing if stderr is not a terminal.

    Args:
        columns: What the bar shows, as rich takes it.
        keep: Leave the bar on the terminal at the end.
    """
    console = Console(stderr=True)
    shown = sys.stderr.isatty()  # rich would take a pipe for a terminal if FORCE_COLOR is set
    bar = Progress(*columns, console=console, transient=not keep, expand=keep, disable=not shown)
    with bar, _diagnostics_above(console) if shown else contextlib.nullcontext():
        yield bar


@contextlib.contextmanager
def _diagnostics_above(console: Console) -> Iterator[None]:
    """Print what handlers write to stderr above the progress bar."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def show() -> None:
        while (line := lines.get()) is not None:
            console.print(line, markup=False, highlight=False)

    # On a thread of its own, so that a delivery's worker does not wait for the terminal.
    printing = threading.Thread(target=show, name="cxlogging-diagnostics", daemon=True)
    printing.start()
    try:
        with STDERR.relayed(lines.put):
            yield
    finally:
        lines.put(None)
        printing.join(DIAGNOSTICS_SECONDS)
