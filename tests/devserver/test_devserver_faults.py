"""Injected faults, seen by a real socket."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time

import pytest

from cxlogging.devserver import Fault, FaultPanel

BODY = b'{"message":"hi"}'


def everything(line):
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("vendor", "status", "body"),
    [
        ("coralogix", 429, b'{"message":"Too Many Requests"}'),
        ("coralogix", 503, b'{"message":"Service Unavailable"}'),
        ("honeycomb", 429, b'{"error":"Request dropped due to rate limiting."}'),
        ("honeycomb", 401, b'{"error":"unknown API key - check your credentials"}'),
        ("betterstack", 402, b"Quota exceeded"),
        ("betterstack", 500, b""),
    ],
)
def test_a_status_is_answered_in_the_words_of_the_vendor(server, client, vendor, status, body):
    """The next request gets the vendor's answer, nothing is stored, and the one after succeeds."""
    server.faults.add(vendor=vendor, status=status, times=1, retry_after="2")
    heard = client.send(vendor)
    assert (heard.status, heard.body, heard.headers["retry-after"]) == (status, body, "2")
    assert server.count() == 0
    assert client.send(vendor).status in (200, 202)
    assert server.count(vendor) == 1
    assert [one["error"] for one in server.requests()] == [f"fault: status {status}", ""]


