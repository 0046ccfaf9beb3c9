"""`DevServer` and its API."""

from __future__ import annotations

import http.client
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cxlogging.devserver import VENDORS, DevServer, Keys
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb


@pytest.mark.parametrize(
    ("vendor", "status"), [(each, 202 if each == "betterstack" else 200) for each in VENDORS]
)
def test_each_vendor_is_served(server, client, vendor, status):
    """Delivered events can be read at once, as dicts in the order of arrival."""
    for n in range(3):
        assert client.send(vendor, f"event {n}").status == status
    assert server.wait_for(vendor, 3, 5)
    assert [one["message"] for one in server.events(vendor)] == ["event 0", "event 1", "event 2"]
    assert (server.count(vendor), server.count()) == (3, 3)
    (*_, last) = server.requests(vendor)
    assert (last["status"], last["events"], last["error"]) == (status, 1, "")
    assert last["wire_bytes"] == last["raw_bytes"] > 0
    assert last["duration_ms"] > 0


def test_the_address_is_printed_ready_for_use(server):
    """The url has a free port on the loopback."""
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]+", server.url)
    with DevServer(host="::1") as other:
        assert other.url == f"http://[::1]:{other.port}"
        line = http.client.HTTPConnection("::1", other.port)
        line.request("GET", "/api/health")
        assert line.getresponse().status == 200
        line.close()
    with DevServer(host="0.0.0.0", allow_remote=True) as everywhere:
        assert everywhere.url == f"http://127.0.0.1:{everywhere.port}"


def test_keys_are_asked_for_per_vendor(client_of):
    """With keys of a vendor, other keys get the vendor's answer."""
    keys = Keys(coralogix="k", honeycomb=["other"], betterstack=["x", "k"])
    assert "other" not in repr(keys)
    with DevServer(keys=keys) as server:
        client = client_of(server)
        assert [client.send(vendor).status for vendor in VENDORS] == [200, 401, 202]
        assert server.requests("honeycomb")[0]["error"].startswith("not an accepted key")


def test_waiting_is_woken_by_the_arrival(server, client):
    """wait_for returns when events arrive from another thread, and False where they do not."""
    assert not server.wait_for("coralogix", 1, 0.01)
    sender = threading.Timer(0.05, client.send, ("coralogix",))
    sender.start()
    assert server.wait_for("coralogix", 1, 10)
    assert server.wait_for(None, 1, 0)
    sender.join()


def test_many_servers_live_in_one_process(client_of):
    """Several servers run at the same time or one after another, each with its own store."""
    with DevServer() as first, DevServer() as second:
        client_of(first).send(text="one")
        assert (first.count(), second.count()) == (1, 0)
    for _ in range(5):
        with DevServer(port=first.port) as again:
            assert client_of(again).send().status == 202


def test_a_taken_port_raises_in_the_caller(server):
    """A port in use raises `OSError`, and nothing is left behind."""
    other = DevServer(port=server.port)
    with pytest.raises(OSError, match="in use"):
        other.start()
    other.stop()
    assert not other.store.path.exists()


def test_a_server_starts_once(server):
    """A second start raises RuntimeError."""
    with pytest.raises(RuntimeError, match="create another"):
        server.start()


def test_stopping_twice_is_harmless():
    """A second stop does nothing, like `close()` of a file."""
    server = DevServer().start()
    server.stop()
    server.stop()


def test_clear_forgets_events_requests_and_faults(server, client):
    """clear() removes events, requests and faults, for the next test with the same server."""
    client.send()
    server.faults.add(status=503)
    server.clear()
    assert (server.events(), server.requests(), server.faults.active()) == ([], [], ())


def test_connections_are_kept_alive_and_may_be_pipelined(server, client):
    """Two requests in one write get two answers on one connection."""
    body = b'{"message":"hi"}'
    one = client.head(length=len(body)) + body
    with client.raw(one + one) as line:
        heard = b""
        while heard.count(b"HTTP/1.1 202") < 2:
            part = line.recv(65536)
            assert part
            heard += part
    assert server.count("betterstack") == 2


