"""The commands, as the language reference describes them: input rows, a query, output rows."""

from __future__ import annotations

import json

import pytest

PATHS = [
    {"path": "/home", "duration": 400},
    {"path": "/home", "duration": 600},
    {"path": "/about", "duration": 512},
    {"path": "/store", "duration": 33},
]
USERS = [{"user": one} for one in ("ariel", "harel", "ariel", "harel", "maya", "ariel")]
OPERATIONS = [
    {"operation": name, "latency": latency}
    for name, latency in (("a", 1), ("a", 2), ("b", 3), ("a", 4), ("b", 5), ("b", 6))
]
CLUSTERS = [{"cluster": one} for one in ("acme-prod-1", "acme-dev-1", "acme-1")]

EXAMPLES = [
    ("filter duration > 500", PATHS, [PATHS[1], PATHS[2]]),
    ("f duration > 500", PATHS, [PATHS[1], PATHS[2]]),
    ("where duration > 500", PATHS, [PATHS[1], PATHS[2]]),
    ("block path.startsWith('/h')", PATHS, [PATHS[2], PATHS[3]]),
    ("aggregate count() as count, max(duration) as top", PATHS, [{"count": 4, "top": 600}]),
    ("count", PATHS, [{"_count": 4}]),
    ("filter path != null | count into requests", PATHS, [{"requests": 4}]),
    (
        "groupby path agg avg(duration) as mean",
        PATHS,
        [
            {"path": "/home", "mean": 500},
            {"path": "/about", "mean": 512},
            {"path": "/store", "mean": 33},
        ],
    ),
    (
        "groupby path count() as hits | orderby hits desc, path | limit 2",
        PATHS,
        [{"path": "/home", "hits": 2}, {"path": "/about", "hits": 1}],
    ),
    (
        "groupby path agg count(), max(duration) | orderby path",
        PATHS,
        [
            {"path": "/about", "_count0": 1, "_max1": 512},
            {"path": "/home", "_count0": 2, "_max1": 600},
            {"path": "/store", "_count0": 1, "_max1": 33},
        ],
    ),
    ("aggregate round(avg(duration)) as mean", PATHS, [{"mean": 386}]),
    ("aggregate (max(duration) - min(duration)) / 3 as spread", PATHS, [{"spread": 189}]),
    (
        "countby path into hits asc | limit 1",
        [*PATHS[:2], PATHS[3]],
        [{"path": "/store", "hits": 1}],
    ),
    ("countby path", PATHS[:3], [{"path": "/home", "_count": 2}, {"path": "/about", "_count": 1}]),
    (
        "top 2 user by count()",
        USERS,
        [{"user": "ariel", "_count": 3}, {"user": "harel", "_count": 2}],
    ),
    ("bottom 1 user by count()", USERS, [{"user": "maya", "_count": 1}]),
    ("top 1 path by max(duration)", PATHS, [{"path": "/home", "_max0": 600}]),
    ("bottom 1 path by min(duration)", PATHS, [{"path": "/store", "_min0": 33}]),
    (
        "top 2 path by duration",
        PATHS,
        [{"path": "/home", "duration": 600}, {"path": "/about", "duration": 512}],
    ),
    ("distinct user as who", USERS, [{"who": "ariel"}, {"who": "harel"}, {"who": "maya"}]),
    ("dedupeby operation keep 2", OPERATIONS, [OPERATIONS[n] for n in (0, 1, 2, 4)]),
    ("choose path, duration as ms", PATHS[:1], [{"path": "/home", "ms": 400}]),
    ("select path", PATHS[:1], [{"path": "/home"}]),
    (
        "choose first from firstNonNull(a, b, c)",
        [{"a": "1", "b": None}, {"a": None, "b": "2"}, {"c": "3"}],
        [{"first": "1"}, {"first": "2"}, {"first": "3"}],
    ),
    (
        "create score from (points * days) on keypath exists skip",
        [{"days": 2, "points": 3, "score": 9}, {"days": 8, "points": 15}],
        [{"days": 2, "points": 3, "score": 9}, {"days": 8, "points": 15, "score": 120}],
    ),
    ("create a.b.c from 1", [{"a": {"x": 0}}], [{"a": {"x": 0, "b": {"c": 1}}}]),
    ("create x from 1 on keypath missing skip", [{}, {"x": 5}], [{}, {"x": 1}]),
    ("create x from 'a' on datatype changed skip", [{"x": 5}, {"x": "b"}], [{"x": 5}, {"x": "a"}]),
    (
        "convert datatypes code:number",
        [{"code": "200"}, {"code": "x"}],
        [{"code": 200}, {"code": None}],
    ),
    (
        "replace q.name with q.name.urlDecode()",
        [{"q": {"name": "a%20b", "z": 1}}, {}],
        [{"q": {"name": "a b", "z": 1}}, {}],
    ),
    (
        "move data.inner.labels to labels",
        [{"data": {"inner": {"labels": {"l": "v"}}}}],
        [{"data": {"inner": {}}, "labels": {"l": "v"}}],
    ),
    (
        "remove email, a.b",
        [{"email": "e", "a": {"b": 1, "c": 2}, "z": 0}],
        [{"a": {"c": 2}, "z": 0}],
    ),
    (
        "redact msg matching /[a-z]+@x\\.org/ to 'R'",
        [{"msg": "mail ab@x.org now"}],
        [{"msg": "mail R now"}],
    ),
    ("redact msg '.' to '\\\\1'", [{"msg": "a.b"}], [{"msg": "a\\1b"}]),
    (
        "explode scopes into scope original preserve",
        [{"u": "1", "scopes": ["r", None]}],
        [
            {"u": "1", "scopes": ["r", None], "scope": "r"},
            {"u": "1", "scopes": ["r", None], "scope": None},
        ],
    ),
    ("explode scopes into scope", [{"u": "1", "scopes": ["r"]}, {"u": "2"}], [{"scope": "r"}]),
    (
        "extract m into d using regexp(e=/user (?<name>\\w+) in/)",
        [{"m": "user Ada in"}, {"m": "x"}],
        [{"m": "user Ada in", "d": {"name": "Ada"}}, {"m": "x"}],
    ),
    (
        "extract m into d using regexp(e=/@(.*)/) | distinct d._0",
        [{"m": "a@b"}],
        [{"d": {"_0": "b"}}],
    ),
    (
        "extract m into n using multi_regexp(e=/\\d+/)",
        [{"m": "1 of 22"}],
        [{"m": "1 of 22", "n": ["1", "22"]}],
    ),
    (
        "extract q into p using kv(pair_delimiter='&', key_delimiter='=')",
        [{"q": "a=b&b=c"}],
        [{"q": "a=b&b=c", "p": {"a": "b", "b": "c"}}],
    ),
    (
        "extract q into p using kv() datatypes n:number",
        [{"q": "t=x n=7"}],
        [{"q": "t=x n=7", "p": {"t": "x", "n": 7}}],
    ),
    (
        "extract j into o using jsonobject",
        [{"j": '{"k":"v"}'}, {"j": "[1]"}],
        [{"j": '{"k":"v"}', "o": {"k": "v"}}, {"j": "[1]"}],
    ),
    (
        "extract c into a using split(delimiter=',', element_datatype=number)",
        [{"c": "10,20"}],
        [{"c": "10,20", "a": [10, 20]}],
    ),
    (
        "find 'eu-west-1a' in m",
        [{"m": "eu-west-1a up"}, {"m": "eu-west-1b up"}],
        [{"m": "eu-west-1a up"}],
    ),
    (
        "wildfind '10.0.0.7'",
        [{"a": "from 10.0.0.7 in"}, {"b": {"c": ["10.0.0.7"]}}, {"d": "10.0.0.70"}],
        [{"a": "from 10.0.0.7 in"}, {"b": {"c": ["10.0.0.7"]}}],
    ),
    (
        "filter $d ~~ 'online'",
        [{"a": "online_shop"}, {"a": "onlineshop"}, {"online": 1}],
        [{"a": "online_shop"}],
    ),
    (
        "filter a ~ 'version 17'",
        [{"a": "Version 17.4"}, {"a": "version: 17"}, {"a": "vers 17"}],
        [{"a": "Version 17.4"}, {"a": "version: 17"}],
    ),
    (
        "lucene 'pod:rec AND (bad:true OR code:404)'",
        [
            {"pod": "rec-1", "bad": True},
            {"pod": "rec-2", "code": 404},
            {"pod": "recs", "bad": True},
        ],
        [{"pod": "rec-1", "bad": True}, {"pod": "rec-2", "code": 404}],
    ),
    (
        "choose case_contains { cluster, '-prod-' -> 'p', '-dev-' -> 'd', _ -> 't' } as e",
        CLUSTERS,
        [{"e": "p"}, {"e": "d"}, {"e": "t"}],
    ),
    (
        "choose case_equals { cluster, 'acme-1' -> true, _ -> false } as e",
        CLUSTERS[1:],
        [{"e": False}, {"e": True}],
    ),
    (
        "choose case_greaterthan { n, 499 -> 's', 399 -> 'c', _ -> 'o' } as e",
        [{"n": 500}, {"n": 404}, {"n": 399}],
        [{"e": "s"}, {"e": "c"}, {"e": "o"}],
    ),
    (
        "choose case_lessthan { n, 10 -> 'a', 20 -> 'b' } as e",
        [{"n": 10}, {"n": 20}],
        [{"e": "b"}, {"e": None}],
    ),
    (
        "choose case { n > 1 && n < 3 -> 'two', n == 1 -> 'one' } as e",
        [{"n": 2}, {"n": 1}, {}],
        [{"e": "two"}, {"e": "one"}, {"e": None}],
    ),
    (
        "create m from `{users.arrayJoin(',')} did {what}`",
        [{"users": ["a", "b"], "what": "x"}],
        [{"users": ["a", "b"], "what": "x", "m": "a,b did x"}],
    ),
    (
        "groupby team aggregate any_value(name) as one",
        [{"team": "A", "name": None}, {"team": "A", "name": "B"}],
        [{"team": "A", "one": "B"}],
    ),
    (
        "aggregate collect(c, distinct = true) as all",
        [{"c": "1"}, {"c": "1"}, {"c": "2"}],
        [{"all": ["1", "2"]}],
    ),
    (
        "aggregate collect(c, ignoreNulls = true, limit = 1) as all",
        [{}, {"c": "1"}, {"c": "2"}],
        [{"all": ["1"]}],
    ),
    (
        "aggregate count_if(n > 1) as n, distinct_count(n) as d, approx_count_distinct(n) as a",
        [{"n": 1}, {"n": 2}, {"n": 2}, {}],
        [{"n": 2, "d": 2, "a": 2}],
    ),
    (
        "aggregate max_by(t, p) as last, min_by(t, p) as first",
        [{"t": 2, "p": "b"}, {"t": 1, "p": "a"}],
        [{"last": "b", "first": "a"}],
    ),
    (
        "aggregate percentile(0.5, n) as p, median(n) as m, sum(n) as s",
        [{"n": n} for n in (1, 2, 3, 10)],
        [{"p": 2.5, "m": 2.5, "s": 16}],
    ),
    (
        "aggregate variance(n) as v, sample_variance(n) as sv, stddev(n) as s",
        [{"n": n} for n in (2, 4, 6, 8)],
        [{"v": 5.0, "sv": 20 / 3, "s": 5**0.5}],
    ),
    ("aggregate sample_stddev(n) as s, avg(n) as a", [{"n": "1"}], [{"s": None, "a": None}]),
    ("orderby n desc", [{"n": 1}, {}, {"n": 3}], [{"n": 3}, {"n": 1}, {}]),
    ("orderby n", [{}, {"n": 3}, {"n": 1}], [{"n": 1}, {"n": 3}, {}]),
    ("sort by -n", [{"n": 1}, {"n": 3}], [{"n": 3}, {"n": 1}]),
    (
        "orderby a, n desc | filter n > 0",
        [{"a": 1, "n": 1}, {"a": 0, "n": 2}, {"a": 1, "n": 3}],
        [{"a": 0, "n": 2}, {"a": 1, "n": 3}, {"a": 1, "n": 1}],
    ),
    (
        "filter n == 1 | union (source logs | filter n == 3 | create late from true)",
        [{"n": 1}, {"n": 3}],
        [{"n": 1}, {"n": 3, "late": True}],
    ),
    (
        "multigroupby (a, b), (a) agg count() | orderby a, b",
        [{"a": 1, "b": 1}, {"a": 1, "b": 2}],
        [
            {"a": 1, "b": 1, "_count0": 1},
            {"a": 1, "b": 2, "_count0": 1},
            {"a": 1, "b": None, "_count0": 2},
        ],
    ),
    (
        "multigroupby (a as x), (b as y) agg count() as n",
        [{"a": 1, "b": 2}],
        [{"x": 1, "y": None, "n": 1}, {"x": None, "y": 2, "n": 1}],
    ),
]


