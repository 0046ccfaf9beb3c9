"""The emulator of Honeycomb: requests in, answers out. HN numbers are those of the examples."""

from __future__ import annotations

import gzip
import json
import sys
import zlib

import msgpack
import pytest

from cxlogging.vendors.emulation.types import AcceptedKeys, ApiRequest
from cxlogging.vendors.honeycomb.emulator import HoneycombEmulator
from tests.refusals import explained

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RECEIVED = 1_700_000_000_123_456_789
KEYS = AcceptedKeys(honeycomb=["GOOD", "ALSO"])
HEADERS = {"content-type": "application/json", "x-honeycomb-team": "GOOD"}

EMPTY = "Request body should not be empty."
MALFORMED = "Request body is malformed and cannot be read."
COLUMNS = "Event has too many columns."
TOO_LARGE = "Request body is too large."


def ask(body, path="/1/batch/ds", method="POST", items=(), **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): held for name, held in headers.items()}
    given = {name: held for name, held in {**HEADERS, **named}.items() if held is not None}
    request = ApiRequest(method, path, given, raw, RECEIVED, items)
    return explained(HoneycombEmulator().answer(request, KEYS))


def statuses(reply):
    assert reply.answer.status == 200
    return [(one["status"], one.get("error")) for one in json.loads(reply.answer.body)]


def refused(reply, status, error):
    assert reply.answer.status == status
    assert json.loads(reply.answer.body) == {"error": error}
    assert reply.events == ()
    assert reply.error


def test_hn1_an_event_without_a_time_gets_that_of_receipt():
    """One sound item: 202 inside a 200, time of receipt, samplerate 1."""
    reply = ask([{"data": {"a": 1}}])
    assert reply.answer.body == b'[{"status":202}]'
    (event,) = reply.events
    assert (event.time_ns, event.data, event.application) == (RECEIVED, {"a": 1}, "ds")
    assert event.source == {"dataset": "ds", "samplerate": 1}
    assert (event.severity, event.level, event.warnings) == (3, "", ())


def test_hn2_each_item_has_its_status_in_its_place():
    """A sound item and an empty one: 202, then 400."""
    first = {"data": {"a": 1}, "time": "2026-01-02T03:04:05.123456Z", "samplerate": 4}
    reply = ask([first, {"data": {}}])
    assert statuses(reply) == [(202, None), (400, EMPTY)]
    (event,) = reply.events
    assert event.time_ns == 1_767_323_045_123_456_000
    assert event.source["samplerate"] == 4
    assert "1 of 2 items" in reply.error


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        ("1452759330927", 1_452_759_330_927_000_000),
        ("1452759330", 1_452_759_330_000_000_000),
        ("1452759330927123", 1_452_759_330_927_123_000),
        ("1452759330927123456", 1_452_759_330_927_123_456),
        ("1452759330.927", 1_452_759_330_927_000_000),
        ("2016-01-14T08:15:30.927Z", 1_452_759_330_927_000_000),
        ("2016-01-14T10:15:30.927+02:00", 1_452_759_330_927_000_000),
        ("1960-01-01T00:00:00Z", -315_619_200_000_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
    ],
)
def test_hn3_times_are_rfc_3339_or_an_epoch_in_digits(time, nanoseconds):
    """Ten digits are seconds, the rest is a fraction."""
    (event,) = ask([{"data": {"a": 1}, "time": time}]).events
    assert (event.time_ns, event.warnings) == (nanoseconds, ())


@pytest.mark.parametrize(
    "time",
    [
        1452759330927, "145275933", "2016-01-14 08:15:30Z", "2016-01-14t08:15:30z",
        "2016-01-14T08:15:30+0200", "2016-01-14", "2016-01-14T08:15:30", "yesterday",
        "9999999999", "9999-12-31T23:59:59Z", "2016-02-30T00:00:00Z", "1452759330\n", {}, True,
    ],
)  # fmt: skip
def test_hn3_other_times_are_replaced_with_a_warning(time):
    """The event is taken, with the time of receipt."""
    reply = ask([{"data": {"a": 1}, "time": time}])
    assert statuses(reply) == [(202, None)]
    assert reply.events[0].time_ns == RECEIVED
    assert reply.events[0].warnings


