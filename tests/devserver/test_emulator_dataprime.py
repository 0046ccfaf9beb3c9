"""The query emulator as a client sees it: requests, lines, limits, faults."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import re
import socket
import threading
import time
import warnings

import pytest

from cxlogging.dataprime import (
    AuthenticationError,
    CxQueryWarning,
    DataPrimeClient,
    JobState,
    QueryFailed,
    QuerySyntaxError,
    RateLimited,
    RequestRefused,
    ServerError,
    Severity,
    UnknownQuery,
    Unreachable,
)
from cxlogging.devserver import DevServer, Keys, StoredEvent
from cxlogging.devserver.query.endpoint import QueryEmulator
from cxlogging.devserver.query.request_body import BACKGROUND_LIMIT, DEFAULT_LIMIT, TIERS
from cxlogging.vendors.emulation.types import ApiRequest

NOW = 1_737_331_200_000_000_000  # 2025-01-20T00:00:00Z
DIRECT = "/api/v1/dataprime/query"
BACKGROUND = "/api/v1/dataprime/background-query"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer k"}
HEADERS_LOW = {name.lower(): held for name, held in HEADERS.items()}
WINDOW = {"start": "2025-01-19T00:00:00Z", "end": "2025-01-21T00:00:00Z"}


def event(n=0, vendor="coralogix", **more):
    values = {
        "vendor": vendor,
        "time_ns": NOW - n,
        "received_ns": NOW,
        "level": "error",
        "severity": 5,
        "message": "m",
        "application": "shop",
        "subsystem": "web",
        "source": {"category": "c"},
        "data": {"n": n},
    }
    return StoredEvent(**{**values, **more})


@pytest.fixture
def query(server):
    with DataPrimeClient("secret-query-key", url=server.url) as client:
        yield client


def ask(client, body, path=DIRECT, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.ask("POST", path, raw, {**HEADERS, **headers}, timeout=30.0)


def lines(heard):
    return [json.loads(line) for line in heard.body.split(b"\n") if line]


def test_the_lines_of_an_answer(server, client):
    """Query id first, rows in one or more lines, statistics last, 64-bit numbers as strings."""
    server.store.add([event(1), event(2, data={"n": 2, "user": {"id": "ü"}})])
    heard = ask(client, {"query": "source logs | limit 10"})
    first, rows, last = lines(heard)

    assert (heard.status, heard.headers["content-type"]) == (200, "application/x-ndjson")
    assert re.fullmatch(r"[0-9a-f-]{36}", first["queryId"]["queryId"])
    assert rows["result"]["results"][1] == {
        "metadata": [
            {"key": "timestamp", "value": "2025-01-19T23:59:59.999999998"},
            {"key": "severity", "value": "Error"},
            {"key": "logid", "value": "00000000-0000-4000-8000-000000000002"},
            {"key": "priorityclass", "value": "high"},
            {"key": "timestampMicros", "value": "1737331199999999"},
            {"key": "ingressTimestamp", "value": "2025-01-20T00:00:00"},
        ],
        "labels": [
            {"key": "applicationname", "value": "shop"},
            {"key": "subsystemname", "value": "web"},
            {"key": "vendor", "value": "coralogix"},
            {"key": "category", "value": "c"},
        ],
        "userData": '{"n":2,"user":{"id":"ü"}}',
    }
    statistics = last["statistics"]
    store = statistics["storage"]["objectStore"]
    assert (statistics["status"], statistics["outputRowCount"]) == ("COMPLETED", "2")
    assert statistics["e2eDurationMs"].isdecimal()
    assert store["bytesRead"] == store["limits"]["scan"]["measuredValue"] == "32"
    assert store["limits"].keys() == {"scan", "shuffleSize", "filesRead", "column"}
    assert not any(one["reached"] for one in store["limits"].values())


def test_rows_come_in_batches(server, client):
    """A hundred rows a line at most."""
    server.store.add(event(n) for n in range(250))
    batches = [
        one["result"]["results"] for one in lines(ask(client, {"query": "source logs"}))[1:-1]
    ]
    assert [len(one) for one in batches] == [100, 100, 50]


def test_no_rows(client):
    """An answer without rows has no result line."""
    assert [next(iter(one)) for one in lines(ask(client, {"query": "source logs"}))] == [
        "queryId",
        "statistics",
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"query": "x",}', "not JSON"),
        (b'{"query": "x" // all\n}', "not JSON"),
        ({}, "query must be a string"),
        ({"query": 5}, "query must be a string"),
        ({"query": " "}, "query must be a string"),
        ({"query": "limit 1", "tier": "TIER_ARCHIVE"}, "unknown field tier"),
        ({"query": "limit 1", "metadata": []}, "metadata must be an object"),
        ({"query": "limit 1", "metadata": {"teir": "x"}}, "Did you mean 'tier'?"),
        (
            {"query": "limit 1", "metadata": {"executionProfile": {}}},
            "unknown field metadata.executionP",
        ),
        ({"query": "limit 1", "metadata": {"tier": "archive"}}, "tier must be one of"),
        (
            {"query": "limit 1", "metadata": {"syntax": "DATAPRIME"}},
            "metadata.syntax must be one of",
        ),
        ({"query": "limit 1", "executionProfile": {"preset": "FAST"}}, "preset must be one of"),
        ({"query": "limit 1", "metadata": {"limit": 0}}, "from 1 to 15000"),
        ({"query": "limit 1", "metadata": {"limit": 15_001}}, "from 1 to 15000"),
        (
            {"query": "limit 1", "metadata": {"limit": 50_001, "tier": "TIER_ARCHIVE"}},
            "from 1 to 50000",
        ),
        ({"query": "limit 1", "metadata": {"limit": "10"}}, "metadata.limit"),
        ({"query": "limit 1", "metadata": {"limit": 2.5}}, "metadata.limit"),
        ({"query": "limit 1", "metadata": {"limit": True}}, "metadata.limit"),
        (
            {"query": "limit 1", "metadata": {"startDate": "yesterday"}},
            "metadata.startDate must be ISO",
        ),
        (
            {"query": "limit 1", "metadata": {"endDate": "2025-01-20T00:00:00"}},
            "metadata.endDate must be",
        ),
        ({"query": "limit 1", "metadata": {"nowDate": 5}}, "metadata.nowDate must be ISO 8601"),
        (
            {"query": "limit 1", "metadata": {"strictFieldsValidation": "yes"}},
            "must be true or false",
        ),
        ({"query": "limit 1", "metadata": {"defaultSource": ""}}, "defaultSource must be a string"),
        (
            {"query": "limit 1", "metadata": {"defaultSource": "spans"}},
            "the source 'spans': works on the service, not here",
        ),
        ({"query": "%%", "metadata": {"syntax": "QUERY_SYNTAX_LUCENE_UTF8_BASE64"}}, "in base64"),
    ],
)
def test_a_request_that_breaks_a_rule(client, body, words):
    """Is refused with 400 and a sentence that names the field."""
    heard = ask(client, body)
    assert heard.status == 400
    assert words in heard.json["message"]


def test_a_query_that_does_not_compile(client):
    """Is refused with 400, line, column, and a caret."""
    heard = ask(client, {"query": "source logs\n| filtre a == 1"})
    assert heard.status == 400
    assert heard.json == {
        "message": "Compilation errors: unknown command 'filtre'. Did you mean 'filter'?"
        " in line 1 at column 2",
        "caret": "| filtre a == 1\n  ^",
    }


def test_who_may_query(client):
    """A key that is missing is 403, with another way of sending it as well; any other is taken."""
    body = json.dumps({"query": "limit 1"})
    kind = {"Content-Type": "application/json"}
    assert client.ask("POST", DIRECT, body, kind).status == 403
    assert client.ask("POST", DIRECT, body, {**kind, "Authorization": "Basic k"}).status == 403
    assert ask(client, {"query": "limit 1"}).status == 200


def test_keys_of_its_own():
    """The keys that may query are not those that may send."""
    with DevServer(keys=Keys(coralogix="send", dataprime="read")) as server:
        with DataPrimeClient("read", url=server.url) as client:
            assert len(client.query("source logs")) == 0
        with (
            DataPrimeClient("send", url=server.url) as client,
            pytest.raises(AuthenticationError, match="not an accepted key"),
        ):
            client.query("source logs")


def test_paths_and_methods(client):
    """Other paths are 404, other methods 405, other content types are no business of a page."""
    assert ask(client, {}, "/api/v1/dataprime/nothing").status == 404
    heard = client.get(DIRECT, Authorization="Bearer k")
    assert (heard.status, heard.headers["allow"]) == (405, "POST")
    plain = client.ask("POST", DIRECT, "{}", {**HEADERS, "Content-Type": "text/plain"})
    assert plain.status == 403
    assert ask(client, {"query": "limit 1"}, Origin="https://evil.example").status == 403


def test_bodies(client):
    """Gzip is taken; another encoding is 415, a broken one 400, one above a megabyte 413."""
    body = gzip.compress(json.dumps({"query": "limit 1"}).encode())
    assert ask(client, body, **{"Content-Encoding": "gzip"}).status == 200
    assert ask(client, b"x", **{"Content-Encoding": "br"}).status == 415
    assert ask(client, b"x", **{"Content-Encoding": "gzip"}).status == 400
    assert ask(client, {"query": "x" * 1_000_001}).status == 413


def test_every_field_is_honoured(server, client):
    """Window, now, limit, tier, syntax, encoding and default source do what they say."""
    server.store.add(event(n * 1_000_000_000) for n in range(10))

    def count(query="source logs", **metadata):
        heard = ask(client, {"query": query, "metadata": metadata})
        assert heard.status == 200, heard.body
        return int(lines(heard)[-1]["statistics"]["outputRowCount"])

    assert count() == 10
    assert count(startDate="2025-01-19T23:59:58Z") == 3
    assert count(startDate="2025-01-19T16:59:58-07:00", endDate="2025-01-20T00:00:00.00Z") == 2
    assert count(endDate="2025-01-19T23:59:58Z") == 7
    assert count("filter $m.timestamp > now() - 3s", nowDate="2025-01-20T00:00:00Z") == 3
    assert count(limit=4) == count("limit 4") == count("limit 4", limit=6) == 4
    assert count("limit 8", limit=6, tier="TIER_ARCHIVE") == 6
    assert count("n:[0 TO 3000000000]", syntax="QUERY_SYNTAX_LUCENE") == 4
    encoded = base64.b64encode(b"limit 2").decode()
    assert count(encoded, syntax="QUERY_SYNTAX_DATAPRIME_UTF8_BASE64") == 2
    assert count("limit 3", defaultSource="default/logs") == 3
    assert count("limit 3", tier="TIER_UNSPECIFIED", syntax="QUERY_SYNTAX_UNSPECIFIED") == 3
    profile = {"preset": "EXECUTION_PROFILE_PRESET_PERFORMANCE"}
    assert ask(client, {"query": "limit 1", "executionProfile": profile}).status == 200


def test_strict_fields(server, query):
    """An unknown field is null, unless fields are strict: then its position is in the error."""
    server.store.add([event(1, data={"n": 1, "a.b": 2})])
    with pytest.warns(CxQueryWarning, match="keypath does not exist"):
        assert len(query.query("filter unknown == 1")) == 0
    assert len(query.query("filter a.b == 2", strict_fields=True)) == 1
    assert len(query.query("filter n == 1", strict_fields=True)) == 1
    with pytest.raises(QuerySyntaxError, match="keypath does not exist") as caught:
        query.query("source logs | filter unknown == 1", strict_fields=True)
    assert (caught.value.line, caught.value.column) == (0, 21)


@pytest.mark.parametrize(
    ("query_text", "sentence"),
    [
        ("filter usr.id == 1", "keypath does not exist '$d.usr.id' (did you mean '$d.user.id'?)"),
        ("filter applicationname == 'x'", "(did you mean '$l.applicationname'?)"),
        ("filter userid == 1 | count", "keypath does not exist '$d.userid'"),
        ("countby usr.id | filter _count > 1", "'$d.usr.id'"),
        ("filter level == ERROR", "write $d.level == 'ERROR', or $m.severity == ERROR"),
    ],
)
def test_an_unknown_field_is_named_where_nothing_is_found(server, query, query_text, sentence):
    """An answer without rows, or of zeros, warns of each field that no event has."""
    server.store.add([event(1, data={"user": {"id": 1}, "level": "ERROR"})])
    with pytest.warns(CxQueryWarning) as caught:
        result = query.query(query_text)
    assert sentence in str(caught[0].message)
    assert [each.kind for each in result.warnings] == ["compileWarning"]


@pytest.mark.parametrize("query_text", ["usr.id:1", "_exists_:usr.id", "message:a AND usr.id:>1"])
def test_an_unknown_field_of_lucene_is_named_where_nothing_is_found(server, query, query_text):
    """Lucene's fields are named as those of DataPrime are."""
    server.store.add([event(1, data={"user": {"id": 1}, "message": "a"})])
    with pytest.warns(CxQueryWarning, match=r"'\$d.usr.id' \(did you mean '\$d.user.id'\?\)"):
        query.query(query_text, syntax="lucene")


