"""A queue handler behind which a record is whole: its context, its exception, its extras."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError
from ..wire import parse as values
from ..wire.values.guard import is_external
from ..wire.values.sanitize import Cleaner
from .context import CAPTURED, current
from .exceptions.fields import failure_of
from .tracing import trace_of

PLAIN = frozenset({str, int, float, bool, type(None)})
APART = frozenset({"msg", "args", "exc_info", CAPTURED})
"""Attributes with rules of their own."""

_cleaner = Cleaner()


class ContextQueueHandler(logging.handlers.QueueHandler):
    """
    Puts records on a queue with all that is known where they are logged.

    The handlers of this package, behind a ``QueueListener`` or in another process,
    then ship the fields of `cxlogging.bind`, the exception with its structure, and
    the ids of the active span as if there were no queue. What crosses can be
    pickled: extras become plain values here. Other handlers find the exception as
    text, as behind a ``QueueHandler``. A formatter of this handler is not used.

    Args:
        queue: With ``put_nowait``, as `queue.Queue` and those of `multiprocessing` have it.

    Raises:
        ConfigurationError: It has none.
    """

    def __init__(self, queue: Any) -> None:
        own = type(self).enqueue is not logging.handlers.QueueHandler.enqueue
        if not own and not callable(getattr(queue, "put_nowait", None)):
            raise ConfigurationError(
                f"queue takes a queue with put_nowait, not {values.shown(queue)}."
            )
        super().__init__(queue)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy of *record* for the queue; the record itself is left as it is."""
        kept = logging.LogRecord.__new__(logging.LogRecord)
        attributes = kept.__dict__
        for name, value in record.__dict__.items():
            is_whole = type(value) in PLAIN or name in APART
            attributes[name] = value if is_whole else _cleaner.value(value)
        error = failure_of(record, _cleaner)
        if CAPTURED not in attributes:  # by another queue before this one
            attributes[CAPTURED] = {
                "context": _cleaner.fields(current()),
                "error": error,
                "trace": trace_of(attributes),
            }
        kept.msg, kept.args = _message(record)
        kept.exc_info = None
        kept.exc_text = kept.exc_text or (None if error is None else error["stacktrace"])
        return kept


def _message(record: logging.LogRecord) -> tuple[Any, Any]:
    """Return what stands for the message and the arguments of *record*."""
    if isinstance(record.msg, Mapping) and not record.args:
        return _cleaner.value(record.msg), None
    try:
        return str.__str__(record.getMessage()), None
    except BaseException as error:  # who reads it says so
        if is_external(error):
            raise
        args: Any = _cleaner.value(record.args)
        return str(_cleaner.value(record.msg)), tuple(args) if isinstance(args, list) else args
