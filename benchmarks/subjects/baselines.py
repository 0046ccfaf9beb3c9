"""Handlers that send nothing: what `logging` itself costs, and what a queue and a file cost."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from pathlib import Path
from typing import Any

from .base import Opened, Subject, Target, nothing


class NoOp(logging.Handler):
    """A handler that does nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        pass


def _no_op(target: Target) -> list[Opened]:  # noqa: ARG001
    return [(NoOp(), nothing)]


def _three(target: Target) -> list[Opened]:  # noqa: ARG001
    return [(NoOp(), nothing) for _ in range(3)]


def _simple_queue(target: Target) -> list[Opened]:  # noqa: ARG001
    return [(logging.handlers.QueueHandler(queue.SimpleQueue()), nothing)]


def _queue(target: Target) -> list[Opened]:  # noqa: ARG001
    return [(logging.handlers.QueueHandler(queue.Queue(-1)), nothing)]


def _listener(target: Target) -> list[Opened]:  # noqa: ARG001
    line: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(line, NoOp())
    listener.start()

    def drain() -> None:
        listener.stop()
        listener.start()

    return [(logging.handlers.QueueHandler(line), drain)]


def _file(target: Target) -> list[Opened]:
    handler = logging.FileHandler(Path(target.directory, "log"), encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return [(handler, nothing)]


NO_OP = Subject("no-op handler", "baseline", _no_op, load="import logging")
THREE_NO_OPS = Subject("three no-op handlers", "baseline", _three)
ENQUEUE = Subject(
    "QueueHandler, SimpleQueue",
    "baseline",
    _simple_queue,
    load="import logging.handlers",
    note="nobody empties the queue: the cheapest enqueue that the standard library has",
)
ENQUEUE_LOCKED = Subject(
    "QueueHandler, Queue",
    "baseline",
    _queue,
    note="over the queue.Queue(-1) of logging's documentation, that nobody empties",
)
LISTENER = Subject(
    "QueueHandler, QueueListener",
    "baseline",
    _listener,
    note="over a SimpleQueue; the listener's handler does nothing",
)
FILE = Subject(
    "FileHandler",
    "baseline",
    _file,
    note="logging.FileHandler: a line with time, level, logger and message, without the extras",
)
BASELINES = [NO_OP, ENQUEUE, ENQUEUE_LOCKED, LISTENER, FILE]
