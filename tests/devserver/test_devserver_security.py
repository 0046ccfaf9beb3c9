"""Access control, and limits of what a request may cost."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from cxlogging.devserver import DevServer
from cxlogging.devserver.protocol import CONNECTIONS, HEADER_TIMEOUT

BODY = b'{"message":"hi"}'
MIB = 1024 * 1024


def everything(line):
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)


def until(line, mark):
    heard = b""
    while mark not in heard:
        part = line.recv(65536)
        assert part, heard
        heard += part
    return heard


@pytest.mark.parametrize("path", ["/", "/api/events", "/1/auth", "/nowhere"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "a.nip.io:{port}", ""],
)
def test_another_name_for_this_machine_is_refused(client, path, host):
    """A host name that was rebound to 127.0.0.1 gets 403 at every path."""
    assert client.get(path, Host=host.format(port=client.port)).status == 403


def test_a_delivery_under_another_name_is_refused(server, client):
    """A delivery under another host name is refused too, and nothing is stored."""
    for vendor in ("coralogix", "honeycomb", "betterstack"):
        assert client.send(vendor, headers={"Host": "evil.example"}).status == 403
    assert server.count() == 0


def test_a_request_without_a_host_is_refused(client):
    """A request without Host is refused, although HTTP/1.0 allows it."""
    with client.raw(b"GET /api/events HTTP/1.0\r\n\r\n") as line:
        assert everything(line).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_names_of_the_loopback_are_served(client, name):
    """The names of the loopback are served, with the port."""
    assert client.get("/api/health", Host=f"{name}:{client.port}").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_foreign_pages_are_refused(server, client, headers):
    """Requests from pages of other sites are refused, whatever they request."""
    named = {name: held.format(port=client.port) for name, held in headers.items()}
    assert client.get("/api/events", **named).status == 403
    assert client.get("/", **named).status == 403
    assert client.ask("POST", "/api/clear", "{}", named).status == 403
    for vendor in ("coralogix", "honeycomb", "betterstack"):
        assert client.send(vendor, headers=named).status == 403
    assert client.ask("OPTIONS", "/api/clear", None, named).status == 403
    assert server.count() == 0


CHANGES = ["/api/clear", "/api/faults", "/api/faults/clear", "/api/reports", "/api/import"]
OWN = [{"Origin": "http://127.0.0.1:{port}"}, {"Sec-Fetch-Site": "same-origin"}]


@pytest.mark.parametrize("own", OWN)
def test_our_own_page_is_let_in_with_its_token(client, own):
    """The server's own page reads the token, and changes what it wants with it."""
    headers = {name: held.format(port=client.port) for name, held in own.items()}
    assert client.get("/api/events", **headers).status == 200
    headers["Content-Type"] = "application/json"
    headers["X-Cxlogging-Token"] = client.get("/api/token", **headers).json["token"]
    assert client.ask("POST", "/api/clear", "{}", headers).status == 200


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("token", [None, "", "another", "ü"])
@pytest.mark.parametrize("path", CHANGES)
def test_a_browser_without_the_token_changes_nothing(server, client, path, token, own):
    """What a browser sends without the token of this run is refused, and says what helps."""
    client.send("betterstack", "kept")
    headers = {name: held.format(port=client.port) for name, held in own.items()}
    headers |= {} if token is None else {"X-Cxlogging-Token": token}
    heard = client.ask("POST", path, "{}", {**headers, "Content-Type": "application/json"})
    assert (heard.status, server.count()) == (403, 1)
    assert "reload the page" in heard.json["error"]