@pytest.mark.parametrize(
    "query_text",
    [
        "filter user.id == 2",
        "create x from 1 | filter x == 2",
        "count",
        "extract note into $d using kv() | filter anything == 'x'",
        "convert user.id:timestamp | filter user.id > @'now'",
        "groupby $m.severity | filter severity == ERROR",
    ],
)
def test_no_warning_where_fields_are_known(server, query, query_text):
    """A query whose fields exist, or are made by it, is answered without a warning."""
    server.store.add([event(1, data={"user": {"id": 1}, "note": "a=b"})])
    assert query.query(query_text).warnings == ()


@pytest.mark.parametrize(
    ("query_text", "kind", "sentence"),
    [
        ("filter usr.id == null", "compileWarning", "does not exist '$d.usr.id' (did you mean"),
        (
            "filter user != null | limit 1",
            "compileWarning",
            "$d.user is an object: compared with null",
        ),
        ("filter user.id == '1'", "compileWarning", "$d.user.id is a number in the data, and is"),
        ("filter user.id > @'now'", "compileWarning", "write $d.user.id:timestamp"),
        ("filter at < 1h || true", "compileWarning", "write $d.at:interval"),
        ("filter level == ERROR", "compileWarning", "write $d.level == 'ERROR', or $m.severity =="),
        ("filter level in (ERROR, INFO)", "compileWarning", "write $d.level == 'ERROR'"),
        ("choose timeRound($m.timestamp, 1h) as t", "deprecationWarning", "use roundTime()"),
        ("choose uuid() as id", "deprecationWarning", "use randomUuid()"),
        ("filter level ~ 'err'", "compileWarning", "contains() finds parts of them"),
        ("filter $l.applicationname ~ 'sho'", "compileWarning", "only as a part of words"),
        ("filter level.matches(/RR/)", "compileWarning", "tests the whole; add .* around it"),
        ("choose level.substring(0, 2) as x", "compileWarning", "here it is substr("),
    ],
)
def test_warnings_of_a_query(server, query, query_text, kind, sentence):
    """Unknown fields, comparisons that never hold and deprecated functions are named."""
    server.store.add([event(1, data={"user": {"id": 1}, "level": "ERROR", "at": 1})])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = query.query(query_text).warnings
    assert [each.kind for each in found] == [kind]
    assert sentence in found[0].message


