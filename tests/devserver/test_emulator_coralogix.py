"""The emulator of Coralogix: requests in, answers out. CX numbers are those of the examples."""

from __future__ import annotations

import gzip
import json

import pytest

from cxlogging.vendors.coralogix.emulator import CoralogixEmulator
from cxlogging.vendors.emulation.types import AcceptedKeys, ApiRequest
from tests.refusals import explained

SINGLES = "/logs/v1/singles"
RECEIVED = 1_700_000_000_123_456_789
KEYS = AcceptedKeys(coralogix="cxtp_KEY")
HEADERS = {"content-type": "application/json", "authorization": "Bearer cxtp_KEY"}
INSTANT = 1_675_148_539_123_342_000  # 2023-01-31T07:02:19.123342Z


def bulk(*entries, **outer):
    return {"applicationName": "a", "subsystemName": "s", "logEntries": list(entries), **outer}


def without(name):
    return {key: held for key, held in bulk({"severity": 3, "text": "x"}).items() if key != name}


def ask(body, path="/logs/v1/bulk", method="POST", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): held for name, held in headers.items()}
    given = {name: held for name, held in {**HEADERS, **named}.items() if held is not None}
    request = ApiRequest(method, path, given, raw, RECEIVED)
    return explained(CoralogixEmulator().answer(request, KEYS))


def only_event(reply):
    assert (reply.answer.status, reply.error) == (200, "")
    (event,) = reply.events
    return event


def test_cx1_a_plain_entry_is_kept_with_the_time_of_receipt():
    """A sound entry without a time gets 200 and the time of receipt."""
    reply = ask(bulk({"severity": 3, "text": "hi"}))
    event = only_event(reply)
    assert (event.time_ns, event.level, event.severity) == (RECEIVED, "info", 3)
    assert (event.application, event.subsystem, event.message) == ("a", "s", "hi")
    assert (event.data, event.warnings, reply.answer.body) == ({"text": "hi"}, (), b"")


def test_cx2_a_float_of_milliseconds_is_kept_to_the_microsecond():
    """The vendor's own example: sub-millisecond digits survive, and names go into the source."""
    names = {"category": "cat-1", "className": "c", "methodName": "m", "threadId": "t"}
    event = only_event(
        ask(bulk({"timestamp": 1675148539123.342, "severity": 3, "text": "x", **names}))
    )
    assert event.time_ns == INSTANT
    assert event.source == {"timestamp": 1675148539123.342, **names}
    assert event.warnings == ()


@pytest.mark.parametrize(
    ("digits", "nanoseconds"),
    [
        ("1675148539789123123", 1_675_148_539_789_123_123),
        ("1675148539789123", 1_675_148_539_789_123_000),
        ("1675148539789", 1_675_148_539_789_000_000),
    ],
)
def test_cx3_hi_res_is_read_by_its_digits_and_text_that_is_json_is_unfolded(digits, nanoseconds):
    """Nanoseconds, microseconds and milliseconds as a string; an object in the text is data."""
    event = only_event(
        ask(bulk({"hiResTimestamp": digits, "severity": 5, "text": '{"key1":"val1"}'}))
    )
    assert (event.time_ns, event.data, event.level) == (nanoseconds, {"key1": "val1"}, "error")


