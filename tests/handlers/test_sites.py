"""What is remembered of a call site never shows in an event."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from cxlogging.destinations import betterstack, coralogix, honeycomb
from cxlogging.handlers import events
from cxlogging.handlers.events import EventMaker
from cxlogging.wire.clean import Cleaner

URL = "http://127.0.0.1:9"
DESTINATIONS = [
    coralogix.configure("k", application_name="shop", url=URL),
    coralogix.configure("k", application_name="shop", url=URL, text="plain"),
    honeycomb.configure("k", dataset="shop", url=URL),
    betterstack.configure("k", url=URL),
    betterstack.configure("k", url=URL, format="json"),
    betterstack.configure("k", url=URL, format="ndjson"),
]
NAMES = st.sampled_from(["user", "order", "message", "asctime", "taskName", "_logger", "x.y", "dt"])
VALUES = st.one_of(st.text(max_size=5), st.integers(), st.floats(), st.none(), st.just({"a": [1]}))
CHANGES = st.dictionaries(
    st.sampled_from(["levelno", "levelname", "name", "lineno", "threadName", "funcName"]),
    st.one_of(st.sampled_from([10, 20, 35, "INFO", "\ud800", "shop", None]), st.just([1])),
    max_size=2,
)
RECORDS = st.lists(st.tuples(st.dictionaries(NAMES, VALUES, max_size=3), CHANGES), max_size=8)


def maker(destination) -> EventMaker:
    return EventMaker(Cleaner(), {}, None, None, lambda *note: None, destination.head)


def a_record(extra: dict, changes: dict) -> logging.LogRecord:
    record = logging.LogRecord("shop", 20, "/srv/shop.py", 7, "hello", None, None, "f")
    record.__dict__.update({"created": 1_700_000_000.5, **extra, **changes})
    return record


@given(st.sampled_from(DESTINATIONS), RECORDS)
def test_one_call_site_with_ever_different_records(destination, records):
    """Whatever one line of code logged before, an event is as if it were its first."""
    same = maker(destination)
    for extra, changes in records:
        record = a_record(extra, changes)
        again = same.parts(record, None)
        fresh = maker(destination).parts(record, None)

        assert repr(again) == repr(fresh)
        assert destination.encode(again) == destination.encode(fresh)


@given(st.sampled_from(DESTINATIONS), st.dictionaries(NAMES, VALUES, max_size=3))
def test_an_event_without_its_head_is_the_same(destination, extra):
    """What a destination prepares for a call site is what it would say of the event itself."""
    record = a_record(extra, {})

    assert destination.encode(maker(destination).parts(record, None)) == destination.encode(
        maker(destination).make(record, None).replace(head=None)
    )


def test_as_many_extras_but_others():
    """A line of code that logs other extras each time loses none of them."""
    one = maker(DESTINATIONS[0])

    assert one.make(a_record({"user": "ada"}, {}), None).fields == {"user": "ada"}
    assert one.make(a_record({"order": 4711}, {}), None).fields == {"order": 4711}
    assert one.make(a_record({"message": "formatted elsewhere"}, {}), None).fields == {}
    assert one.make(a_record({"user": "bob"}, {}), None).fields == {"user": "bob"}


def test_call_sites_are_forgotten():
    """However many call sites there are, a bounded number is remembered."""
    one = maker(DESTINATIONS[0])
    for line in range(events.REMEMBERED_SITES + 10):
        one.parts(a_record({}, {"lineno": line}), None)

    assert 0 < len(one._sites) <= events.REMEMBERED_SITES
