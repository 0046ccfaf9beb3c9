from __future__ import annotations

import json
import re
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError
from cxlogging.vendors.coralogix.destination import configure, severity
from cxlogging.wire.event import SyntheticOrigin
from cxlogging.wire.http import Action, Response

from .reading import KEY, an_event, coralogix, fields, loads, logged, sent

SOURCE = SyntheticOrigin(
    name="shop.orders",
    pathname="/srv/shop/orders.py",
    filename="orders.py",
    module="orders",
    lineno=42,
    funcName="place",
    thread=140_000_000_000_001,
    threadName="worker-1",
    process=17,
    processName="MainProcess",
)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (-10, 1),
        (0, 1),
        (5, 1),
        (10, 1),
        (11, 2),
        (15, 2),
        (19, 2),
        (20, 3),
        (25, 3),
        (29, 3),
        (30, 4),
        (35, 4),
        (40, 5),
        (49, 5),
        (50, 6),
        (60, 6),
        (100, 6),
    ],
)
def test_severity_of_a_level(level, expected):
    """A level belongs to the standard one below it; between DEBUG and INFO is Verbose."""
    assert severity(level) == expected


def test_severities_never_fall_while_levels_rise():
    """From -10 to 100, every level has a severity from 1 to 6, none below the one before."""
    found = [severity(level) for level in range(-10, 101)]

    assert found == sorted(found)
    assert set(found) == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("level", range(-10, 101))
def test_an_entry_carries_its_severity_as_a_number(level):
    """The severity of an entry is a whole number, whatever the level."""
    (entry,) = sent(coralogix(), an_event(level=level, level_name="ODD"))

    assert type(entry["severity"]) is int
    assert entry["severity"] == severity(level)


def test_an_entry_has_the_documented_members_and_no_others():
    """severity, text and hiResTimestamp, and the four strings about the origin."""
    (entry,) = sent(coralogix(), an_event("paid", origin=SOURCE, level=30, level_name="WARNING"))

    text = entry.pop("text")
    assert entry == {
        "hiResTimestamp": "1700000000123456000",
        "severity": 4,
        "category": "shop.orders",
        "className": "orders",
        "methodName": "place",
        "threadId": "140000000000001",
    }
    assert loads(text) == {
        "message": "paid",
        "level": "WARNING",
        "logger": "shop.orders",
        "file": "orders.py",
        "line": 42,
        "thread": "worker-1",
        "pid": 17,
        "process": "MainProcess",
    }


def test_an_origin_that_tells_nothing_leaves_no_gaps():
    """Where a record names no function and no thread, the entry's strings are empty."""
    (entry,) = sent(coralogix(), an_event())

    assert (entry["methodName"], entry["threadId"]) == ("", "")
    assert loads(entry["text"]) == {
        "message": "hello",
        "level": "INFO",
        "logger": "cxlogging",
        "file": "",
        "line": 0,
    }


@given(st.integers(946_684_800 * 10**9, 4_102_444_800 * 10**9))
def test_the_time_is_a_text_of_nanoseconds(time_ns):
    """The field hiResTimestamp is the decimal text of the event's nanoseconds, none lost."""
    (entry,) = sent(coralogix(), an_event(time_ns=time_ns))

    assert entry["hiResTimestamp"] == f"{time_ns:019d}"
    assert "timestamp" not in entry


def test_the_time_is_when_the_record_was_made():
    """An entry's time is the record's created, to the microsecond."""
    event = logged(created=1_675_148_539.789123)

    assert sent(coralogix(), event)[0]["hiResTimestamp"] == "1675148539789123000"


def test_exceptions_stacks_and_tasks_are_members_of_the_text():
    """A failure, a stack and a task's name stand in the JSON text."""
    error = {"type": "ValueError", "message": "x", "stacktrace": "Traceback"}
    event = an_event(error=error, stack="Stack (most recent call last)", task="Task-7")

    found = fields(coralogix(), event)

    assert found["exception"] == error
    assert (found["stack_info"], found["task"]) == ("Stack (most recent call last)", "Task-7")


def test_nested_extras_stay_nested_in_the_text():
    """An extra that is an object is an object of the text's JSON, not a text in it."""
    assert fields(coralogix(), an_event(fields={"a": {"b": [1, None]}}))["a"] == {"b": [1, None]}


def test_plain_text_is_the_message_and_the_stacks_below():
    """With text="plain" an entry reads as a formatter would print it."""
    event = an_event("failed", error={"stacktrace": "Traceback: x"}, stack="Stack: y")

    assert sent(coralogix("plain"), event)[0]["text"] == "failed\nTraceback: x\nStack: y"


def test_plain_text_is_never_empty():
    """A message without words is said to be one, as Coralogix takes no empty text."""
    assert sent(coralogix("plain"), an_event(""))[0]["text"] == "<empty message>"


def test_the_request_names_application_subsystem_and_computer():
    """The body holds the three names and the entries, in the order they were given."""
    destination = configure(
        KEY, domain="eu2", application_name='a"b', subsystem_name="s\\", computer_name="c"
    )
    request = destination.request([destination.encode(an_event(each)) for each in "xyz"])

    body = loads(request.body)
    entries = body.pop("logEntries")
    assert body == {"applicationName": 'a"b', "subsystemName": "s\\", "computerName": "c"}
    assert [json.loads(each["text"])["message"] for each in entries] == ["x", "y", "z"]