def test_hn4_two_thousand_columns_pass_and_one_more_does_not():
    """The limit is exact, and touches that item alone."""
    wide, wider = ({f"k{n}": n for n in range(width)} for width in (2000, 2001))
    assert statuses(ask([{"data": wide}, {"data": wider}])) == [(202, None), (400, COLUMNS)]


def test_hn5_items_of_another_shape_are_refused_one_by_one():
    """A sound array with unsound elements: their own 400, the others pass."""
    reply = ask([{"data": "x"}, {"dta": {}}, 5, None, {"data": None}, {"data": {"a": 1}}])
    assert statuses(reply) == [(400, MALFORMED)] * 5 + [(202, None)]
    assert len(reply.events) == 1


@pytest.mark.parametrize(
    "raw",
    [b'{"data":{}}', b'[{"data":', b'[{"data":{"a":NaN}}]', b'[{"data":{"a":-Infinity}}]',
     b'[{"data":{"a":1}},]', b"null", b"5", b'[{"data":{"a":"\xff"}}]', b"[" * 300_000, b" "],
)  # fmt: skip
def test_hn6_what_is_not_an_array_in_json_is_malformed(raw):
    """400 for the whole request."""
    refused(ask(raw), 400, MALFORMED)


@pytest.mark.parametrize("raw", [b"", b"[]", b" [ ] "])
def test_hn7_nothing_is_refused_as_nothing(raw):
    """An empty body or array: 400."""
    refused(ask(raw), 400, EMPTY)


@pytest.mark.parametrize("key", [None, "", "BAD", "Bearer GOOD"])
def test_hn8_an_unknown_key_is_refused_in_the_vendors_words(key):
    """401."""
    reply = ask([{"data": {"a": 1}}], x_honeycomb_team=key)
    refused(reply, 401, "unknown API key - check your credentials")
    assert ("not an accepted key" in reply.error) == bool(key)
    assert "BAD" not in reply.error


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("zstd", zstd.compress), ("ZSTD", zstd.compress)],
)
def test_hn9_gzip_and_zstd_are_taken(encoding, pack):
    """Also as several frames in a row."""
    raw = json.dumps([{"data": {"a": 1}}]).encode()
    assert statuses(ask(pack(raw), content_encoding=encoding)) == [(202, None)]
    both = pack(raw[:7]) + pack(raw[7:])
    assert statuses(ask(both, content_encoding=encoding)) == [(202, None)]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_hn10_a_false_header_or_corrupt_bytes_are_malformed(encoding, pack):
    """400, never a 500."""
    raw = json.dumps([{"data": {"a": 1}}]).encode()
    packed = pack(raw)
    for broken in (raw, packed[:-3], packed + b"tail", b"\0" * 20):
        refused(ask(broken, content_encoding=encoding), 400, MALFORMED)


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, zstd", "gzip,gzip", "nonsense"])
def test_hn11_other_encodings_are_malformed(encoding):
    """Nested ones too: nothing is unpacked twice."""
    refused(ask(zlib.compress(b"[]"), content_encoding=encoding), 400, MALFORMED)


@pytest.mark.parametrize("pack", [None, gzip.compress, zstd.compress])
def test_hn12_five_million_bytes_pass_and_one_more_does_not(pack):
    """Counted after inflating; a bomb costs no more than an honest body."""
    item = b'{"data":{"a":"' + b"x" * 60_000 + b'"}}'
    array = b"[" + b",".join([item] * 80) + b"]"
    encoding = None if pack is None else "gzip" if pack is gzip.compress else "zstd"
    for length, status in ((5_000_000, 200), (5_000_001, 400)):
        body = array.ljust(length)
        reply = ask(body if pack is None else pack(body), content_encoding=encoding)
        assert reply.answer.status == status
    refused(reply, 400, TOO_LARGE)


