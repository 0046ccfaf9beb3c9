"""The log of requests: what it keeps, what it never keeps, and how it is read."""

from __future__ import annotations

import base64
import gzip
import json
import sys
import zlib

import msgpack
import pytest

from cxlogging.devserver import DevServer, Keys, RequestRecord, Store, StoredEvent
from cxlogging.devserver.requestlog.bodies import MAX_BODY, hex_dump
from cxlogging.devserver.requestlog.log import MAX_BODIES
from cxlogging.vendors.emulation.types import Rule
from tests.refusals import assert_is_complete

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1024 * 1024
CANARY = "canary-key-4711+abcdefgh"
BEARER = {"Content-Type": "application/json", "Authorization": f"Bearer {CANARY}"}
TEAM = {"Content-Type": "application/json", "X-Honeycomb-Team": CANARY}
BATCH, BULK = "/1/batch/ds", "/logs/v1/bulk"
PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}


def stored(server, number=1):
    return server.store.request(number)


def test_a_request_is_kept_as_it_was_sent(server, client):
    """The log has the wire bytes, the content type, the encoding and the answer."""
    body = gzip.compress(b'[{"data":{"a":1}},{"data":{}}]')
    headers = {"Content-Type": "application/json", "X-Honeycomb-Team": "k"}
    client.ask("POST", BATCH, body, {**headers, "Content-Encoding": "gzip"})
    entry = stored(server)
    assert entry["body"] == body
    assert (entry["content_type"], entry["encoding"]) == ("application/json", "gzip")
    assert json.loads(entry["answer"])[1]["status"] == 400
    assert server.requests()[0]["wire_bytes"] == len(body)
    assert "body" not in server.requests()[0]


def test_one_request_is_shown_with_its_body_and_answer(client):
    """The API shows the decompressed text, the wire bytes as a hex dump, and the answer."""
    body = gzip.compress(b'[{"data":{"a":1}}]', mtime=0)
    headers = {"Content-Type": "application/json", "X-Honeycomb-Team": "k"}
    client.ask("POST", BATCH, body, {**headers, "Content-Encoding": "gzip"})
    shown = client.get("/api/request/1").json
    assert shown["body"] == {
        "format": "json", "text": '[{"data":{"a":1}}]', "hex": hex_dump(body), "cut": False,
    }  # fmt: skip
    assert shown["body"]["hex"].startswith("00000000  1f 8b 08")
    assert shown["answer"] == '[{"status":202}]'
    assert isinstance(shown["request"]["time_ns"], str)
    assert shown["request"]["events"] == 1
    for wrong in ("2", "0", "x", "-1", "9" * 30, "%31%00"):
        assert client.get(f"/api/request/{wrong}").status == 404


def test_messagepack_is_shown_as_json(client):
    """A MessagePack body is shown as JSON text, and as bytes."""
    body = msgpack.packb([{"message": "hi", "dt": msgpack.Timestamp(5)}])
    headers = {"Content-Type": "application/msgpack", "Authorization": "Bearer k"}
    assert client.ask("POST", "/", body, headers).status == 202
    shown = client.get("/api/request/1").json["body"]
    assert shown["format"] == "msgpack"
    assert json.loads(shown["text"])[0]["dt"] == "1970-01-01T00:00:05.000000000Z"
    assert shown["hex"] == hex_dump(body)


def test_a_long_body_is_cut_where_it_is_shown(client):
    """The text that is shown has at most 256 Ki characters, and says that it is cut."""
    client.send("betterstack", "x" * 300_000)
    shown = client.get("/api/request/1").json["body"]
    assert (len(shown["text"]), shown["cut"]) == (256 * 1024, True)
    assert len(shown["hex"].splitlines()) == 256


def test_a_body_of_more_than_a_mebibyte_is_not_kept(server, client):
    """Such a request is in the log, without its body."""
    client.send("betterstack", "x" * (MAX_BODY - len('{"message": ""}')))
    client.send("betterstack", "x" * MAX_BODY)
    assert (len(stored(server)["body"]), stored(server, 2)["body"]) == (MAX_BODY, None)
    assert client.get("/api/request/2").json["body"] is None


def forms(body):
    """Return bodies that quote a key: as it is, and in each encoding."""
    yield {}, body
    for name, pack in PACK.items():
        yield {"Content-Encoding": name}, pack(body)
    yield {"Content-Encoding": "gzip"}, body  # the header is wrong


QUOTES = {
    "json": json.dumps([{"data": {"message": f"my key is {CANARY}, sorry"}}]).encode(),
    "escaped": json.dumps([{"data": {"m": json.dumps({"k": f"/{CANARY}/"})}}]).encode(),
    "base64": b'[{"data":{"m":"' + base64.b64encode(b"u:" + CANARY.encode()) + b'"}}]',
    "not JSON": f"[{CANARY}".encode(),
    "msgpack": msgpack.packb([{"data": {"message": CANARY}}]),
}


