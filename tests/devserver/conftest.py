from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from cxlogging.devserver import DevServer
from cxlogging.vendors.emulation.types import StoredEvent

CORALOGIX = {"Content-Type": "application/json", "Authorization": "Bearer k"}
HONEYCOMB = {"Content-Type": "application/json", "X-Honeycomb-Team": "k"}
BETTERSTACK = {"Content-Type": "application/json", "Authorization": "Bearer k"}

ROADS = {
    "coralogix": (
        "/logs/v1/bulk",
        CORALOGIX,
        lambda text: {
            "applicationName": "a",
            "subsystemName": "s",
            "logEntries": [{"severity": 3, "text": text}],
        },
    ),
    "honeycomb": ("/1/batch/ds", HONEYCOMB, lambda text: [{"data": {"message": text}}]),
    "betterstack": ("/", BETTERSTACK, lambda text: {"message": text}),
}


@dataclass
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """An HTTP client of one server."""

    port: int

    def ask(self, method, path, body=None, headers=None, timeout=10.0):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            line.request(method, path, body, headers or {})
            answer = line.getresponse()
            named = {name.lower(): held for name, held in answer.getheaders()}
            return Heard(answer.status, named, answer.read())
        finally:
            line.close()

    def get(self, path, **headers):
        return self.ask("GET", path, None, headers)

    def post(self, path, value):
        return self.ask("POST", path, json.dumps(value), {"Content-Type": "application/json"})

    def send(self, vendor="betterstack", text="hi", headers=None, **kwargs):
        """Deliver one event in the format of the vendor."""
        path, own, shape = ROADS[vendor]
        body = json.dumps(shape(text)).encode()
        return self.ask("POST", path, body, {**own, **(headers or {})}, **kwargs)

    def raw(self, data=b"", timeout=10.0):
        """Return a raw connection on which *data* was sent."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout)
        line.sendall(data)
        return line

    def head(self, path="/", length=None, **headers):
        """Return the bytes of a POST to Better Stack, up to its body."""
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {held}" for name, held in BETTERSTACK.items()]
        lines += [f"{name.replace('_', '-')}: {held}" for name, held in headers.items()]
        lines += [] if length is None else [f"Content-Length: {length}"]
        return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def server():
    with DevServer() as running:
        yield running


@pytest.fixture
def client(server):
    return Client(server.port)


@pytest.fixture
def client_of():
    return lambda server: Client(server.port)


def stored(n, **values):
    """Event number *n* of a store."""
    base = {
        "vendor": "coralogix", "time_ns": n, "received_ns": n, "level": "info", "severity": 3,
        "message": f"message {n}", "application": "a", "subsystem": "s", "source": {},
        "data": {"n": n}, "size": 10,
    }  # fmt: skip
    return StoredEvent(**{**base, **values})
