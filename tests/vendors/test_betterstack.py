from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError
from cxlogging.vendors.betterstack.destination import configure
from cxlogging.wire.event import SyntheticOrigin
from cxlogging.wire.http import Action, Response

from .reading import KEY, an_event, betterstack, logged, read, sent

SOURCE = SyntheticOrigin("shop", "/srv/o.py", "o.py", "o", 42, "place", 99, "worker-1", 17, "Main")
HOST = "s1.eu-nbg-2.betterstackdata.com"
formats = pytest.mark.parametrize("form", ["msgpack", "json", "ndjson"])


@formats
def test_an_event_has_the_shape_of_the_vendors_own_clients(form):
    """dt, level, severity, message, the context and the extras, nothing else."""
    event = an_event(
        "paid", origin=SOURCE, level=30, level_name="WARNING", task="Task-1", fields={"order": 7}
    )

    assert sent(betterstack(form), event) == [
        {
            "dt": 1_700_000_000_123_456_000,
            "level": "warning",
            "severity": 3,
            "message": "paid",
            "context": {
                "runtime": {
                    "function": "place",
                    "file": "/srv/o.py",
                    "line": 42,
                    "thread_id": 99,
                    "thread_name": "worker-1",
                    "logger_name": "shop",
                    "task_name": "Task-1",
                },
                "system": {"pid": 17, "process_name": "Main"},
            },
            "order": 7,
        }
    ]


@formats
def test_what_the_origin_does_not_tell_is_left_out(form):
    """A context has no member without a value."""
    (event,) = sent(betterstack(form), an_event())

    assert event["context"] == {
        "runtime": {"file": "", "line": 0, "logger_name": "cxlogging"},
        "system": {},
    }
    assert event.keys() == {"dt", "level", "severity", "message", "context"}


@formats
@given(microseconds=st.integers(10**15, 4_102_444_800 * 10**6))
def test_dt_is_the_record_s_time_to_the_microsecond(microseconds, form):
    """The field dt is a whole number of nanoseconds, exactly the record's microsecond."""
    (event,) = sent(betterstack(form), logged(created=microseconds / 1e6))

    assert event["dt"] == microseconds * 1_000


@formats
def test_nested_values_stay_nested(form):
    """Objects and lists of an extra are objects and lists of the event."""
    nested = {"values": [1, {"a": None}], "b": {"c": {}}}

    assert sent(betterstack(form), an_event(fields={"n": nested}))[0]["n"] == nested


@formats
def test_exceptions_and_stacks_are_members(form):
    """A failure and a stack stand beside the message."""
    (event,) = sent(betterstack(form), an_event(error={"type": "E"}, stack="Stack"))

    assert (event["exception"], event["stack_info"]) == ({"type": "E"}, "Stack")


@pytest.mark.parametrize("count", [1, 15, 16, 65_535, 65_536])
def test_a_msgpack_batch_is_one_array(count):
    """The array's header fits its length, at every length where the header changes."""
    items = [betterstack().encode(an_event(str(each))) for each in range(2)]
    body = betterstack().request([items[0], *[items[1]] * (count - 1)]).body

    messages = [event["message"] for event in msgpack.unpackb(body)]
    assert messages == ["0"] + ["1"] * (count - 1)


def test_a_msgpack_batch_of_nothing_is_an_empty_array():
    """No items are an array too, as the vendor's own clients send it."""
    assert betterstack().request([]).body == b"\x90"


@pytest.mark.parametrize("count", [1, 2, 100])
def test_the_three_formats_say_the_same(count):
    """MessagePack, JSON and NDJSON bodies decode to the same events, in their order."""
    events = [an_event(f"line\n{each}", fields={"n": each, "x": "\u2028"}) for each in range(count)]

    packed, whole, lines = (
        sent(betterstack(form), *events) for form in ("msgpack", "json", "ndjson")
    )

    assert packed == whole == lines
    assert [each["n"] for each in packed] == list(range(count))


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("msgpack", "application/msgpack"),
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
    ],
)
def test_the_headers_name_the_format_and_the_token(form, kind):
    """The content type is the format's, the token a bearer's, and there is no other header."""
    headers = dict(betterstack(form).request([b""]).headers)

    assert headers.pop("Authorization").reveal() == f"Bearer {KEY}"
    assert headers == {"Content-Type": kind}


@formats
def test_overhead_covers_every_body(form):
    """The stated overhead and a byte between items bound what a body adds to its items."""
    destination = betterstack(form)
    items = [destination.encode(an_event())] * 20

    body = destination.request(items).body

    assert len(body) <= sum(map(len, items)) + 19 + destination.limits.overhead
    assert len(read(destination.request(items))) == 20


def test_limits_are_the_vendors():
    """An event below 1 MiB, a request below 10 MiB even where nothing compresses it."""
    limits = betterstack().limits

    assert limits.item_bytes < 2**20
    assert limits.body_bytes <= limits.wire_bytes < 10 * 2**20
    assert (limits.auto, limits.accepted) == (("gzip",), ("gzip",))


def test_a_used_up_quota_is_final():
    """402 refuses the events, and says what to do."""
    verdict = betterstack().interpret(Response(402), 3)

    assert verdict.action is Action.REFUSED
    assert verdict.reason == "HTTP 402: Quota exceeded"
    assert "spending limit" in verdict.cure


@pytest.mark.parametrize(("status", "cure"), [(403, "source token"), (404, "ingesting host")])
def test_a_wrong_token_or_host_has_a_cure(status, cure):
    """What somebody must mend is said with the verdict that holds everything."""
    verdict = betterstack().interpret(Response(status, body=b"Unauthorized"), 1)

    assert verdict.action is Action.HOLD
    assert cure in verdict.cure
    assert verdict.reason == f"HTTP {status}: Unauthorized"


def test_the_address_is_the_ingesting_host():
    """POST https://$INGESTING_HOST/, for the host alone or for a whole url."""
    assert str(configure(KEY, ingesting_host=HOST.upper()).endpoint) == f"https://{HOST}/"
    assert str(configure(KEY, url="https://in.example:444").endpoint) == "https://in.example:444/"


@pytest.mark.parametrize("form", ["msgpak", "ndjsn", "", None, 5])
def test_another_format_is_refused(form):
    """A misspelt format is refused in a sentence that names the three."""
    with pytest.raises(ConfigurationError) as caught:
        configure(KEY, ingesting_host=HOST, format=form)

    assert "format takes 'msgpack', 'json' or 'ndjson', not" in str(caught.value)
    assert ("Did you mean 'msgpack'?" in str(caught.value)) == (form == "msgpak")


def test_the_name_tells_vendor_and_host():
    """A destination is named for a person, with or without an address."""
    assert configure(KEY, ingesting_host=HOST).name == f"Better Stack ({HOST})"
    assert configure(KEY).name == "Better Stack"


@pytest.mark.parametrize(
    "value", ["https://s1.example", "https://s1.example/", "https://s1.example:443", "S1.example/"]
)
def test_an_ingesting_host_may_be_an_address(value):
    """The host is taken as the vendor prints it: with its scheme, or without."""
    from cxlogging.vendors.betterstack.destination import configure

    assert configure("t", ingesting_host=value).endpoint.origin == "https://s1.example"
