"""
Nanoseconds of each stage of a call, and of the worker's share of a record.

A stage is timed alone, in short loops, the least of many: what it costs when
neither other processes nor the garbage collector come between. The line is
told not to wake a worker, and emptied after each loop.
"""

from __future__ import annotations

import logging
import logging.handlers
import platform
import queue
import sys
import timeit
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .subjects import hide_fast
from .subjects.baselines import NoOp
from .workload import ID, SCOPE

if TYPE_CHECKING:
    from cxlogging.delivery.worker.threads import Workers
    from cxlogging.wire.destination import Destination

LOOPS = 500
REPEATS = 150
BATCH = 1_000
NOWHERE = "http://127.0.0.1:9"


def nanoseconds(stage: Callable[[], object], after: Callable[[], object] | None = None) -> float:
    """Return the time of one call of *stage*; *after* cleans up and is not timed."""
    timer, times = timeit.Timer(stage), []
    for _ in range(REPEATS):
        times.append(timer.timeit(LOOPS))
        if after is not None:
            after()
    return min(times) / LOOPS * 1e9


def a_record() -> logging.LogRecord:
    """Return a record as the other modes log it."""
    kept: list[logging.LogRecord] = []
    handler = NoOp()
    handler.emit = kept.append  # type: ignore[method-assign]
    logger = logging.getLogger("benchmarks.record")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    extra = {ID: 7, "user": "ada@example.org", "elapsed": 0.25}
    logger.info("order %d shipped", 7, extra=extra)
    return kept[0]


def call(handler: logging.Handler) -> Callable[[], object]:
    """Return a function that logs to *handler* only."""
    logger = logging.getLogger(f"benchmarks.{id(handler)}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return lambda: logger.info(
        "order %d shipped", 7, extra={ID: 7, "user": "ada@example.org", "elapsed": 0.25}
    )


def destinations() -> dict[str, tuple[Destination, logging.Handler]]:
    """Return each vendor's destination, and its handler."""
    from cxlogging import BetterStackHandler, CoralogixHandler, HoneycombHandler
    from cxlogging.vendors.betterstack import destination as betterstack
    from cxlogging.vendors.coralogix import destination as coralogix
    from cxlogging.vendors.honeycomb import destination as honeycomb

    return {
        "Coralogix": (coralogix.configure("k", url=NOWHERE), CoralogixHandler("k", url=NOWHERE)),
        "Honeycomb": (honeycomb.configure("k", url=NOWHERE), HoneycombHandler("k", url=NOWHERE)),
        "Better Stack": (
            betterstack.configure("t", url=NOWHERE),
            BetterStackHandler("t", url=NOWHERE),
        ),
    }


def quiet(workers: Workers) -> Callable[[], None]:
    """Have none of *workers* woken; return a function that empties their queue."""
    from cxlogging.delivery.worker.pacing import NEVER

    workers.wake_bytes = workers.wake_items = NEVER

    def clear() -> None:
        workers.lane.queue.settle(workers.lane.queue.take(NEVER, NEVER))

    return clear


def empty(line: queue.SimpleQueue[Any]) -> None:
    """Take everything out of the queue *line*."""
    while not line.empty():
        line.get_nowait()


def common() -> dict[str, float]:
    """Return the stages that all vendors share."""
    from cxlogging.handlers.events import EventMaker
    from cxlogging.handlers.extras import extras
    from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer

    record = a_record()
    rules = build_sanitizer(DefaultRules())
    own = extras(record)
    maker = EventMaker(rules, {}, None, None, lambda *_: None)
    line: queue.SimpleQueue[Any] = queue.SimpleQueue()
    enqueue = call(logging.handlers.QueueHandler(line))
    return {
        "logger.info, no-op handler": nanoseconds(call(NoOp())),
        "logger.info, QueueHandler": nanoseconds(enqueue, lambda: empty(line)),
        "event: message": nanoseconds(record.getMessage),
        "event: extras of the record": nanoseconds(lambda: extras(record)),
        "event: clean fields": nanoseconds(lambda: rules.fields(own)),
        "event: all of it": nanoseconds(lambda: maker.make(record, None)),
    }


def of_vendor(destination: Destination, handler: logging.Handler) -> dict[str, float]:
    """Return one vendor's stages."""
    from cxlogging.delivery.delivery import Delivery
    from cxlogging.delivery.options import Options
    from cxlogging.delivery.process.registry import registered
    from cxlogging.handlers.events import EventMaker
    from cxlogging.handlers.items import ItemMaker
    from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer

    record = a_record()
    rules = build_sanitizer(DefaultRules())
    events = EventMaker(rules, {}, None, None, lambda *_: None)
    maker = ItemMaker(events, destination)
    event = events.make(record, None)
    item = maker.make(record, None)
    delivery = Delivery(destination, Options())
    clears = [quiet(each) for each in registered()]
    clear = quiet(delivery.workers)

    def clear_all() -> None:
        for each in clears:
            each()

    request = destination.request([item] * BATCH)
    encoding = delivery.lane.encoding.name
    compress = delivery.lane.encoding.compress
    figures: dict[str, float] = {
        "item of a record": nanoseconds(lambda: maker.make(record, None)),
        "item of an event": nanoseconds(lambda: destination.encode(event)),
        "put": nanoseconds(lambda: delivery.put(20, item), clear),
        "handler.handle": nanoseconds(lambda: handler.handle(record), clear_all),
        "logger.info": nanoseconds(call(handler), clear_all),
        "worker: join": per_record(lambda: destination.request([item] * BATCH)),
        **_holding(handler, clear_all),
        f"worker: compress ({encoding})": per_record(lambda: compress(request.body)),
    }
    figures["bytes of an item"] = len(item)
    return figures


def _holding(handler: logging.Handler, clear: Callable[[], None]) -> dict[str, float]:
    """Return the stages of a scope; the queue is emptied after those that have filled it."""
    from cxlogging import hold

    log = call(handler)

    def scope(*, released: bool = False, records: int = SCOPE) -> None:
        with hold() as held:
            for _ in range(records):
                log()
            if released:
                held.release()

    return {
        "hold: open and close": nanoseconds(lambda: scope(records=0)),
        "hold: record, discarded": nanoseconds(scope) / SCOPE,
        "hold: record, released": nanoseconds(lambda: scope(released=True), clear) / SCOPE,
    }


def per_record(work: Callable[[], Any]) -> float:
    """Return the nanoseconds per record of *work* on a batch."""
    return min(timeit.repeat(work, number=3, repeat=40)) / 3 / BATCH * 1e9


def main() -> None:
    plain = "--plain" in sys.argv
    if plain:
        hide_fast()
    print(f"\nPython {platform.python_version()}, {'without' if plain else 'with'} the fast extra")
    for name, figure in common().items():
        print(f"  {name:<34} {figure:8,.0f} ns")
    for vendor, (destination, handler) in destinations().items():
        print(f" {vendor}")
        for name, figure in of_vendor(destination, handler).items():
            unit = "" if name.startswith("bytes") else "ns"
            print(f"  {name:<34} {figure:8,.0f} {unit}".rstrip())


if __name__ == "__main__":
    main()
