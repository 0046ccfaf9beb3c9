"""What progress bars need: that diagnostics stand above them, not in them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.file_proxy import FileProxy


@contextlib.contextmanager
def above(console: Console) -> Iterator[None]:
    """Let what cxlogging tells the operator stand above the bar, not in it."""
    kept = sys.__stderr__
    if console.is_terminal and kept is not None:
        sys.__stderr__ = FileProxy(console, kept)  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        sys.__stderr__ = kept  # type: ignore[misc]