@pytest.mark.parametrize(
    "condition",
    [
        "$m.severity == Error",
        "Error == $m.severity",
        "$m.severity >= warn",
        "$m.severity != Fatal",
        "$m.severity in (ERROR, Critical)",
        "[Error, CRITICAL].arrayContains($m.severity)",
    ],
)
def test_a_severity_in_other_letters_is_refused(query, condition):
    """As an answer shows it, a severity would be a field: the refusal says what to write."""
    with pytest.raises(QuerySyntaxError, match=r"write (ERROR|WARNING|CRITICAL) in line 0"):
        query.query(f"source logs | filter {condition}")


def test_the_soft_limit(server, query):
    """2,000 rows where nothing is asked, and a warning that makes the result truncated."""
    server.store.add(event(n) for n in range(DEFAULT_LIMIT + 1))
    with pytest.warns(CxQueryWarning, match="numberOfResultsLimitWarning"):
        result = query.query("source logs")
    assert (len(result), result.truncated) == (DEFAULT_LIMIT, True)
    (warning,) = result.warnings
    assert warning.kind == "numberOfResultsLimitWarning"
    assert warning.details == {"numberOfResultsLimit": DEFAULT_LIMIT}


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["frequent", "archive"])
def test_the_limits_of_the_tiers(server, query, tier):
    """All rows up to the tier's own limit, and a warning there; a limit of one's own is no news."""
    most = list(TIERS.values())[tier == "archive"]
    for start in range(0, most + 1, 5_000):
        server.store.add(event(n, data={}) for n in range(start, min(start + 5_000, most + 1)))
    with pytest.warns(CxQueryWarning, match="numberOfResultsLimitWarning"):
        assert len(query.query("source logs", tier=tier, limit=most)) == most
    result = query.query("source logs", tier=tier, limit=10)
    assert (len(result), result.warnings, result.truncated) == (10, (), True)


