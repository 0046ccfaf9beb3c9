"""Refused queries: the message and its position."""

from __future__ import annotations

import pytest

from cxlogging.devserver.engine import QueryRefusedError, UnsupportedError
from cxlogging.devserver.engine.answer import EngineAnswer
from cxlogging.devserver.engine.commands.aggregation_compiler import ALSO_SCALAR, BUILDERS
from cxlogging.devserver.engine.compile.expression_compiler import AGGREGATIONS
from cxlogging.devserver.engine.functions import UNSUPPORTED_FUNCTIONS
from cxlogging.devserver.engine.syntax.query_parser import UNSUPPORTED

REFUSED = [
    ("", 0, "expected a command"),
    ("source logs |", 13, "expected a command"),
    ("source logs | fliter a == 1", 14, "Did you mean 'filter'?"),
    ("source", 6, "a dataset"),
    ("limit 5 | source logs", 10, "source comes first"),
    ("filter a = 1", 9, "write == to compare"),
    ("filter a == 1 and b == 2", 14, "write && for and"),
    ("filter a == 'x", 12, "unterminated string"),
    ("filter a == 12ab", 12, "not a number, nor an interval"),
    ("filter a == §", 12, "unexpected character"),
    ("filter a == b == c", 14, "between two comparisons"),
    ("filter (a == 1", 14, "expected ')'"),
    ("filter a ==", 11, "expected an expression"),
    ("filter matches(a, /x)", 18, "add a second '/'"),
    ("filter a:nubmer == 1", 9, "unknown type"),
    ("filter timestamp > 1 | filter $m.timestamp > '10'", 43, "compares a timestamp with a string"),
    ("filter $m.severity == 'Error'", 19, "write ERROR without quotes"),
    ("filter $m.severity == 'boom'", 19, "severities are bare words: DEBUG VERBOSE"),
    ("filter $m.severity == EROR", 22, "Did you mean 'ERROR'?"),
    ("filter $m.severity == level", 22, "no field of the data equals one"),
    ("filter $m.severity in (EROR, CRITICAL)", 23, "Did you mean 'ERROR'?"),
    ("filter $m.severity in ('Error')", 23, "no severity equals 'Error'; write ERROR without"),
    ("filter $m.severity in (7)", 23, "no severity equals 7; severities are bare words"),
    ("filter inArray($m.severity, ['ERROR'])", 29, "no severity equals 'ERROR'"),
    ("filter $m.severity == Error", 22, "severities are bare words in capitals, write ERROR"),
    ("filter warn == $m.severity", 7, "write WARNING"),
    ("filter 'a' + 'b' == a", 11, "concat() joins strings"),
    ("filter 5", 7, "a condition takes a bool, not a number"),
    ("filter !5", 7, "takes a bool"),
    ("filter a && 5", 9, "takes a bool"),
    ("filter -'a' == 1", 7, "- does not take a string"),
    ("filter toLowerCas(a) == 'x'", 7, "Did you mean 'toLowerCase'?"),
    ("filter avg(a) > 1", 7, "avg() is an aggregation: it is only possible after aggregate"),
    ("filter contains(a)", 7, "contains() takes 2 arguments, not 1"),
    ("filter a.length(1) > 1", 9, "takes 1 arguments, not 2"),
    ("filter length(5) > 1", 7, "takes a string, not a number"),
    ("filter now(1) > 1", 7, "now() takes 0 arguments"),
    ("filter objectSize('a') > 1", 7, "takes an object, not a string"),
    ("filter objectSize($m.timestamp) > 1", 7, "takes an object, not a timestamp"),
    ("filter objectSize($l.applicationname) > 1", 7, "takes an object, not a string"),
    ("filter objectSize($d, $l) > 1", 7, "takes 0 to 1 arguments, not 2"),
    ("filter $m.nothing == 1", 7, "keypath does not exist '$m.nothing'"),
    ("filter $m.severty == ERROR", 7, "did you mean 'severity'?"),
    ("filter $l.nothing == 1", 7, "keypath does not exist '$l.nothing'"),
    ("filter $x.a == 1", 7, "unknown root $x"),
    ("filter $p.other == 1", 7, "$p.other"),
    ("count | filter n > 1", 15, "keypath does not exist '$d.n'"),
    ("count | filter _cuont > 1", 15, "did you mean '_count'?"),
    ("count | orderby $m.timestamp", 16, "only what the commands before chose"),
    ("groupby a count() as a", 21, "two values have the name $d.a"),
    ("groupby a, b.length(), b.length() as _expr1 agg count()", 37, "two values have the name"),
    ("groupby a aggregate a", 20, "is outside of an aggregation"),
    ("groupby a aggregate 5", 20, "expected an aggregation"),
    ("aggregate count(1, 2)", 10, "takes 0 to 1 arguments"),
    ("aggregate percentile(99, a)", 21, "a number from 0 to 1"),
    ("aggregate collect(a, limt = 1)", 28, "no argument 'limt'"),
    ("aggregate sum('a')", 10, "takes a number, not a string"),
    ("choose $d", 7, "needs a name"),
    ("choose a, b as a", 15, "two values"),
    ("create $m.x from 1", 7, "writing to $m"),
    ("create $d from 1", 7, "as a whole"),
    ("remove $l.x", 7, "writing to $l"),
    ("create x from 1 on keypath exists drop", 34, "expected 'fail' or 'skip' or 'overwrite'"),
    ("extract a into b using regex(e=/x/)", 23, "unknown extractor 'regex'"),
    ("extract a into b using regexp()", 23, "takes e="),
    ("extract a into b using regexp(e=/(/)", 32, "invalid regular expression"),
    ("extract a into b using jsonobject(unescape=1)", 23, "jsonobject() with unescape"),
    ("extract a into $d using split(',')", 15, "results in an array: name a field"),
    ("choose if(a, els = 1) as x", 7, "named argument els"),
    ("choose formatTimestamp(tz = 'UTC') as x", 7, "lacks its argument 1"),
    ("aggregate count(x = 1)", 10, "count() has no argument 'x'"),
    ("aggregate percentile(0.5, a, limit = 1)", 10, "no argument 'limit'"),
    ("aggregate collect(a, limit = b)", 29, "limit takes a literal"),
    ("aggregate collect(a, limit = 0)", 29, "limit takes a literal"),
    ("create $p.x from 1", 7, "expected $d, $m, $l or a field"),
    ("choose a + 1 from b", 9, "expected a keypath before from"),
    ("choose [1]:string as x", 10, "a array cannot be cast to string"),
    ("extract a into b using kv('')", 23, "delimiters that are not empty"),
    ("extract a into b using kv(5)", 26, "pair_delimiter takes a literal"),
    ("extract a into b using kv('a', 'b', 'c')", 23, "so many arguments"),
    ("extract a into b using split('')", 23, "a delimiter that is not empty"),
    ("extract a into b using split(',', 5)", 34, "element_datatype takes a type"),
    ("source logs timeshifted $d.x", 24, "takes a constant interval"),
    ("multigroupby " + ", ".join(["(a)"] * 65) + " agg count()", 0, "at most 64 groupings"),
    ("find 5 in a", 5, "expected a string"),
    ("filter a ~ b", 11, "a string in quotes"),
    ("filter a ~ '--'", 11, "with at least one word"),
    ("filter a.b ~~ 'x'", 7, "as a whole"),
    ("limit x", 6, "how many rows"),
    ("limit 1.5", 6, "how many rows"),
    ("filter a > @'yesterday'", 11, "is not a time"),
    ("filter parseTimestamp(a, '%Q') > now()", 7, "parseTimestamp() with '%Q': works on the"),
    ("choose formatTimestamp(now(), '%f') as x", 7, "formatTimestamp() with '%f'"),
    ("choose formatTimestamp(now(), a) as x", 7, "an argument that is no literal"),
    ("choose formatTimestamp(now(), '%F', 'Mars') as x", 7, "formatTimestamp() with 'Mars'"),
    ("choose extractTime(now(), 'ms') as x", 7, "extractTime() with 'ms'"),
    ("choose toUnixTime(now(), 'weeks') as x", 7, "toUnixTime() with 'weeks'"),
    ("choose roundTime(now(), '1x') as x", 7, "takes an interval, not a string"),
    ("FILTER a == 1", 0, "Did you mean 'filter'?"),
    ("countby a | aggregate counts()", 22, "Did you mean 'count'?"),
    ("filter note.lower() == 'x'", 12, "Did you mean 'toLowerCase'?"),
    ("filter $p.timeRange.startTime < $m.timestamp", 7, "set start and end"),
    ("roundtime to 1h", 0, "writing to $m"),
    ("roundtime now() to 1h", 10, "add into"),
    ("filter a.matches(/x(?i)y/)", 17, "flags inside a regular expression"),
    (r"filter a.matches(/\pL/)", 17, "Unicode classes"),
    ("filter a.matches(/[[:dgit:]]/)", 17, "unknown class [:dgit:]"),
    ("top 3 a, count() by b", 20, "is no aggregation, nor one of the keys"),
    ("join (count) on a == b", 22, "expected 'into'"),
    ("join (source logs) on a == a into x", 22, "which side has which keypath"),
    ("countby a | join (countby b) on a == a into x", 37, "both sides of == are of the left"),
    ("join (source logs) into x", 19, "expected 'on' or 'using'"),
    ("source logs between @'now' and 5", 31, "takes a timestamp, not a number"),
    ("source logs last -1h", 17, "not take a negative interval"),
    ("source logs around now() interval -1h", 34, "not take a negative interval"),
    ("source logs last $d.x", 17, "last takes a constant"),
    ("source system/engine.queries", 0, "the source 'system/engine.queries'"),
    ("countby $m.severity | filter severity == 'Info'", 38, "write INFO without quotes"),
    ("choose $m.timestamp as t | filter t > '2025-01-20'", 36, "write a time as @"),
    ("create t from $m.timestamp / 1h | filter t < '1'", 43, "write a time as @"),
    ("roundtime to 1h into t | filter t == '1'", 34, "write a time as @"),
    ("aggregate count() as n | filter n == '1'", 34, "compares a number with a string"),
    ("orderby", 7, "expected an expression"),
    ("explode a into b original keep", 26, "'preserve' or 'discard'"),
    ("filter a == `x {b`", 17, "expected '}'"),
    ("filter " + "(" * 300 + "a" + ")" * 300, 207, "more than 200 levels"),
]