@pytest.mark.parametrize("packed", [False, True])
def test_hn13_one_event_above_its_limit_is_refused_alone(packed):
    """One million bytes pass, one more does not; the neighbours are taken."""
    small = {"data": {"a": 1}}
    over = {"data": {"a": "é" * 500_000}}
    assert len(json.dumps(over, ensure_ascii=False).encode()) > 1_000_000
    batch = [small, over, small]
    body = msgpack.packb(batch) if packed else json.dumps(batch, ensure_ascii=False).encode()
    kind = "application/msgpack" if packed else "application/json"
    reply = ask(body, content_type=kind)
    assert statuses(reply) == [(202, None), (400, TOO_LARGE), (202, None)]


def test_hn13_the_limit_of_an_event_is_exact():
    """The envelope counts, the white space between the items does not."""
    room = 1_000_000 - len(b'{"data":{"a":""}}')
    fits = b'{"data":{"a":"' + b"x" * room + b'"}}'
    body = b"[ " + fits + b" ,\n" + fits.replace(b"x", b"xx", 1) + b" ]"
    assert statuses(ask(body)) == [(202, None), (400, TOO_LARGE)]
    assert [event.size for event in ask(body).events] == [1_000_000]
    for broken in (
        body + b"]",
        body[:-1],
        body[:-1] + b",]",
        body.replace(b" ,", b" "),
        b"5" + body,
    ):
        refused(ask(broken), 400, MALFORMED)


@pytest.mark.parametrize("kind", ["application/msgpack", "application/x-msgpack"])
def test_hn14_messagepack_carries_its_time_as_an_extension(kind):
    """A string or a number as time makes the whole batch fail, as in Refinery."""
    stamp = msgpack.Timestamp(1_452_759_330, 927_000_001)
    packed = msgpack.packb([{"data": {"a": 1, "at": stamp}, "time": stamp, "samplerate": 2}])
    (event,) = ask(packed, content_type=kind).events
    assert event.time_ns == 1_452_759_330_927_000_001
    assert event.data == {"a": 1, "at": "2016-01-14T08:15:30.927000001Z"}
    for time in ("2016-01-14T08:15:30Z", 1452759330):
        wrong = msgpack.packb([{"data": {"a": 1}}, {"data": {"a": 1}, "time": time}])
        refused(ask(wrong, content_type=kind), 400, MALFORMED)
    for broken in (packed[:-1], packed + packed, b"", b"\xc1", msgpack.packb({"data": {}})):
        assert ask(broken, content_type=kind).answer.status == 400


def test_hn15_the_rate_limit_has_its_headers():
    """429 in the vendor's words."""
    answer = HoneycombEmulator().failure(429)
    assert json.loads(answer.body) == {"error": "Request dropped due to rate limiting."}
    assert answer.headers["ratelimit"].startswith("limit=")
    assert "w=" in answer.headers["ratelimit-policy"]
    assert json.loads(HoneycombEmulator().failure(403).body)["error"].startswith("Event dropped")


def test_hn16_an_escaped_slash_belongs_to_the_dataset():
    """The path is split first and unquoted second."""
    good = [{"data": {"a": 1}}]
    assert ask(good, "/1/batch/my%20app%2Flogs").events[0].application == "my app/logs"
    for path in ("/1/batch/my%20app/logs", "/1/batch/a/b/c", "/1/events/a/b", "/1/batch/ds/"):
        reply = ask(good, path)
        assert reply.answer.status == 404
        assert "%2F" in json.loads(reply.answer.body)["error"]
        assert "%2F" in reply.error


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/1/batch/ds", 405), ("POST", "/1/auth", 405), ("POST", "/1/batch", 404),
        ("POST", "/1/batch/", 404), ("POST", "/1/batches/ds", 404), ("POST", "/1/batch/ds/", 404),
        ("POST", f"/1/batch/{'d' * 256}", 400), ("POST", f"/1/batch/{'d' * 255}", 200),
    ],
)  # fmt: skip
def test_other_paths_and_methods(method, path, status):
    """404, 405 with the right method, and 400 for a dataset's name that is too long."""
    assert ask([{"data": {"a": 1}}], path, method).answer.status == status


