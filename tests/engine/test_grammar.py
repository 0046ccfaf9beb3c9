"""Two independent parsers of the language accept the same queries."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import lark
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cxlogging.devserver.engine.errors import QueryRefusedError, UnsupportedError
from cxlogging.devserver.engine.syntax.nodes import Query
from cxlogging.devserver.engine.syntax.query_parser import parse

from .test_reference import EXAMPLES, VALUES
from .test_refusals import REFUSED
from .test_samples import SAMPLES

MEANING = "expected a keypath before from"
"""An error of the parser that is not a matter of grammar."""


@cache
def grammar() -> lark.Lark:
    text = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    # A word ends where its letters end.
    whole = re.sub(r'"([a-z]+)"', r"/\1(?![A-Za-z0-9_])/", text)
    return lark.Lark(whole, start=["query", "expr"], parser="lalr")


def taken_by_grammar(query: str) -> bool:
    try:
        grammar().parse(query, start="query")
    except lark.exceptions.LarkError:
        return False
    return all(inner_is_taken(one) for one in re.findall(r"`(?:\\.|[^`\\])*`", query, re.DOTALL))


def inner_is_taken(template: str) -> bool:
    template = re.sub(r"\\.", "", template, flags=re.DOTALL)
    for inner in re.findall(r"\{([^}`]*\}?)", template):
        try:
            grammar().parse(inner.removesuffix("}"), start="expr")
        except lark.exceptions.LarkError:
            return False
    return template.count("{") == template.count("}")


def taken_by_parser(query: str) -> bool:
    refusal = refused(query)
    return refusal is None or MEANING in refusal.reason


def refused(text: str) -> QueryRefusedError | None:
    try:
        parse(text)
    except QueryRefusedError as error:
        return error
    return None


CORPUS = [
    *(query for query, _, _ in SAMPLES),
    *(query for query, _, _ in EXAMPLES),
    *(f"choose {expression} as value" for expression, _ in VALUES),
]


@pytest.mark.parametrize("query", CORPUS)
def test_the_corpus(query):
    """Both parsers accept, or both refuse, each query of the samples and the reference."""
    try:
        parse(query)
        taken = True
    except UnsupportedError:
        taken = False
    assert taken_by_grammar(query) is taken


@pytest.mark.parametrize("query", [query for query, _, _ in REFUSED if len(query) < 200])
def test_what_is_refused(query):
    """Both parsers agree on queries that are refused for their grammar or their meaning."""
    assert taken_by_grammar(query) is taken_by_parser(query)


NAMES = st.sampled_from("a b limit desc count in as error_code case from agg ERROR".split())
TEXTS = st.sampled_from(["'x'", '"y z"', r"'it\'s'", "''"])
NUMBERS = st.sampled_from(["0", "5", "2.5", "1e3", "404"])
INTERVALS = st.sampled_from(["1h", "1h30m", "500ms", "1d"])
TYPES = st.sampled_from(["number", "string", "bool", "timestamp"])
ROOTS = st.sampled_from(["$d", "$m", "$l"])
SIGNS = st.sampled_from("== != < <= > >= ~ + - * / % && ||".split())
MARKS = st.sampled_from("( ) [ ] { } , . : | ! = -> @ ~~ /".split())
WORDS = st.sampled_from(
    "as by desc asc into from to with on using keep in and agg aggregate original matching"
    " datatypes filter limit source logs last".split()
)


def joined(*parts: st.SearchStrategy[str], by: str = "") -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(by.join)


def some(part: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(part, min_size=1, max_size=most).map(" , ".join)


def maybe(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), part.map(lambda one: f" {one}"))


FIELDS = st.one_of(joined(st.just("."), NAMES), st.just("['x/y']"), st.just("[0]"))
PATHS = joined(st.one_of(NAMES, ROOTS), st.lists(FIELDS, max_size=2).map("".join))
LITERALS = st.one_of(
    TEXTS,
    NUMBERS,
    INTERVALS,
    st.just("@'now'"),
    st.just("/a+/"),
    st.just("`t {a} u`"),
    st.just("[]"),
    st.just("@(now() - 1h)"),
    st.just("null"),
)


def bigger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    side = inner.map(lambda one: f"({one})")
    call = joined(NAMES, some(inner, 2).map(lambda one: f"({one})"))
    branch = joined(inner, inner, by=" -> ")
    return st.one_of(
        joined(side, SIGNS, side, by=" "),
        joined(inner.map(lambda one: f"({one})"), joined(st.just("."), call)),
        call,
        joined(st.sampled_from("!-"), side),
        joined(side, TYPES, by=":"),
        some(inner).map(lambda one: f"[{one}]"),
        joined(side, some(inner).map(lambda one: f"in ({one})"), by=" "),
        some(branch, 2).map(lambda one: f"case {{ {one} , _ -> null }}"),
        joined(side, branch, by=" , ").map(lambda one: f"case_equals {{ {one} }}"),
        joined(NAMES, st.just(" = "), inner).map(lambda one: f"collect(a, {one})"),
    )


EXPRESSIONS = st.recursive(st.one_of(PATHS, LITERALS), bigger, max_leaves=6)
ITEMS = some(joined(EXPRESSIONS, maybe(joined(st.just("as "), PATHS))))
ITEM = joined(EXPRESSIONS, maybe(joined(st.just("as "), PATHS)))
COMMANDS = st.one_of(
    joined(st.sampled_from(["filter", "where", "block"]), EXPRESSIONS, by=" "),
    joined(st.just("find"), TEXTS, st.just("in"), PATHS, by=" "),
    joined(st.sampled_from(["wildfind", "lucene"]), TEXTS, by=" "),
    joined(st.sampled_from(["choose", "distinct"]), ITEMS, by=" "),
    joined(st.just("choose"), PATHS, st.just("from"), EXPRESSIONS, by=" "),
    joined(
        st.just("create"),
        PATHS,
        st.just("from"),
        EXPRESSIONS,
        maybe(st.just("on keypath exists skip")),
        by=" ",
    ),
    joined(st.just("move"), PATHS, st.just("to"), PATHS, by=" "),
    joined(st.just("remove"), some(PATHS), by=" "),
    joined(st.just("redact"), PATHS, maybe(st.just("matching")), st.just("/a/ to 'x'"), by=" "),
    joined(st.just("convert datatypes"), some(joined(PATHS, TYPES, by=":")), by=" "),
    joined(
        st.just("extract"),
        EXPRESSIONS,
        st.just("into"),
        PATHS,
        st.just("using kv(pair_delimiter=',')"),
        by=" ",
    ),
    joined(
        st.just("explode"),
        EXPRESSIONS,
        st.just("into"),
        PATHS,
        maybe(st.just("original preserve")),
        by=" ",
    ),
    joined(st.just("groupby"), ITEMS, st.sampled_from(["agg", "aggregate"]), ITEMS, by=" "),
    joined(
        st.just("countby"),
        ITEM,
        maybe(joined(st.just("into "), PATHS)),
        maybe(st.just("desc")),
        by=" ",
    ),
    joined(st.just("top 5"), ITEMS, st.just("by"), ITEMS, by=" "),
    joined(st.just("groupby"), ITEMS, by=" "),
    joined(st.just("multigroupby"), some(PATHS), st.just("agg count()"), by=" "),
    joined(st.just("multigroupby ("), ITEMS, st.just("), (a) agg count() as n"), by=" "),
    joined(st.just("roundtime"), PATHS, st.just("to 5m"), maybe(st.just("into x")), by=" "),
    joined(
        st.sampled_from(["join", "join left", "join inner", "join full"]),
        st.just("(source logs | countby a) on"),
        maybe(st.just("left=>")),
        PATHS,
        st.just("=="),
        PATHS,
        st.just("into x"),
        by=" ",
    ),
    joined(
        st.just("orderby"),
        some(joined(EXPRESSIONS, maybe(st.sampled_from(["asc", "desc"])))),
        by=" ",
    ),
    joined(
        st.just("dedupeby"),
        some(EXPRESSIONS),
        maybe(st.just("keep 2")),
        maybe(joined(st.just("orderby "), PATHS)),
        by=" ",
    ),
    st.sampled_from(
        [
            "limit 5",
            "count",
            "count into n",
            "agg count() as n",
            "union (source logs | limit 1)",
            "stitch (source logs | limit 1) into x",
            "join cross (source logs | limit 2) into x",
            "join (countby a) using a into x",
            "extract a into $d using kv()",
        ]
    ),
)
SOURCES = st.sampled_from(
    ["", "source logs | ", "source default/logs last 1h | ", "from logs // x\n | "]
)
QUERIES = joined(SOURCES, st.lists(COMMANDS, min_size=1, max_size=3).map(" | ".join))
PIECES = st.one_of(NAMES, TEXTS, NUMBERS, INTERVALS, TYPES, ROOTS, SIGNS, MARKS, WORDS)

quietly = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@quietly
@given(QUERIES)
def test_made_queries_are_taken_by_both(query):
    """Both parsers accept queries that were generated from the grammar."""
    assert taken_by_grammar(query)
    assert isinstance(parse(query), Query)


@quietly
@given(QUERIES, st.data())
def test_spoiled_queries_are_judged_alike(query, data):
    """Both parsers accept, or both refuse, a query with a random change."""
    pieces = re.findall(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\w+|\s+|->|&&|\|\||[=!<>]=|~~|.", query)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(pieces) - 1))
        new = data.draw(st.one_of(st.just([]), PIECES.map(lambda one: [f" {one} "])))
        pieces[at : at + data.draw(st.integers(0, 1))] = new
        pieces = pieces or [" "]
    spoiled = "".join(pieces)
    refusal = refused(spoiled)
    # Where the meaning is refused first, the parser has not read what follows.
    assume(refusal is None or MEANING not in refusal.reason)
    # A set of keys in parentheses, or a key that begins with one: the grammar takes either.
    assume("multigroupby" not in spoiled or "multigroupby (" in query)
    assert taken_by_grammar(spoiled) is taken_by_parser(spoiled)


@quietly
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    """Text that is not a query results in a refusal with a position inside of the text."""
    refusal = refused(text)
    if refusal is not None:
        assert 0 <= refusal.offset <= len(text)
        assert refusal.caret(text).endswith("^")