MORE = [
    ("create x from 1 on datatype changed skip", [{}, {"x": 2}], [{"x": 1}, {"x": 1}]),
    ("choose 0:timestamp as t, power(2, 2000) as p", [{}], [{"t": 0, "p": None}]),
    ("create a.b from 1", [{"a": 5}, {"a": None}], [{"a": 5}, {"a": {"b": 1}}]),
    ("create l[0] from 9", [{"l": [1, 2]}, {"l": []}], [{"l": [9, 2]}, {"l": []}]),
    ("replace l[1].x with 9", [{"l": [1, {"x": 2}]}], [{"l": [1, {"x": 9}]}]),
    ("remove l[0], m[0].x", [{"l": [1, 2], "m": [{"x": 1}]}], [{"l": [2], "m": [{}]}]),
    ("remove missing.x", [{"a": 1}], [{"a": 1}]),
    ("move missing to b", [{"a": 1}], [{"a": 1}]),
    ("redact a 'x' to 'y'", [{"a": 5}], [{"a": 5}]),
    ("convert missing:number", [{"a": 1}], [{"a": 1}]),
    ("choose arrayConcat(l, l)[1] as x", [{"l": [1]}], [{"x": 1}]),
    ("choose a.b['c.d'] as x", [{"a": {"b": {"c.d": 1}}}], [{"x": 1}]),
    ("choose contains(a, null) as x", [{"a": "b"}], [{"x": None}]),
    (
        "aggregate sum(d:interval) as s, avg(d:interval) as a",
        [{"d": "1m"}, {"d": "30s"}, {}],
        [{"s": "1m30s", "a": "45s"}],
    ),
    (
        "aggregate sum(a) as s, avg(a) as m, max(a) as x, median(a) as p",
        [{}],
        [{"s": None, "m": None, "x": None, "p": None}],
    ),
    ("aggregate median(d:interval) as m", [{"d": "1m"}, {"d": "30s"}], [{"m": "45s"}]),
    ("aggregate avg(n) as a", [{"n": 1}, {"n": 2}], [{"a": 1.5}]),
    (
        "aggregate sum(n) as s, variance(n) as v",
        [{"n": 1e308}, {"n": 1e308}],
        [{"s": None, "v": 0.0}],
    ),
    (
        "aggregate max(a) as x, min(a) as n",
        [{"a": None}, {"a": "b"}, {"a": "c"}, {"a": {"b": 1}}],
        [{"x": "c", "n": "b"}],
    ),
    (
        "aggregate max($m.severity) as s, any_value($l.vendor) as v",
        [{}],
        [{"s": "Info", "v": "coralogix"}],
    ),
    ("aggregate collect($d) as all", [{"a": 1}], [{"all": [{"a": 1}]}]),
    ("aggregate any_value() as one", [{"a": 1}], [{"one": {"a": 1}}]),
    ("aggregate percentile(0.5, n, 0.1) as p", [{"n": 1}], [{"p": 1}]),
    ("aggregate count(n) as c", [{"n": 1}, {}], [{"c": 1}]),
    ("aggregate count_if(n > 0, m) as c", [{"n": 1}, {"n": 1, "m": 0}], [{"c": 1}]),
    (
        "groupby n, b.length() agg count() as c",
        [{"n": 1, "b": "x"}],
        [{"n": 1, "_expr1": 1, "c": 1}],
    ),
    ("groupby a.b:string agg count() as c", [{"a": {"b": 1}}], [{"a": {"b": "1"}, "c": 1}]),
    (
        "groupby v count() as c",
        [{"v": 1}, {"v": 1.0}, {"v": True}, {"v": "1"}, {"v": None}, {}],
        [{"v": 1, "c": 2}, {"v": True, "c": 1}, {"v": "1", "c": 1}, {"v": None, "c": 2}],
    ),
    (
        "groupby o count() as c",
        [{"o": {"a": 1, "b": 2}}, {"o": {"b": 2, "a": 1}}],
        [{"o": {"a": 1, "b": 2}, "c": 2}],
    ),
    (
        "extract a into b using regexp(e=/x(y)?/)",
        [{"a": "xz"}, {"a": 5}],
        [{"a": "xz", "b": {"_0": None}}, {"a": 5}],
    ),
    ("extract a into b using jsonobject", [{"a": "{"}], [{"a": "{"}]),
    (
        "extract a into b using kv(',', ':') datatypes z:number",
        [{"a": "x:1,y,z:2"}],
        [{"a": "x:1,y,z:2", "b": {"x": "1", "z": 2}}],
    ),
    ("extract a into b using split()", [{"a": "x,y"}], [{"a": "x,y", "b": ["x", "y"]}]),
    (
        "top 2 b.length() as n by a as m",
        [{"a": 1, "b": "x"}, {"a": 2, "b": "yy"}],
        [{"n": 2, "m": 2}, {"n": 1, "m": 1}],
    ),
    (
        "distinct a, b",
        [{"a": 1}, {"a": 1}, {"a": 1, "b": 2}],
        [{"a": 1, "b": None}, {"a": 1, "b": 2}],
    ),
    ("limit 0", [{"a": 1}], []),
    (
        "orderby a desc",
        [{"a": "x"}, {"a": 5}, {"a": None}, {"a": [1]}, {"a": True}],
        [{"a": [1]}, {"a": True}, {"a": 5}, {"a": "x"}, {"a": None}],
    ),
]