def test_a_client_that_leaves_early_is_noted(server, client):
    """Half a body is not delivered, and the request log says why."""
    with client.raw(client.head(length=100) + b'{"mess'):
        pass
    assert server.store._arrival is not None
    for _ in range(2000):
        if server.requests():
            break
        client.get("/api/health")
    assert "disconnected" in server.requests()[0]["error"]
    assert server.count() == 0


def test_logging_and_signals_are_left_alone(client_of):
    """No level, handler or propagation changes, and no record of the server reaches the root."""

    class Records(logging.Handler):
        def __init__(self):
            super().__init__(level=1)
            self.names = set()

        def emit(self, record):
            self.names.add(record.name)

    def picture():
        loggers = [logging.root, *map(logging.getLogger, ("uvicorn", "uvicorn.error",
                   "uvicorn.access", "uvicorn.asgi"))]  # fmt: skip
        return [(one.level, list(one.handlers), one.propagate, one.disabled) for one in loggers], {
            number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
        }

    records, level = Records(), logging.root.level
    logging.root.addHandler(records)
    logging.root.setLevel(1)
    try:
        before = picture()
        with DevServer() as server:
            client = client_of(server)
            assert client.send().status == 202
            with client.raw(b"nonsense\r\n\r\n") as line:
                assert line.recv(100).startswith(b"HTTP/1.1 400")
            assert picture() == before
    finally:
        logging.root.setLevel(level)
        logging.root.removeHandler(records)
    assert records.names <= {"asyncio"}


