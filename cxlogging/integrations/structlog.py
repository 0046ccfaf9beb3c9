"""structlog: a last processor that hands an event over whole."""

from __future__ import annotations

from collections.abc import MutableMapping
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
    del logger, name
    passed = {key: event_dict.pop(key) for key in PASSED if key in event_dict}
    for key in ALREADY_KNOWN:
        event_dict.pop(key, None)
    message = event_dict.pop("event", "")
    extra = {f"extra_{key}" if key in STANDARD else key: value for key, value in event_dict.items()}
    return (message,), {"extra": extra, **passed}
