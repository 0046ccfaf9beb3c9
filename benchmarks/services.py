"""
The services that the sink stands in for: which one a request is for, and how it answers.

Requests are answered as cheaply as the clients of the service allow; bodies are decoded later, for
the report.
"""

from __future__ import annotations

import importlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .protobuf import log_bodies
from .workload import ID

_GZIP_OR_ZLIB = 47
_ID = re.compile(r"order (-?\d+) shipped")


@dataclass(frozen=True)
class Received:
    """One request as it was received; *size* is that of head and body."""

    service: str
    encoding: str
    size: int
    body: bytes = field(repr=False)


def service_of(path: str, headers: Mapping[str, str]) -> str:
    """Return the service that a request is for; *headers* have names in lower case."""
    if "x-amz-target" in headers:
        return "cloudwatch"
    for prefix, service in _PATHS.items():
        if path.startswith(prefix):
            return service
    return "betterstack"


_PATHS = {
    "/logs/v1/": "coralogix",
    "/sdk/v1/time": "time",
    "/1/batch/": "honeycomb",
    "/v1/logs": "otlp",
    "/loki/api/v1/push": "loki",
    "/v1/datasets/": "axiom",
    "/v1/ingest/": "axiom",
    "/v2/entries:write": "google",
}


def answer(received: Received) -> bytes:
    """Return the answer of the service to a valid request."""
    status, kind, body = _answer(received)
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _answer(received: Received) -> tuple[str, str, bytes]:
    service, js = received.service, "application/json"
    if service == "honeycomb":
        # A status for each event: clients look at each of them.
        count = plain(received).count(b'"samplerate":')
        return "200 OK", js, b"[%b]" % b",".join([b'{"status":202}'] * count)
    if service == "axiom":
        count = plain(received).count(b'"%b":' % ID.encode())
        status = {"ingested": count, "failed": 0, "failures": [], "processedBytes": received.size}
        return "200 OK", js, json.dumps({**status, "blocksCreated": 0, "walLength": 1}).encode()
    if service == "cloudwatch":
        body = b'{"nextSequenceToken":"1","logGroups":[{"logGroupName":"benchmarks"}]}'
        return "200 OK", "application/x-amz-json-1.1", body
    if service == "otlp":
        return "200 OK", "application/x-protobuf", b""
    if service == "loki":
        return "204 No Content", js, b""
    if service == "betterstack":
        return "202 Accepted", js, b""
    return "200 OK", js, b"{}"


def plain(received: Received) -> bytes:
    """Return the body, decompressed."""
    if received.encoding in {"gzip", "deflate"}:
        return zlib.decompress(received.body, _GZIP_OR_ZLIB)
    if received.encoding == "zstd":
        body: bytes = _zstd().decompress(received.body)
        return body
    return received.body


def _zstd() -> Any:
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return importlib.import_module("backports.zstd")


def ids(received: Received) -> Iterator[int]:
    """Yield the id of each record of the benchmark in a request."""
    read = _TEXTS.get(received.service)
    if read is None or not received.body:
        return
    for text in read(plain(received)):
        found = _ID.search(text)
        if found is not None:
            yield int(found[1])


def _coralogix(body: bytes) -> Iterator[str]:
    document = json.loads(body)
    # The path /logs/v1/singles takes a list of entries, /logs/v1/bulk an object around it.
    entries = document["logEntries"] if isinstance(document, dict) else document
    yield from (entry["text"] for entry in entries)


def _honeycomb(body: bytes) -> Iterator[str]:
    # Other clients name the message as they like.
    data = (element["data"] for element in json.loads(body))
    yield from (each["body"] if "body" in each else each["message"] for each in data)


def _betterstack(body: bytes) -> Iterator[str]:
    msgpack = importlib.import_module("msgpack")
    yield from (event["message"] for event in msgpack.unpackb(body))


def _loki(body: bytes) -> Iterator[str]:
    for stream in json.loads(body)["streams"]:
        yield from (line for _, line in stream["values"])


def _axiom(body: bytes) -> Iterator[str]:
    # Its handler sends the template and the arguments, each in a field of its own.
    for line in body.splitlines():
        event = json.loads(line)
        yield event["msg"] % tuple(event["args"])


def _google(body: bytes) -> Iterator[str]:
    for entry in json.loads(body)["entries"]:
        yield entry.get("textPayload") or entry.get("jsonPayload", {}).get("message", "")


def _cloudwatch(body: bytes) -> Iterator[str]:
    yield from (event["message"] for event in json.loads(body).get("logEvents", ()))


def _logstash(body: bytes) -> Iterator[str]:
    yield from (json.loads(line)["message"] for line in body.splitlines())


_TEXTS: dict[str, Callable[[bytes], Iterator[str]]] = {
    "coralogix": _coralogix,
    "honeycomb": _honeycomb,
    "betterstack": _betterstack,
    "otlp": log_bodies,
    "loki": _loki,
    "axiom": _axiom,
    "google": _google,
    "cloudwatch": _cloudwatch,
    "logstash": _logstash,
}
