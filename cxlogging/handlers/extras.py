"""What a record carries beyond what every record is born with."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Any

from .context import CAPTURED

_SAMPLE = logging.LogRecord("", 0, "", 0, "", None, None)
STANDARD = frozenset(_SAMPLE.__dict__) | {"message", "asctime", "taskName"}
STANDARD_COUNT = len(_SAMPLE.__dict__)
LAST_STANDARD = tuple(_SAMPLE.__dict__)[-1]
HAS_TASKS = "taskName" in _SAMPLE.__dict__
FOREIGN = frozenset(
    "_logger _name _record _from_structlog color_message server_time"
    " otelTraceID otelSpanID otelTraceSampled".split()
) | {CAPTURED}
"""Attributes that other logging libraries leave on a record for themselves."""

UNSHIPPED = STANDARD | FOREIGN


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """
    Return what ``extra=``, filters and formatters have put on *record*.

    A record's own attributes come first, so the rest is what follows them; a
    record of another making is looked through whole.
    """
    attributes = record.__dict__
    if len(attributes) == STANDARD_COUNT and LAST_STANDARD in attributes:
        keys = itertools.islice(attributes, STANDARD_COUNT - 1, None)
        if next(keys) == LAST_STANDARD:
            return {}
    rest: Iterator[str] = itertools.islice(attributes, STANDARD_COUNT - 1, None)
    if next(rest, None) != LAST_STANDARD:
        rest = iter(attributes)
    return {key: attributes[key] for key in rest if key not in STANDARD and key not in FOREIGN}
