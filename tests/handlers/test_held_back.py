"""Once a minute an event says what was held back: how much, why, and by which lines of code."""

from __future__ import annotations

import logging
import time

import pytest

import cxlogging
from cxlogging.delivery.clock import Clocks
from cxlogging.handlers.selection.report import HeldBackReport
from cxlogging.handlers.selection.selection import Selection
from tests.conftest import VENDORS, make_handler
from tests.delivery.test_delivery import wait_until
from tests.fakes import Network, delivery

DEADLINE = 20


def a_record(level: int = 20, line: int = 7) -> logging.LogRecord:
    return logging.LogRecord("shop", level, "/srv/o.py", line, "hello", None, None)


class Minutes:
    """A clock that runs, and can be moved by minutes."""

    def __init__(self) -> None:
        self.ahead = 0.0

    @property
    def clocks(self) -> Clocks:
        return Clocks(monotonic=lambda: time.monotonic() + self.ahead)


class Reported:
    """A delivery whose handler keeps no record below WARNING, with an event of what it left out."""

    def __init__(self, answer: int = 200) -> None:
        self.minutes, self.answer = Minutes(), answer
        self.network = Network(lambda lines: self.answer)
        self.delivery = delivery(self.network, clock=self.minutes.clocks)
        self.report = HeldBackReport(self.delivery)
        self.events = []
        encode = self.delivery.destination.encode
        self.delivery.destination.encode = lambda event: self.events.append(event) or encode(event)
        self.selection = Selection(
            self.delivery,
            self.report,
            [lambda record: int(record.levelno >= 20)],
            limit=lambda record: int(record.levelno >= 30),
        )

    def pass_minute(self) -> None:
        self.minutes.ahead += 61
        self.delivery.wake()


@pytest.fixture
def reported():
    return Reported()


def test_the_event_says_what_and_why(reported):
    """Total, reasons, levels and the top ten call sites are in one INFO event of the minute."""
    for line in range(1, 21):
        for _ in range(line):
            assert reported.selection.rate(a_record(20, line)) == 0
    for _ in range(5):
        assert reported.selection.rate(a_record(10, 99)) == 0
    assert reported.selection.rate(a_record(30)) == 1
    reported.pass_minute()
    wait_until(lambda: reported.delivery.stats().reports == 1, DEADLINE)

    [event] = reported.events
    assert (event.level_name, event.message) == (
        "INFO",
        "cxlogging held back 215 records (limited 210, sampled 5)",
    )
    assert event.fields["cx_held_back"] == 215
    assert event.fields["cx_held_back_by_reason"] == {"sampled": 5, "limited": 210}
    assert event.fields["cx_held_back_by_level"] == {"DEBUG": 5, "INFO": 210}
    sites = event.fields["cx_held_back_sites"]
    assert [site["count"] for site in sites] == [*range(20, 10, -1)]
    assert sites[0] == {
        "logger": "shop",
        "file": "/srv/o.py",
        "line": 20,
        "level": "INFO",
        "count": 20,
    }
    assert reported.network.accepted == [event.message.encode()]


def test_the_event_is_no_record(reported):
    """The event changes no count but that of reports."""
    reported.selection.rate(a_record(10))
    reported.pass_minute()
    wait_until(lambda: reported.delivery.stats().reports == 1, DEADLINE)

    stats = reported.delivery.stats()
    assert (stats.accepted, stats.delivered, stats.sampled, stats.offered) == (0, 0, 1, 1)


def test_one_a_minute(reported):
    """Each event has what came since the one before; without anything new there is none."""
    for count in (3, 2):
        for _ in range(count):
            reported.selection.rate(a_record(10))
        reported.pass_minute()
        wait_until(lambda count=count: len(reported.events) == (1 if count == 3 else 2), DEADLINE)
    for _ in range(3):
        reported.pass_minute()
    reported.delivery.put(30, b"record")
    reported.delivery.flush(DEADLINE)

    assert [event.fields["cx_held_back"] for event in reported.events] == [3, 2]


def test_not_before_a_minute_is_over(reported):
    """What has just been held back is reported later: events would cost as much as records."""
    reported.selection.rate(a_record(10))
    reported.minutes.ahead += 30
    reported.delivery.put(30, b"record")
    reported.delivery.flush(DEADLINE)

    assert reported.events == []
    assert reported.report.event_due_at < float("inf")


def test_after_a_failure_of_the_vendor_the_next_event_has_the_counts(reported):
    """Counts of an event that the vendor did not take are in the next one."""
    reported.answer = 503
    reported.selection.rate(a_record(10))
    reported.pass_minute()
    wait_until(lambda: len(reported.events) == 1, DEADLINE)
    wait_until(lambda: reported.delivery.ledger.requests, DEADLINE)
    reported.answer = 200
    reported.selection.rate(a_record(10))
    reported.pass_minute()
    wait_until(lambda: reported.delivery.stats().reports == 1, DEADLINE)

    assert [event.fields["cx_held_back"] for event in reported.events] == [1, 2]


def test_discards_are_reasons_too(reported):
    """What a scope has discarded is in the event, with the scope's reason."""
    reported.delivery.ledger.outcomes["clean"][10] = 1
    reported.report.note()
    reported.pass_minute()
    wait_until(lambda: reported.events, DEADLINE)

    assert reported.events[0].fields["cx_held_back_by_reason"] == {"discarded_clean": 1}


def test_a_fork_s_child_reports_its_own(reported):
    """In the child of a fork the counts begin again, and so do the events."""
    for _ in range(5):
        reported.selection.rate(a_record(10))
    reported.delivery.workers.reset()
    reported.selection.rate(a_record(10))
    reported.pass_minute()
    wait_until(lambda: reported.events, DEADLINE)

    assert reported.events[0].fields["cx_held_back"] == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_takes_it(vendor, server):
    """The event arrives at each vendor, without a word about its form."""
    handler = make_handler(vendor, url=server.url, limit={"first": 1, "then": 0, "per": 3600})
    minutes = Minutes()
    handler.delivery.lane.clock = minutes.clocks
    for _ in range(3):
        handler.handle(a_record())
    minutes.ahead += 61
    handler.delivery.wake()
    assert server.wait_for(vendor, 2)

    event = server.events(vendor)[1]
    assert event["message"] == "cxlogging held back 2 records (limited 2)"
    assert event["data"]["cx_held_back"] == 2
    assert not event.get("lint")
    handler.close()


def test_no_key_no_event(capfd):
    """Without a key no event can be sent, and nothing breaks."""
    handler = cxlogging.CoralogixHandler(domain="eu2", limit={"first": 0, "then": 0})
    minutes = Minutes()
    handler.delivery.lane.clock = minutes.clocks
    handler.handle(a_record())
    minutes.ahead += 61
    handler.delivery.wake()
    handler.delivery.flush(DEADLINE)
    handler.close()

    assert "crashed" not in capfd.readouterr().err
    assert handler.stats().limited == 1
