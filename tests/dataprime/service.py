"""A query service that sends the answers of a test, and records its requests."""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ID = "12345678-07f8-4313-1234-d954b1b45d31"
COMPLETED = {
    "status": "COMPLETED",
    "e2eDurationMs": "260",
    "outputRowCount": "1",
    "storage": {
        "objectStore": {
            "bytesRead": "0",
            "crossRegionBytesRead": "0",
            "limits": {
                "scan": {"reached": False, "limit": "50000000000", "measuredValue": "454108"},
                "shuffleSize": {"reached": False, "limit": "1000000000", "measuredValue": "704"},
                "filesRead": {"reached": False, "measuredValue": "0"},
                "column": {"reached": False},
            },
        }
    },
}


@dataclass
class Reply:
    """
    An answer: *body* is bytes, or pieces of it; an Event among them is waited for.

    *ends* says how: chunks and their end, a length, a closed connection, cut, or dropped
    without a word.
    """

    body: bytes | Iterable[bytes | threading.Event] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ends: str = "chunked"


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: dict


class Service(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: deque[Reply] = deque()
        self.rule: Callable[[Asked], Reply] | None = None
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def will_say(self, *answers: Reply) -> None:
        self.answers.extend(answers)

    @property
    def bodies(self) -> list[dict]:
        return [each.body for each in self.asked]

    def handle_error(self, request, client_address) -> None:
        """Ignore clients that disconnect."""


class Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        body = json.loads(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.path, headers, body)
        self.server.asked.append(asked)
        rule = self.server.rule
        reply = rule(asked) if rule else self.server.answers.popleft()
        if reply.ends == "dropped":
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        pieces = [reply.body] if isinstance(reply.body, bytes) else reply.body
        if reply.ends == "length":
            pieces = [b"".join(pieces)]
            self.send_header("Content-Length", str(len(pieces[0])))
        elif reply.ends in {"chunked", "cut"}:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self._write(pieces, reply.ends)

    def _write(self, pieces: Iterable[bytes | threading.Event], ends: str) -> None:
        for piece in pieces:
            if isinstance(piece, threading.Event):
                piece.wait(30)
            elif ends in {"chunked", "cut"}:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"")
            else:
                self.wfile.write(piece)
            self.wfile.flush()
        if ends == "chunked":
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = ends not in {"length", "chunked"}

    def log_message(self, *arguments) -> None:
        """Log nothing."""


def line(document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def log(number: int, moment: str = "2025-01-20T00:00:00.5", **labels: str) -> dict:
    return {
        "metadata": [
            {"key": "timestamp", "value": moment},
            {"key": "severity", "value": "5"},
            {"key": "logid", "value": f"log-{number}"},
        ],
        "labels": [{"key": "applicationname", "value": "shop"}],
        "userData": json.dumps({"number": number, "user": {"id": f"u{number}"}}),
    }


def result(*rows: dict) -> bytes:
    return line({"result": {"results": list(rows)}})


QUERY_ID = line({"queryId": {"queryId": ID}})
STATISTICS = line({"statistics": COMPLETED})


def statistics(status: str = "COMPLETED", **reached: bool) -> bytes:
    limits = {name: {"reached": value} for name, value in reached.items()}
    storage = {"objectStore": {"bytesRead": "7", "limits": limits}}
    return line({"statistics": {"status": status, "outputRowCount": "1", "storage": storage}})


def whole(*rows: dict) -> Reply:
    return Reply(QUERY_ID + result(*rows) + STATISTICS)
