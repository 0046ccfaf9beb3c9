"""loguru: a sink that hands a record over whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..handlers.extras import STANDARD


def sink(handler: logging.Handler) -> Callable[[Any], None]:
    """
    Return a sink: ``logger.add(sink(handler), level="INFO")``.

    Message, time, level, place, thread, process, exception and extras of loguru's record arrive
    as those of a log record do; loguru's own formatting is not used.

    Args:
        handler: One of this package, or any `logging.Handler`.
    """

    def send(message: Any) -> None:
        source = message.record
        exception = source["exception"]
        record = logging.LogRecord(
            source["name"] or "loguru",
            source["level"].no,
            source["file"].path,
            source["line"],
            "%s",
            (source["message"],),
            (exception.type, exception.value, exception.traceback) if exception else None,
            source["function"],
        )
        record.msg, record.args = source["message"], ()
        record.levelname = source["level"].name
        record.created = source["time"].timestamp()
        record.msecs = source["time"].microsecond // 1000 + 0.0
        record.thread, record.threadName = source["thread"].id, source["thread"].name
        record.process, record.processName = source["process"].id, source["process"].name
        for name, value in source["extra"].items():
            setattr(record, f"extra_{name}" if name in STANDARD else name, value)
        if record.levelno >= handler.level:
            handler.handle(record)

    return send
