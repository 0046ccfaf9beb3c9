"""Constructs as people write them, in references, dashboards and answers to others."""

from __future__ import annotations

import itertools

import pytest

from cxlogging.devserver.engine.answer import EngineAnswer
from cxlogging.devserver.engine.commands.joining import MAX_JOINED, OtherQuery
from cxlogging.devserver.engine.compile.scope import QueryState, Scope, Settings
from cxlogging.devserver.engine.errors import QueryEndedError
from cxlogging.devserver.engine.row import QueryRow

from .conftest import NOW, event

HOUR = 3_600_000_000_000
SHOPS = [
    {"shop": "north", "item": "bolt", "price": 3, "state": "new"},
    {"shop": "north", "item": "nut", "price": 5, "state": "old"},
    {"shop": "south", "item": "bolt", "price": 4, "state": "new"},
    {"shop": "south", "item": "cog", "price": None, "state": "new"},
]
EXAMPLES = [
    (
        "groupby shop | aggregate count() as n, sum(price) as total",
        [{"shop": "north", "n": 2, "total": 8}, {"shop": "south", "n": 2, "total": 4}],
    ),
    ("groupby shop, state | agg count()", ["north new 1", "north old 1", "south new 2"]),
    (
        "groupby shop as s | calculate max(price) as top | filter top > 4",
        [{"s": "north", "top": 5}],
    ),
    ("groupby shop", [{"shop": "north"}, {"shop": "south"}]),
    ("groupby shop as s, state | filter state == 'old'", [{"s": "north", "state": "old"}]),
    ("groupby shop | filter shop == 'south' | aggregate count() as n", [{"n": 1}]),
    ("agg count() as n, avg(price) as mean", [{"n": 4, "mean": 4}]),
    ("aggregate count() into $d.n, avg(price) as mean", [{"n": 4, "mean": 4}]),
    ("groupby shop count() into n | choose n", [{"n": 2}, {"n": 2}]),
    ("calc max(price) as top", [{"top": 5}]),
    (
        "union (source logs) | groupby shop | agg count() as n | limit 1",
        [{"shop": "north", "n": 4}],
    ),
    ("top 1 item by price", [{"item": "nut", "price": 5}]),
    ("top 2 item, state by price, item | choose item", [{"item": "nut"}, {"item": "bolt"}]),
    (
        "top 2 shop, count() as n by max(price) as dearest",
        [{"shop": "north", "n": 2, "dearest": 5}, {"shop": "south", "n": 2, "dearest": 4}],
    ),
    ("bottom 1 shop, count() by avg(price)", [{"shop": "north", "_count": 2, "_avg1": 4}]),
    ("top 1 shop by sum(price) / count()", [{"shop": "north", "_expr0": 4}]),
    ("top 5 shop, count() as n by shop | choose shop", [{"shop": "south"}, {"shop": "north"}]),
    (
        "multigroupby shop, state agg count() as n | filter state == 'new'",
        [{"shop": None, "state": "new", "n": 3}],
    ),
    ("multigroupby (shop, state), (shop) | aggregate count() as n | count", [{"_count": 5}]),
    ("dedupeby shop | choose item", [{"item": "bolt"}, {"item": "bolt"}]),
    ("dedupeby shop keep 1 orderby price desc | choose item", [{"item": "nut"}, {"item": "bolt"}]),
    ("dedupeby shop sort by -price keep 1 | choose price", [{"price": 5}, {"price": 4}]),
    ("dedupeby shop, state keep 1 | count", [{"_count": 3}]),
    ("orderby -item | choose item | limit 1", [{"item": "nut"}]),
    ("sortby -item asc, price | choose item | limit 1", [{"item": "nut"}]),
    ("replace price with 'x' on datatype changed skip | choose price | limit 1", [{"price": 3}]),
    ("replace gone with 1 on keypath missing create | choose gone | limit 1", [{"gone": 1}]),
    (
        "extract state into $d using regexp(e=/(?<first>.)(?<rest>.*)/) | countby first",
        [{"first": "n", "_count": 3}, {"first": "o", "_count": 1}],
    ),
    ("choose `\\{{item}\\} \\`{shop}\\`` as t | limit 1", [{"t": "{bolt} `north`"}]),
    ("filter item.matches(/[[:alpha:]]{4}/) | count", [{"_count": 2}]),
    ("filter item.matches(/[^[:digit:]n]+/) | count", [{"_count": 3}]),
    ("filter item.matches(/(?i)BO[l-]t\\z/) | count", [{"_count": 2}]),
    ("choose $m.severity, item | filter $m.severity == INFO | count", [{"_count": 4}]),
    (
        "groupby $m.severity agg count() as n | filter $m.severity >= 3",
        [{"severity": "Info", "n": 4}],
    ),
    (
        "choose $m.timestamp as t, item | orderby -$m.timestamp | choose item | limit 1",
        [{"item": "bolt"}],
    ),
    ("filter $m.severity == 3 && $m.severity != 5 | count", [{"_count": 4}]),
    ("filter $m.severity in (3, ERROR) | count", [{"_count": 4}]),
    ("filter $m.severity.toUpperCase() == 'INFO' | count", [{"_count": 4}]),
    ("filter [2, 3].arrayContains($m.severity) | count", [{"_count": 4}]),
]
TYPED = [
    ("groupby $m.severity agg count() as n | filter severity == INFO | choose n", [{"n": 4}]),
    ("groupby $m.severity as s | create s from 'x' | filter s == 'x'", [{"s": "x"}]),
    ("choose $m.severity | create severity from 5 | filter severity == 5 | count", [{"_count": 4}]),
    ("create t from now() | move t to u.v | filter u.v == now() | count", [{"_count": 4}]),
    ("create t from now() | replace t with 'x' | filter t == 'x' | count", [{"_count": 4}]),
    ("create t from 1 | remove t | filter t == 'x' || true | count", [{"_count": 4}]),
    ("create t from 1 | move t to u | filter t == 'x' || u == 1 | count", [{"_count": 4}]),
    ("create t from 1 on keypath exists skip | filter t == 'x' | count", [{"_count": 0}]),
    ("create t.u from 1 | create t from 'x' | filter t.u == 'x' | count", [{"_count": 0}]),
]
JOINS = [
    (
        "countby shop into n | join (countby item into m) on n == m into x | orderby shop",
        [
            {"shop": "north", "n": 2, "x": {"item": "bolt", "m": 2}},
            {"shop": "south", "n": 2, "x": {"item": "bolt", "m": 2}},
        ],
    ),
    (
        "choose shop, item | join inner (filter price > 4 | choose shop, price) using shop into x",
        [
            {"shop": "north", "item": "bolt", "x": {"shop": "north", "price": 5}},
            {"shop": "north", "item": "nut", "x": {"shop": "north", "price": 5}},
        ],
    ),
    (
        ("filter price > 4 | choose item as i"
        " | join full (filter price < 4 | choose item as j) on left=>i == right=>j into x"),
        [{"i": "nut", "x": None}, {"x": {"j": "bolt"}}],
    ),
    (
        ("choose price as p | join (choose price as q, item as z) on right=>q == p into x"
        " | filter x == null && p == null"),
        [{"p": None, "x": None}],
    ),
    (
        "choose item as i | join cross (distinct state as s) into x | count",
        [{"_count": 8}],
    ),
    (
        ("choose shop as s, state as t"
        " | join inner (choose shop as a, state as b) on s == a && t == b into x | count"),
        [{"_count": 6}],
    ),
    (
        "choose item | orderby item | limit 2 | stitch (choose price | orderby price) into x",
        [
            {"item": "bolt", "x": {"price": 3}},
            {"item": "bolt", "x": {"price": 4}},
            {"x": {"price": 5}},
            {"x": {"price": None}},
        ],
    ),
    (
        ("filter item == 'cog' | join (countby $l.applicationname) on $l.applicationname =="
        " applicationname into y | choose item, y"),
        [{"item": "cog", "y": {"applicationname": "shop", "_count": 4}}],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("query", "rows"), [*EXAMPLES, *TYPED, *JOINS])
def test_a_query(bench, query, rows):
    """Each construct finds the rows that its description says."""
    bench.fill(*SHOPS)
    found = bench.data(query)
    if isinstance(rows[0], str):
        found = [" ".join(map(str, row.values())) for row in found]
    assert found == rows


VALUES = [
    ("'1h30m'.parseInterval() + '30m'.parseInterval()", "2h"),
    ("subtractInterval(whole, one + two)", "35s"),
    ("whole - one", "1m25s"),
    ("two * 2", "1m40s"),
    ("whole + 1", None),
    ("roundInterval(1h12m40s, 'm')", "1h12m"),
    ("roundInterval(-1h12m, 'hour')", "-1h"),
    ("(90s).toTimeUnit('m')", 1.5),
    ("(2h).toTimeUnit('minutes')", 120),
    ("whole.toTimeUnit('s')", 120),
    ("roundTime(@'2025-01-20T00:59:00Z', '1h')", NOW),
    ("formatTimestamp(now(), '%Y-%m')", "2025-01"),
    ("now().formatTimestamp('%F %T')", "2025-01-20 00:00:00"),
    ("now().formatTimestamp()", "2025-01-20T00:00:00Z"),
    ("@'2025-01-20T00:00:00.11Z'.formatTimestamp()", "2025-01-20T00:00:00.110Z"),
    ("@'2025-01-20T00:00:00.1234Z'.formatTimestamp()", "2025-01-20T00:00:00.123400Z"),
    ("now().formatTimestamp(tz = '+05')", "2025-01-20T05:00:00+0500"),
    ("now().formatTimestamp('%a %d %b %y %I:%M %p %j %z %%', 'America/New_York')",
     "Sun 19 Jan 25 07:00 PM 019 -0500 %"),
    ("now().formatTimestamp('timestamp_milli')", str(NOW // 10**6)),
    ("now().formatTimestamp('%R %e %u %V %s %A %B')", "00:00 20 1 04 1737331200 Monday January"),
    ("extractTime(now(), 'hour', 'Asia/Tokyo')", 9),
    ("extractTime(now(), 'dow')", 1),
    ("extractTime(now(), 'W')", 4),
    ("extractTime(now(), unit = 'day_of_year')", 20),
    ("extractTime(@'2025-01-20T10:11:12.5Z', 's')", 12.5),
    ("'04/05/23'.parseTimestamp('%D')", 1_680_652_800_000_000_000),
    ("'2023-04-05 16h07m'.parseTimestamp('%F %Hh%Mm')", 1_680_710_820_000_000_000),
    ("'5 Apr 2023 04:07:33 PM'.parseTimestamp('%d %b %Y %I:%M:%S %p')", 1_680_710_853_000_000_000),
    ("'05/Apr/2023:18:07:33 +0200'.parseTimestamp('%d/%b/%Y:%H:%M:%S %z')",
     1_680_710_853_000_000_000),
    ("'2023-04-05'.parseTimestamp('%F', 'Europe/Zurich')", 1_680_645_600_000_000_000),
    ("'2023-04-05T00:00:00Z'.parseTimestamp(tz = '+02:00')", 1_680_645_600_000_000_000),
    ("'1680710853.5'.parseTimestamp('%s|%s.%f')", 1_680_710_853_000_000_000),
    ("'1680710853123'.parseTimestamp('timestamp_second|%F|iso8601')", 1_680_710_853_123_000_000),
    ("'99/99/23'.parseTimestamp('%D')", None),
    ("'x'.parseTimestamp('%F')", None),
    ("'FF'.fromBase(16) + '-11'.fromBase(2)", 252),
    ("'1_0'.fromBase(10)", None),
    ("255.toBase(16)", "ff"),
    ("(-5).toBase(2)", "-101"),
    ("round(e() * 100)", 272),
    ("[1, 2].arrayInsertAt(1, 9)", [1, 9, 2]),
    ("[1, 2].arrayRemoveAt(0)", [2]),
    ("[1, 2].arrayReplaceAt(5, 9)", None),
    ("[1, 2, 1].arrayReplaceAll(1, 0)", [0, 2, 0]),
    ("whole.matches(null)", None),
    ("whole.matches(null:regexp)", None),
    ("whole.matches(one:regexp)", None),
    ("whole.matches(one)", None),
    ("'a, b'.arraySplit(', ')", ["a", "b"]),
    ("'a1b22c'.arraySplit(/[0-9]+/)", ["a", "b", "c"]),
    ("setDiffSymmetric([1, 2], [2, 3])", [1, 3]),
    ("'abcdef'.substr(from = 2, length = 2)", "cd"),
    ("if(then = 'a', condition = true, else = 'b')", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), VALUES, ids=[one for one, _ in VALUES])
def test_a_function(bench, expression, value):
    """Functions of times, intervals, numbers and arrays have the values of their descriptions."""
    assert bench.value(expression, {"whole": "2m", "one": "35s", "two": "50s"}) == value


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("extract j into o using jsonobject | choose o.k as k", {"k": 1}),
        ("extract j into o using jsonobject(max_unescape_count=0) | choose o.k as k", {"k": None}),
        ("extract q into o using jsonobject(max_unescape_count=1) | choose o.k as k", {"k": 2}),
        ("extract d into o using jsonobject(max_unescape_count=1) | choose o.k as k", {"k": None}),
        ("extract d into o using jsonobject(max_unescape_count=2) | choose o.k as k", {"k": 3}),
        ("explode list into x original preserve | choose x, kept", {"x": None, "kept": 1}),
        ("explode gone into x original preserve | choose x, kept", {"x": None, "kept": 1}),
        ("roundtime to 1h into $d.hour | choose hour", {"hour": NOW}),
        ("roundtime at:timestamp to 1h | choose at", {"at": NOW}),
        ("roundtime at: timestamp to 30m into h | choose h", {"h": NOW + HOUR // 2}),
    ],
)
def test_a_command_on_one_event(bench, query, found):
    """Escaped JSON is decoded as often as allowed; empty arrays and own times are kept."""
    escaped = '{\\"k\\": 1}'
    twice = '{\\\\\\"k\\\\\\": 3}'
    bench.fill(
        {"j": escaped, "q": '"{\\"k\\": 2}"', "d": twice, "list": [], "kept": 1,
         "at": "2025-01-20T00:45:00Z"}
    )  # fmt: skip
    assert bench.data(query) == [found]


def test_a_window_of_parameters(bench):
    """The window of a request is a time range that the query can shift."""
    bench.store.add([event({"n": n}, n * HOUR) for n in range(4)])
    found = bench.data(
        "source logs between $p.timeRange.startTime - 1h and $p.timeRange.endTime - 1h | choose n",
        start=NOW - HOUR,
        end=NOW + HOUR,
    )
    assert found == [{"n": 1}, {"n": 2}]


def test_a_join_is_bounded(bench):
    """A query in parentheses with too many rows ends the join with a message."""
    bench.fill(*({"n": n} for n in range(3)))
    plan = bench.plan("join cross (source logs | choose n as m) into x")
    plan.shared.max_values = 2
    answer = EngineAnswer(plan, bench.fresh(), 50)
    assert list(answer.batches()) == []
    assert str(QueryEndedError("join")) in answer.reason


def test_the_rows_of_a_join_are_bounded():
    """More rows than a join keeps end the query, with what to do."""
    row = QueryRow(None, None, {"n": 1})
    other = OtherQuery(lambda: itertools.repeat(row, MAX_JOINED + 1), Scope(Settings(now=NOW)))
    with pytest.raises(QueryEndedError, match=r"more than 100,000 rows"):
        other.kept(QueryState(), "join")


LUCENE = [
    ("bolt new", [0, 2]),
    ("shop:north item:bolt", [0]),
    ("shop:north NOT item:bolt", [1]),
    ("item:(bolt OR nut) -shop:south", [0, 1]),
    ("note:(big (red OR blue))", [0, 2]),
    ("price.numeric:[4 TO 5]", [1, 2]),
    ("price.numeric:{3 TO 5}", [2]),
    ("price.numeric:>=5", [1]),
    ('price.numeric:"3"', [0]),
    ("code.numeric:7", [3]),
    ('note.keyword:"big red"', [0]),
    ("note.keyword:big*", [0, 2]),
    ("note.keyword:Big", []),
    ("note.keyword:/big (red|blue)/", [0, 2]),
    ("note:/RE./", [0]),
    ("/bo.t/", [0, 2]),
    ("NOT note.keyword:/big.*/", [1, 3]),
    ("coralogix.metadata.severity:Error", [1]),
    ('coralogix.metadata.severity:"critical"', [2]),
    ("coralogix.metadata.severity:[WARNING TO *]", [1, 2]),
    ("coralogix.metadata.severity:>=Error AND shop:north", [1]),
    ("coralogix.metadata.severity.numeric:5", [1]),
    ("coralogix.metadata.applicationname:shop AND item:cog", [3]),
    ("coralogix.metadata.subsystemName.keyword:/w.b/ AND item:cog", [3]),
    ("coralogix.timestamp:[2025-01-19T00:00:00Z TO 2025-01-20T00:00:00Z] AND item:cog", [3]),
    ("_exists_:coralogix.metadata.category", []),
    ("shop=south", [2, 3]),
    ('note="big red"', [0]),
    ("ip:10.1.0.0/16", [0]),
    ('ip:"10.0.0.0/8"', [0, 1]),
    ("NOT ip:10.0.0.0/8", [2, 3]),
    ("shop:south or item:nut", [1, 2, 3]),
    ("shop:south and item:cog", [3]),
    ("at:[2025-01-19 TO 2025-01-20]", [0, 1]),
    ("at:{2025-01-19 TO *]", [1]),
    ("at:<2025-01-20", [0]),
    ("at:[2025-01-19T10:00:00.000Z TO *]", [0, 1]),
    ("at:{2025-01-19T12:00:00+02:00 TO 2025-01-20T00:00:00.0Z]", [1]),
    ("at:[2025-01-19T10:00:00Z TO 2025-01-19]", [0]),
    ("*:* AND price:>-1", [0, 1, 2]),
    ("path:\\/a\\/b", [3]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "numbers"), LUCENE, ids=[one for one, _ in LUCENE])
def test_lucene(bench, query, numbers):
    """Suffixes, regular expressions, severities, networks and words without operators."""
    more = [
        {"note": "big red", "ip": "10.1.2.3", "at": "2025-01-19T10:00:00Z"},
        {"ip": "10.2.0.1", "at": "2025-01-20"},
        {"note": "big blue", "ip": "192.168.0.1"},
        {"code": "7", "path": "/a/b"},
    ]
    severities = (3, 5, 6, 1)
    bench.store.add(
        event({"id": n, **one, **two}, n, severity=severity)
        for n, (one, two, severity) in enumerate(zip(SHOPS, more, severities, strict=True))
    )
    assert [row["id"] for row in bench.data(query, lucene=True)] == numbers
