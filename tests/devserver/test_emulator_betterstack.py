"""The emulator of Better Stack: requests in, answers out. BS numbers are those of the examples."""

from __future__ import annotations

import gzip
import json
import os
import zlib

import msgpack
import pytest

from cxlogging.vendors.betterstack.emulator import BetterStackEmulator
from cxlogging.vendors.emulation.types import AcceptedKeys, ApiRequest
from tests.refusals import explained

RECEIVED = 1_700_000_000_123_456_789
KEYS = AcceptedKeys(betterstack="TOKEN")
JSON, NDJSON, MSGPACK = "application/json", "application/x-ndjson", "application/msgpack"
MIB = 1024 * 1024


def ask(body, kind=JSON, method="POST", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): held for name, held in headers.items()}
    given = {"content-type": kind, "authorization": "Bearer TOKEN", **named}
    given = {name: held for name, held in given.items() if held is not None}
    request = ApiRequest(method, "/", given, raw, RECEIVED)
    return explained(BetterStackEmulator().answer(request, KEYS))


def taken(reply, n):
    assert (reply.answer.status, reply.answer.body, reply.error) == (202, b"", "")
    assert len(reply.events) == n
    return reply.events


def refused(reply, status, words):
    assert (reply.answer.status, reply.answer.body.decode()) == (status, words)
    assert reply.events == ()
    assert reply.error


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def test_bs1_one_object_is_one_event():
    """202 without a body."""
    (event,) = taken(ask({"message": "My first event", "nested": {"values": 123}}), 1)
    assert event.data == {"message": "My first event", "nested": {"values": 123}}
    assert (event.message, event.time_ns, event.warnings) == ("My first event", RECEIVED, ())


def test_bs2_an_array_is_as_many_events():
    """In their order."""
    events = taken(ask([{"message": "A"}, {"message": "B"}]), 2)
    assert [event.message for event in events] == ["A", "B"]


@pytest.mark.parametrize(
    "raw",
    [b'{"n":1}\n{"n":2}', b'{"n":1}\n{"n":2}\n', b'\n{"n":1}\r\n\n \n{"n":2}\n\n'],
)
def test_bs3_lines_are_events_and_blank_ones_nothing(raw):
    """With or without the last newline."""
    assert [event.data["n"] for event in taken(ask(raw, NDJSON), 2)] == [1, 2]


