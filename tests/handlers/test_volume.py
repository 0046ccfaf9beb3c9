"""Volume by call site: what each line of code has logged, in events and bytes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import cxlogging
from cxlogging.delivery.volume import MAX_CELLS, OTHER
from cxlogging.handlers.handler import ShippingHandler
from tests.conftest import HANDLERS, VENDORS, make_handler
from tests.fakes import hold_back

THREADS = 8
RECORDS = 500
Make = Callable[..., ShippingHandler]


@pytest.fixture
def log(request) -> Iterator[logging.Logger]:
    """A logger of its own, without handlers of others."""
    logger = logging.getLogger(f"volume.{request.node.name}")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger
    for handler in [each for each in logger.handlers if isinstance(each, ShippingHandler)]:
        logger.removeHandler(handler)
        handler.delivery.workers.abandon()
        handler.close()


@pytest.fixture
def make(log, tmp_path) -> Make:
    """Attaches a vendor's handler to the logger, which sends nothing before it is closed."""

    def made(vendor: str = "honeycomb", spool: bool = False, **options) -> ShippingHandler:
        waiting = {"flush_interval": 60, "close_timeout": 0.1, "url": "http://127.0.0.1:9"}
        if spool:
            options["spool"] = tmp_path / "spool"
        handler = make_handler(vendor, **{**waiting, **options})
        hold_back(handler.delivery)
        log.addHandler(handler)
        return handler

    return made


def a_record(line: int, **changes: object) -> logging.LogRecord:
    record = logging.LogRecord("shop", 20, "/srv/orders.py", line, "hello", None, None, "f")
    record.__dict__.update(changes)
    return record


@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_each_call_site_has_a_row(vendor: str, spool: bool, make: Make, log: logging.Logger):
    """Events and bytes before compression are counted by call site, most bytes first."""
    handler = make(vendor, spool)

    for number in range(3):
        log.info("order %d", number, extra={"order": number})
    log.warning("a longer text %s", "x" * 2_000)
    line = sys._getframe().f_lineno

    with handler.delivery.lane.lock:
        items = [data for _, data, _ in handler.delivery.lane.queue.take(10, 10**6)]
    first, second = handler.volume()
    assert first == cxlogging.VolumeRow(
        logger=log.name,
        file=__file__,
        line=line - 1,
        function="test_each_call_site_has_a_row",
        level="WARNING",
        events=1,
        bytes=len(items[3]),
        held_back=0,
        destination=handler.delivery.destination.name,
    )
    assert (second.line, second.level, second.events) == (line - 2, "INFO", 3)
    assert second.bytes == sum(map(len, items[:3]))


def test_records_of_both_paths_are_counted_once(make: Make, log: logging.Logger):
    """A record that needs the slow path counts in the row of its line, as the others do."""
    handler = make()

    for extra in ({"a": 1}, {"a": object()}, {"level": "mine"}, {"b": 1}, {"msg_2": "x" * 40_000}):
        log.info("hello", extra=extra)
        with cxlogging.bound(user="ada"):
            log.info("hello", extra=extra)

    assert [row.events for row in handler.volume()] == [5, 5]


def test_a_line_that_logs_at_two_levels_has_two_rows(make: Make, log: logging.Logger):
    """The level is part of the call site; one without a registered name is shown by number."""
    handler = make()

    for level in (10, 20, 20, 25):
        log.log(level, "hello")

    rows = {(row.level, row.events) for row in handler.volume()}
    assert rows == {("DEBUG", 1), ("INFO", 2), ("Level 25", 1)}


def test_beyond_two_thousand_call_sites_there_is_one_more_row(make: Make):
    """The first 2,000 call sites have rows of their own, the others share one: nothing is lost."""
    handler = make(buffer_bytes="64MB")

    for line in range(1, MAX_CELLS + 501):
        handler.handle(a_record(line))

    rows = handler.volume()
    assert len(rows) == MAX_CELLS + 1
    assert rows[0][:6] == (OTHER, "", 0, "", "", 500)
    assert sum(row.events for row in rows) == handler.stats().accepted


@pytest.mark.parametrize(
    "changes",
    [
        {"lineno": [1]},
        {"lineno": None, "funcName": None},
        {"name": ["shop"], "levelno": "x"},
        {"pathname": type("Path", (str,), {})("/srv/x.py")},
        {"levelname": "\x1b[31mINFO\x1b[0m"},
    ],
    ids=str,
)
def test_odd_records_are_counted(changes: dict[str, object], make: Make):
    """A record with impossible attributes is in a row too, and every row is plain values."""
    handler = make()

    handler.handle(a_record(7, **changes))

    (row,) = handler.volume()
    assert row.events == handler.stats().accepted == 1
    assert row.bytes > 0
    assert "\x1b" not in json.dumps(row)