def test_the_size_of_objects_is_known_in_the_archive_alone(server, query):
    """objectSize() is refused in the frequent tier, as by the service, and works in the archive."""
    server.store.add([event(data={"a": "é"})] * 3)
    text = "source logs | aggregate sum(objectSize($d)) as size"

    with pytest.raises(QuerySyntaxError, match=r"works in the archive alone.* --tier archive"):
        query.query(text)

    assert query.query(text, tier="archive").to_dicts() == [{"size": 3 * len('{"a":"é"}'.encode())}]


def test_a_thousand_buckets(server, query):
    """Groups beyond a thousand are left out, with the service's warning."""
    server.store.add(event(n) for n in range(1_001))
    with pytest.warns(CxQueryWarning, match="aggregationBucketsLimitWarning"):
        result = query.query("groupby n aggregate count() as c")
    assert (len(result), result.truncated) == (1_000, True)


def test_a_window_that_ends_before_it_begins(client):
    """Has no rows, and a warning that repeats it."""
    dates = {"startDate": "2025-01-20T00:00:00Z", "endDate": "2025-01-19T00:00:00Z"}
    (warning,) = (
        one["warning"]["timeRangeWarning"]
        for one in lines(ask(client, {"query": "source logs", "metadata": dates}))
        if "warning" in one
    )
    assert {name: warning[name] for name in dates} == dates
    assert "ends before it begins" in warning["warningMessage"]