def test_bs3_a_line_is_ended_by_a_newline_alone():
    """U+2028 and U+0085 inside a string are part of it."""
    (event,) = taken(ask('{"m":"a\u2028b\x85c"}'.encode(), NDJSON), 1)
    assert event.data == {"m": "a\u2028b\x85c"}


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [(None, bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_bs4_messagepack_is_one_value_also_compressed(encoding, pack):
    """A map or an array; gzip, and deflate in both its spellings."""
    one = pack(msgpack.packb({"message": "A"}))
    two = pack(msgpack.packb([{"message": "A"}, {"message": "B"}]))
    taken(ask(one, MSGPACK, content_encoding=encoding), 1)
    taken(ask(two, MSGPACK, content_encoding=encoding), 2)


@pytest.mark.parametrize(
    ("dt", "nanoseconds"),
    [
        (1672490759, 1_672_490_759_000_000_000),
        (1672490759123, 1_672_490_759_123_000_000),
        (1672490759123456000, 1_672_490_759_123_456_000),
        ("2022-12-31T13:45:59.123456Z", 1_672_494_359_123_456_000),
        ("2022-12-31 13:45:59.123456+02:00", 1_672_487_159_123_456_000),
        ("2023-08-09 07:03:30+00:00", 1_691_564_610_000_000_000),
        ("2022-12-31t13:45:59z", 1_672_494_359_000_000_000),
        ("2022-12-31T13:45:59.123456789123Z", 1_672_494_359_123_456_789),
        ("2022-12-31T13:45:59", 1_672_494_359_000_000_000),
        (0, 0),
    ],
)
def test_bs5_the_time_is_in_dt(dt, nanoseconds):
    """Seconds, milliseconds or nanoseconds by size; RFC 3339 with its offset."""
    (event,) = taken(ask({"message": "x", "dt": dt}), 1)
    assert (event.time_ns, event.data["dt"], event.warnings) == (nanoseconds, dt, ())


def test_bs5_messagepack_has_a_timestamp_of_its_own():
    """The extension, to the nanosecond."""
    packed = msgpack.packb({"dt": msgpack.Timestamp(1_672_490_759, 123_456_789)})
    (event,) = taken(ask(packed, MSGPACK), 1)
    assert event.time_ns == 1_672_490_759_123_456_789
    assert event.data == {"dt": "2022-12-31T12:45:59.123456789Z"}


@pytest.mark.parametrize(
    ("dt", "kept"),
    [
        ("yesterday", "yesterday"), ({}, "{}"), (1672490759123456, "1672490759123456"),
        (True, "true"), (None, "null"), (1672490759.5, "1672490759.5"), (-5, "-5"),
        (2**70, str(2**70)), ("2022-02-30T00:00:00Z", "2022-02-30T00:00:00Z"),
        ("1672490759", "1672490759"), ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_bs6_a_dt_that_is_no_time_is_kept_as_text(dt, kept):
    """The event is taken with the time of receipt and a warning."""
    (event,) = taken(ask({"dt": dt}), 1)
    assert (event.time_ns, event.data["dt"]) == (RECEIVED, kept)
    assert "not a time" in event.warnings[0]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer bad", "Bearer", "Basic VE9LRU4=", "TOKEN"]
)
def test_bs7_without_the_token_it_is_unauthorized(authorization):
    """403, not 401, in one word."""
    reply = ask({"a": 1}, authorization=authorization)
    refused(reply, 403, "Unauthorized")
    words = "not an accepted key" if authorization == "Bearer bad" else "must be: Bearer"
    assert words in reply.error


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b'{"message":', JSON), (b"", JSON), (b"", NDJSON), (b"", MSGPACK), (b" \n ", NDJSON),
        (b'{"n":1}\n{"n":\n', NDJSON), (b"[1]\n", NDJSON), (b'[{"n":1}]', NDJSON),
        (msgpack.packb({"m": "A"})[:-1], MSGPACK), (msgpack.packb({"m": "A"}) * 2, MSGPACK),
        (msgpack.packb({"m": "A"}), JSON), (b'{"m":NaN}', JSON), (b'{"m":1,}', JSON),
        (b'{"m":"\xff"}', JSON), (b'{"a":1}{"b":2}', JSON), (b"[" * 300_000, JSON),
        (b"\x91" * 3_000 + b"\x90", MSGPACK), (b"\xa1\xff", MSGPACK),
        (b"\xdd\xff\xff\xff\xff", MSGPACK),
        (b"\x81\x91\x01\x02", MSGPACK), (b"\x81\x80\x02", MSGPACK),
    ],
)  # fmt: skip
def test_bs8_what_cannot_be_read_is_refused_in_the_vendors_words(raw, kind):
    """406, also for MessagePack."""
    refused(ask(raw, kind), 406, "Couldn't parse JSON content.")


@pytest.mark.parametrize("value", [5, "x", [1, 2], [{"a": 1}, 2], None, [[]]])
def test_bs9_only_objects_are_events(value):
    """406 for anything else, in JSON as in MessagePack."""
    refused(ask(value), 406, "Couldn't parse JSON content.")
    refused(ask(msgpack.packb(value), MSGPACK), 406, "Couldn't parse JSON content.")


@pytest.mark.slow
@pytest.mark.parametrize("pack", [None, gzip.compress, zlib.compress])
def test_bs10_twenty_mebibytes_pass_and_one_byte_more_does_not(pack):
    """Counted after inflating; a bomb is not inflated further."""
    line = b'{"m":"' + b"x" * 1000 + b'"}\n'
    encoding = {None: None, gzip.compress: "gzip"}.get(pack, "deflate")
    for length, status in ((20 * MIB, 202), (20 * MIB + 1, 413)):
        body = (line * 100).ljust(length, b"\n")
        reply = ask(body if pack is None else pack(body), NDJSON, content_encoding=encoding)
        assert reply.answer.status == status
    refused(reply, 413, "payload reached size limit")


