"""Whatever time a record has, its item holds one that the vendor reads rightly."""

from __future__ import annotations

import datetime
import logging
import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.items import ItemMaker
from cxlogging.wire.sanitizing.sanitizer import Sanitizer
from cxlogging.wire.timestamps import LAST_NS, moment, rfc3339

from .reading import FORMATS, Format, read

NOW = 1_700_000_000.25
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
times = st.floats() | st.floats(-1e10, 1e10) | st.integers() | st.none() | st.text(max_size=3)


def nanoseconds(text: str) -> int:
    second, fraction = RFC3339.fullmatch(text).groups()
    since = datetime.datetime.fromisoformat(f"{second}+00:00") - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + int(fraction)


def read_by_vendor(item: dict) -> int:
    """Return the nanoseconds that a vendor reads; there is no doubt about their unit."""
    if "hiResTimestamp" in item:
        assert re.fullmatch(r"\d{19}", item["hiResTimestamp"])
        return int(item["hiResTimestamp"])
    found = item["dt"] if "dt" in item else item["time"]
    if isinstance(found, str):
        return nanoseconds(found)
    assert len(str(found)) == 19
    return found


@pytest.mark.parametrize("form", FORMATS, ids=lambda each: each.name)
@given(created=times)
@example(created=999_999_999.999999)
@example(created=1_000_000_000.0)
@example(created=LAST_NS / 1e9)
@example(created=math.nan)
@example(created=-0.0000001)
@example(created=-1.03e-06)
@example(created=-1.6e-06)
def test_a_time_of_any_value_is_read_rightly(form: Format, created):
    """A time from 1970 to 2262 is the record's own, anything else the time of the log call."""
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, "hello", None, None)
    events = EventMaker(Sanitizer(), {}, None, None, lambda *note: None, lambda: NOW)
    maker = ItemMaker(events, form.destination)
    maker.make(record, None)  # the call site is known from here on
    record.created = created

    items = [maker.make(record, None), form.destination.encode(events.make(record, None))]

    assert items[0] == items[1]
    (item,) = read(form.destination.request(items[:1]))
    expected = int(NOW * 1e6) * 1000
    # Within a microsecond or so before 1970 is 1970.
    if isinstance(created, (int, float)) and -1.5e-6 < created <= LAST_NS / 1e9:
        expected = int(created * 1e6 + 0.5) * 1000
    if expected <= LAST_NS:
        assert read_by_vendor(item) == expected


@pytest.mark.parametrize("now", [math.nan, -5.0, 1e300])
def test_a_clock_that_is_wrong_too_is_1970(now):
    """Where the clock says nothing possible either, the event has the earliest time there is."""
    assert moment("x", lambda: now) == (0, False)


def test_the_forms_of_a_time():
    """RFC 3339 with nanoseconds, and a year of four digits."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert rfc3339(10**18 - 1000) == "2001-09-09T01:46:39.999999000Z"