def test_the_token_is_of_one_server_alone(client, client_of):
    """Two servers have different tokens, and other sites cannot read either."""
    with DevServer() as other:
        assert client.get("/api/token").json != client_of(other).get("/api/token").json
    assert client.get("/api/token", Origin="https://evil.example").status == 403
    assert client.get("/api/token", **{"Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
@pytest.mark.parametrize("path", CHANGES)
def test_changes_need_the_content_type_that_forces_a_preflight(server, client, path, kind):
    """Changes need a content type that forms and simple requests cannot send."""
    server.faults.add(status=503)
    headers = {} if kind is None else {"Content-Type": kind}
    assert client.ask("POST", path, "{}", headers).status == 403
    assert len(server.faults.active()) == 1


def test_data_is_no_script(client):
    """`<script src=/api/events>` is refused, even from the server's own page."""
    assert client.get("/api/events", **{"Sec-Fetch-Dest": "script"}).status == 403


def test_every_answer_carries_the_security_headers_and_no_cors(client):
    """All answers have the security headers, and none has a CORS header."""
    heard = [
        client.get(path) for path in ("/", "/page/app/main.js", "/api/events", "/none", "/1/x")
    ]
    heard += [client.send(), client.get("/", Host="evil"), client.ask("OPTIONS", "/api/events")]
    for one in heard:
        policy = one.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in one.headers
        assert not any(name.startswith("access-control") for name in one.headers)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_only_loopback_addresses_are_bound(host):
    """Other addresses need allow_remote."""
    with pytest.raises(ValueError, match="allow_remote"):
        DevServer(host=host)


def test_with_a_word_any_host_is_served(client_of):
    """With `allow_remote=True` any host is served, but no page of another site."""
    with DevServer(host="0.0.0.0", allow_remote=True) as server:
        client = client_of(server)
        assert client.get("/api/health", Host="dev.example").status == 200
        foreign = {"Host": "dev.example", "Origin": "http://evil.example"}
        assert client.get("/api/health", **foreign).status == 403


def test_a_length_above_every_limit_is_refused_before_the_body(server, client):
    """A too large Content-Length gets the vendor's answer before any byte of the body is sent."""
    with client.raw(client.head(length=20 * MIB + 1)) as line:
        answer = until(line, b"payload reached size limit")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()
    assert server.requests()[0]["wire_bytes"] == 0


def test_a_client_that_sends_on_still_gets_its_answer(client):
    """The rest of a refused body is discarded, and the connection is not reset."""
    heard = client.ask("POST", "/", b" " * (21 * MIB), {"Authorization": "Bearer k"})
    assert heard.status == 413


@pytest.mark.parametrize("length", ["99999999999999999999", "-1", "1x", "+5"])
def test_absurd_lengths_are_refused(client, length):
    """Invalid lengths are answered 413 or 400 at once."""
    with client.raw(client.head(length=length)) as line:
        assert until(line, b"\r\n")[9:12] in (b"413", b"400")


def test_chunks_are_counted_while_they_come(client):
    """A chunked body is refused as soon as the limit is exceeded."""
    chunk = b"%x\r\n" % MIB + b" " * MIB + b"\r\n"
    with client.raw(client.head(Transfer_Encoding="chunked")) as line:
        for _ in range(21):
            line.sendall(chunk)
        answer = until(line, b"payload reached size limit")
    assert answer.startswith(b"HTTP/1.1 413")


def test_chunked_bodies_are_delivered(server, client):
    """Chunked bodies are accepted, however they are cut."""
    with client.raw(client.head(Transfer_Encoding="chunked")) as line:
        for byte in BODY:
            line.sendall(b"1\r\n%c\r\n" % byte)
        line.sendall(b"0\r\n\r\n")
        assert until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 202")
    assert server.events("betterstack")[0]["message"] == "hi"


def test_a_client_that_asks_first_is_told_to_go_on(server, client):
    """`Expect: 100-continue` is answered 100."""
    with client.raw(client.head(length=len(BODY), Expect="100-continue")) as line:
        assert until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        line.sendall(BODY)
        assert until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 202")
    assert server.count("betterstack") == 1


@pytest.mark.parametrize("vendor", ["coralogix", "honeycomb", "betterstack"])
def test_a_bomb_is_not_inflated(client, vendor):
    """A gigabyte compressed to a megabyte is refused at once, with the vendor's answer."""
    bomb = gzip.compress(b" " * (64 * MIB)) * 16
    path = {"coralogix": "/logs/v1/bulk", "honeycomb": "/1/batch/ds", "betterstack": "/"}[vendor]
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    headers |= {"Authorization": "Bearer k", "X-Honeycomb-Team": "k"}
    began = time.monotonic()
    heard = client.ask("POST", path, bomb, headers)
    assert heard.status == (400 if vendor == "honeycomb" else 413)
    assert time.monotonic() - began < 5


def test_a_head_that_never_ends_is_refused(client):
    """A head of more than 16 KiB is answered 400."""
    with client.raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000) as line:
        assert everything(line).startswith(b"HTTP/1.1 400")


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_waited_for_a_while_only(client, sent):
    """A connection without a complete head is closed after a timeout."""
    began = time.monotonic()
    with client.raw(sent, timeout=HEADER_TIMEOUT + 5) as line:
        assert everything(line) == b""
    assert HEADER_TIMEOUT - 1 < time.monotonic() - began < HEADER_TIMEOUT + 4


def test_more_connections_than_the_limit_are_told_so(client):
    """More connections than the limit get 503, and are served again once others have closed."""
    lines = [client.raw() for _ in range(CONNECTIONS)]
    assert client.get("/api/health").status == 503
    for line in lines:
        line.close()
    for _ in range(1000):
        if client.get("/api/health").status == 200:
            return
    pytest.fail("never served again")


def test_keys_are_never_stored(server, client, tmp_path):
    """Neither accepted nor refused keys are in the database or the API."""
    canary = "cxtp_CANARY_KEY"
    client.send("coralogix", headers={"Authorization": f"Bearer {canary}"})
    client.send("betterstack", headers={"Authorization": f"Basic {canary}"})
    client.send("honeycomb", headers={"X-Honeycomb-Team": canary})
    client.ask("GET", f"/1/auth?key={canary}")
    assert len(server.requests()) == 4
    for path in ("/api/events", "/api/requests", "/api/counts", "/api/faults"):
        assert canary not in client.get(path).body.decode()
    for file in server.store.path.parent.iterdir():
        assert canary.encode() not in file.read_bytes()
    assert json.loads(client.get("/api/counts").body)["counts"]["coralogix"] == 1


SPELLINGS = [
    "/%61pi/clear", "/api%2Fclear", "/api%2fclear", "/%2Fapi/clear", "/%2561pi/clear",
    "/api/%63lear", "/api%252Fclear", "//api/clear", "/./api/clear", "/x/../api/clear",
    "/x/%2e%2e/api/clear", "/page/../api/clear", "/api/clear/", "/api/clear%00", "/API/clear",
    "/Api/clear", "/api//clear", "/api/./clear", "/api\\clear", "/api/clear;x", "/api/clear%3F",
    "/api/clear#x", "/%c0%afapi/clear", "/api%c0%afclear", "/1/../api/clear", "/a%70i/faults/clear",
    "http://127.0.0.1/api/clear", "http://evil.example/%61pi/clear", "/\xe1pi/clear",
    "/logs/v1/../../api/clear", "*", "/api/v1/dataprime/../../clear", "/%61pi/v1/dataprime/query",
]  # fmt: skip


@pytest.mark.parametrize("target", SPELLINGS)
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_no_other_spelling_of_a_path_reaches_what_changes(server, client, target, kind):
    """Other spellings of a path (percent signs, dots, slashes, case) do not reach it."""
    client.send("betterstack", "kept")
    server.faults.add(vendor="betterstack", status=503)
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nContent-Type: {kind}\r\n"
    with client.raw(head.encode("latin-1") + b"Content-Length: 2\r\n\r\n{}") as line:
        status = until(line, b"\r\n").split()[1]
    assert status in (b"400", b"403", b"404", b"405")
    assert (server.count(), len(server.faults.active())) == (1, 1)


@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "Post", "get", "X-POST"]
)
def test_no_other_method_changes_anything(server, client, method):
    """Other methods change nothing, with the content type of a form or with JSON."""
    client.send("betterstack", "kept")
    for kind in ("text/plain", "application/json"):
        heard = client.ask(method, "/api/clear", "{}", {"Content-Type": kind})
        assert heard.status in (400, 403, 405)
    assert server.count() == 1
    assert client.ask("HEAD", "/api/clear").status in (404, 405)