def test_bs11_ten_mebibytes_compressed_pass_and_one_byte_more_does_not():
    """Counted on the wire, only where there is a content encoding."""
    noise = os.urandom(7 * MIB).hex().encode()
    lines = b"\n".join(b'{"m":"%b"}' % noise[n : n + 10_000] for n in range(0, len(noise), 10_000))
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    packed = packer.compress(lines[: lines.rfind(b"\n", 0, 10 * MIB - 8000)]) + packer.flush()
    padding = zlib.compressobj(0, zlib.DEFLATED, 31)
    blank = 10 * MIB - len(packed) - 23
    tail = padding.compress(b"\n" * blank) + padding.flush()
    assert len(packed + tail) == 10 * MIB
    assert ask(packed + tail, NDJSON, content_encoding="gzip").answer.status == 202
    longer = zlib.compressobj(0, zlib.DEFLATED, 31)
    tail = longer.compress(b"\n" * (blank + 1)) + longer.flush()
    reply = ask(packed + tail, NDJSON, content_encoding="gzip")
    refused(reply, 413, "payload reached size limit")


def test_bs12_a_false_header_or_another_encoding_is_refused():
    """Plain bytes under gzip, nested encodings, and those that nobody proved."""
    raw = b'{"m":1}'
    for body, encoding in (
        (raw, "gzip"), (raw, "deflate"), (gzip.compress(raw)[:-2], "gzip"), (raw, "br"),
        (gzip.compress(gzip.compress(raw)), "gzip, gzip"), (raw, "zstd"),
        (zlib.compress(raw) + b"tail", "deflate"),
    ):  # fmt: skip
        refused(ask(body, content_encoding=encoding), 406, "Couldn't parse JSON content.")


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-msgpack", "application/x-www-form-urlencoded"]
)
def test_bs13_the_content_type_is_one_of_three(kind):
    """406 for others, and for none."""
    refused(ask({"a": 1}, kind), 406, "Couldn't parse JSON content.")


def test_bs14_the_quota_has_its_words():
    """402 `Quota exceeded`."""
    answer = BetterStackEmulator().failure(402)
    assert (answer.status, answer.body) == (402, b"Quota exceeded")
    assert BetterStackEmulator().failure(503).body == b""


def test_bs15_an_empty_array_is_welcome():
    """As SDKs send it when they close."""
    taken(ask(gzip.compress(b"\x90"), MSGPACK, content_encoding="gzip"), 0)
    taken(ask([]), 0)


@pytest.mark.parametrize("kind", [JSON, NDJSON, MSGPACK])
def test_an_event_above_one_mebibyte_makes_its_request_fail(kind):
    """The limit of one event is exact."""
    for extra, status in ((0, 202), (1, 413)):
        big = {"m": "x" * (MIB - len(b'{"m":""}') + extra)}
        if kind == MSGPACK:
            big = {"m": "x" * (MIB - len(msgpack.packb({"m": ""})) - 4 + extra)}
            assert len(msgpack.packb(big)) == MIB + extra
            body = msgpack.packb([{"a": 1}, big])
        else:
            rows = [json.dumps(one, separators=(",", ":")) for one in ({"a": 1}, big)]
            body = ("\n".join(rows) if kind == NDJSON else f"[{','.join(rows)}]").encode()
        assert ask(body, kind).answer.status == status


def test_levels_and_odd_values_are_read():
    """The level gives the severity; what MessagePack alone can hold is turned, with warnings."""
    packed = msgpack.packb({"message": "m", "level": "Warning", "b": b"\0", "f": float("inf")})
    (event,) = taken(ask(packed, MSGPACK), 1)
    assert (event.level, event.severity, event.data["f"]) == ("warning", 4, "inf")
    assert len(event.warnings) == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_only_post_delivers(method):
    """405."""
    reply = ask({"a": 1}, method=method)
    assert (reply.answer.status, reply.answer.headers["allow"]) == (405, "POST")


@pytest.mark.slow
def test_a_million_events_are_enough():
    """A bound of this server: 20 MiB of `{}` would cost gigabytes."""
    assert ask(b"[" + b"{}," * 1_000_000 + b"{}]").answer.status == 413


def test_integers_of_64_bits_are_no_matter_here():
    """This vendor does not keep them as doubles: no warning up to 64 bits."""
    for number in (2**53 + 1, 2**63 - 1, -(2**63)):
        assert ask({"id": number}).events[0].warnings == ()
    assert "64 bits" in ask({"id": 2**64}).events[0].warnings[0]
