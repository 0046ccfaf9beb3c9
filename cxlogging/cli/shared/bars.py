"""What progress bars need: that diagnostics stand above them, not in them."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator

from rich.console import Console

from ...delivery.stderr import STDERR

LAST_SECONDS = 1.0
"""What the lines that are left may take at the end: a terminal may be stopped."""


@contextlib.contextmanager
def above(console: Console) -> Iterator[None]:
    """Let what cxlogging tells the operator stand above the bar, not in it."""
    if not console.is_terminal:
        yield
        return
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def show() -> None:
        while (line := lines.get()) is not None:
            console.print(line, markup=False, highlight=False)

    # A thread of its own: a worker does not wait for a terminal.
    showing = threading.Thread(target=show, name="cxlogging-diagnostics", daemon=True)
    showing.start()
    try:
        with STDERR.relayed(lines.put):
            yield
    finally:
        lines.put(None)
        showing.join(LAST_SECONDS)