@pytest.mark.parametrize(
    ("query", "offset", "words"), REFUSED, ids=[one[:60] for one, _, _ in REFUSED]
)
def test_a_query_is_refused(bench, query, offset, words):
    """The message says what is wrong, and the position is that of the first error."""
    with pytest.raises(QueryRefusedError) as caught:
        bench.plan(query)
    assert words in caught.value.reason
    assert caught.value.offset == offset


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_commands_of_the_service_alone(bench, name):
    """A command that only the service supports is named, whatever follows it."""
    with pytest.raises(
        UnsupportedError, match=f"the command {name}: works on the service, not here"
    ):
        bench.plan(f"source logs | {name} whatever (comes after")


@pytest.mark.parametrize("name", sorted(UNSUPPORTED_FUNCTIONS))
def test_functions_of_the_service_alone(bench, name):
    """A function that only the service supports is named."""
    with pytest.raises(UnsupportedError, match=rf"the function {name}\(\): works on"):
        bench.plan(f"choose {name}(a, 1) as x")


@pytest.mark.parametrize(
    "query",
    [
        "filter " + " && ".join(["a == 1"] * 5_000),
        "filter " + "+".join(["1"] * 5_000) + " > 1",
        " | ".join(["filter a == 1"] * 300),
        "filter " + "!" * 5_000 + "a",
        "filter a" + ".b" * 5_000 + " == 1",
        "source logs | union (" * 300,
        "filter a == case { b -> " * 300,
    ],
    ids=lambda query: query[:40],
)
def test_very_long_queries(bench, query):
    """Huge and deeply nested queries are refused, run, or end with a message: nothing overflows."""
    bench.fill({"a": 1})
    try:
        answer = EngineAnswer(bench.plan(query), bench.fresh(), 5)
    except QueryRefusedError:
        return
    assert all(answer.batches())
    assert answer.reason in ("", "the query, or a value, is nested too deeply")


