"""Export, import and clear."""

from __future__ import annotations

import gzip
import json
from urllib.parse import urlencode

import pytest

from cxlogging.devserver import DevServer
from cxlogging.devserver.transfer import event_lines

NDJSON = {"Content-Type": "application/x-ndjson"}
GZIP = {"Content-Type": "application/gzip"}
LINE = {"vendor": "honeycomb", "time_ns": "5", "message": "m", "data": {"a": 1}}


def lines(*values):
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def imported(client, body, headers=NDJSON):
    return client.ask("POST", "/api/import", body, headers)


def without_received(events):
    return [{key: held for key, held in each.items() if key != "id"} for each in events]


def test_an_export_can_be_imported_elsewhere(server, client, client_of):
    """Another server has the same events afterwards, in the same order, to the nanosecond."""
    for n in range(120):
        client.send(("coralogix", "honeycomb", "betterstack")[n % 3], f"event {n} ü \ud800")
    heard = client.get("/api/export")
    assert heard.headers["content-type"] == "application/gzip"
    assert "attachment" in heard.headers["content-disposition"]
    first = json.loads(gzip.decompress(heard.body).split(b"\n")[0])
    assert first["time_ns"] == str(server.events()[0]["time_ns"])
    with DevServer() as other:
        elsewhere = client_of(other)
        assert imported(elsewhere, heard.body, GZIP).json == {"imported": 120}
        assert without_received(other.events()) == without_received(server.events())
        assert elsewhere.get("/api/counts").json["counts"]["coralogix"] == 40


@pytest.mark.parametrize(
    "wanted", ["vendor=honeycomb", "is=vendor:honeycomb", "q=second", "q=source logs | limit 1"]
)
def test_an_export_may_be_of_some_events(client, wanted):
    """The filters of the table apply to the export, words and DataPrime included."""
    client.send("coralogix", "first")
    client.send("honeycomb", "second")
    name, _, value = wanted.partition("=")
    found = gzip.decompress(client.get(f"/api/export?{urlencode({name: value})}").body).splitlines()
    assert len(found) == 1
    if "limit" not in wanted:
        assert json.loads(found[0])["message"] == "second"


def test_an_invalid_query_exports_nothing(client):
    """A query that does not compile is answered 400, with the caret."""
    heard = client.get(f"/api/export?{urlencode({'q': 'source logs | nonsense'})}")
    assert heard.status == 400
    assert "^" in heard.json["caret"]


def test_a_large_export_comes_in_parts(server, client):
    """More events than are read at once arrive whole, each of them once."""
    count = 2_500
    numbered = ({**LINE, "message": f"{n}"} for n in range(count))
    assert imported(client, lines(*numbered)).json == {"imported": count}
    found = gzip.decompress(client.get("/api/export").body).splitlines()
    assert [json.loads(line)["message"] for line in found] == [f"{n}" for n in range(count)]
    assert server.count() == count


def test_an_empty_store_exports_an_empty_file(client):
    """The file has no lines, and can be imported."""
    body = client.get("/api/export").body
    assert gzip.decompress(body) == b""
    assert imported(client, body, GZIP).json == {"imported": 0}


def test_the_least_that_a_line_needs(server, client):
    """Vendor, time, message and data are enough; other fields of the API are ignored."""
    more = {**LINE, "id": 7, "logger": "x", "time_ns": 6, "severity": 5, "level": "error"}
    assert imported(client, lines(LINE) + b"\n" + lines(more)).json == {"imported": 2}
    first, second = server.events()
    assert (first["time_ns"], first["severity"], first["data"]) == (5, 3, {"a": 1})
    assert (second["time_ns"], second["level"], second["id"]) == (6, "error", 2)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (b"{", "not JSON"),
        (b"[1]", "object"),
        (lines({**LINE, "vendor": "splunk"}), "vendor"),
        (lines({**LINE, "vendor": ["honeycomb"]}), "vendor"),
        (lines({**LINE, "time_ns": "yesterday"}), "time_ns"),
        (lines({**LINE, "time_ns": 5.5}), "time_ns"),
        (lines({**LINE, "time_ns": True}), "time_ns"),
        (lines({**LINE, "time_ns": 2**63}), "time_ns"),
        (lines({**LINE, "severity": 7}), "severity"),
        (lines({**LINE, "message": None}), "message"),
        (lines({**LINE, "data": []}), "data"),
        (lines({**LINE, "warnings": "w"}), "warnings"),
        (b'{"a":"' + b"x" * event_lines.MAX_LINE + b'"}', "longer"),
    ],
)
def test_a_bad_line_names_its_number_and_changes_nothing(server, client, wrong, says):
    """Nothing is imported, and the answer has the number of the line and the reason."""
    heard = imported(client, lines(LINE, LINE) + wrong)
    assert (heard.status, heard.json["line"], server.count()) == (400, 3, 0)
    assert heard.json["error"].startswith("line 3: ")
    assert says in heard.json["error"]


def test_a_file_that_is_cut_short_is_refused(server, client):
    """A broken gzip file imports nothing."""
    packed = gzip.compress(lines(*[LINE] * 1000))
    for body in (packed[:-9], packed[:20], packed[:10] + b"x" * 50):
        heard = imported(client, body, GZIP)
        assert heard.status == 400
        assert "broken" in heard.json["error"]
    assert server.count() == 0


@pytest.mark.slow
def test_an_import_is_bounded(server, client):
    """A bomb, too many events, and too many bytes are refused before anything is stored."""
    for filling in (b"\n", b" " * 2**20 + b"\n"):
        bomb = gzip.compress(filling * (event_lines.MAX_BYTES // len(filling) + 1), 1)
        assert imported(client, bomb, GZIP).status == 413
    small = json.dumps({**LINE, "message": "", "data": {}}, separators=(",", ":")).encode() + b"\n"
    many = gzip.compress(small * (event_lines.MAX_EVENTS + 1), 1)
    heard = imported(client, many, GZIP)
    assert (heard.status, server.count()) == (413, 0)
    assert "100,000 events" in heard.json["error"]


def test_an_import_needs_its_content_type(server, client):
    """A form cannot import, and the content types of an import change nothing elsewhere."""
    assert imported(client, lines(LINE), {"Content-Type": "text/plain"}).status == 403
    assert client.ask("POST", "/api/clear", b"{}", NDJSON).status == 403
    assert server.count() == 0


@pytest.mark.parametrize(
    ("what", "events", "requests"), [("all", 0, 0), ("events", 0, 2), ("requests", 2, 0)]
)
def test_clear_says_what_it_removed(server, client, what, events, requests):
    """It removes what it is asked to remove, and the answer has the numbers."""
    client.send()
    client.send()
    heard = client.post("/api/clear", {"what": what}).json
    assert (server.count(), len(server.requests())) == (events, requests)
    assert heard == {"cleared": 2 - events, "events": 2 - events, "requests": 2 - requests}
    client.send()
    assert server.count() == events + 1


def test_clear_removes_everything_by_default(server, client):
    """An empty object removes all; an unknown word removes nothing."""
    client.send()
    assert client.post("/api/clear", {"what": "faults"}).status == 400
    assert client.post("/api/clear", {"what": ["all"]}).status == 400
    assert server.count() == 1
    assert client.post("/api/clear", {}).json["cleared"] == 1