def test_a_record_without_attributes_is_counted(make: Make):
    """A record that cannot be read is counted among the others."""
    handler = make()
    record = a_record(7)
    del record.__dict__["pathname"]

    handler.handle(record)

    assert [row[:6] for row in handler.volume()] == [(OTHER, "", 0, "", "", 1)]


def test_the_rows_of_all_handlers(make: Make, log: logging.Logger):
    """`cxlogging.volume` has rows for each destination, named as `cxlogging.stats` names them."""
    handlers = [make("honeycomb"), make("honeycomb"), make("coralogix")]

    log.info("hello")

    rows = [row for row in cxlogging.volume() if row.logger == log.name]
    assert len({row.destination for row in rows}) == len(rows) == len(handlers)
    assert {row.destination for row in rows} <= cxlogging.stats().keys()
    assert rows == sorted(rows, key=lambda row: -row.bytes)


def test_a_report_has_the_hundred_largest(program):
    """`report_stats` sends 100 rows at most; the last sums up the others, and texts are cut."""
    done = program(
        """
        import json
        from cxlogging.delivery.reporting import report
        path = f"/srv/{'x' * 500}/orders.py"
        for line in range(1, 301):
            handler.handle(logging.LogRecord("shop", 20, path, line, "hello", None, None, "f"))
        (sent,) = report()["handlers"]
        print(json.dumps([sent["volume"], handler.volume()]))
        """
    )

    assert done.code == 0, done.err
    sent, rows = json.loads(done.out)
    assert len(sent) == 100
    assert (sent[99]["logger"], sent[99]["events"]) == (OTHER, 201)
    assert sum(row["bytes"] for row in sent) == sum(row[6] for row in rows)
    assert all(len(row["file"]) == 200 and row["file"].endswith("orders.py") for row in sent[:99])
    assert set(sent[0]) == {*cxlogging.VolumeRow._fields} - {"destination"}


def one_in_four(record: logging.LogRecord) -> int:
    return 4 if record.args[0] % 4 == 0 else 0


REASONS = {
    "sampled": {"sample_rate": one_in_four},
    "limited": {"limit": cxlogging.SiteLimiter(first=3, then=0, per=3600)},
    "over_budget": {"budget": "2 events/day"},
    "discarded": {"held_level": "DEBUG"},
}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_held_back_is_counted_at_its_line(
    vendor: str, reason: str, make: Make, log: logging.Logger
):
    """Each record that a sampler, a limit, the budget or a scope leaves out is in its row."""
    handler = make(vendor, level="INFO", **REASONS[reason])

    for number in range(20):
        log.info("order %d", number)
    with cxlogging.hold():
        log.info("held %d", 1)
    with cxlogging.hold():
        log.info("released %d", 4)
        log.error("failed %d", 4)

    stats, rows = handler.stats(), handler.volume()
    left_out = stats.sampled + stats.limited + stats.over_budget + stats.discarded
    assert sum(row.held_back for row in rows) == left_out
    assert sum(row.events for row in rows) == stats.accepted
    assert stats.offered == 23
    first = max(rows, key=lambda row: row.events + row.held_back)
    assert first.held_back == 0 if reason == "discarded" else first.held_back > 10
    assert getattr(stats, reason) > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_the_child_of_a_fork_begins_at_zero(program):
    """In the child of a fork no call site has logged yet; the parent keeps its counts."""
    done = program(
        """
        def work():
            log.info("hello")
        work(); work()
        child = os.fork()
        if not child:
            assert handler.volume() == [], handler.volume()
            work()
            assert [row.events for row in handler.volume()] == [1]
            assert handler.flush(10)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        work()
        print([row.events for row in handler.volume()])
        """
    )

    assert done.out == "[3]\n", done.err


THREADED = """
import logging, sys, threading

{without_gil}

import cxlogging

handler = {handler}, url="http://127.0.0.1:9", close_timeout=0)
log = logging.getLogger("shop")
log.propagate = False
log.setLevel("INFO")
log.addHandler(handler)
sys.setswitchinterval(1e-6)

def work():
    for number in range({records}):
        log.info("order", extra={{"order": object() if number % 10 == 0 else 1}})

threads = [threading.Thread(target=work) for _ in range({threads})]
for each in threads:
    each.start()
for each in threads:
    each.join()
print([row.events for row in handler.volume()])
"""


@pytest.mark.parametrize(
    "without_gil", ["", "sys._is_gil_enabled = lambda: False"], ids=["gil", "no gil"]
)
def test_no_addition_of_a_thread_is_lost(without_gil: str):
    """Eight threads that log at the same line are counted exactly."""
    code = THREADED.format(
        handler=HANDLERS["honeycomb"], threads=THREADS, records=RECORDS, without_gil=without_gil
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout == f"[{THREADS * RECORDS}]\n", done.stderr
