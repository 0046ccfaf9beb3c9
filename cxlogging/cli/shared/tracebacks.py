"""Styles for the lines of a Python traceback: frames of the application stand out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...devserver.events.tracebacks import is_library

_GROUP = re.compile(r" *\| ")
"""Begins the lines of an exception within an exception group."""

_FRAME = re.compile(r'\s*File "(?P<file>[^"]*)", line \d+')


def styled(lines: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each of *lines* with its styles: bold for frames of the application, dim for others."""
    styles: tuple[str, ...] = ()
    for line in lines:
        inner = _GROUP.sub("", line, count=1)
        frame = _FRAME.match(inner)
        if frame is not None:
            styles = ("dim",) if is_library(frame["file"]) else ("bold",)
        elif not inner.startswith("    "):
            styles = ()
        yield line, styles
