"""
The sink: a local HTTP/1.1 server that answers as the vendors do, as cheaply as it can.

A process of its own. It prints its address, keeps every body as it came, and
for each line on its standard input prints what came since the last one: only
then are bodies decoded, so that decoding costs nothing while a run is measured.
"""

from __future__ import annotations

import importlib
import json
import socket
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

ID = "bench_id"
WARM_UP = -1
"""The id of records that are not measured."""

_GZIP_WINDOW = 31


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    path: str
    encoding: str
    body: bytes = field(repr=False)


class Sink:
    """What came since the last report."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answered_ns = 0
        self._cpu = time.process_time()

    def report(self) -> dict[str, Any]:
        """Return the account of all requests since the last report, and forget them."""
        cpu = time.process_time() - self._cpu
        received, self.received = self.received, []
        ids = Counter(each for request in received for each in _ids(request))
        del ids[WARM_UP]
        account = {
            "cpu": cpu,
            "requests": len(received),
            "bytes": sum(len(each.body) for each in received),
            "answered_ns": self.answered_ns,
            "distinct": len(ids),
            "duplicates": ids.total() - len(ids),
        }
        self._cpu = time.process_time()
        return account

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until it is closed."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            for request in _requests(reader):
                self.received.append(request)
                answer = _answer(request)
                self.answered_ns = time.monotonic_ns()
                connection.sendall(answer)


def _requests(reader: BinaryIO) -> Iterator[Received]:
    while line := reader.readline():
        headers = {}
        while (header := reader.readline()) not in {b"\r\n", b""}:
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers["content-length"]))
        yield Received(line.split()[1].decode(), headers.get("content-encoding", ""), body)


def _answer(request: Received) -> bytes:
    """Return what the vendor of the request's path answers to a good batch."""
    if request.path.startswith("/1/batch/"):
        # The vendor answers a status for each event, so these must be counted.
        count = _plain(request).count(b'"samplerate":')
        status, body = "200 OK", b"[%b]" % b",".join([b'{"status":202}'] * count)
    elif request.path == "/logs/v1/bulk":
        status, body = "200 OK", b"{}"
    else:
        status, body = "202 Accepted", b""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _plain(request: Received) -> bytes:
    if request.encoding == "gzip":
        return zlib.decompress(request.body, _GZIP_WINDOW)
    if request.encoding == "zstd":
        plain: bytes = _zstd().decompress(request.body)
        return plain
    return request.body


def _zstd() -> Any:
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return importlib.import_module("backports.zstd")


def _ids(request: Received) -> Iterator[int]:
    """Yield the id of each record of a request."""
    body = _plain(request)
    if request.path == "/logs/v1/bulk":
        for entry in json.loads(body)["logEntries"]:
            yield json.loads(entry["text"])[ID]
    elif request.path.startswith("/1/batch/"):
        for element in json.loads(body):
            yield element["data"][ID]
    else:
        msgpack = importlib.import_module("msgpack")
        for event in msgpack.unpackb(body):
            yield event[ID]


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    sink = Sink()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=sink.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    for _ in sys.stdin:
        print(json.dumps(sink.report()), flush=True)


if __name__ == "__main__":
    main()