@pytest.mark.parametrize(("query", "documents", "expected"), MORE, ids=[one for one, _, _ in MORE])
def test_a_corner_of_a_command(bench, query, documents, expected):
    """Missing keypaths, other types and scalars in the way change nothing and raise nothing."""
    bench.fill(*documents)
    assert bench.data(query) == expected


@pytest.mark.parametrize(
    ("query", "documents", "expected"), EXAMPLES, ids=[one for one, _, _ in EXAMPLES]
)
def test_a_command(bench, query, documents, expected):
    """An example of the reference returns the documented rows in their order."""
    bench.fill(*documents)
    assert bench.data(query) == expected


VALUES = [
    ("length('μs') + byteLength('μs')", 5),
    ("chr(10084)", "❤"),
    ("codepoint('❤')", 10084),
    ("concat('a', 1, true)", "a1true"),
    ("'a'.concat('b', 'c')", "abc"),
    ("decodeBase64(encodeBase64('häh'))", "häh"),
    ("'a=b'.indexOf('=')", 1),
    ("'a=b'.substr(2)", "b"),
    ("substr('abcdef', 1, 3)", "bcd"),
    ("'  a '.trim()", "a"),
    ("concat(ltrim(' a '), '|', rtrim(' a '))", "a | a"),
    ("matches('ab12', /[a-z]+\\d+/)", True),
    ("'ab12!'.matches(/[a-z]+\\d+/)", False),
    ("!matches('x', /y/)", True),
    ("pad('abc', 5, 'X')", "XXabc"),
    ("'abc'.padRight(5, 'X')", "abcXX"),
    ("padLeft('abcdef', 2, 'X')", "ab"),
    ("regexpSplitParts('a  b c', /\\s+/, 3)", "c"),
    ("splitParts('a@b', '@', 2)", "b"),
    ("splitParts('a@b', '@', 3)", None),
    ("'Ab'.toLowerCase() == 'ab' && 'Ab'.toUpperCase() == 'AB'", True),
    ("'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.contains('b')", True),
    ("urlEncode('a b&')", "a%20b%26"),
    ("isUuid('0b954eed-de4a-4304-a398-16fbb09cd7e3')", True),
    ("isUuid('0b954eed')", False),
    ("ipInSubnet('10.8.0.8', '10.0.0.0/8')", True),
    ("ipInSubnet('333.4.5.6', '10.0.0.0/8')", None),
    ("ipPrefix('155.123.7.4', 10)", "155.64.0.0/10"),
    ("abs(-3) + ceil(1.2) + floor(1.8)", 6),
    ("round(569.5)", 570),
    ("round(2.675, 1)", 2.7),
    ("power(7, 2)", 49),
    ("power(10, 400)", None),
    ("log(2, 16)", 4.0),
    ("log2(8) + ln(1)", 3.0),
    ("mod(7, 2)", 1.0),
    ("7 % 0", None),
    ("sqrt(-1)", None),
    ("max(1, 3, 2) - min(1, 3, 2) + sum(1, 2)", 5),
    ("10/2 + 6/3", 7),
    ("7 / 2", 3.5),
    ("1 / 0", None),
    ("2 + 3 * 4 - -1", 15),
    ("(2 + 3) * 4 % 6", 2.0),
    ("[1, 2, 2].cardinality()", 2),
    ("arrayContains(['a', 'b'], 'b')", True),
    ("inArray(3, [1, 2])", False),
    ("arrayAppend([1], 'a')", [1, "a"]),
    ("arrayConcat([1], [2])", [1, 2]),
    ("arrayJoin([1, 'a', true], '-')", "1-a-true"),
    ("arrayLength([])", 0),
    ("isEmpty([])", True),
    ("arrayRemove(['a', 'b'], 'a')", ["b"]),
    ("arraySort(['b', null, 'a'])", ["a", "b", None]),
    ("arraySort([1, 2], true)", [2, 1]),
    ("setUnion([1, 1], [2])", [1, 2]),
    ("setIntersection([1, 2], [2, 3])", [2]),
    ("setDiff([1, 2], [2])", [1]),
    ("setEqualsTo([1, 1, 2], [2, 1])", True),
    ("isSubset([1], [1, 2]) && isSuperset([1, 2], [1])", True),
    ("setUnion(null, [1])", [1]),
    ("if(1 < 2, 'y', 'n')", "y"),
    ("(1 > 2).if('y')", None),
    ("in('a', 'b', 'a')", True),
    ("'a'.in('b')", False),
    ("'a' in ('b', 'a')", True),
    ("2 in [1, 3]", False),
    ("textSearch('online_boutique', 'online')", True),
    ("'5':number + '2.5':number", 7.5),
    ("'x':number", None),
    ("5:string", "5"),
    ("2.0:string", "2"),
    ("'true':bool", True),
    ("true:number", 1),
    ("'1h30m':interval", "1h30m"),
    ("1h + 30m", "1h30m"),
    ("-1h + 30m", "-30m"),
    ("1h - 1h", "0ns"),
    ("1d2h3m4s5ms6us7ns", "1d2h3m4s5ms6us7ns"),
    ("2 * 45s", "1m30s"),
    ("1h / 2", "30m"),
    ("1h / 30m", 2),
    ("parseInterval('35m10s')", "35m10s"),
    ("parseInterval('1s1d')", None),
    ("toInterval(30, 's').multiplyInterval(25)", "12m30s"),
    ("formatInterval(5m, 'seconds')", "300s"),
    ("addInterval(1d, -1h)", "23h"),
    ("subtractInterval(1m, 10s)", "50s"),
    ("now()", 1_737_331_200_000_000_000),
    ("now() - 1d", 1_737_244_800_000_000_000),
    ("now() - @'2025-01-19T23:59:00Z'", "1m"),
    ("diffTime(@'2025-01-20T00:01:00Z', now())", "1m"),
    ("addTime(now(), 1s) == now() + 1s && subtractTime(now(), 1s) == now() - 1s", True),
    ("roundTime(@'2025-01-20T13:45:59Z', 1h)", 1_737_378_000_000_000_000),
    ("@'2025-01-20T13:45:59Z' / 1h", 1_737_378_000_000_000_000),
    ("toUnixTime(@1728769618374000000, 's')", 1_728_769_618),
    ("toUnixTime(@1728769618374000000)", 1_728_769_618_374),
    ("fromUnixTime(1658958157515, 'ms')", 1_658_958_157_515_000_000),
    ("toIso8601DateTime(@1728769618374000000)", "2024-10-12T21:46:58.374Z"),
    ("parseTimestamp('2023-04-05')", 1_680_652_800_000_000_000),
    ("parseTimestamp('1680710853', 'timestamp_second')", 1_680_710_853_000_000_000),
    ("parseTimestamp('nonsense')", None),
    ("'2023-04-05T16:07:33.123Z':timestamp", 1_680_710_853_123_000_000),
    ("@(now() - 1h) < now()", True),
    ("ERROR > WARNING && DEBUG < VERBOSE", True),
    ("$m.severity", "Info"),
    ("$m.severity:string", "Info"),
    ("$l.applicationname", "shop"),
    ("$m.timestamp == now()", True),
    ("pi() > 3", True),
    ("random() < 1 && randomInt(5) < 5 && isUuid(uuid()) && isUuid(randomUuid())", True),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[one for one, _ in VALUES])