def test_an_error_amid_the_rows(server, client, query):
    """Rows that were found go out, then the error, then statistics that say FAILED."""
    server.store.add([event(1), event(2), event(3, data={"x": 1})])
    text = "create x from 2 on keypath exists fail"
    kinds = [next(iter(one)) for one in lines(ask(client, {"query": text}))]
    assert kinds == ["queryId", "result", "error", "statistics"]

    with pytest.raises(QueryFailed, match=r"create: the keypath \$d.x exists") as caught:
        query.query(text)
    assert [row["n"] for row in caught.value.result] == [1, 2]


def test_events_of_all_vendors(server, client, query):
    """What came through each ingest emulator is found, under labels that say which."""
    for vendor in ("coralogix", "honeycomb", "betterstack"):
        client.send(vendor, text=f"hello from {vendor}")

    rows = query.query("source logs | filter $d ~~ 'hello'")
    labels = {
        row.labels["vendor"]: (row.labels["applicationname"], row.labels["subsystemname"])
        for row in rows
    }
    assert labels == {
        "coralogix": ("a", "s"),
        "honeycomb": ("ds", "ds"),
        "betterstack": ("betterstack",) * 2,
    }
    assert {row.severity for row in rows} == {Severity.INFO}
    found = query.query("countby $l.applicationname as app").to_dicts()
    assert sorted(one["app"] for one in found) == ["a", "betterstack", "ds"]
    (one,) = query.query("filter $l.subsystemname == 'betterstack'")
    assert one["$d.message"] == "hello from betterstack"


def test_odd_text_survives(server, query):
    """Half a surrogate pair, line separators and quotes come back as they were stored."""
    odd = {"a": "\ud800", "b": "x\u2028y\x85\n", "c": 'q"\\', "d": 2**70, "e": 1.5e300}
    server.store.add([event(1, data=odd)])
    assert query.query("source logs")[0].data == odd
    assert query.query("create f from 1")[0].data == {**odd, "f": 1}


def test_a_syntax_error_with_its_caret(query):
    """The client's error has line, column and caret from the emulator's words."""
    with pytest.raises(QuerySyntaxError) as caught:
        query.query("source logs\n| filter a === 1")
    assert (caught.value.line, caught.value.column) == (1, 13)
    assert caught.value.caret == "  | filter a === 1\n               ^"
    with pytest.raises(QuerySyntaxError, match="works on the service, not here"):
        query.query("source logs | enrich a into b using c")


