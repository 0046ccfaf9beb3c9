"""`/api/rows` and `/api/event/{id}`: the table of events, and one in detail."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from urllib.parse import quote, urlencode

import msgpack
import pytest

from cxlogging.devserver import DevServer, Store
from tests.devserver.conftest import stored

MSGPACK = {"Content-Type": "application/msgpack", "Authorization": "Bearer k"}
BULK = {"Content-Type": "application/json", "Authorization": "Bearer k"}
HONEYCOMB = {"Content-Type": "application/json", "X-Honeycomb-Team": "k"}


def ask(client, path, **parameters):
    return client.get(f"{path}?{urlencode(parameters, doseq=True)}")


def rows(client, **parameters):
    heard = ask(client, "/api/rows", **parameters)
    assert heard.status == 200, heard.body
    return heard.json


def messages(client, **parameters):
    return [row["message"] for row in rows(client, **parameters)["rows"]]


def test_a_row_has_what_a_reader_sees_first(server, client):
    """A row has the fields of the contract, and its time is a string."""
    body = {"message": "hi", "user": {"id": 7}, "logger": "a.b", "level": "error",
            "trace_id": "t", "request_id": "r", "task_id": "k",
            "exception": {"type": "E", "message": "m",
                          "stacktrace": 'File "a.py", line 3, in f\n  g()'}}  # fmt: skip
    client.ask("POST", "/", json.dumps(body), BULK)
    answer = rows(client)
    (row,) = answer.pop("rows")
    assert answer == {"next_before": None, "kind": "all", "total": 1}
    assert int(row.pop("time")) == server.events()[0]["time_ns"]
    assert row == {
        "id": 1, "vendor": "betterstack", "severity": 5, "level": "error", "application": "",
        "subsystem": "", "logger": "a.b", "message": "hi", "exception": "E: m",
        "raised_at": "a.py:3 f",
        "fields": {"user": {"id": 7}, "logger": "a.b", "trace_id": "t", "request_id": "r",
                   "task_id": "k"},
        "cut": False, "warnings": 0, "size": row["size"], "request": 1, "trace_id": "t",
        "request_id": "r", "task_id": "k",
    }  # fmt: skip


def test_pages_continue_where_the_last_one_ended(server, client):
    """`before` and `after` page without gaps or repetitions, also in a filter and in a query."""
    server.store.add(stored(n, data={"even": n % 2 == 0}) for n in range(1, 21))
    for q, expected in (("", 20), ("message", 20), ("$d.even == true", 10)):
        seen, before = [], None
        while True:
            page = {} if before is None else {"before": before}
            answer = rows(client, q=q, limit=3, **page)
            seen += [row["id"] for row in answer["rows"]]
            before = answer["next_before"]
            if before is None:
                break
        assert len(seen) == expected
        assert seen == sorted(set(seen), reverse=True)
    assert messages(client, after=18) == ["message 20", "message 19"]
    assert messages(client, after=4, before=7) == ["message 6", "message 5"]


def test_a_query_selects_events(server, client):
    """DataPrime filters, limits and orders events; the other parameters apply as well."""
    server.store.add(stored(n, data={"n": n, "big": n > 5}, severity=3 + n % 2) for n in range(10))
    assert messages(client, q="$d.n >= 8") == ["message 9", "message 8"]
    assert messages(client, q="n > 7", level=4) == ["message 9"]
    assert messages(client, q="n > 5 | limit 2") == ["message 9", "message 8"]
    assert messages(client, q="filter n < 3 | orderby n asc", to=2) == ["message 0", "message 1"]
    by_time = "source logs | filter n < 2 | orderby $m.timestamp asc"
    assert messages(client, q=by_time) == ["message 0", "message 1"]
    answer = rows(client, q="n < 4", **{"is": "big:false"})
    assert (answer["kind"], answer["total"], answer["warnings"]) == ("dataprime", 4, [])


def test_a_colon_in_a_field_is_escaped(server, client):
    """Of a condition `field:value`, the field is percent-encoded where it has a colon."""
    server.store.add(stored(n, data={"x:y": n}) for n in range(3))
    assert messages(client, **{"is": "x%3Ay:1"}) == ["message 1"]


def test_a_query_of_an_unknown_field_says_so(server, client):
    """Where nothing is found, a keypath that no event has is named, with one that exists."""
    server.store.add([stored(1, data={"user": {"name": "ann"}})])
    answer = rows(client, q="$d.user.nam == 'ann'")
    assert answer["rows"] == []
    assert "keypath does not exist" in answer["warnings"][0]
    assert "user.name" in answer["warnings"][0]


def test_other_rows_are_a_table(server, client):
    """A query that groups, or makes fields, has columns and rows; it tells where it was cut."""
    server.store.add(stored(n, data={"path": f"/{n % 3}"}) for n in range(9))
    answer = rows(client, q="groupby $d.path aggregate count() as n | orderby path")
    assert answer == {
        "kind": "table",
        "table": {"columns": ["path", "n"], "rows": [["/0", 3], ["/1", 3], ["/2", 3]],
                  "warnings": [], "truncated": False},
    }  # fmt: skip
    assert rows(client, q="distinct $d.path", limit=2)["table"]["truncated"]
    table = rows(client, q="create $d.two from 2 | limit 1")["table"]
    assert table["columns"][:2] == ["$m.timestamp", "$m.severity"]
    assert table["rows"][0][2:] == ["/2", 2]
    chosen = rows(client, q="choose $d.path as p | limit 1", level=4)["table"]
    assert (chosen["columns"], chosen["rows"]) == ([], [])


@pytest.mark.parametrize(
    ("q", "position", "shown", "hint"),
    [
        ("$d.x === 1", 7, "$d.x === 1\n       ^", ""),
        ("source logs | filter (", 22, "source logs | filter (\n                      ^", ""),
        ("remove failed payments", 14, None, "To search for these words, put them in quotes."),
        ("source spans", 0, None, ""),
        ("$d.a == 1 |\n fitler b", 13, " fitler b\n ^", ""),
    ],
)
def test_a_wrong_query_is_shown_where_it_is_wrong(client, q, position, shown, hint):
    """The position is one in what was typed, and the caret stands below it."""
    heard = ask(client, "/api/rows", q=q)
    assert heard.status == 400
    answer = heard.json
    assert answer["error"]
    assert "line" not in answer["error"].split()
    assert (answer["position"], answer["hint"] if hint else "") == (position, hint)
    assert shown in (None, answer["caret"])
    assert len(answer["caret"].split("\n")) == 2
    for path in ("/api/facets?field=vendor", "/api/histogram?", "/api/stream?rows=1"):
        again = client.get(f"{path}&q={quote(q)}")
        assert (again.status, again.json["position"]) == (400, position)


def test_a_slow_regular_expression_blocks_nothing(client_of):
    """A query that never ends is killed at its limit; meanwhile events arrive and are read."""
    with DevServer(query_timeout=1.0) as server:
        client = client_of(server)
        server.store.add([stored(1, data={"text": "a" * 60 + "b"})])
        slow = client.raw(
            b"GET /api/rows?q=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n"
            % (quote("matches($d.text, /(a+)+$/)").encode(), server.port)
        )
        for _ in range(5):
            assert client.send().status == 202
            assert len(rows(client, q="hi")["rows"]) > 0
        slow.settimeout(30)
        heard = slow.makefile("rb").read()
        slow.close()
        assert b"400 Bad Request" in heard
        assert b"longer than 1 s" in heard


def test_a_client_that_leaves_ends_its_query(client_of):
    """A query whose answer nobody waits for does not keep a processor busy."""
    with DevServer(query_timeout=60) as server:
        server.store.add([stored(1, data={"text": "a" * 60 + "b"})])
        query = quote("matches($d.text, /(a+)+$/)")
        head = f"GET /api/rows?q={query} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
        runs, ends = server._queries.pool._runs, time.monotonic() + 30
        with client_of(server).raw(head.encode()):
            while not runs:
                assert time.monotonic() < ends
        while runs:
            assert time.monotonic() < ends


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("level=0", "level must be a number from 1 to 6"), ("level=x", "level must be"),
        ("level=%D9%A3", "level must be"), ("is=a", "field:value"), ("not=:x", "field:value"),
        ("is=a..b:1", "is not a field"), ("not=%22:1", "is not a field"), ("from=x", "nanoseconds"),
        ("to=1e9", "nanoseconds"), ("from=" + "9" * 30, "nanoseconds"), ("vendor=x", "vendor must"),
        ("limit=0", "limit must be"), ("limit=-1", "limit must be"), ("before=x", "before must be"),
        ("after=1.5", "after must be"), ("q=" + "x" * 10_001, "at most 10,000 characters"),
        ("&".join(["is=a:1"] * 51), "at most 50 values"),
        ("q=" + "a+" * 60, "at most 50 words"), ("before=" + "9" * 40, "before must be"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(client, parameters, sentence):
    """A wrong parameter is answered 400 with a sentence that names it."""
    heard = client.get(f"/api/rows?{parameters}")
    assert heard.status == 400
    assert sentence in heard.json["error"]


@pytest.mark.parametrize(
    "parameters",
    ["limit=99999999", f"before={2**63}", f"after={2**63 - 1}", f"from={-2**63}&to={2**64}",
     "q=%ff%00%ed%a0%80", "is=a:%22%5Cud800%22", "is=a:" + "[" * 5000, "is=%C3%A9:1",
     "q=" + "%22" * 1000, "is=a:" + "9" * 5000, "q='", "not=exception:x", "q=" + "%25" * 4000],
)  # fmt: skip
def test_odd_parameters_are_answered(server, client, parameters):
    """Numbers beyond 64 bits, broken UTF-8 and deep JSON are answered like any others."""
    server.store.add([stored(1, data={"a": "\ud800", "é": 1})])
    heard = client.get(f"/api/rows?{parameters}")
    assert heard.status == 200, heard.body
    assert isinstance(heard.json["rows"], list)


def test_hostile_events_are_listed(server, client):
    """Huge texts, NUL, lone surrogates and deep values make short rows, and are whole in detail."""
    deep: list = []
    for _ in range(400):
        deep = [deep]
    server.store.add(
        [
            stored(1, message="x" * 1_000_000, data={"message": "x" * 1_000_000, "k": 1}),
            stored(2, message="a\0b\ud800", data={"message": "a\0b", "k\udfff": "\ud800"}),
            stored(3, data={"deep": deep, "html": "<script>alert(1)</script>", "bidi": "\u202e"}),
            stored(4, application="a" * 100_000, level="l" * 100_000, data={"logger": "g" * 9_999}),
        ]
    )
    heard = client.get("/api/rows")
    assert len(heard.body) < 20_000
    fourth, third, second, first = heard.json["rows"]
    assert (first["message"], first["cut"], first["fields"]) == ("x" * 1_000, True, {})
    assert second["message"] == "a\0b\\ud800"
    assert second["fields"]["k\udfff"] == "\ud800"
    assert third["fields"]["html"] == "<script>alert(1)</script>"
    assert (len(fourth["application"]), len(fourth["level"])) == (200, 50)
    whole = client.get("/api/event/1").json["event"]
    assert len(whole["message"]) == 1_000_000
    assert (whole["cut"], whole["fields"]) == (False, {"k": 1})
    assert client.get("/api/event/3").json["event"]["data"]["deep"] == deep
    assert len(client.get("/api/event/4").json["event"]["application"]) == 100_000
    assert client.get("/api/rows?is=k:1").status == 200


def test_an_event_in_detail_has_its_traceback_in_parts(client):
    """Data, envelope, warnings, ids and the parts of the traceback are there, times as strings."""
    trace = 'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in f\n    g()\nE: m'
    body = {"message": "hi", "dt": 3, "n": 2**70, "exception": {"type": "E", "message": "m",
            "stacktrace": trace}, "span_id": "s", "file": "a.py", "line": 3}  # fmt: skip
    client.ask("POST", "/", json.dumps(body), BULK)
    answer = client.get("/api/event/1").json
    event = answer["event"]
    assert event["data"] == body
    assert event["warnings"]
    assert (event["span_id"], event["call_site"]) == ("s", "a.py:3")
    assert isinstance(event["received"], str)
    (found,) = event["traces"]
    assert found["text"] == trace
    assert [part["kind"] for part in found["parts"]] == ["text", "frame", "text"]
    assert answer["request"]["events"] == 1
    assert answer["related"] == {"trace_id": [], "request_id": [], "task_id": []}


def test_neighbours_share_an_id(server, client):
    """Events of the same trace, request or task are listed in order, at most fifty around it."""
    server.store.add(
        stored(n, data={"trace_id": "t", "request_id": f"r{n % 2}"}) for n in range(1, 201)
    )
    related = client.get("/api/event/100").json["related"]
    ids = [row["id"] for row in related["trace_id"]]
    assert ids == [*range(75, 100), *range(101, 126)]
    assert all(row["request_id"] == "r0" for row in related["request_id"])
    assert related["task_id"] == []
    first = [row["id"] for row in client.get("/api/event/1").json["related"]["trace_id"]]
    assert first == [*range(2, 52)]


@pytest.mark.parametrize(
    ("number", "status"),
    [("x", 400), ("-1", 400), ("1.0", 400), ("%D9%A3", 400), ("0", 404), ("7", 404),
     (str(2**63), 404), ("9" * 5000, 404), ("1/2", 404)],
)  # fmt: skip
def test_an_event_that_is_not_there(client, number, status):
    """Ids that are no numbers are answered 400, others that nothing has 404, with a sentence."""
    heard = client.get(f"/api/event/{number}")
    assert heard.status == status
    assert heard.json["error"]


def wire(client, number):
    return client.get(f"/api/event/{number}").json["wire"]


def test_the_text_of_an_event_is_as_it_was_sent(client):
    """The item of an event is found in an array, in an object's array, in lines, in a gzip body."""
    two = '[ {"message" : "one"} ,\n {"message":"tw\\u006f", "n": 1.50} ]'
    client.ask("POST", "/", two, BULK)
    assert wire(client, 1)["json"] == '{"message" : "one"}'
    assert wire(client, 2) == {
        "json": '{"message":"tw\\u006f", "n": 1.50}', "hex": None, "format": "json", "bytes": 33,
    }  # fmt: skip
    lines = b'{"message":"three"}\n\n{"message":"four"}\n'
    ndjson = {**BULK, "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    client.ask("POST", "/", gzip.compress(lines), ndjson)
    found = wire(client, 4)
    assert (found["json"], found["format"]) == ('{"message":"four"}', "ndjson")
    entry = {"severity": 3, "text": json.dumps({"message": "five", "a": [1]})}
    bulk = {"applicationName": "a", "subsystemName": "s", "logEntries": [entry]}
    client.ask("POST", "/logs/v1/bulk", json.dumps(bulk), BULK)
    assert json.loads(wire(client, 5)["json"]) == entry


def test_messagepack_is_shown_decoded_and_as_bytes(client):
    """The bytes of one MessagePack item are a hex dump, and its values JSON."""
    body = msgpack.packb([{"message": "one"}, {"message": "two", "raw": "ü"}])
    client.ask("POST", "/", body, MSGPACK)
    found = wire(client, 2)
    assert json.loads(found["json"]) == {"message": "two", "raw": "ü"}
    assert (found["format"], found["bytes"]) == ("msgpack", len(body) - 14)
    assert found["hex"].startswith("00000000  82 a7 6d 65")
    assert found["hex"].endswith("  w...")


def test_refused_items_do_not_shift_the_others(client):
    """In a batch with refused items, each event is shown with its own."""
    batch = [{"data": {}}, {"data": {"message": "a"}}, 5, {"data": {"message": "b"}},
             {"data": {"message": "b"}, "samplerate": 2}]  # fmt: skip
    client.ask("POST", "/1/batch/d", json.dumps(batch), HONEYCOMB)
    texts = [json.loads(wire(client, number)["json"]) for number in (1, 2, 3)]
    assert texts[:2] == [batch[1], batch[3]]
    assert texts[2]["data"] == {"message": "b"}


def test_the_wire_of_an_event_without_a_body(server, client):
    """Events of an import, or of a request whose body is gone, have no wire part."""
    server.store.add([stored(1)])
    answer = client.get("/api/event/1").json
    assert (answer["wire"], answer["request"]) == (None, None)


OLD = """
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL,
    time_ns INTEGER NOT NULL, received_ns INTEGER NOT NULL, level TEXT NOT NULL,
    severity INTEGER NOT NULL, message TEXT NOT NULL, application TEXT NOT NULL,
    subsystem TEXT NOT NULL, source TEXT NOT NULL, data TEXT NOT NULL, warnings TEXT NOT NULL,
    size INTEGER NOT NULL);
CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL,
    vendor TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
    wire_bytes INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, events INTEGER NOT NULL,
    duration_ms REAL NOT NULL, error TEXT NOT NULL);
INSERT INTO events VALUES (5, 'coralogix', 1, 1, 'info', 3, 'old', 'a', 's', '{}',
    '{"logger":"x","request_id":"r"}', '[]', 9);
INSERT INTO requests VALUES (7, 1, 'coralogix', 'POST', '/', 200, 1, 1, 1, 1.0, '');
"""


def test_a_file_of_an_earlier_version_gets_the_new_columns(tmp_path, client_of):
    """Events of an old file are listed beside new ones, which have their request and ids."""
    path = tmp_path / "events.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD)
    connection.close()
    with DevServer(path=path) as server:
        client = client_of(server)
        client.ask("POST", "/", '{"message":"new","request_id":"r"}', BULK)
        new, old = rows(client)["rows"]
        assert (old["id"], old["message"], old["request"]) == (5, "old", None)
        assert (new["id"], new["request"], new["request_id"]) == (6, 8, "r")
        assert client.get("/api/event/5").json["event"]["call_site"] == ""
        assert len(client.get("/api/requests").json["requests"]) == 2
    again = Store(path)
    assert [one["id"] for one in again.oldest()] == [5, 6]
    again.close()


def test_the_ids_of_events_of_a_large_request_are_its_own(server, client):
    """All events of a request have its id, also where they are stored in several transactions."""
    body = json.dumps([{"message": f"m{n}"} for n in range(5_000)])
    client.ask("POST", "/", body, BULK)
    client.send()
    found = {row["request"] for row in rows(client, limit=5_000)["rows"][1:]}
    assert found == {1}
    assert rows(client, limit=1)["rows"][0]["request"] == 2
    assert client.get("/api/event/4321").json["wire"]["json"] == '{"message": "m4320"}'
    assert len(client.get("/api/request/1").json["events"]) == 100