def test_cx4_microseconds_are_recognised_by_their_size():
    """Sixteen digits in `timestamp` are microseconds."""
    event = only_event(ask(bulk({"timestamp": 1675148539123342, "severity": 6, "text": "µs"})))
    assert (event.time_ns, event.level) == (INSTANT, "critical")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer wrong", "Bearer ", "Bearer", "Basic Y3h0cF9LRVk=", "cxtp_KEY"],
)
def test_cx5_only_the_right_bearer_is_let_in(authorization):
    """Without the key, with another one or with another scheme: 401, nothing kept."""
    reply = ask(bulk({"severity": 3, "text": "x"}), authorization=authorization)
    assert (reply.answer.status, reply.events) == (401, ())
    words = "not an accepted key" if authorization == "Bearer wrong" else "must be: Bearer"
    assert words in json.loads(reply.answer.body)["message"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"applicationName":"a","subsystemName":"s","logEntries":[',
        b"",
        b"null and void",
        b'{"applicationName":"a","subsystemName":"s","logEntries":[{"severity":3,"text":"x",}]}',
        b'{"applicationName":"a","subsystemName":"s","logEntries":[{"severity":3,"text":"\xff"}]}',
        b'{"applicationName":"a","subsystemName":"s","logEntries":[{"timestamp":NaN}]}',
        b'{"a":Infinity}',
        b"[" * 200_000,
    ],
)
def test_cx6_what_is_not_json_is_refused(raw):
    """Cut short, trailing commas, NaN, broken UTF-8, absurd nesting: 400."""
    reply = ask(raw)
    assert (reply.answer.status, reply.events) == (400, ())


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (without("subsystemName"), "subsystemName"),
        (without("applicationName"), "applicationName"),
        (without("logEntries"), "logEntries"),
        (bulk(subsystemName=7), "subsystemName"),
        (bulk(applicationName=None), "applicationName"),
        (bulk(logEntries={}), "logEntries"),
        (bulk(), "logEntries"),
        (bulk("text"), "logEntries[0]"),
        ([bulk({"severity": 3, "text": "x"})], "/logs/v1/singles"),
        (5, "object"),
    ],
)
def test_cx7_a_wrong_body_is_refused_by_the_name_of_its_field(body, names):
    """What is missing or of the wrong type is 400, and the message names it."""
    reply = ask(body)
    assert reply.answer.status == 400
    assert names in json.loads(reply.answer.body)["message"]


@pytest.mark.parametrize("severity", [0, 7, "3", 3.5, True, None, [], -1])
def test_cx8_a_severity_is_an_integer_from_1_to_6(severity):
    """Everything else is 400, and the sound neighbours are not kept either."""
    reply = ask(bulk({"severity": 3, "text": "x"}, {"severity": severity, "text": "x"}))
    assert (reply.answer.status, reply.events) == (400, ())
    assert "logEntries[1].severity" in reply.error


def test_cx8_a_missing_severity_is_refused():
    """The bulk endpoint requires it."""
    assert ask(bulk({"text": "x"})).answer.status == 400


@pytest.mark.parametrize("text", [{"a": 1}, None, 5, ["x"], True])
def test_cx9_the_text_is_a_string(text):
    """An object is to be escaped first; the message says so."""
    reply = ask(bulk({"severity": 3, "text": text}))
    assert reply.answer.status == 400
    assert "escape the JSON" in reply.error


@pytest.mark.parametrize(
    "stamp",
    [
        {"hiResTimestamp": 1675148539789123123},
        {"hiResTimestamp": "abc"},
        {"hiResTimestamp": "16751485397891"},
        {"hiResTimestamp": "9999999999999999999"},
        {"hiResTimestamp": " 675148539789"},
        {"hiResTimestamp": "١٦٧٥١٤٨٥٣٩٧٨٩"},
        {"hiResTimestamp": None},
        {"timestamp": "1675148539123"},
        {"timestamp": True},
        {"timestamp": None},
        {"timestamp": 1675148539},
        {"timestamp": 1675148539123342000},
        {"timestamp": -1675148539123},
    ],
)
def test_cx10_a_time_of_another_type_or_size_is_refused(stamp):
    """A string where a number is due, a number where a string is due, or an odd magnitude: 400."""
    reply = ask(bulk({"severity": 3, "text": "x", **stamp}))
    assert reply.answer.status == 400
    assert next(iter(stamp)) in reply.error


def test_cx11_two_million_bytes_pass_and_one_more_does_not():
    """The limit is exact, before and after inflating."""
    room = 2_000_000 - len(json.dumps(bulk({"severity": 3, "text": ""})))
    fits, over = (
        json.dumps(bulk({"severity": 3, "text": "x" * n})).encode() for n in (room, room + 1)
    )
    assert len(fits) == 2_000_000
    assert ask(fits).answer.status == 200
    assert ask(over).answer.status == 413
    assert ask(gzip.compress(fits), content_encoding="gzip").answer.status == 200
    assert ask(gzip.compress(over), content_encoding="gzip").answer.status == 413