def test_a_stream_ends_the_query(server, query):
    """A client that leaves amid the rows ends the reading; the server goes on serving."""
    text = "x" * 20_000
    server.store.add(event(n, data={"n": n, "text": text}) for n in range(3_000))
    with query.stream("source logs", limit=15_000) as rows:
        assert next(rows)["n"] == 0
    assert len(query.query("limit 5")) == 5


def test_a_client_that_leaves_ends_its_query(server):
    """Closing the lines amid the making of one ends the reading of the store."""
    for start in range(0, 50_000, 10_000):
        server.store.add(event(n) for n in range(start, start + 10_000))
    emulator = QueryEmulator(server.store.path)
    request = ApiRequest(
        "POST", DIRECT, HEADERS_LOW, b'{"query": "aggregate distinct_count(n) as n"}'
    )
    stream = emulator.answer(request, Keys()).stream
    assert json.loads(next(stream)).keys() == {"queryId"}
    found = []
    thread = threading.Thread(target=lambda: found.extend(stream))
    thread.start()
    until(thread.is_alive)
    with contextlib.suppress(ValueError):
        stream.close()
    thread.join(30)
    kinds = [next(iter(json.loads(one))) for one in found]
    assert kinds in (["error", "statistics"], [])
    emulator.close()


def test_a_split_window(server, query):
    """The client's bisection meets the emulator's limits, and gets every row once."""
    server.store.add(event(n * 1_000_000) for n in range(3_000))
    rows = query.query(
        "source logs",
        start="2025-01-19T23:00:00Z",
        end="2025-01-20T00:00:01Z",
        limit=500,
        split_on_limit=True,
    )
    assert sorted(row["n"] for row in rows) == [n * 1_000_000 for n in range(3_000)]


def test_deliveries_go_on_beside_a_query(server, client, query):
    """While a long query runs, events are taken; the query sees those from before it."""
    for start in range(0, 40_000, 10_000):
        server.store.add(event(n) for n in range(start, start + 10_000))
    begun, counts = threading.Event(), []

    def long_query():
        begun.set()
        counts.extend(query.query("aggregate distinct_count(n) as n, count() as c").to_dicts())

    thread = threading.Thread(target=long_query)
    thread.start()
    begun.wait(10)
    statuses = [client.send("betterstack").status for _ in range(20)]
    thread.join(60)

    assert statuses == [202] * 20
    assert counts[0]["n"] == 40_000
    assert server.count("betterstack") == 20


def test_the_log_of_requests(server, client, query):
    """A query is in the log under its own name, and stores nothing."""
    query.query("limit 1")
    (entry,) = server.requests("dataprime")
    assert (entry["path"], entry["status"], entry["events"]) == (DIRECT, 200, 0)
    assert "secret-query-key" not in json.dumps(server.requests())
    (shown,) = client.get("/api/requests?vendor=dataprime").json["requests"]
    assert shown["path"] == DIRECT


# Background queries


def test_a_background_query(server, query):
    """Submitted, waited for, read, cancelled without effect; taken up again by its id."""
    server.store.add(event(n) for n in range(2_500))
    job = query.submit("source logs | filter n >= 500", **WINDOW, name="monthly_report")
    seen = []
    status = job.wait(30, seen.append, first_pause=0.02)
    assert (status.state, status.finished) == (JobState.SUCCEEDED, True)
    assert status.submitted_at <= status.running_since <= status.terminated_at
    assert status.bytes_scanned > 0
    assert [row["n"] for row in job.results()] == list(range(500, 2_500))

    job.cancel()
    again = query.job(job.query_id)
    assert again.status().state is JobState.SUCCEEDED
    assert len(list(again.results())) == 2_000


def test_its_window_and_now(server, query):
    """The dates and nowDate of a submission are its window and its now."""
    server.store.add(event(n * 1_000_000_000) for n in range(10))
    job = query.submit(
        "filter $m.timestamp > now() - 3s",
        start="2025-01-19T23:59:59Z",
        end=WINDOW["end"],
        now="2025-01-20T00:00:00Z",
        syntax="dataprime",
        destination="temporary",
    )
    job.wait(30, first_pause=0.02)
    assert [row["n"] for row in job.results()] == [0, 1_000_000_000]