def test_the_aggregations_are_one_list():
    """The compiler knows every aggregation by name."""
    assert BUILDERS.keys() - {*ALSO_SCALAR} == AGGREGATIONS


def test_the_place_in_a_query_of_several_lines(bench):
    """Lines and columns are counted from 0, and the caret is below its character."""
    query = "source logs // all\n\t| filter a = 'ü'"
    with pytest.raises(QueryRefusedError) as caught:
        bench.plan(query)
    assert caught.value.message(query) == (
        "Compilation errors: syntax error: expected '|' or the end, not '=' (write == to compare)"
        " in line 1 at column 12"
    )
    assert caught.value.caret(query) == "\t| filter a = 'ü'\n\t           ^"


@pytest.mark.parametrize(
    ("query", "offset", "words"),
    [
        ("a )", 2, "expected a term, AND or OR"),
        ("coralogix.metadata.severity:Eror", 28, "unknown severity 'Eror'. Did you mean 'ERROR'?"),
        ("took.numeric:fast", 13, "'fast' is no number"),
        ("took.numeric:/1.*/", 13, "a number has no regular expressions"),
        ("took.numeric:1*", 13, "a number has no wildcards"),
        ("at:[now-1d TO *]", 4, "date math"),
        ("took>500", 0, "a comparison is written as in status:>=500"),
        ("a AND", 5, "expected a term"),
        ("(a OR b", 7, "expected ')'"),
        ("a~2", 1, "fuzzy"),
        ("a^2", 1, "boosts"),
        ("f:[1 2]", 5, "expected TO"),
        ("f:(a b", 6, "expected AND, OR or ')'"),
        ('"-"', 0, "at least one word"),
        ("--", 2, "expected a term"),
        ("f:[1 TO 2", 9, "expected ']'"),
        ("]", 0, "expected a term"),
        ('"a', 0, "is unexpected"),
        ("", 0, "expected a term"),
    ],
)
def test_lucene_is_refused(bench, query, offset, words):
    """Refused Lucene queries have a message and a position, alone and inside of DataPrime."""
    with pytest.raises(QueryRefusedError) as alone:
        bench.plan(query, lucene=True)
    with pytest.raises(QueryRefusedError) as inside:
        bench.plan(f"lucene '{query}'")
    assert words in alone.value.reason
    assert alone.value.offset == offset
    assert inside.value.offset == offset + 8


def test_strict_fields(bench):
    """With strict fields, one that no event has is refused; one that the query created is not."""
    bench.fill({"a": 1}, {"b": {"c": 2}})
    known = {("a",), ("b", "c"), ("b",)}
    strict = known.__contains__

    assert bench.data("filter a == 1 && b.c == null", field_exists=strict) == [{"a": 1}]
    assert len(bench.data("create z from 1 | filter z == 1", field_exists=strict)) == 2
    with pytest.raises(QueryRefusedError, match=r"keypath does not exist '\$d.b.d'") as caught:
        bench.plan("filter b.d == 1", field_exists=strict)
    assert caught.value.offset == 7