@pytest.mark.parametrize("name", QUOTES)
@pytest.mark.parametrize(("path", "own"), [(BATCH, TEAM), (BULK, BEARER), ("/", BEARER)])
def test_a_key_that_is_quoted_is_blanked(server, client, path, own, name):
    """No file of the store has the key that a request sent and its body quotes."""
    kind = {"Content-Type": "application/msgpack"} if name == "msgpack" else {}
    for headers, body in forms(QUOTES[name]):
        client.ask("POST", path, body, {**own, **kind, **headers})
    for number in range(1, len(server.requests()) + 1):
        shown = json.dumps(client.get(f"/api/request/{number}").json["body"])
        assert CANARY not in shown
        assert CANARY[:12] not in shown
    leaks = base64.b64encode(b"u:" + CANARY.encode())[4:28]
    for column in ("body", "answer", "error", "rule"):
        for (held,) in server.store._read(f"SELECT {column} FROM requests", ())[1]:
            raw = held.encode() if isinstance(held, str) else held or b""
            for unpacked in (raw, *unpack(raw)):
                assert CANARY.encode() not in unpacked
                assert leaks not in unpacked


def unpack(raw):
    for opener in (gzip.decompress, zlib.decompress, zstd.decompress):
        try:
            yield opener(raw)
        except Exception:
            continue


def test_blanking_keeps_the_format(server, client):
    """A blanked body has the same length and can still be read; the encoding stays."""
    body = QUOTES["msgpack"]
    headers = {**TEAM, "Content-Type": "application/msgpack", "Content-Encoding": "gzip"}
    client.ask("POST", BATCH, gzip.compress(body), headers)
    kept = gzip.decompress(stored(server)["body"])
    assert len(kept) == len(body)
    assert msgpack.unpackb(kept) == [{"data": {"message": "*" * len(CANARY)}}]


def test_keys_that_were_given_to_the_server_are_blanked(client_of):
    """A key that the server accepts is masked in what others send, and in what is answered."""
    with DevServer(keys=Keys(coralogix=CANARY)) as server:
        client = client_of(server)
        client.send("betterstack", f"the key {CANARY}")
        server.faults.add(status=503, body=f"no {CANARY} here", times=1)
        client.send("betterstack")
        assert CANARY.encode() not in stored(server)["body"]
        assert stored(server, 2)["answer"] == f"no {'*' * len(CANARY)} here"


def test_what_cannot_be_searched_is_not_kept(server, client):
    """A body in an unknown encoding, one that is cut short, and a bomb are not kept."""
    whole = gzip.compress(QUOTES["json"])
    bomb = gzip.compress(b" " * (21 * MIB))
    for encoding, body in (("br", b"\x8b\x02\x80hi\x03"), ("gzip", whole[:-9]), ("gzip", bomb)):
        client.ask("POST", "/", body, {**BEARER, "Content-Encoding": encoding})
    assert [stored(server, number)["body"] for number in (1, 2, 3)] == [None, None, None]


def test_no_other_header_is_stored(server, client):
    """Cookies and headers of an application are in no file of the store."""
    more = {"Cookie": "session=cookie-canary", "X-Tenant": "tenant-canary"}
    client.send("coralogix", headers=more)
    for file in server.store.path.parent.iterdir():
        assert b"-canary" not in file.read_bytes()


def test_retries_are_seen_by_their_body(server, client):
    """A body that comes again is a retry of its first request, also in between others."""
    for text in ("a", "b", "a", "c", "a"):
        client.send("betterstack", text)
    client.send("coralogix", "a")
    entries = client.get("/api/requests").json["requests"][::-1]
    assert [each["retry_of"] for each in entries] == [None, None, 1, None, 1, None]
    assert [each["retries_seen"] for each in entries] == [2, 0, 0, 0, 0, 0]


def test_a_retry_may_be_compressed_anew(client):
    """The decompressed body tells a retry, whatever the header of gzip says of the time."""
    for second in (1, 2):
        body = gzip.compress(b'[{"data":{"a":1}}]', mtime=second)
        client.ask("POST", BATCH, body, {**TEAM, "Content-Encoding": "gzip"})
    assert client.get("/api/requests?limit=1").json["requests"][0]["retry_of"] == 1


def test_requests_without_a_body_are_no_retries(server, client):
    """Checks of a key, and the same query twice, are not retries."""
    for _ in range(2):
        client.ask("GET", "/1/auth", headers={"X-Honeycomb-Team": "k"})
        query = json.dumps({"query": "source logs"})
        client.ask("POST", "/api/v1/dataprime/query", query, BEARER)
    assert [each["retry_of"] for each in server.requests()] == [None] * 4


