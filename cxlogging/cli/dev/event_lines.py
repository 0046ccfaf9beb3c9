"""An event of the local server's store as a line for the terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...dataprime import Severity
from ...dataprime.times import iso
from ...devserver.event_view import view
from ..shared.log_lines import LogLine

WIDTH = 2_000
"""Characters of a line that are printed."""

SECOND = 1_000_000_000


def event_text(event: Mapping[str, Any], *, coloured: bool) -> str:
    """Return *event*, as the store returns it: a line, and below it what has several lines."""
    seen = view(event)
    severity = Severity(event["severity"])
    line = LogLine(
        time=clock(event["time_ns"]),
        level=event["level"].upper() or severity.name,
        severity=severity,
        source=event["vendor"],
        logger=seen.logger,
        message=event["message"].rstrip("\n"),
        fields=seen.fields,
        traces=seen.traces,
    )
    return line.text(coloured=coloured, width=WIDTH)


def clock(time_ns: int) -> str:
    """Return a time in nanoseconds since 1970 as local time, with the date unless it is today."""
    try:
        at = time.localtime(time_ns // SECOND)
    except (OverflowError, OSError, ValueError):
        return iso(time_ns)
    date = "" if at[:3] == time.localtime()[:3] else time.strftime("%Y-%m-%d ", at)
    return f"{date}{time.strftime('%H:%M:%S', at)}.{time_ns // 1_000_000 % 1_000:03}"