def test_a_background_query_that_fails(server, query):
    """Its status says why; its rows cannot be read."""
    server.store.add([event(1, data={"x": 1})])
    job = query.submit("create x from 2 on keypath exists fail", **WINDOW)
    with pytest.raises(QueryFailed, match=r"the keypath \$d.x exists"):
        job.wait(30, first_pause=0.02)
    with pytest.raises(QueryFailed, match="failed"):
        job.results()


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_a_background_query_is_cancelled(server, query, client):
    """It ends soon as cancelled, and what it had is gone; the same again is no error."""
    for start in range(0, 60_000, 10_000):
        server.store.add(event(n) for n in range(start, start + 10_000))
    jobs = [query.submit("aggregate distinct_count(n) as n", **WINDOW) for _ in range(3)]
    assert jobs[-1].status().state in (JobState.WAITING, JobState.RUNNING)
    for job in jobs:
        job.cancel()
    for job in jobs:
        until(lambda job=job: job.status().finished)
    assert jobs[-1].status().state is JobState.CANCELLED
    jobs[-1].cancel()
    heard = ask(client, {"queryId": jobs[-1].query_id}, f"{BACKGROUND}/data")
    assert (heard.status, heard.json["message"]) == (
        409,
        "the query has not succeeded: its rows cannot be read",
    )


def test_old_jobs_are_forgotten(client, query):
    """A hundred are remembered; of more, the oldest that have ended go."""
    first = query.submit("limit 1", **WINDOW)
    first.wait(30, first_pause=0.02)
    for _ in range(100):
        assert ask(client, FOUR, BACKGROUND).status == 200
    with pytest.raises(UnknownQuery):
        first.status()


@pytest.mark.parametrize("emulator", ["status", "data", "cancel"])
def test_an_unknown_background_query(client, query, emulator):
    """Is 404."""
    assert ask(client, {"queryId": "nothing"}, f"{BACKGROUND}/{emulator}").status == 404
    with pytest.raises(UnknownQuery):
        query.job("nothing").status()


FOUR = {
    "query": "limit 1",
    "syntax": "QUERY_SYNTAX_DATAPRIME",
    "startDate": "2025-01-19T00:00:00Z",
    "endDate": "2025-01-20T00:00:00Z",
}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"startDate": None}, "startDate must be ISO 8601"),
        ({"metadata": {}}, "has no metadata"),
        ({"limit": 5}, "unknown field limit"),
        ({"name": "a"}, "name: up to two"),
        ({"name": "___a"}, "name: up to two"),
        ({"name": "a.."}, "name: up to two"),
        ({"description": "x" * 2_049}, "at most 2,048"),
        ({"query": "limit x"}, "Compilation errors"),
        ({"endDate": "2025-01-18T00:00:00Z"}, "endDate is before startDate"),
        ({"resultsDestination": []}, "must be an object"),
        (
            {"resultsDestination": {"temporaryDestination": {}, "persistentDestination": {}}},
            "at most one",
        ),
        ({"resultsDestination": {"persistentDestination": {"datasets": [{}, {}]}}}, "BAD_REQUEST"),
        ({"resultsDestination": {"persistentDestination": {"datasets": [{}]}}}, "no datasets"),
    ],
)
def test_a_submission_that_breaks_a_rule(client, more, words):
    """Is refused with 400, and not run."""
    heard = ask(client, {**FOUR, **more}, BACKGROUND)
    assert heard.status == 400
    assert words in heard.json["message"]


@pytest.mark.parametrize("name", FOUR)
def test_what_a_submission_needs(client, name):
    """Query, syntax and both dates."""
    heard = ask(client, {key: held for key, held in FOUR.items() if key != name}, BACKGROUND)
    assert (heard.status, heard.json["message"]) == (400, f"{name} is required")