def test_a_forked_child_lets_go_of_the_sockets(client_of):
    """While a forked child runs, the parent can stop: clients see the end, and the port is free."""
    server = DevServer().start()
    client = client_of(server)
    line = client.raw(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
    heard = b""
    while not heard.endswith(b"}"):
        heard += line.recv(65536)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    os.close(read_end)
    try:
        assert client.send().status == 202
        port = server.port
        server.stop()
        assert line.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
    finally:
        line.close()
        os.close(write_end)
        os.waitpid(child, 0)


def test_a_forked_child_that_ends_leaves_the_parents_server_alone():
    """A child that leaves the `with` and runs its exit hooks does not stop its parent."""
    script = """
import os, sys, urllib.request
from cxlogging.devserver import DevServer
with DevServer() as server:
    child = os.fork()
    if child == 0:
        server.stop()
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert server.store.path.exists()
    assert urllib.request.urlopen(server.url + "/api/health").status == 200
    folder = server.store.path.parent
assert not folder.exists()
print("served")
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (run.stdout, run.stderr, run.returncode) == ("served\n", "", 0)


def test_a_process_that_forgets_to_stop_ends_anyway():
    """Exit hooks can still deliver to a server that is not stopped; temporary files are removed."""
    script = """
import atexit, sys, urllib.request
from cxlogging.devserver import DevServer
server = DevServer().start()
print(server.store.path.parent)
def late():
    request = urllib.request.Request(server.url, b'{"message":"late"}',
        {"Content-Type": "application/json", "Authorization": "Bearer k"})
    print(urllib.request.urlopen(request).status, server.count())
atexit.register(late)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    folder, said = run.stdout.splitlines()
    assert (said, run.stderr, run.returncode) == ("202 1", "", 0)
    assert not Path(folder).exists()


def test_events_are_listed_page_by_page(client):
    """Events are listed newest first, filtered by vendor and text, with the id of the next page."""
    for n in range(5):
        client.send(("honeycomb", "betterstack")[n % 2], f"event {n}")
    first = client.get("/api/events?limit=3").json
    assert [one["message"] for one in first["events"]] == ["event 4", "event 3", "event 2"]
    rest = client.get(f"/api/events?limit=3&before={first['next_before']}").json
    assert [one["message"] for one in rest["events"]] == ["event 1", "event 0"]
    assert rest["next_before"] is None
    one = client.get("/api/events?vendor=betterstack&contains=EVENT%203").json["events"]
    assert [event["data"] for event in one] == [{"message": "event 3"}]


def test_counts_sizes_and_requests_are_told(client):
    """Counts, sizes and requests are JSON objects, never arrays."""
    client.send("coralogix")
    client.send("honeycomb", headers={"X-Honeycomb-Team": ""})
    told = client.get("/api/counts").json
    assert told["counts"] == {"coralogix": 1, "honeycomb": 0, "betterstack": 0}
    assert told["sizes"]["events"] == 1
    requests = client.get("/api/requests?limit=1").json["requests"]
    assert [one["status"] for one in requests] == [401]
    assert client.get("/api/requests?vendor=coralogix").json["requests"][0]["events"] == 1
    assert client.get("/api/health").json == {"status": "ok"}


def test_faults_are_set_and_cleared_over_the_api(server, client):
    """The API adds, lists and clears faults by the names of their attributes."""
    told = client.post("/api/faults", {"vendor": "honeycomb", "items": [202, 429], "times": 2})
    assert told.json == {"fault": {"vendor": "honeycomb", "times": 2, "items": [202, 429]}}
    client.post("/api/faults", {"status": 503, "retry_after": "1"})
    assert len(client.get("/api/faults").json["faults"]) == 2
    assert client.send("coralogix").status == 503
    assert client.post("/api/faults/clear", {}).json == {"cleared": 2}
    assert client.send("coralogix").status == 200
    assert client.post("/api/clear", {}).json["cleared"] == 1
    assert server.count() == 0


@pytest.mark.parametrize(
    "path",
    ["/api/events?limit=0", "/api/events?limit=x", "/api/events?before=-1", "/api/events?vendor=x",
     "/api/requests?limit=99999999999999999999", "/api/events?limit=%D9%A3"],
)  # fmt: skip
def test_wrong_questions_are_told_why(client, path):
    """Invalid parameters are answered 400 with a message."""
    heard = client.get(path)
    assert heard.status == 400
    assert "must be" in heard.json["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 400), ("[]", 400), ("{", 400), ('{"status":"x"}', 400), ('{"nope":1}', 400),
     ("[" * 60_000, 400), (" " * 70_000, 413), ('{"delay":1e999}', 400), ('{"delay":NaN}', 400)],
)  # fmt: skip
def test_wrong_faults_are_told_why(server, client, body, status):
    """Invalid faults are answered 400 with a message, and none is added."""
    heard = client.ask("POST", "/api/faults", body, {"Content-Type": "application/json"})
    assert (heard.status, bool(heard.json["error"])) == (status, True)
    assert not server.faults.active()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/page/", 404), ("GET", "/page/..%2fserver.py", 404),
     ("GET", "/api/clear", 405), ("POST", "/nowhere", 404), ("HEAD", "/", 200)],
)  # fmt: skip
def test_other_paths(client, method, path, status):
    """Unknown paths and methods are answered 404 and 405, in JSON."""
    heard = client.ask(method, path, None, {"Content-Type": "application/json"})
    assert heard.status == status


def test_odd_text_does_not_break_the_api(client):
    """Lone surrogates are returned as escapes."""
    client.ask(
        "POST", "/", b'{"message":"\\ud800"}',
        {"Content-Type": "application/json", "Authorization": "Bearer k"},
    )  # fmt: skip
    (event,) = client.get("/api/events").json["events"]
    assert event["data"] == {"message": "\ud800"}


@pytest.mark.parametrize("module", [coralogix, honeycomb, betterstack])
def test_vendors_are_listed_with_the_fields_that_their_handlers_write(module, client):
    """Whoever shows events can tell these fields from the sender's own."""
    shown = {each["name"]: each for each in client.get("/api/vendors").json["vendors"]}
    traces = {"exception", "exception.stacktrace", "stack_info"}
    name = Path(module.__file__).parent.name
    assert module.OWN_FIELDS - traces <= set(shown[name]["fields"])
    assert shown[name]["example"].startswith("cxlogging.")