@pytest.mark.parametrize("kind", ["text/plain", None, "application/x-ndjson", "json"])
def test_cx12_the_content_type_is_json(kind):
    """Anything else is 415."""
    assert ask(bulk({"severity": 3, "text": "x"}), content_type=kind).answer.status == 415


def test_cx12_a_charset_does_no_harm():
    """Parameters of the content type are not looked at."""
    reply = ask(bulk({"severity": 3, "text": "x"}), content_type="Application/JSON; charset=utf-8")
    assert reply.answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/logs/v1/bulk", 405),
        ("PUT", "/logs/v1/bulk", 405),
        ("POST", "/logs/v1/bulks", 404),
        ("POST", "/logs/v1/bulk/", 404),
        ("POST", "/logs/v1/b%75lk", 404),
        ("POST", "/sdk/v1/time", 405),
    ],
)
def test_cx13_other_paths_and_methods(method, path, status):
    """A wrong method is 405 and says the right one; a wrong path is 404."""
    reply = ask(bulk({"severity": 3, "text": "x"}), path, method)
    assert reply.answer.status == status
    assert ("allow" in reply.answer.headers) == (status == 405)


def test_cx14_of_two_times_the_finer_one_is_used_with_a_warning():
    """Nobody says which wins: a careful client sends one."""
    both = {"timestamp": 1675148539123, "hiResTimestamp": "1675152139123000000"}
    event = only_event(ask(bulk({"severity": 3, "text": "x", **both})))
    assert event.time_ns == 1_675_152_139_123_000_000
    assert "both timestamp and hiResTimestamp" in event.warnings[0]


def test_cx15_gzip_is_taken_and_a_false_header_is_not():
    """Also several members in a row; not plain bytes, cut or with a tail under that header."""
    raw = json.dumps(bulk({"severity": 3, "text": "hi"})).encode()
    packed = gzip.compress(raw)
    assert only_event(ask(packed, content_encoding="gzip")).message == "hi"
    two = gzip.compress(raw[:20]) + gzip.compress(raw[20:])
    assert only_event(ask(two, content_encoding="GZIP")).message == "hi"
    for broken in (raw, packed[:-1], packed + b"tail", b"", packed[:-8] + b"\0" * 8):
        assert ask(broken, content_encoding="gzip").answer.status == 400
    for other in ("zstd", "br", "deflate", "gzip, gzip"):
        assert ask(packed, content_encoding=other).answer.status == 415


def test_cx16_the_rate_limit_speaks_json():
    """An injected 429 has the vendor's kind of body."""
    answer = CoralogixEmulator().failure(429)
    assert (answer.status, json.loads(answer.body)) == (429, {"message": "Too Many Requests"})
    assert CoralogixEmulator().failure(599).status == 599


def test_what_is_tolerated_is_warned_of():
    """Extra fields pass; numbers for names, empty texts and huge integers are said."""
    entry = {"severity": 3, "text": "", "threadId": 4, "extra": 2**70}
    event = only_event(ask(bulk(entry, privateKey="k", IPAddress="::1", computerName=5)))
    assert "threadId should be a string" in event.warnings
    assert "computerName should be a string" in event.warnings
    assert "text is empty" in event.warnings
    assert any("64 bits" in warning for warning in event.warnings)
    assert "privateKey" not in event.source


@pytest.mark.parametrize("text", ["[1]", "5", "{not json", '{"a":NaN}', "{" * 100_000])
def test_text_that_is_not_an_object_stays_text(text):
    """Only a JSON object is unfolded."""
    event = only_event(ask(bulk({"severity": 3, "text": text})))
    assert (event.data, event.message) == ({"text": text}, text)


