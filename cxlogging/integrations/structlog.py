"""structlog: a last processor that hands an event over whole."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from types import FrameType
from typing import Any

from ..handlers.extras import STANDARD

PASSED = ("exc_info", "stack_info", "stacklevel")
ALREADY_KNOWN = ("level", "level_number", "logger", "logger_name", "timestamp")
"""What structlog's own processors add, and every log record has."""


def render_to_record(
    logger: Any, name: str, event_dict: MutableMapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Make a log record of an event: its text is the message, everything else becomes fields.

    The last processor, with ``structlog.stdlib.LoggerFactory()``. Exceptions are passed on as
    exceptions: leave ``format_exc_info`` out. A field that has the name of an attribute of log
    records arrives as ``extra_<name>``.

    Args:
        logger: Of the standard library.
        name: Of the method that was called.
        event_dict: The event.
    """
    del name
    passed = {key: event_dict.pop(key) for key in PASSED if key in event_dict}
    for key in ALREADY_KNOWN:
        event_dict.pop(key, None)
    if getattr(type(logger), "findCaller", None) is logging.Logger.findCaller:
        # It was made before structlog was configured, and does not look beyond its frames.
        passed["stacklevel"] = passed.get("stacklevel", 1) + _own_frames()
    message = event_dict.pop("event", "")
    extra = {f"extra_{key}" if key in STANDARD else key: value for key, value in event_dict.items()}
    return (message,), {"extra": extra, **passed}


def _own_frames() -> int:
    """Return how many frames of structlog lie between the log call and the logger."""
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001 - as logging does it; the caller of the chain of processors
    count = 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("structlog."):
        frame, count = frame.f_back, count + 1
    return count
