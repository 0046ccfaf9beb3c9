"""The services that the sink stands in for: recognition, answers, and counts of records."""

from __future__ import annotations

import gzip
import json
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import services
from benchmarks.protobuf import log_bodies, parts
from benchmarks.services import Received, answer, ids, service_of

IDS = [7, 8, 8, -1]
MESSAGES = [f"order {number} shipped" for number in IDS]


def dumped(value):
    return json.dumps(value).encode()


def field(number, content):
    """Return a length-delimited field of protocol buffers."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value):
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def otlp(messages):
    records = b"".join(
        field(2, b"\x09" + b"\0" * 8 + field(5, field(1, m.encode()))) for m in messages
    )
    return field(1, field(1, b"") + field(2, field(1, b"") + records))


BODIES = {
    "coralogix": dumped(
        {"logEntries": [{"text": dumped({"message": m}).decode()} for m in MESSAGES]}
    ),
    "honeycomb": dumped([{"samplerate": 1, "data": {"message": m}} for m in MESSAGES]),
    "betterstack": msgpack.packb([{"message": m} for m in MESSAGES]),
    "otlp": otlp(MESSAGES),
    "loki": dumped({"streams": [{"stream": {}, "values": [["1", m]]} for m in MESSAGES]}),
    "axiom": b"\n".join(dumped({"msg": "order %d shipped", "args": [n]}) for n in IDS),
    "google": dumped(
        {
            "entries": [{"textPayload": m} for m in MESSAGES[:3]]
            + [{"jsonPayload": {"message": MESSAGES[3]}}]
        }
    ),
    "cloudwatch": dumped({"logEvents": [{"message": m, "timestamp": 1} for m in MESSAGES]}),
    "logstash": b"".join(dumped({"message": m}) + b"\n" for m in MESSAGES),
}


def received(service, body, encoding=""):
    return Received(service, encoding, len(body), body)


@pytest.mark.parametrize("service", BODIES)
def test_the_ids_of_every_service_are_found(service):
    """The ids of a body are found in the form that the service's clients send."""
    assert list(ids(received(service, BODIES[service]))) == IDS


def test_every_service_that_is_decoded_is_tested():
    """Every service that can be decoded has a body in this test."""
    assert services._TEXTS.keys() == BODIES.keys()


def test_the_list_of_entries_is_read_too():
    """The path for single entries takes a list, as coralogix_logger sends it."""
    entries = json.loads(BODIES["coralogix"])["logEntries"]

    assert list(ids(received("coralogix", dumped(entries)))) == IDS


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", services._zstd().compress)],
)
def test_compressed_bodies_are_read(encoding, compress):
    """Bodies in gzip, deflate and zstd are decompressed before they are decoded."""
    body = compress(BODIES["honeycomb"])

    assert list(ids(received("honeycomb", body, encoding))) == IDS


def test_what_is_no_record_has_no_id():
    """Initial requests of a client, empty bodies and other requests have no ids."""
    greeting = dumped([{"text": "The SDK has started to send data"}])

    assert list(ids(received("coralogix", greeting))) == []
    assert list(ids(received("otlp", b""))) == []
    assert list(ids(received("time", b"x"))) == []


@pytest.mark.parametrize(
    ("path", "headers", "service"),
    [
        ("/logs/v1/bulk", {}, "coralogix"),
        ("/logs/v1/singles", {}, "coralogix"),
        ("/1/batch/shop", {}, "honeycomb"),
        ("/", {}, "betterstack"),
        ("/", {"x-amz-target": "Logs_20140328.PutLogEvents"}, "cloudwatch"),
        ("/v1/logs", {}, "otlp"),
        ("/loki/api/v1/push", {}, "loki"),
        ("/v1/datasets/shop/ingest", {}, "axiom"),
        ("/v2/entries:write?prettyPrint=false", {}, "google"),
    ],
)
def test_a_request_finds_its_service(path, headers, service):
    """The path identifies the service; for CloudWatch Logs a header does."""
    assert service_of(path, headers) == service


def test_honeycomb_answers_each_event():
    """The answer has a status for every event of the batch."""
    head, _, body = answer(received("honeycomb", BODIES["honeycomb"])).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body) == [{"status": 202}] * len(IDS)


@pytest.mark.parametrize(
    ("service", "status"), [("betterstack", b"202"), ("loki", b"204"), ("otlp", b"200")]
)
def test_the_other_services_answer(service, status):
    """The status is that of the service, and the length of the body is as announced."""
    head, _, body = answer(received(service, b"")).partition(b"\r\n\r\n")

    assert head.split()[1] == status
    assert f"Content-Length: {len(body)}".encode() in head


@given(st.lists(st.text()))
def test_texts_come_out_of_protobuf_as_they_went_in(texts):
    """Bodies of log records are found in order, whatever they hold."""
    assert list(log_bodies(otlp(texts))) == texts


def test_a_wire_type_that_does_not_exist_is_refused():
    """A malformed message is an error, not an empty result."""
    with pytest.raises(ValueError, match="wire type 7"):
        list(parts(b"\x0f\x00", 1))