def test_an_expression(bench, expression, expected):
    """An expression of the reference has the documented value."""
    found = bench.value(expression)
    assert found == expected
    assert type(found) is type(expected)


def test_fields_that_were_flattened(bench):
    """The same keypath reads nested fields and flattened ones."""
    bench.fill({"order": {"id": 1}}, {"order.id": 2}, {"order": {}, "order.id": 3}, {"order": 4})
    assert bench.data("choose order.id as id") == [{"id": 1}, {"id": 2}, {"id": 3}, {"id": None}]
    assert len(bench.data("lucene 'order.id:[1 TO 3]'")) == 3


SIZED = {"o": {"é": [1, 2.5], "x": None}, "a": [], "s": "text", "none": None}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("objectSize()", len(json.dumps(SIZED, ensure_ascii=False, separators=(",", ":"))) + 1),
        ("objectSize() == objectSize($d) && $d.objectSize() == objectSize($d)", True),
        ("objectSize($d.o)", len('{"é":[1,2.5],"x":null}'.encode())),
        ("objectSize($d.none)", None),
        ("objectSize($d.missing)", None),
        ("objectSize($d.a)", None),
        ("objectSize($d.s)", None),
        ("objectSize($l) > 2 && objectSize($m) > 2", True),
    ],
)
def test_the_size_of_an_object(bench, expression, expected):
    """It is that of compact JSON in UTF-8, of `$d` by default; null for what is no object."""
    assert bench.value(expression, SIZED) == expected