def test_a_fault_lasts_until_it_is_cleared(server, client):
    """A fault without times, with a body and a date, applies to all vendors until it is cleared."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    server.faults.add(status=503, retry_after=date, body="closed ☕")
    for vendor in ("coralogix", "honeycomb", "betterstack", "coralogix"):
        heard = client.send(vendor)
        assert (heard.status, heard.body.decode()) == (503, "closed ☕")
        assert heard.headers["retry-after"] == date
    assert server.faults.clear() == 1
    assert client.send("coralogix").status == 200


def test_a_fault_ends_by_itself():
    """A fault for some seconds is taken until they are over, and says how many are left."""
    now = [100.0]
    panel = FaultPanel(lambda: now[0])
    panel.add(status=503, seconds=30)
    panel.add(status=429)
    now[0] = 129.5
    assert panel.take("honeycomb", 1, bytes).status == 503
    assert [fault.seconds for fault in panel.active()] == [1, None]
    now[0] = 130.0
    assert [fault.status for fault in panel.active()] == [429]
    assert panel.take("honeycomb", 1, bytes).status == 429
    assert panel.clear() == 1


def test_one_fault_can_be_removed(server, client):
    """Each listed fault has a number, by which it alone is removed."""
    for status in (429, 503):
        client.post("/api/faults", {"status": status})
    first, second = client.get("/api/faults").json["faults"]
    assert (first["status"], second["status"]) == (429, 503)
    assert client.post("/api/faults/clear", {"id": first["id"]}).json == {"cleared": 1}
    assert client.post("/api/faults/clear", {"id": first["id"]}).json == {"cleared": 0}
    assert client.post("/api/faults/clear", {"id": "1"}).status == 400
    assert [fault.status for fault in server.faults.active()] == [503]


def test_seconds_go_through_the_api(client):
    """The API takes whole seconds and fractions, and lists what is left of them."""
    assert client.post("/api/faults", {"status": 503, "seconds": 60}).status == 200
    assert client.post("/api/faults", {"status": 429, "seconds": 0.5, "times": 3}).status == 200
    assert client.get("/api/faults").json["faults"][0]["seconds"] == 60
    for wrong in (0, -1, 1e9, "60", True):
        assert client.post("/api/faults", {"status": 503, "seconds": wrong}).status == 400


def test_faults_of_one_vendor_leave_the_others_alone(server, client):
    """Faults apply to their vendor only, in the order in which they were added."""
    server.faults.add(vendor="honeycomb", status=500, times=1)
    server.faults.add(vendor="honeycomb", status=502, times=1)
    assert client.send("betterstack").status == 202
    assert [client.send("honeycomb").status for _ in range(3)] == [500, 502, 200]


def test_only_deliveries_use_faults_up(server, client):
    """A check of a clock or a key succeeds, and does not use up a fault."""
    server.faults.add(status=503, times=1)
    assert client.get("/sdk/v1/time").status == 200
    assert client.ask("GET", "/1/auth", headers={"X-Honeycomb-Team": "k"}).status == 200
    assert len(server.faults.active()) == 1
    assert client.send("coralogix").status == 503


def test_a_reset_before_storing_keeps_nothing(server, client):
    """The client sees RST without any byte of an answer, and nothing is stored."""
    server.faults.add(reset="before", times=1)
    with client.raw(client.head(length=len(BODY)) + BODY) as line, pytest.raises(ConnectionError):
        everything(line)
    assert server.count() == 0
    assert [(one["status"], one["error"]) for one in server.requests()] == [(0, "fault: reset")]


def test_a_reset_after_storing_keeps_the_events(server, client):
    """The events are stored, but the client cannot know: the cause of duplicates."""
    server.faults.add(reset="after", times=1)
    with client.raw(client.head(length=len(BODY)) + BODY) as line, pytest.raises(ConnectionError):
        everything(line)
    assert server.wait_for("betterstack", 1, 5)
    (request,) = server.requests()
    assert (request["status"], request["events"]) == (0, 1)
    assert client.send().status == 202


def test_a_trickle_sends_the_answer_byte_by_byte(server, client):
    """The head and the body arrive with a pause before each byte, then the connection is closed."""
    server.faults.add(trickle=0.01, times=1)
    began = time.monotonic()
    with client.raw(client.head(length=len(BODY)) + BODY) as line:
        first = line.recv(65536)
        answer = first + everything(line)
    assert first == b"H"
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert time.monotonic() - began >= 0.01 * (len(answer) - 1)
    assert server.count("betterstack") == 1


def test_a_client_may_leave_during_a_trickle(server, client):
    """The server goes on with other requests when a client disconnects during a trickle."""
    server.faults.add(trickle=0.01, times=1)
    with client.raw(client.head(length=len(BODY)) + BODY) as line:
        assert line.recv(1) == b"H"
    assert client.send().status == 202


def test_a_hang_never_answers(server, client):
    """The request hangs until the client disconnects; others are served, and nothing is stored."""
    server.faults.add(hang=True, times=1)
    with client.raw(client.head(length=len(BODY)) + BODY, timeout=0.3) as line:
        with pytest.raises(TimeoutError):
            line.recv(1)
        assert client.send().status == 202
    assert server.count("betterstack") == 1


def test_stopping_ends_what_hangs(server, client):
    """A hanging client sees the end of the connection, and stop() does not wait for it."""
    server.faults.add(hang=True)
    with client.raw(client.head(length=len(BODY)) + BODY) as line:
        assert server.store.path.exists()
        waiting = threading.Thread(target=server.stop)
        waiting.start()
        waiting.join(5)
        assert not waiting.is_alive()
        with contextlib.suppress(ConnectionError):
            assert line.recv(1) == b""
    assert not server.store.path.exists()


def test_a_delay_comes_first(server, client):
    """The answer is late and complete."""
    server.faults.add(delay=0.2, times=1)
    began = time.monotonic()
    assert client.send().status == 202
    assert time.monotonic() - began >= 0.2


def test_a_smaller_limit_is_answered_as_too_large(server, client):
    """Larger bodies get the vendor's answer for too large ones; smaller bodies are accepted."""
    server.faults.add(max_body=200)
    assert client.send("coralogix", "x" * 200).status == 413
    assert client.send("honeycomb", "x" * 200).json == {"error": "Request body is too large."}
    assert client.send("betterstack", "x" * 200).body == b"payload reached size limit"
    assert client.send("betterstack", "x").status == 202


