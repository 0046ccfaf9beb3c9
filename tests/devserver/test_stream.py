"""`/api/stream`: what arrives, as it arrives, over real connections that are lost and resumed."""

from __future__ import annotations

import http.client
import json
import threading
import time
from urllib.parse import quote, urlencode

import pytest

from cxlogging.devserver import DevServer
from tests.devserver.conftest import stored

DEADLINE = 20.0


class Stream:
    """A client of the stream: `next` returns the next message as (event, id, data)."""

    def __init__(self, server, last=None, **parameters):
        self.line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        query = urlencode({"rows": 1, **parameters}, doseq=True)
        self.line.request("GET", f"/api/stream?{query}", headers=headers)
        self.answer = self.line.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["content-type"] == "text/event-stream"

    def next(self):
        fields = {}
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream has ended"
            line = line.rstrip("\n")
            if not line and fields:
                data = json.loads(fields["data"]) if "data" in fields else None
                return fields.get("event"), fields.get("id"), data
            if line:
                name, _, value = line.partition(": ")
                fields[name or "comment"] = value

    def until(self, kind):
        """Return the id and the data of the next message of this type."""
        while True:
            event, number, data = self.next()
            if event == kind:
                return number, data

    def rows(self, enough):
        """Return rows until *enough* is true of them."""
        found, ends = [], time.monotonic() + DEADLINE
        while not enough(found):
            assert time.monotonic() < ends, found
            found += self.until("rows")[1]["rows"]
        return found

    def close(self):
        self.answer.close()
        self.line.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def test_the_first_message_tells_the_store(server, tmp_path):
    """A store has its own identity, which a kept file keeps."""
    with Stream(server) as stream:
        event, number, first = stream.next()
        assert (event, number) == ("hello", None)
        assert first["store"]
    names = []
    for _ in range(2):
        with DevServer(path=tmp_path / "events.db") as other, Stream(other) as stream:
            names.append(stream.next()[2]["store"])
    assert names[0] == names[1] != first["store"]


def test_rows_arrive_with_counts_and_sizes(server, client):
    """Rows come oldest first, with the id of the last event, the counts and the sizes."""
    client.send(text="before")
    with Stream(server) as stream:
        number, first = stream.until("rows")
        assert (number, first["rows"]) == ("1", [])
        client.send(text="one")
        client.send(text="two")
        rows = stream.rows(lambda found: len(found) == 2)
        assert [row["message"] for row in rows] == ["one", "two"]
        assert isinstance(rows[0]["time"], str)
        client.send("honeycomb", "three")
        number, data = stream.until("rows")
        assert number == str(data["rows"][-1]["id"]) == "4"
        assert data["counts"] == {"coralogix": 0, "honeycomb": 1, "betterstack": 3}
        assert data["sizes"]["events"] == 4


@pytest.mark.parametrize(
    "parameters",
    [{"q": "wanted"}, {"q": "$d.wanted == true"}, {"is": "wanted:true"}, {"level": 5}],
    ids=["words", "query", "field", "level"],
)
def test_only_rows_of_the_filter_arrive(server, parameters):
    """Words, queries, fields and levels decide on each new event; the id goes on all the same."""
    with Stream(server, after=0, **parameters) as stream:
        for n in range(1, 31):
            wanted = n % 10 == 0
            data = {"wanted": True} if wanted else {"n": n}
            server.store.add([stored(n, data=data, severity=5 if wanted else 3)])
        rows = stream.rows(lambda found: len(found) == 3)
        assert [row["id"] for row in rows] == [10, 20, 30]
        server.store.add([stored(31)])
        number, data = stream.until("rows")
        assert (number, data["rows"]) == ("31", [])


def test_a_query_whose_rows_are_no_events_has_no_live_rows(server):
    """Tables and limits are answered once; the stream still has counts."""
    for q in ("count", "source logs | limit 3"):
        with Stream(server, after=0, q=q) as stream:
            server.store.add([stored(1)])
            assert stream.until("rows")[1]["rows"] == []


def test_many_rows_come_in_batches(server):
    """A message has at most a thousand rows, and none is lost between two."""
    server.store.add(stored(n) for n in range(1, 3_501))
    with Stream(server, after=0) as stream:
        ids = []
        while len(ids) < 3_500:
            number, data = stream.until("rows")
            assert 0 < len(data["rows"]) <= 1_000
            ids += [row["id"] for row in data["rows"]]
            assert number == str(ids[-1])
    assert ids == list(range(1, 3_501))


@pytest.mark.parametrize("parameters", [{}, {"q": "$d.n > 0"}], ids=["all", "query"])
def test_a_lost_connection_loses_and_repeats_nothing(server, parameters):
    """While events arrive, a client that resumes with the last id gets each once, in order."""
    total, stopped = 1_000, threading.Event()

    def write():
        for n in range(1, total + 1, 5):
            server.store.add(stored(k) for k in range(n, n + 5))
            if stopped.wait(0.005):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        ids, last, connections = [], 0, 0
        ends = time.monotonic() + 60
        while len(ids) < total:
            assert time.monotonic() < ends
            connections += 1
            with Stream(server, last, **parameters) as stream:
                last, data = stream.until("rows")
                ids += [row["id"] for row in data["rows"]]
    finally:
        stopped.set()
        writer.join()
    assert ids == list(range(1, total + 1))
    assert connections > 1