@pytest.mark.parametrize("rate", [0, 2.0, "4", None, True, 2**63])
def test_a_sample_rate_that_is_no_integer_counts_as_one(rate):
    """As in Refinery, with a warning."""
    (event,) = ask([{"data": {"a": 1}, "samplerate": rate}]).events
    assert event.source["samplerate"] == 1
    assert "samplerate" in event.warnings[0]


def test_a_content_type_that_is_missing_is_taken_for_json_with_a_warning():
    """As in the vendor's own examples for curl."""
    (event,) = ask([{"data": {"a": 1}}], content_type=None).events
    assert "Content-Type" in event.warnings[0]


def test_levels_services_and_long_strings_are_read():
    """A level becomes a severity, `service.name` the subsystem; 64 KiB and more are warned of."""
    data = {"level": "ERROR", "service.name": "web", "message": "m", "s": "x" * 65_537, "n": 2**64}
    (event,) = ask([{"data": data}]).events
    assert (event.level, event.severity, event.subsystem, event.message) == ("error", 5, "web", "m")
    assert len(event.warnings) == 2


def test_numbers_beyond_a_double_are_kept_as_text():
    """1e999 is JSON, and Infinity is not."""
    (event,) = ask(b'[{"data":{"a":1e999,"b":-1e999,"c":1}}]').events
    assert event.data == {"a": "Infinity", "b": "-Infinity", "c": 1}
    assert event.warnings


def test_messagepack_that_json_cannot_hold_is_turned_with_warnings():
    """NaN, bytes and keys that are no strings."""
    packed = msgpack.packb([{"data": {"n": float("nan"), "b": b"\xff", 5: [None, True]}}])
    (event,) = ask(packed, content_type="application/msgpack").events
    assert event.data == {"n": "nan", "b": "/w==", "5": [None, True]}
    assert len(event.warnings) == 3


def test_asked_statuses_are_given_to_sound_items_in_turn():
    """For tests of clients: an item is kept only where the status is 202."""
    reply = ask([{"data": {"n": n}} for n in range(4)] + [{"data": {}}], items=(202, 429))
    dropped = (429, "Request dropped due to rate limiting.")
    assert statuses(reply) == [(202, None), dropped, (202, None), dropped, (400, EMPTY)]
    assert [event.data["n"] for event in reply.events] == [0, 2]


def test_a_single_event_has_its_envelope_in_the_headers():
    """`/1/events/{dataset}`: 202 without a body."""
    reply = ask(
        {"a": 1},
        "/1/events/ds",
        x_honeycomb_event_time="2016-01-14T08:15:30.927Z",
        x_honeycomb_samplerate="3",
    )
    assert (reply.answer.status, reply.answer.body) == (202, b"")
    (event,) = reply.events
    assert (event.time_ns, event.source["samplerate"]) == (1_452_759_330_927_000_000, 3)
    refused(ask({}, "/1/events/ds"), 400, EMPTY)
    refused(ask([5], "/1/events/ds"), 400, MALFORMED)
    refused(ask({"a": "x" * 1_000_000}, "/1/events/ds"), 400, TOO_LARGE)


def test_auth_describes_the_key():
    """`GET /1/auth` for a key that is accepted, 401 for others."""
    answer = json.loads(ask(b"", "/1/auth", "GET").answer.body)
    assert answer["api_key_access"]["events"] is True
    assert set(answer) >= {"id", "team", "environment"}
    assert ask(b"", "/1/auth", "GET", x_honeycomb_team="BAD").answer.status == 401


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, 10**18])
@pytest.mark.parametrize("packed", [False, True])
def test_an_integer_that_a_double_does_not_hold_is_warned_of(number, packed):
    """However it came and however deep it lies; not up to 2^53, and not as text."""

    def warnings(data):
        items = [{"data": data}]
        if not packed:
            return ask(items).events[0].warnings
        return ask(msgpack.packb(items), content_type="application/msgpack").events[0].warnings

    for data in ({"id": number}, {"a": [{"b": number}]}):
        assert ["2^53" in one for one in warnings(data)] == [True]
    for harmless in (2**53, -(2**53), str(number), 1e300, True):
        assert warnings({"id": harmless}) == ()
