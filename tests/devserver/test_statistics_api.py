"""Facets, histogram, fields, groups, volume and the words of the language."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from cxlogging.devserver.engine import Settings, compile_query
from cxlogging.devserver.engine.commands.aggregation_compiler import BUILDERS
from cxlogging.devserver.engine.functions import FUNCTIONS
from cxlogging.devserver.engine.syntax.command_parser import COMMANDS
from cxlogging.devserver.engine.syntax.query_parser import SUBQUERIES
from cxlogging.devserver.events.groups import pattern_of
from cxlogging.devserver.events.language import COMMAND_HELP
from cxlogging.vendors.registry import VENDORS
from tests.devserver.conftest import stored

MINUTE = 60 * 1_000_000_000


def ask(client, path, **parameters):
    heard = client.get(f"{path}?{urlencode(parameters, doseq=True)}")
    assert heard.status == 200, heard.body
    return heard.json


def counts(facet):
    return {one["value"]: one["count"] for one in facet["values"]}


def test_facets_count_columns_and_keypaths(server, client):
    """Values of columns, of nested and flat keypaths are counted, with their JSON types."""
    server.store.add(
        [
            stored(1, data={"user": {"id": 7}, "ok": True, "logger": "a"}),
            stored(2, data={"user.id": 7, "ok": False}, vendor="honeycomb", severity=5),
            stored(3, data={"user": {"id": "7"}, "ok": None, "list": [1], "logger": "a"}),
            stored(4, data={"user": "x", "empty": ""}),
        ]
    )
    fields = ["vendor", "level", "logger", "user.id", "$d.ok", "list", "empty", "nowhere"]
    facets = ask(client, "/api/facets", field=fields)["facets"]
    assert list(facets) == fields
    assert counts(facets["vendor"]) == {"coralogix": 3, "honeycomb": 1}
    assert counts(facets["level"]) == {3: 3, 5: 1}
    assert counts(facets["logger"]) == {"a": 2}
    values = [(one["value"], one["count"]) for one in facets["user.id"]["values"]]
    assert values == [(7, 2), ("7", 1)]
    assert {(one["value"], type(one["value"])) for one in facets["$d.ok"]["values"]} == {
        (True, bool), (False, bool),
    }  # fmt: skip
    for empty in ("list", "empty", "nowhere"):
        assert facets[empty] == {"values": [], "others": 0}


def test_facets_ignore_their_own_filter_alone(server, client):
    """A facet shows all its values while one of them is chosen; other facets show the rest."""
    server.store.add(
        stored(n, application=f"app{n % 3}", data={"k": n % 2}, severity=3 + n % 2)
        for n in range(12)
    )
    parameters = {"field": ["application", "k", "level"], "is": "application:app1", "level": 4}
    facets = ask(client, "/api/facets", **parameters)["facets"]
    assert counts(facets["application"]) == {"app0": 2, "app1": 2, "app2": 2}
    assert counts(facets["k"]) == {1: 2}
    assert counts(facets["level"]) == {3: 2, 4: 2}
    hidden = ask(client, "/api/facets", field="application", **{"not": "application:app1"})
    assert counts(hidden["facets"]["application"])["app1"] == 4


def test_facets_follow_text_and_queries(server, client):
    """Words and DataPrime narrow the counts; a query that groups counts what it groups."""
    server.store.add(stored(n, application=f"app{n % 2}") for n in range(10))
    for q in ("message 3", "n == 3", "filter n == 3 | groupby n aggregate count()"):
        facets = ask(client, "/api/facets", field="application", q=q)["facets"]
        assert counts(facets["application"]) == {"app1": 1}
    server.store.add([stored(3, application="late")])
    again = ask(client, "/api/facets", field="application", q="n == 3")["facets"]
    assert counts(again["application"]) == {"app1": 1, "late": 1}
    server.store.clear()
    gone = ask(client, "/api/facets", field="application", q="n == 3")["facets"]
    assert gone["application"]["values"] == []


def test_a_facet_has_twenty_values(server, client):
    """The twenty most frequent values are listed, the others are a number; long ones are others."""
    server.store.add(stored(n, data={"k": min(n, 30)}) for n in range(40))
    server.store.add([stored(1, data={"k": "x" * 600})] * 50)
    facet = ask(client, "/api/facets", field="k")["facets"]["k"]
    assert facet["values"][0] == {"value": 30, "count": 10}
    assert len(facet["values"]) == 19
    assert facet["others"] == 50 + 12


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/api/facets", "field must be given"), ("/api/facets?field=", "is not a field"),
        ("/api/facets?field=a..b", "is not a field"), ("/api/volume?by=x", "by must be one of"),
        ("/api/facets?" + "&".join(f"field=a{n}" for n in range(21)), "at most 20 times"),
        ("/api/histogram?buckets=0", "buckets must be"), ("/api/groups?level=9", "level must be"),
        ("/api/fields?is=x", "field:value"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(client, path, sentence):
    """A wrong parameter is answered 400 with a sentence that names it."""
    heard = client.get(path)
    assert heard.status == 400
    assert sentence in heard.json["error"]


def test_a_histogram_has_bars_of_a_readable_width(server, client):
    """Bars begin at multiples of the step, cover all events, and count each severity."""
    base = 1_700_000_040 * 1_000_000_000
    server.store.add(stored(base + n * MINUTE, severity=3 if n % 3 else 5) for n in range(120))
    found = ask(client, "/api/histogram")
    start, step = int(found["from"]), int(found["step"])
    assert step == 2 * MINUTE
    assert start % step == 0
    bars = found["levels"]
    assert int(found["to"]) == start + step * len(bars["3"])
    assert len(bars["3"]) <= 60 + 1
    assert (sum(bars["3"]), sum(bars["5"]), sum(bars["1"])) == (80, 40, 0)
    window = ask(client, "/api/histogram", **{"from": base, "to": base + 10 * MINUTE, "level": 5})
    assert sum(window["levels"]["5"]) == 4
    assert sum(window["levels"]["3"]) == 0


@pytest.mark.parametrize("moments", [[0], [-(2**63), 2**63 - 1], [5, 5, 6], [2**62, 2**63 - 1]])
def test_a_histogram_of_odd_times(server, client, moments):
    """One instant, and the ends of the range of times, have a histogram too."""
    server.store.add(stored(0, time_ns=moment) for moment in moments)
    found = ask(client, "/api/histogram", buckets=7)
    assert sum(found["levels"]["3"]) == len(moments)


def test_a_histogram_of_nothing(client):
    """Without events there are no bars."""
    empty = {"from": None, "to": None, "step": None, "levels": {}}
    assert client.get("/api/histogram").json == empty


def test_fields_are_listed_with_types_and_examples(server, client):
    """Keypaths are as a query names them, nested and flat alike, the most frequent first."""
    server.store.add(
        [
            stored(1, data={"user": {"id": 7}, "a-b": "x", "t": True, "none": None}),
            stored(2, data={"user.id": "8", "list": [1], "long": "y" * 200, "t": False}),
            stored(3, data={"user": {"id": 7.5}, "empty": {}}),
        ]
    )
    found = {one.pop("path"): one for one in client.get("/api/fields").json["fields"]}
    user = found["$d.user.id"]
    assert (user["count"], set(user["types"])) == (3, {"number", "string"})
    assert set(user["examples"]) == {7, "8", 7.5}
    assert found['$d["a-b"]'] == {"count": 1, "types": ["string"], "examples": ["x"]}
    assert found["$d.t"]["types"] == ["boolean"]
    assert found["$d.none"] == {"count": 1, "types": ["null"], "examples": []}
    assert found["$d.list"]["types"] == ["array"]
    assert found["$d.long"]["examples"] == ["y" * 80]
    assert found["$l.applicationname"]["count"] == 3
    assert "$d.empty" not in found
    narrowed = ask(client, "/api/fields", q="$d['a-b'] == 'x'")["fields"]
    assert {one["path"] for one in narrowed if one["count"] != 1} == set()


def test_the_language_is_listed_for_completion(client):
    """Every command, function and aggregation has a sentence, every function a signature."""
    found = client.get("/api/language").json
    commands = {one["name"] for one in found["commands"]}
    assert commands == {*COMMANDS, "source", *SUBQUERIES}
    functions = {one["name"] for one in found["functions"]}
    assert functions == {*FUNCTIONS, *BUILDERS}
    assert all(one["help"] for one in (*found["commands"], *found["functions"]))
    signatures = {one["name"]: one["signature"] for one in found["functions"]}
    assert signatures["substr"] == "substr(string, number, number?): string"
    assert signatures["concat"] == "concat(any, …): string"


@pytest.mark.parametrize("name", [*COMMAND_HELP])
def test_the_examples_of_commands_are_valid(name):
    """What the help of a command shows compiles."""
    _, _, example = COMMAND_HELP[name].partition(": ")
    compile_query(example, Settings(now=0), {})


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("user 42 paid 3.50", "user <number> paid <number>"),
        ("took 12ms at 10:33:05", "took <number>ms at <number>"),
        ("id 3f2b8c9a-1111-4222-8333-0123456789ab done", "id <id> done"),
        ("commit deadbeef99 0x7f", "commit <id> <id>"),
        ("it's 'a b' and \"c\"", "it's <text> and <text>"),
        ("plain words, café", "plain words, café"), ("v2 ok", "v2 ok"), ("a\nb", "a"), ("", ""),
        ("facade decade", "facade decade"),
    ],
)  # fmt: skip
def test_messages_are_alike_but_for_numbers_ids_and_quotes(message, pattern):
    """Numbers, ids and quoted parts are replaced by what they are."""
    assert pattern_of(message) == pattern


def test_groups_are_the_largest_first(server, client):
    """A group has its number, its highest severity, its newest event and its logger."""
    server.store.add(stored(n, message=f"user {n} failed", data={"logger": "a"}) for n in range(5))
    server.store.add([stored(9, message="user 9 failed", severity=5, data={"logger": "b"})])
    found = client.get("/api/groups").json
    assert found == {
        "groups": [
            {"pattern": "user <number> failed", "logger": "a", "severity": 3, "last": "4",
             "example": 5, "count": 5},
            {"pattern": "user <number> failed", "logger": "b", "severity": 5, "last": "9",
             "example": 6, "count": 1},
        ],
        "events": 6,
        "cut": False,
    }  # fmt: skip
    assert ask(client, "/api/groups", level=5)["events"] == 1


def test_the_mask_is_quick_for_hostile_messages():
    """No message takes longer than its length."""
    began = time.process_time()
    for text in ("'" * 300, "0x" * 150, "a1" * 150, "1." * 150, '"' + "\\" * 299, "-+" * 150):
        for _ in range(50):
            pattern_of(text)
    assert time.process_time() - began < 5


def test_volume_tells_who_makes_the_bytes(server, client):
    """Bytes and shares are per vendor, by logger or call site, with what each vendor bills by."""
    where = {"file": "/srv/pay.py", "line": 3}
    server.store.add([stored(1, data={"logger": "a", **where}, size=30)] * 3)
    server.store.add([stored(1, data={"logger": "b"}, size=10)])
    server.store.add([stored(1, data={"logger": "a"}, size=5, vendor="honeycomb")])
    found = client.get("/api/volume").json
    assert found["rows"] == [
        {"name": "a", "vendor": "coralogix", "count": 3, "bytes": 90, "share": 0.9},
        {"name": "b", "vendor": "coralogix", "count": 1, "bytes": 10, "share": 0.1},
        {"name": "a", "vendor": "honeycomb", "count": 1, "bytes": 5, "share": 1.0},
    ]
    assert found["billed"].keys() == VENDORS.keys()
    assert all(sentence.startswith("by ") for sentence in found["billed"].values())
    by_line = ask(client, "/api/volume", by="call_site", vendor="coralogix")["rows"]
    assert [(row["name"], row["bytes"]) for row in by_line] == [("pay.py:3", 90), ("", 10)]


def test_volume_by_line_of_code(server, client):
    """A line has its logger, file, function and level, and the answer sums and times of all."""
    data = {"logger": "shop", "file": "/srv/a b:1.py", "line": 3, "function": "pay now"}
    server.store.add([stored(3, data=data, size=30, severity=4)])
    server.store.add([stored(8, data=data, size=20, severity=1)])
    server.store.add([stored(5, data={}, size=10, severity=9)])

    found = ask(client, "/api/volume", by="call_site")

    of_line = {"logger": "shop", "file": "a b:1.py", "line": 3, "function": "pay now"}
    shared = {"vendor": "coralogix", "count": 1, "held_back": 0, "name": "a b:1.py:3 pay now"}
    nowhere = {"name": "", "logger": "", "file": "", "line": 0, "function": "", "level": ""}
    assert found["rows"] == [
        {**shared, **of_line, "level": "WARNING", "bytes": 30, "share": 0.5},
        {**shared, **of_line, "level": "DEBUG", "bytes": 20, "share": 20 / 60},
        {**shared, **nowhere, "bytes": 10, "share": 10 / 60},
    ]
    sums = {name: found[name] for name in ("count", "bytes", "from", "to")}
    assert sums == {"count": 3, "bytes": 60, "from": "3", "to": "8"}
    assert ask(client, "/api/volume", by="call_site", vendor="honeycomb")["from"] is None


def test_volume_has_what_applications_hold_back(server, client):
    """Reports of several processes are summed by line; a line that ships nothing has a row too."""
    site = {"logger": "shop", "file": "/srv/pay.py", "line": 3, "function": "pay",
            "level": "INFO", "events": 1, "bytes": 30, "held_back": 4}  # fmt: skip
    silent = {**site, "line": 9, "level": "DEBUG", "events": 0, "bytes": 0, "held_back": 7}
    handler = {"name": "Coralogix (x)", "vendor": "coralogix", "stats": {}, "queue_records": 0,
               "queue_bytes": 0, "queue_limit": 1, "volume": [site, silent]}  # fmt: skip
    for process in ("one", "two"):
        server.reports.add({"process": process, "handlers": [handler]})
    data = {"logger": "shop", "file": "pay.py", "line": 3, "function": "pay"}
    server.store.add([stored(1, data=data, size=30, severity=3)])

    rows = ask(client, "/api/volume", by="call_site")["rows"]
    filtered = ask(client, "/api/volume", by="call_site", q="pay")["rows"]

    shown = [(row["name"], row["level"], row["bytes"], row["held_back"]) for row in rows]
    assert shown == [("pay.py:3 pay", "INFO", 30, 8), ("pay.py:9 pay", "DEBUG", 0, 14)]
    assert len(filtered) <= 1


def test_volume_of_processes_that_send_elsewhere(server, client):
    """Where nothing is stored, the counts that processes report are the answer, with no times."""
    site = {"logger": "shop", "file": "C:\\srv\\pay.py", "line": 3, "function": "pay",
            "level": "INFO", "events": 1, "bytes": 30, "held_back": 4}  # fmt: skip
    queue = {"queue_records": 0, "queue_bytes": 0, "queue_limit": 1}
    handler = {"name": "Coralogix (x)", "vendor": "coralogix", "stats": {}, **queue}
    sites = [site, {**site, "line": 4}]
    server.reports.add({"process": "one", "handlers": [{**handler, "volume": sites}] * 2})

    found = ask(client, "/api/volume", by="call_site")

    shown = [(row["name"], row["count"], row["bytes"], row["share"]) for row in found["rows"]]
    assert shown == [("pay.py:3 pay", 2, 60, 0.5), ("pay.py:4 pay", 2, 60, 0.5)]
    sums = [found[name] for name in ("reported", "count", "bytes", "from")]
    assert sums == [True, 4, 120, None]
    assert "reported" not in ask(client, "/api/volume", by="call_site", vendor="coralogix")


@pytest.mark.parametrize(
    "path", ["/api/facets?field=a&field=level", "/api/histogram?", "/api/fields?", "/api/groups?",
             "/api/volume?", "/api/rows?"]
)  # fmt: skip
def test_hostile_events_are_counted(server, client, path):
    """Deep, huge and odd values do not break a count of the others."""
    deep: list = []
    for _ in range(900):
        deep = [deep]
    server.store.add(
        [
            stored(1, data={"a": deep}, message="\ud800" * 10),
            stored(2, data={"a": "x" * 1_000_000}),
            stored(3, data={"a": "\ud800", 'q"': 1, "": 2, "." * 50: 3}),
            stored(4, data={"a": 1e308}),
            stored(5, data={"a": 10**40, "b\0": 1}, message="y" * 1_000_000, level="\0"),
        ]
    )
    for extra in ("", "&q=x", "&q=" + "%24d.a%20!%3D%20null", "&is=a:1", "&not=a:%22x%22"):
        assert client.get(path + extra).status == 200