def test_the_request_goes_to_the_bulk_address_with_a_bearer_key():
    """POST https://ingress.<domain>/logs/v1/bulk, JSON, the key in Authorization alone."""
    request = configure(KEY, domain="eu2.coralogix.com").request([b"{}"])

    assert str(request.endpoint) == "https://ingress.eu2.coralogix.com/logs/v1/bulk"
    headers = dict(request.headers)
    assert headers.pop("Authorization").reveal() == f"Bearer {KEY}"
    assert headers == {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("eu1", "eu1.coralogix.com"),
        ("EU2", "eu2.coralogix.com"),
        ("us1", "us1.coralogix.com"),
        ("us2", "us2.coralogix.com"),
        ("us3", "us3.coralogix.com"),
        ("ap1", "ap1.coralogix.com"),
        ("ap2", "ap2.coralogix.com"),
        ("Ap3", "ap3.coralogix.com"),
        ("gov1", "gov1.coralogixgov.us"),
        ("coralogix.in", "ap1.coralogix.com"),
        ("CX498.coralogix.com", "us2.coralogix.com"),
        ("coralogix.us", "us1.coralogix.com"),
        ("coralogix.com", "eu1.coralogix.com"),
        ("app.coralogix.in", "ap1.coralogix.com"),
        ("coralogixsg.com", "ap2.coralogix.com"),
        ("Europe", "eu1.coralogix.com"),
        ("US", "us1.coralogix.com"),
        ("India", "ap1.coralogix.com"),
        ("Singapore", "ap2.coralogix.com"),
        ("shop.app.eu2.coralogix.com", "eu2.coralogix.com"),
        ("shop.app.coralogix.us", "us1.coralogix.com"),
        ("shop.coralogix.com", "eu1.coralogix.com"),
        ("https://shop.app.eu2.coralogix.com/#/dashboard", "eu2.coralogix.com"),
        ("ingress.eu2.coralogix.com:443", "eu2.coralogix.com"),
        ("https://ingress.coralogix.in/logs/v1/singles", "ap1.coralogix.com"),
        ("https://api.coralogix.com:443/api/v1/logs", "eu1.coralogix.com"),
        ("ingress.eu2.coralogix.com", "eu2.coralogix.com"),
        ("api.eu2.coralogix.com", "eu2.coralogix.com"),
        ("https://eu2.coralogix.com", "eu2.coralogix.com"),
        ("eu3.coralogix.com", "eu3.coralogix.com"),
        ("private.eu2.coralogix.com", "private.eu2.coralogix.com"),
        ("logs.shop.example", "logs.shop.example"),
    ],
)
def test_a_domain_is_a_region_or_a_domain(name, domain):
    """Regions in any case and whole domains, older ones too, give ingress.<domain>."""
    assert configure(KEY, domain=name).endpoint.host == f"ingress.{domain}"


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("eu22", "Did you mean 'eu2'?"),
        ("frankfurt", "there are us1, us2, us3, eu1, eu2, ap1, ap2, ap3, gov1."),
        ("http://eu2.coralogix.com", "domain takes a host name such as"),
        ("eu2.coralogix.com/logs", "domain takes a host name such as"),
        ("eu2..com", "domain takes a host name such as"),
    ],
)
def test_a_wrong_domain_is_said_with_the_right_one(domain, words):
    """An unknown region, a prefix or an address is refused, and the sentence says what to write."""
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        configure(KEY, domain=domain)


def test_a_region_like_none_has_no_hint():
    """Where no region is near, none is proposed."""
    with pytest.raises(ConfigurationError) as caught:
        configure(KEY, domain="frankfurt")

    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("text", ["jsn", "", None, 5])
def test_text_is_json_or_plain(text):
    """Another text format is refused in a sentence that names both."""
    with pytest.raises(ConfigurationError, match="text takes 'json' or 'plain', not"):
        configure(KEY, domain="eu2", text=text)


def test_a_full_body_is_below_two_million_bytes():
    """The limits are on the whole body, its names included, and below 2,000,000 bytes."""
    destination = configure(KEY, domain="eu2", application_name="é" * 300, subsystem_name="s")
    limits = destination.limits
    largest = b"x" * limits.item_bytes

    assert len(destination.request([largest]).body) == limits.body_bytes == 1_999_999
    assert len(destination.request([b"x", b"y", b"z"]).body) == limits.overhead + 5
    assert limits.wire_bytes < 2_000_000


def test_no_compression_is_tried_unasked():
    """Coralogix names no compression for this address: auto is none, gzip can be asked for."""
    assert (coralogix().limits.auto, coralogix().limits.accepted) == ((), ("gzip",))
    assert coralogix().limits.batch_count == 3_000


@pytest.mark.parametrize(
    ("status", "cure"), [(401, "Send-Your-Data API key"), (403, "key for queries"), (404, "domain")]
)
def test_a_wrong_key_or_domain_has_a_cure(status, cure):
    """What somebody must mend is said with the verdict that holds everything."""
    verdict = coralogix().interpret(Response(status), 1)

    assert verdict.action is Action.HOLD
    assert cure in verdict.cure


def test_the_name_tells_vendor_and_host():
    """A destination is named for a person, with or without an address."""
    assert configure(KEY, domain="eu2").name == "Coralogix (ingress.eu2.coralogix.com)"
    assert configure(KEY).name == "Coralogix"


def test_the_documented_time_example_reads_back():
    """The documentation's own instant arrives as that instant."""
    event = an_event(time_ns=1_675_148_539_789_123_123)
    nanoseconds = int(sent(coralogix(), event)[0]["hiResTimestamp"])

    assert datetime.fromtimestamp(nanoseconds // 10**9, timezone.utc) == datetime(
        2023, 1, 31, 7, 2, 19, tzinfo=timezone.utc
    )
    assert nanoseconds % 10**9 == 789_123_123
