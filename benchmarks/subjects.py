"""Who is measured: one opener a peer, all with the same shape."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FAST_MODULES = ("msgspec", "isal", "isal.isal_zlib", "backports.zstd", "compression.zstd")
"""What the ``fast`` extra brings; hidden where a subject is measured without it."""

LOGTAIL_CAPACITY = 1_000_000
"""logtail-python drops what its queue has no room for: 1,000 records unless told otherwise."""

Opened = tuple[logging.Handler, Callable[[], object]]
"""A handler, and what waits until all that it was given has arrived."""


@dataclass(frozen=True)
class Subject:
    """
    One way to log.

    Attributes:
        name: As it is called in the report.
        open: Takes the sink's address.
        delivers: Whether records come to the sink.
        fast: Whether the ``fast`` extra may be used.
        note: What a reader of the report must know.
    """

    name: str
    open: Callable[[str], Opened]
    delivers: bool = True
    fast: bool = True
    note: str = ""


class NoOp(logging.Handler):
    """A handler that does nothing: what `logging` itself costs."""

    def emit(self, record: logging.LogRecord) -> None:
        pass


def hide_fast() -> None:
    """Make the modules of the ``fast`` extra impossible to import, in this process."""
    for name in FAST_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]


def _nothing() -> None:
    """Wait for nothing."""


def _no_op(url: str) -> Opened:  # noqa: ARG001
    return NoOp(), _nothing


def _simple_queue(url: str) -> Opened:  # noqa: ARG001
    return logging.handlers.QueueHandler(queue.SimpleQueue()), _nothing


def _queue(url: str) -> Opened:  # noqa: ARG001
    return logging.handlers.QueueHandler(queue.Queue(-1)), _nothing


def _listener(url: str) -> Opened:  # noqa: ARG001
    line: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(line, NoOp())
    listener.start()

    def drain() -> None:
        listener.stop()
        listener.start()

    return logging.handlers.QueueHandler(line), drain


def _coralogix(url: str) -> Opened:
    from cxlogging import CoralogixHandler

    handler = CoralogixHandler("key", url=url, application_name="benchmarks")
    return handler, lambda: handler.flush(60)


def _honeycomb(url: str) -> Opened:
    from cxlogging import HoneycombHandler

    handler = HoneycombHandler("key", url=url, dataset="benchmarks")
    return handler, lambda: handler.flush(60)


def _betterstack(url: str) -> Opened:
    from cxlogging import BetterStackHandler

    handler = BetterStackHandler("token", url=url)
    return handler, lambda: handler.flush(60)


def _logtail(url: str) -> Opened:
    from logtail import LogtailHandler

    handler = LogtailHandler("token", host=url, buffer_capacity=LOGTAIL_CAPACITY)
    return handler, handler.flush


VENDORS = {"Coralogix": _coralogix, "Honeycomb": _honeycomb, "Better Stack": _betterstack}

NO_OP = Subject("no-op handler", _no_op, delivers=False)
ENQUEUE = Subject(
    "QueueHandler",
    _simple_queue,
    delivers=False,
    note="over a SimpleQueue that nobody empties: the cheapest enqueue that the stdlib has",
)
ENQUEUE_LOCKED = Subject(
    "QueueHandler, Queue",
    _queue,
    delivers=False,
    note="over the queue.Queue(-1) of logging's documentation, that nobody empties",
)
FAST = [Subject(f"cxlogging {name}", VENDORS[name]) for name in VENDORS]
PLAIN = [Subject(f"cxlogging {name}, no fast", VENDORS[name], fast=False) for name in VENDORS]
LOGTAIL = Subject(
    "logtail-python",
    _logtail,
    note=f"with buffer_capacity={LOGTAIL_CAPACITY:,}, so that it neither drops nor blocks",
)
SUBJECTS = [
    NO_OP,
    ENQUEUE,
    ENQUEUE_LOCKED,
    Subject(
        "QueueHandler, listener",
        _listener,
        delivers=False,
        note="over a SimpleQueue, with a QueueListener whose handler does nothing",
    ),
    *FAST,
    *PLAIN,
    LOGTAIL,
]
BY_NAME = {subject.name: subject for subject in SUBJECTS}