def test_an_id_of_another_store_begins_anew(server):
    """After a restart with another store, everything that is there is sent."""
    server.store.add([stored(1), stored(2)])
    with Stream(server, last=5_000) as stream:
        assert [row["id"] for row in stream.rows(lambda found: len(found) == 2)] == [1, 2]


def test_clearing_is_told(server, client):
    """Connected clients, and those that come back with an id from before, learn of it."""
    server.store.add([stored(1), stored(2)])
    with Stream(server, after=1) as stream:
        assert [row["id"] for row in stream.rows(bool)] == [2]
        client.post("/api/clear", {"what": "all"})
        stream.until("cleared")
        client.send(text="new")
        assert [row["message"] for row in stream.rows(bool)] == ["new"]
    with Stream(server, last=2) as stream:
        assert [stream.next()[0] for _ in range(2)] == ["hello", "cleared"]
        assert [row["id"] for row in stream.rows(bool)] == [3]
    for after in (0, 3):
        with Stream(server, after=after) as stream:
            assert [stream.next()[0] for _ in range(2)] == ["hello", "rows"]


def test_clearing_requests_is_no_clearing_of_events(server, client):
    """Rows stay where only the log of requests is cleared."""
    client.send()
    with Stream(server, after=1) as stream:
        stream.until("rows")
        client.post("/api/clear", {"what": "requests"})
        client.send(text="next")
        event = ""
        while event != "rows":
            event, _, _ = stream.next()
            assert event != "cleared"


def test_rows_stay_in_order_while_old_events_go(client_of):
    """While the store prunes and is cleared, ids only grow, and the newest event arrives."""
    with DevServer(max_bytes=400_000) as server, Stream(server, after=0) as stream:
        done = threading.Event()

        def write():
            for n in range(1, 2_001):
                server.store.add([stored(n, data={"text": "x" * 2_000})])
                if n == 1_000:
                    server.store.clear()
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        ids, cleared = [], 0
        while not (ids and ids[-1] == 2_000):
            event, _, data = stream.next()
            cleared += event == "cleared"
            if event == "rows":
                ids += [row["id"] for row in data["rows"]]
        writer.join()
        assert done.is_set()
    assert ids == sorted(set(ids))
    assert cleared == 1


def test_requests_and_refusals_are_told(server, client):
    """The id of the last request comes with how many requests a rule refused."""
    with Stream(server) as stream:
        assert stream.until("requests")[1] == {"last": 0, "rejected": 0}
        client.send()
        assert stream.until("requests")[1] == {"last": 1, "rejected": 0}
        client.ask(
            "POST", "/", "{", {"Content-Type": "application/json", "Authorization": "Bearer k"}
        )
        assert stream.until("requests")[1] == {"last": 2, "rejected": 1}


def test_faults_are_told_as_they_change(server):
    """Faults that are set and used up come as the state."""
    with Stream(server) as stream:
        assert stream.until("state")[1]["faults"] == []
        server.faults.add(status=503, times=1)
        assert [one["status"] for one in stream.until("state")[1]["faults"]] == [503]
        server.faults.clear()
        assert stream.until("state")[1] == {"faults": [], "reports": []}


def test_without_rows_the_stream_is_as_it_was(server, client):
    """Without `rows=1` the counts come as plain messages."""
    with Stream(server, rows=0) as stream:
        assert stream.next()[2] == {"counts": dict.fromkeys(server.store.count(), 0)}
        client.send()
        assert stream.next()[2]["counts"]["betterstack"] == 1


@pytest.mark.parametrize("parameters", ["after=x", "after=-1", "after=" + "9" * 30, "level=7"])
def test_wrong_parameters_are_refused_before_the_stream_begins(client, parameters):
    """A wrong parameter is answered 400 with a sentence that names it."""
    heard = client.get(f"/api/stream?rows=1&{parameters}")
    assert heard.status == 400
    assert "must be" in heard.json["error"]


@pytest.mark.slow
def test_a_quiet_stream_has_a_heartbeat(server):
    """Without news a comment comes, so that a lost connection is noticed."""
    with Stream(server) as stream:
        while (line := stream.answer.readline()) != b": still here\n":
            assert line


@pytest.mark.parametrize("path", ["/api/rows?", "/api/stream?rows=1&after=0", "/api/groups?"])
def test_a_stopping_server_ends_its_queries(client_of, path):
    """`stop` ends queries that would run for a minute, whoever waits for them."""
    server = DevServer(query_timeout=60).start()
    server.store.add([stored(1, data={"text": "a" * 60 + "b"})])
    query = quote("matches($d.text, /(a+)+$/)")
    request = f"GET {path}&q={query} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    with client_of(server).raw(request.encode()) as line:
        ends = time.monotonic() + DEADLINE
        while not server._queries.pool._runs:
            assert time.monotonic() < ends
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 30
        while line.recv(65536):
            pass


def test_a_stopping_server_ends_its_streams():
    """`stop` does not wait for clients of the stream."""
    server = DevServer().start()
    with Stream(server) as stream:
        stream.until("state")
        server.stop()
        with pytest.raises((AssertionError, OSError, http.client.HTTPException)):
            stream.until("never")