def test_singles_take_flat_objects_without_a_severity():
    """The sibling endpoint: an array, names in each object, text as a string or an object."""
    single = {"applicationName": "a", "subsystemName": "s", "text": {"msg": "m"}}
    reply = ask([single, {**single, "text": "t", "severity": 6}], "/logs/v1/singles")
    assert [event.message for event in reply.events] == ["m", "t"]
    assert [event.severity for event in reply.events] == [3, 6]
    wrongs = (bulk({"severity": 3, "text": "x"}), "x", 5, [5], [[single]], [{**single, "text": 5}])
    for wrong in (*wrongs, [{"text": "x"}], {"text": "x"}, b"", b" \n "):
        assert ask(wrong, SINGLES).answer.status == 400


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson; charset=utf-8", None])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_singles_take_what_agents_send(kind, encoding):
    """Arrays, lines and single objects under each content type and under none, plain and gzip."""
    one = {"applicationName": "a", "subsystemName": "s", "timestamp": 1675148539123.342}
    texts = [{"log": "first", "n": 1}, "second", {"a": {"b": [1]}}]
    records = [{**one, "text": text} for text in texts]
    lines = [json.dumps(record).encode() for record in records]
    bodies = [
        json.dumps(records).encode(), json.dumps(records, indent=1).encode(), b"\n".join(lines),
        b"\n".join(lines) + b"\n", b"\r\n\n".join(lines) + b"\r\n",
    ]  # fmt: skip
    pack = gzip.compress if encoding else bytes
    for body in bodies:
        reply = ask(pack(body), SINGLES, content_type=kind, content_encoding=encoding)
        assert (reply.answer.status, reply.error) == (200, "")
        assert [event.data for event in reply.events] == [texts[0], {"text": "second"}, texts[2]]
        assert {event.time_ns for event in reply.events} == {INSTANT}
    for body in (lines[0], json.dumps(records[0], indent=1).encode()):
        reply = ask(pack(body), SINGLES, content_type=kind, content_encoding=encoding)
        assert only_event(reply).data == texts[0]


def test_a_wrong_line_of_singles_is_named():
    """By its number, blank ones counted; nothing of the request is kept."""
    line = b'{"applicationName": "a", "subsystemName": "s", "text": "x"}\n'
    reply = ask(line + b"\n" + line + b'{"applicationName"\n' + line, SINGLES)
    assert (reply.answer.status, reply.events) == (400, ())
    assert json.loads(reply.answer.body)["message"].startswith("line 4: not JSON")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-msgpack", "json"])
def test_singles_name_the_content_types_that_they_take(kind):
    """415, with both of them."""
    reply = ask([], SINGLES, content_type=kind)
    assert reply.answer.status == 415
    assert "application/json or application/x-ndjson" in reply.error


def test_the_clock_counts_ten_thousandths_of_a_millisecond():
    """`GET /sdk/v1/time` gives integer ticks, and asks for no key."""
    reply = ask(b"", "/sdk/v1/time", "GET", authorization=None, content_type=None)
    assert int(reply.answer.body) == RECEIVED // 100
    assert int(reply.answer.body) / 1e4 == pytest.approx(RECEIVED / 1e6)


def test_lone_surrogates_are_data_with_a_warning():
    """JSON may escape half a character: it is kept, and said."""
    event = only_event(ask(bulk({"severity": 3, "text": "\ud800"})))
    assert (event.data, len(event.warnings)) == ({"text": "\ud800"}, 1)


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, 10**18])
def test_an_integer_that_a_double_does_not_hold_is_warned_of(number):
    """However deep it lies; not up to 2^53, and not as text."""
    for data in ({"id": number}, {"a": [{"b": number}]}):
        event = only_event(ask(bulk({"severity": 3, "text": json.dumps(data)})))
        assert (event.data, "2^53" in event.warnings[0]) == (data, True)
        single = {"applicationName": "a", "subsystemName": "s", "text": data}
        assert "2^53" in only_event(ask([single], SINGLES)).warnings[0]
    for harmless in (2**53, -(2**53), str(number), 1e300, True):
        text = json.dumps({"id": harmless})
        assert only_event(ask(bulk({"severity": 3, "text": text}))).warnings == ()
