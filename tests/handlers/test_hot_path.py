"""The structure of a log call: locks, system calls, function calls and memory. No times."""

from __future__ import annotations

import gc
import logging
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

import cxlogging
from cxlogging.delivery.worker.pacing import NEVER

NOWHERE = "http://127.0.0.1:9"
KINDS = {
    "coralogix": lambda **more: cxlogging.CoralogixHandler("k", url=NOWHERE, **more),
    "honeycomb": lambda **more: cxlogging.HoneycombHandler("k", url=NOWHERE, **more),
    "betterstack": lambda **more: cxlogging.BetterStackHandler("k", url=NOWHERE, **more),
}
LOCKING = {"acquire", "release", "__enter__", "__exit__"}
OPENING = {"open", "fsync", "rename", "unlink", "connect", "send", "sendall", "getaddrinfo"}
RECORDS = 2_000


@pytest.fixture(autouse=True)
def _without_opentelemetry(monkeypatch):
    """Another test of this process may have imported it, and then its span is asked for."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)


@pytest.fixture(params=[*KINDS])
def kind(request):
    return KINDS[request.param]


@pytest.fixture(params=["memory", "spool"])
def handler(request, kind, tmp_path):
    options = {"spool": tmp_path / "spool"} if request.param == "spool" else {}
    handler = kind(**options)
    quiet(handler)
    yield handler
    empty(handler)
    handler.close()


def quiet(handler) -> None:
    """Let the handler wake no worker, then log a little."""
    handler._delivery.workers.wake_bytes = handler._delivery.workers.wake_items = NEVER
    handler.handle(a_record())


def empty(handler) -> None:
    delivery = handler._delivery
    with delivery.lane.lock:
        while items := delivery.lane.queue.take(NEVER, NEVER):
            delivery.lane.in_flight.finish(delivery.lane.in_flight.take(items, 0, 0.0))
            delivery.ledger.deliver(len(items))
            delivery.lane.queue.settle(items)


def a_record() -> logging.LogRecord:
    extra = {"user": "ada@example.org", "elapsed": 0.25, "order": 4711}
    return logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, __file__, 7, "order %d shipped", (4711,), None, "f", extra
    )


def calls_of(handler, record) -> tuple[Counter, list[str]]:
    """Return how often Python code and which C functions are called to handle *record*."""
    python: Counter = Counter()
    native: list[str] = []

    def profile(frame, event, argument) -> None:
        if event == "call":
            python[frame.f_code.co_name] += 1
        elif event == "c_call":
            native.append(argument.__name__)

    handle = handler.handle
    sys.setprofile(profile)
    handle(record)
    sys.setprofile(None)
    return python, [name for name in native if name != "setprofile"]


def writes() -> int:
    """Return how often this thread has called the system's write."""
    facts = Path("/proc/thread-self/io").read_text("ascii")
    return int(re.search(r"^syscw: (\d+)", facts, re.MULTILINE)[1])


def test_no_lock_is_taken(handler):
    """A log call acquires no lock, neither of `logging` nor of ours."""
    record = a_record()
    handler.handle(record)

    python, native = calls_of(handler, record)

    assert python["handle"] == 1
    assert LOCKING.isdisjoint(native)
    assert LOCKING.isdisjoint(python)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc counts the writes")
def test_the_disk_is_touched_once(handler):
    """With a spool a log call is one write; without one it touches nothing; neither opens."""
    record = a_record()
    handler.handle(record)

    _, native = calls_of(handler, record)
    before = writes()
    for _ in range(100):
        handler.handle(record)

    has_spool = handler._delivery.options.spool is not None
    assert writes() - before == 100 * has_spool
    assert OPENING.isdisjoint(native)


LEFT_OUT = {
    "sampled": {"sample_rate": lambda _: 0},
    "limited": {"limit": {"first": 0, "then": 0}},
    "over budget": {"budget": "1 event/day"},
    "kept": {
        "sample_rate": [
            cxlogging.LevelSampler({"INFO": 1}, loggers={"other": 2}),
            cxlogging.TraceSampler(10),
            cxlogging.ThroughputSampler(1e9),
        ],
        "limit": 10**9,
        "budget": "900TB/day",
    },
}


@pytest.mark.parametrize("options", LEFT_OUT.values(), ids=[*LEFT_OUT])
@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
def test_a_decision_is_cheap(kind, tmp_path, options, spooled):
    """What samplers, limit and budget decide takes no lock and no file; a few functions each."""
    handler = kind(**options, **({"spool": tmp_path / "spool"} if spooled else {}))
    quiet(handler)
    handler._delivery.workers.wake = lambda: None
    record = a_record()
    for _ in range(3):
        handler.handle(record)

    python, native = calls_of(handler, record)
    before = writes() if sys.platform.startswith("linux") else 0
    for _ in range(100):
        handler.handle(record)
    made = writes() - before if sys.platform.startswith("linux") else 0

    is_kept = "sample_rate" in options and "limit" in options
    assert made == 100 * (spooled and is_kept)
    assert LOCKING.isdisjoint(native)
    assert LOCKING.isdisjoint(python)
    assert OPENING.isdisjoint(native)
    assert sum(python.values()) <= (45 if is_kept else 20), python
    empty(handler)
    handler.close()


def test_few_functions_are_called(handler):
    """A log call calls at most 16 Python functions; one more needs a reason."""
    record = a_record()
    handler.handle(record)

    python, native = calls_of(handler, record)

    assert sum(python.values()) <= 16, python
    assert len(native) <= 45, Counter(native)


def test_what_a_waiting_record_keeps(handler):
    """
    A waiting record is a tuple and its bytes, and with a spool its number.

    What is on disk leaves memory in an outage.
    """
    records = [a_record() for _ in range(RECORDS)]
    for record in records[:100]:
        handler.handle(record)
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for record in records:
            handler.handle(record)
        kept = (sys.getallocatedblocks() - before) / RECORDS
        spooled = handler._delivery.options.spool is not None
        if spooled:
            handler._delivery.lane.queue.fold()
            # The interpreter itself keeps some empty tuples.
            assert (sys.getallocatedblocks() - before) / RECORDS <= 1.0
    finally:
        gc.enable()

    assert kept <= 2.2 + spooled
    assert handler.stats().balanced


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer allocates, too")
def test_nothing_is_left_of_delivered_records(handler):
    """Once delivered, records leave no blocks of memory behind."""
    records = [a_record() for _ in range(RECORDS)]

    def round_trip() -> int:
        for record in records:
            handler.handle(record)
        empty(handler)
        gc.collect()
        return sys.getallocatedblocks()

    round_trip()
    before = round_trip()

    assert round_trip() - before <= RECORDS / 20