def test_a_submission_and_its_answer(client):
    """One JSON object with the id and no warnings; data are lines of their own shape."""
    heard = ask(client, {**FOUR, "resultsDestination": {"temporaryDestination": {}}}, BACKGROUND)
    assert heard.headers["content-type"] == "application/json"
    assert heard.json.keys() == {"queryId", "warnings"}
    body = {"queryId": heard.json["queryId"]}
    until(lambda: "terminated" in ask(client, body, f"{BACKGROUND}/status").json)
    status = ask(client, body, f"{BACKGROUND}/status").json
    assert status["terminated"]["success"] == {}
    assert status["metadata"] == [{"statistics": {"bytesScanned": "0"}}]
    data = ask(client, body, f"{BACKGROUND}/data")
    assert (data.headers["content-type"], data.body) == ("application/x-ndjson", b"")


def test_background_rows_are_told_apart(server, client, query):
    """Data lines hold response.results.results."""
    server.store.add([event(1)])
    job = query.submit("source logs", **WINDOW)
    job.wait(30, first_pause=0.02)
    (line,) = lines(ask(client, {"queryId": job.query_id}, f"{BACKGROUND}/data"))
    assert line["response"]["results"]["results"][0]["userData"] == '{"n":1}'
    assert BACKGROUND_LIMIT == 1_000_000


# Faults


def test_a_rate_limit(server, query):
    """429 with Retry-After is asked again; without end it is an error."""
    server.faults.add(vendor="dataprime", status=429, retry_after="0", times=1)
    assert len(query.query("limit 1")) == 0
    server.faults.add(vendor="dataprime", status=429, retry_after="3600")
    with pytest.raises(RateLimited):
        query.query("limit 1")


def test_faults_of_other_vendors_do_not_apply(server, query):
    """A vendor's fault leaves queries alone, and a fault of queries leaves deliveries alone."""
    server.faults.add(vendor="coralogix", status=500)
    assert len(query.query("limit 1")) == 0
    server.faults.clear()
    server.faults.add(vendor="dataprime", status=500)
    with pytest.raises(ServerError):
        query.query("limit 1")


def test_words_of_its_own(server, client, query):
    """A status is answered as JSON, or in the words that the fault gives; contains looks in."""
    server.faults.add(vendor="dataprime", status=400, body="no", contains="limit 7")
    assert len(query.query("limit 1")) == 0
    with pytest.raises(RequestRefused, match="no"):
        query.query("limit 7")
    server.faults.clear()
    server.faults.add(vendor="dataprime", status=500)
    assert ask(client, {"query": "limit 1"}).json == {"message": "Internal Server Error"}
    server.faults.clear()
    server.faults.add(vendor="dataprime", max_body=5)
    assert ask(client, {"query": "limit 1"}).status == 413


@pytest.mark.parametrize("reset", ["before", "after"])
def test_a_reset(server, client, query, reset):
    """The connection is cut without an answer."""
    server.store.add([event(1)])
    server.faults.add(vendor="dataprime", reset=reset)
    with pytest.raises((Unreachable, socket.error, ConnectionError)):
        ask(client, {"query": "limit 1"})
    server.faults.clear()
    assert len(query.query("limit 1")) == 1


def test_a_trickle_and_a_delay(server, client):
    """An answer byte by byte is the same answer."""
    server.store.add([event(1)])
    server.faults.add(vendor="dataprime", trickle=0.0001, delay=0.01, times=1)
    heard = ask(client, {"query": "choose n"})
    assert [next(iter(one)) for one in lines(heard)] == ["queryId", "result", "statistics"]


def test_a_server_that_stops_amid_queries(caplog):
    """It ends what runs, directly and in the background, without a word in anyone's log."""
    server = DevServer().start()
    for start in range(0, 50_000, 10_000):
        server.store.add(event(n) for n in range(start, start + 10_000))
    ended = []

    def ask_directly():
        with DataPrimeClient("k", url=server.url) as own:
            try:
                own.query("aggregate distinct_count(n) as n")
            except Exception as error:
                ended.append(error)

    threads = [threading.Thread(target=ask_directly) for _ in range(3)]
    with DataPrimeClient("k", url=server.url) as client:
        for _ in range(4):
            client.submit("aggregate distinct_count(n) as n", **WINDOW)
        for thread in threads:
            thread.start()
        server.stop()
    for thread in threads:
        thread.join(30)
    names = [one.name for one in threading.enumerate()]
    assert not [one for one in names if one.startswith(("cxlogging-query", "cxlogging-back"))]
    assert not [one for one in caplog.records if one.name.startswith(("concurrent", "asyncio"))]