def test_sizes_are_summed_by_group(bench):
    """`sum(objectSize($d))` shows which fields' values make the volume, and skips nulls."""
    bench.fill({"a": 1}, {"a": 1, "o": {}}, {"a": 2, "long": "x" * 100})
    query = "groupby a agg sum(objectSize($d)) as bytes, sum(objectSize(o)) as inner | orderby a"
    assert bench.data(query) == [
        {"a": 1, "bytes": 7 + 14, "inner": 2},
        {"a": 2, "bytes": len('{"a":2,"long":""}') + 100, "inner": None},
    ]


def test_arrays_are_equal_by_value_and_type(bench):
    """An array equals another one with the same values; `false` in it does not equal 0."""
    document = {
        "a": [False, 1],
        "b": [0, 1],
        "c": [False, 1.0],
        "d": {"x": [1]},
        "e": {"x": [True]},
    }
    assert bench.value("a == b", document) is False
    assert bench.value("a == c", document) is True
    assert bench.value("d == e", document) is False
    assert bench.value("cardinality([a, b, c])", document) == 2


NULLS = [
    ("a == null", True),
    ("b == null", False),
    ("a != null", False),
    ("b != null", True),
    ("null == null", True),
    ("a == 'x'", False),
    ("a != 'x'", True),
    ("a > 1", None),
    ("o == null", None),
    ("o != null", None),
    ("o == 1", None),
    ("b == 1", None),
    ("b != 1", None),
    ("!a", None),
    ("a && false", False),
    ("a && true", None),
    ("true || a", True),
    ("false || a", None),
    ("a + 1", None),
    ("b + 1", None),
    ("-b", None),
    ("a.x.y", None),
    ("b.length()", 1),
    ("n.length()", None),
    ("concat(b, a)", None),
    ("firstNonNull(a, o, b)", "s"),
    ("l[1]", 2),
    ("l[5]", None),
    ("o.p", 1),
    ("o['p']", 1),
    ("l.arrayContains(2)", True),
    ("l.arrayContains('2')", False),
    ("n == 1.0", True),
    ("t == 1", None),
    ("t == true", True),
    ("b ~ 's'", True),
    ("a ~ 's'", None),
    ("a in ('x')", None),
    ("in(n, 1)", True),
    ("roundTime(s, 1h)", 1_728_763_200_000_000_000),
    ("s:timestamp", 1_728_763_337_000_000_000),
    ("`{a}`", None),
    ("case { a -> 1, _ -> 2 }", 2),
    ("if(a, 1, 2)", 2),
    ("a:number", None),
]
DOCUMENT = {"s": 1_728_763_337, "b": "s", "n": 1, "t": True, "o": {"p": 1}, "l": [1, 2]}


@pytest.mark.parametrize(("expression", "expected"), NULLS, ids=[one for one, _ in NULLS])
def test_null_and_other_types(bench, expression, expected):
    """Missing values and other types result in null, never in an error; null equals only null."""
    found = bench.value(expression, DOCUMENT)
    assert found == expected
    assert type(found) is type(expected)