def test_what_a_rule_refused_is_listed(client):
    """The newest refusals come first, with the rule, what broke it, and the vendor's answer."""
    client.send("coralogix")
    client.ask("POST", BULK, b'{"applicationName":"a"}', BEARER)
    client.ask("POST", BATCH, json.dumps([{"data": {"a": 1}}, {"data": {}}]), TEAM)
    second, first = client.get("/api/rejected").json["rejected"]
    assert (first["status"], first["item"]) == (400, '{"applicationName":"a"}')
    assert "subsystemName" in first["rule"]["text"]
    assert json.loads(first["answer"])["message"] == first["error"]
    assert (second["status"], second["events"], second["item"]) == (200, 1, '{"data":{}}')
    (item,) = second["items"]
    assert (item["index"], item["error"]) == (1, "Request body should not be empty.")
    assert item["rule"] == second["rule"]
    assert isinstance(second["time_ns"], str)
    only = client.get("/api/rejected?vendor=coralogix&limit=5").json["rejected"]
    assert [each["id"] for each in only] == [first["id"]]


def test_a_large_item_is_shown_in_part(client):
    """Of an item that was refused, the first 2,000 characters are kept."""
    client.ask("POST", "/", json.dumps([{"message": "x" * 2 * MIB}]), BEARER)
    (entry,) = client.get("/api/rejected").json["rejected"]
    assert entry["item"] == '{"message":"' + "x" * 1988


@pytest.mark.parametrize("at", [1_980, 100])
def test_a_part_of_an_item_shows_no_part_of_a_key(client, at):
    """Where a part of an item, or the text around an error, could end in a key, none is kept."""
    long = json.dumps([{"message": "x" * at + CANARY + "y" * 2 * MIB}])
    client.ask("POST", "/", long, BEARER)
    broken = b'{"m":"' + CANARY.encode() + b"x" * (150 - len(CANARY) // 2) + b'"!'
    client.ask("POST", "/", broken, BEARER)
    second, first = client.get("/api/rejected").json["rejected"]
    assert CANARY[:8] not in str(first["item"])
    assert second["item"] is None


def test_injected_faults_are_not_refusals(server, client):
    """What a fault answers has no rule, as nothing is wrong with the request."""
    server.faults.add(status=429, times=1)
    server.faults.add(max_body=1, times=1)
    server.faults.add(items=(429,), times=1)
    for vendor in ("coralogix", "betterstack", "honeycomb"):
        client.send(vendor)
    assert client.get("/api/rejected").json == {"rejected": []}
    assert client.get("/api/requests").json["requests"][0]["rule"] is None


def test_a_query_that_is_refused_has_a_rule_too(client):
    """A query that does not compile is listed with the caret as the item."""
    client.ask("POST", "/api/v1/dataprime/query", b'{"query": "source logs | nonsense"}', BEARER)
    (entry,) = client.get("/api/rejected?vendor=dataprime").json["rejected"]
    assert "^" in entry["item"]
    assert entry["rule"]["link"].startswith("https://")


def test_a_body_that_was_not_read_has_a_rule(server, client):
    """A length above every limit is refused with the vendor's rule for the size."""
    with client.raw(client.head(length=20 * MIB + 1)) as line:
        assert line.recv(65536).startswith(b"HTTP/1.1 413")
    (entry,) = server.rejected()
    assert_is_complete(Rule(**entry["rule"]))


def record(n, size=0):
    body = b"x" * size or None
    return RequestRecord(n, "coralogix", "POST", "/", 200, body=body, digest=b"%d" % n)


def bodies(store):
    rows = store._read("SELECT LENGTH(body) FROM requests ORDER BY id", ())[1]
    return [length for (length,) in rows]


def test_the_oldest_bodies_are_dropped_first():
    """All bodies together stay within their bound; the entries stay."""
    store = Store()
    for n in range(40):
        store.add([], record(n, MAX_BODY))
    held = bodies(store)
    assert len(held) == 40
    assert MAX_BODIES * 0.85 < sum(filter(None, held)) <= MAX_BODIES
    assert held[-1] == MAX_BODY
    assert held[0] is None
    store.close()


def test_bodies_go_before_events():
    """A store that is full drops bodies, and keeps the events as long as it can."""
    store = Store(max_bytes=8 * MIB)
    event = StoredEvent("coralogix", 1, 1, "info", 3, "m", "a", "s", {}, {})
    for n in range(12):
        store.add([event], record(n, MAX_BODY))
    assert store.count()["coralogix"] == 12
    assert 0 < sum(filter(None, bodies(store))) < 8 * MIB
    store.close()


def test_removed_entries_give_room_for_bodies():
    """The bytes of entries that have left the log do not count."""
    store = Store(max_requests=10)
    for n in range(60):
        store.add([], record(n, MAX_BODY))
    assert bodies(store) == [MAX_BODY] * 10
    store.close()