def test_items_of_a_batch_get_statuses_in_turn(server, client):
    """In a partial success, only items with status 202 are stored."""
    server.faults.add(items=(202, 429), times=1)
    assert client.send("coralogix").status == 200
    body = json.dumps([{"data": {"n": n}} for n in range(5)])
    headers = {"Content-Type": "application/json", "X-Honeycomb-Team": "k"}
    heard = client.ask("POST", "/1/batch/ds", body, headers)
    assert [one["status"] for one in heard.json] == [202, 429, 202, 429, 202]
    assert [one["data"]["n"] for one in server.events("honeycomb")] == [0, 2, 4]
    assert not server.faults.active()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_fault_may_look_for_a_text(server, client, encoding):
    """The text is also found in a compressed body, as a poison event fails its batch."""
    server.faults.add(status=400, contains="poison")
    for word, status in (("poison", 400), ("honey", 202)):
        body = json.dumps([{"message": "fine"}, {"message": f"a {word} pill"}]).encode()
        packed = gzip.compress(body) if encoding == "gzip" else body
        headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
        heard = client.ask("POST", "/", packed, {**headers, "Content-Encoding": encoding})
        assert heard.status == status


@pytest.mark.parametrize("path", ["/logs/v1/bulk", "/logs/v1/singles"])
@pytest.mark.parametrize("trouble", [{"status": 415}, {"status": 500}, {"reset": "before"}])
def test_compressed_bodies_may_be_refused(server, client, path, trouble):
    """Only compressed bodies are refused; the same body uncompressed is accepted."""
    server.faults.add(vendor="coralogix", compressed=True, **trouble)
    names = {"applicationName": "a", "subsystemName": "s"}
    entry = {"severity": 3, "text": "hi"}
    value = {**names, "logEntries": [entry]} if path.endswith("bulk") else [{**names, **entry}]
    body = json.dumps(value).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    packed = {**headers, "Content-Encoding": "gzip"}
    assert client.ask("POST", path, body, headers).status == 200
    if "reset" in trouble:
        with pytest.raises(ConnectionError):
            client.ask("POST", path, gzip.compress(body), packed)
    else:
        assert client.ask("POST", path, gzip.compress(body), packed).status == trouble["status"]
    plain = {**headers, "Content-Encoding": "identity"}
    assert client.ask("POST", path, body, plain).status == 200
    assert server.count("coralogix") == 2
    server.faults.clear()
    assert client.ask("POST", path, gzip.compress(body), packed).status == 200


def test_a_reset_is_a_reset_and_not_an_end(server, client):
    """The client's next read fails with ECONNRESET, on a connection that was used before."""
    with client.raw(client.head(length=len(BODY)) + BODY) as line:
        assert line.recv(65536).startswith(b"HTTP/1.1 202")
        server.faults.add(reset="before")
        line.sendall(client.head(length=len(BODY)) + BODY)
        with pytest.raises(ConnectionResetError):
            line.recv(1)
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"vendor": "splunk"}, "vendor"),
        ({"reset": "during"}, "reset"),
        ({"times": 0}, "times"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": 86_401}, "seconds"),
        ({"status": 99}, "status"),
        ({"items": (202, 1000)}, "status"),
        ({"delay": -1.0}, "seconds"),
        ({"trickle": float("nan")}, "seconds"),
        ({"retry_after": "1\r\nX: y"}, "one line"),
    ],
)
def test_impossible_faults_are_refused(wrong, says):
    """Impossible faults raise a ValueError when they are created."""
    with pytest.raises(ValueError, match=says):
        Fault(**wrong)


def test_a_fault_survives_json():
    """A fault is the same after conversion to JSON and back."""
    fault = Fault(
        vendor="honeycomb",
        times=2,
        seconds=1.5,
        items=(202, 429),
        max_body=0,
        contains="x",
        compressed=True,
    )
    assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault
    assert Fault().to_json() == {}


@pytest.mark.parametrize(
    "value",
    [{"stats": 1}, {"status": "503"}, {"status": True}, {"hang": 1}, {"items": 202},
     {"items": ["202"]}, {"items": [True]}, {"vendor": 5}, {"contains": None}],
)  # fmt: skip
def test_json_of_another_shape_is_no_fault(value):
    """Unknown names and wrong types raise a ValueError."""
    with pytest.raises(ValueError, match=r"unknown|type|list"):
        Fault.from_json(value)


def test_a_count_is_exact_under_threads():
    """A fault for fifty times is taken exactly fifty times by many threads."""
    panel = FaultPanel()
    panel.add(status=503, times=50)
    taken = []

    def take():
        taken.extend(panel.take("coralogix", 1, bytes) for _ in range(25))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in taken) == 50
