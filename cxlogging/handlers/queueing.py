"""A queue handler that keeps a record complete: its context, its exception, its extras."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError
from ..wire import option_parsers as values
from ..wire.external_errors import is_external
from ..wire.sanitizing.sanitizer import Sanitizer
from .context import CAPTURED, current_with
from .exceptions.fields import failure_of
from .tracing import trace_of

PLAIN = frozenset({str, int, float, bool, type(None)})
SPECIAL_ATTRIBUTES = frozenset({"msg", "args", "exc_info", CAPTURED})
"""Attributes that are not simply sanitized."""

_sanitizer = Sanitizer()


class ContextQueueHandler(logging.handlers.QueueHandler):
    """
    Puts records on a queue, together with the context in which they are logged.

    The handlers of this package, behind a ``QueueListener`` or in another process,
    then ship the fields of `cxlogging.bind`, the exception with its structure, and
    the ids of the active span as if there were no queue. The records can be
    pickled: their extras are converted to plain values. Other handlers find the
    exception as text, as behind a ``QueueHandler``. A formatter of this handler is
    not used.

    Args:
        queue: An object with ``put_nowait``, such as a `queue.Queue`.

    Raises:
        ConfigurationError: *queue* has no ``put_nowait``.
    """

    def __init__(self, queue: Any) -> None:
        has_enqueue = type(self).enqueue is not logging.handlers.QueueHandler.enqueue
        if not has_enqueue and not callable(getattr(queue, "put_nowait", None)):
            raise ConfigurationError(
                f"queue takes a queue with put_nowait, not {values.shown(queue)}."
            )
        super().__init__(queue)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy of *record* for the queue; the record itself is not changed."""
        copy = logging.LogRecord.__new__(logging.LogRecord)
        attributes = copy.__dict__
        for name, value in record.__dict__.items():
            is_kept = type(value) in PLAIN or name in SPECIAL_ATTRIBUTES
            attributes[name] = value if is_kept else _sanitizer.value(value)
        error = failure_of(record, _sanitizer)
        if CAPTURED not in attributes:  # else captured by a queue before this one
            attributes[CAPTURED] = {
                "context": _sanitizer.fields(current_with(record.exc_info)),
                "error": error,
                "trace": trace_of(attributes),
            }
        copy.msg, copy.args = _message(record)
        copy.exc_info = None
        copy.exc_text = copy.exc_text or (None if error is None else error["stacktrace"])
        return copy


def _message(record: logging.LogRecord) -> tuple[Any, Any]:
    """Return the message and the arguments for the copy of *record*."""
    if isinstance(record.msg, Mapping) and not record.args:
        return _sanitizer.value(record.msg), None
    try:
        return str.__str__(record.getMessage()), None
    except BaseException as error:  # the handler behind the queue reports it
        if is_external(error):
            raise
        args: Any = _sanitizer.value(record.args)
        return str(_sanitizer.value(record.msg)), tuple(args) if isinstance(args, list) else args
