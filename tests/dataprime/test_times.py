"""Times as arguments and as the service writes them."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.dataprime import times
from cxlogging.errors import ConfigurationError, CxLoggingError

from .conftest import NOW

SPAN = st.lists(
    st.tuples(st.integers(0, 999), st.sampled_from(sorted(times.UNITS))), min_size=1, max_size=4
)
AWARE = st.datetimes(
    min_value=datetime.datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants it naive
    max_value=datetime.datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.timezones(),
)


@given(AWARE)
def test_a_datetime_and_its_iso_string_are_one_instant(value):
    """An aware datetime is sent as the UTC string of the same instant."""
    found = times.instant("start", value, NOW)

    assert times.to_datetime(found) == value.astimezone(datetime.timezone.utc)
    if value.utcoffset().total_seconds() % 60 == 0:
        assert times.instant("start", value.isoformat(), NOW) == found


@given(st.integers(times.EARLIEST, times.LATEST))
def test_an_instant_survives_its_string(moment):
    """Nanoseconds are kept from the year 1 to 9999."""
    assert times.instant("start", times.iso(moment), NOW) == moment
    assert times.parse_service_time(times.iso(moment).removesuffix("Z")) == moment


@given(SPAN)
def test_relative_times_lie_before_now(parts):
    """'1h30m', 'now-1h30m' and a timedelta are the same instant; 'now+1h30m' mirrors it."""
    text = "".join(f"{count}{unit}" for count, unit in parts)
    length = sum(count * times.UNITS[unit] for count, unit in parts)

    assert times.instant("since", text, NOW) == NOW - length
    assert times.instant("since", f"now-{text}", NOW) == NOW - length
    assert times.instant("since", f"now + {text}", NOW) == NOW + length
    assert times.instant("since", datetime.timedelta(microseconds=length // 1000), NOW) == (
        NOW - length
    )


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text):
    """Every string results in a time or a ConfigurationError."""
    with contextlib.suppress(ConfigurationError):
        assert times.EARLIEST <= times.instant("start", text, NOW) <= times.LATEST
    times.parse_service_time(text)


@pytest.mark.parametrize(
    "value",
    [
        datetime.date(2025, 1, 20),
        1_737_331_200,
        1_737_331_200.0,
        1_737_331_200_000,
        1_737_331_200_000_000,
        1_737_331_200_000_000_000,
        "1737331200",
        "1737331200000",
    ],
)
def test_dates_and_numbers_since_1970_are_times(value):
    """A date is its first instant in UTC; the size of a number tells its unit."""
    assert times.iso(times.instant("start", value, 0)) == "2025-01-20T00:00:00Z"


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2025, 1, 20),  # noqa: DTZ001 - it is the point
        "2025-01-20T00:00:00",
        "2025-01-20",
    ],
)
def test_a_time_without_zone_is_refused(value):
    """A time without a time zone is refused, and the message says how to give one."""
    with pytest.raises(ValueError, match="time zone") as caught:
        times.instant("start", value, NOW)

    assert isinstance(caught.value, CxLoggingError)


@pytest.mark.parametrize(
    "value",
    [
        "yesterday", "", "1", "1y", "+1h", "now-", "2025-13-01T00:00:00Z",
        "2025-01-01T00:00:00+99:00", 5, None, 1.5, True, float("nan"), float("inf"), 10**30,
        b"1h", "9999999w",
        "now+999999999w", "²h",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(value):
    """Other values are refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^end "):
        times.instant("end", value, NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1737331200", NOW),
        ("1737331200000", NOW),
        ("1737331200000000", NOW),
        ("1737331200000000000", NOW),
        ("2025-01-20T00:00:00", NOW),
        ("2025-01-20T01:00:00.000+0100", NOW),
        ("soon", None),
        ("2025-02-30T00:00:00", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("", None),
        ("9" * 40, None),
    ],
)
def test_the_services_stamps(text, moment):
    """The service's times are UTC without an offset; numbers have a unit by their digits."""
    assert times.parse_service_time(text) == moment