@pytest.mark.parametrize(
    "kind",
    ["text/plain;application/json", "text/plain, application/json", "application/json, text/plain",
     "application/jsonp", "text/json", "application/x-www-form-urlencoded;charset=json",
     "multipart/form-data; boundary=application/json", ""],
)  # fmt: skip
def test_what_looks_like_json_is_not_json(server, client, kind):
    """A content type that needs no preflight is not accepted as JSON."""
    client.send("betterstack", "kept")
    heard = client.ask("POST", "/api/clear", "{}", {"Content-Type": kind})
    assert (heard.status, server.count()) == (403, 1)


def test_repeated_headers_are_not_chosen_from(server, client):
    """Two values of Host, Origin or Content-Type are refused, even where one is valid."""
    client.send("betterstack", "kept")
    own = f"127.0.0.1:{client.port}"
    pairs = [
        ("Host", own, "evil.example"), ("Host", "evil.example", own),
        ("Origin", f"http://{own}", "http://evil.example"),
        ("Origin", "http://evil.example", f"http://{own}"),
        ("Content-Type", "application/json", "text/plain"),
        ("Content-Type", "text/plain", "application/json"),
        ("Sec-Fetch-Site", "same-origin", "cross-site"),
    ]  # fmt: skip
    for name, first, second in pairs:
        head = f"POST /api/clear HTTP/1.1\r\n{name}: {first}\r\n{name}: {second}\r\n"
        head += "" if name == "Host" else f"Host: {own}\r\n"
        head += "" if name == "Content-Type" else "Content-Type: application/json\r\n"
        with client.raw(f"{head}Content-Length: 2\r\n\r\n{{}}".encode()) as line:
            assert until(line, b"\r\n").split()[1] in (b"400", b"403")
    assert server.count() == 1


def test_an_upgrade_is_no_way_in(server, client):
    """A WebSocket of a page gets no connection, because the server has none."""
    with client.raw(
        f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nOrigin: http://evil.example\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    ) as line:
        assert until(line, b"\r\n").split()[1] == b"403"
