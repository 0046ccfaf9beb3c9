"""The engine, and a second evaluator that was written independently, find the same rows."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cxlogging.devserver.engine import QueryRefusedError

from . import conftest
from .simple_evaluator import query_of, rows_of, text_of

WORDS = ["", "a", "b", "ab", "Abc ", " x", "5", "1.5", "true", "x y"]
NUMBERS = st.one_of(st.integers(-9, 9), st.integers(-40, 40).map(lambda n: n / 4))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(WORDS))
EVENTS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"m": SCALARS, "n": NUMBERS, "s": st.sampled_from(WORDS), "b": st.booleans()}
    ),
    max_size=8,
)


def literal(values):
    return values.map(lambda value: ("literal", value))


def field(*names):
    return st.sampled_from(names).map(lambda name: ("field", name))


def both(names, *parts):
    return st.tuples(st.sampled_from(names), *parts)


def call(names, *parts):
    return st.tuples(st.just("call"), st.sampled_from(names), *parts)


STRINGS = st.deferred(
    lambda: st.one_of(
        field("s", "m"),
        literal(st.sampled_from(WORDS)),
        call(["toLowerCase", "toUpperCase", "trim"], STRINGS),
        call(["concat"], field("s"), literal(st.sampled_from(WORDS))),
        st.tuples(st.just("cast"), field("n", "b", "m"), st.just("string")),
    )
)
AMOUNTS = st.deferred(
    lambda: st.one_of(
        field("n", "m"),
        literal(st.integers(0, 9)),
        both("+-*/%", AMOUNTS, AMOUNTS),
        both(["minus"], AMOUNTS),
        call(["abs", "floor", "ceil"], AMOUNTS),
        call(["length"], STRINGS),
        call(["indexOf"], STRINGS, STRINGS),
        st.tuples(st.just("cast"), field("s", "m"), st.just("number")),
        call(["firstNonNull"], field("m", "n"), field("n")),
        call(["if"], CONDITIONS, AMOUNTS, AMOUNTS),
    )
)
CONDITIONS = st.deferred(
    lambda: st.one_of(
        field("b", "m"),
        both(["==", "!=", "<", "<=", ">", ">="], AMOUNTS, AMOUNTS),
        both(["==", "!=", "<", ">="], STRINGS, STRINGS),
        both(["==", "!="], field("m", "n", "s", "b", "gone"), literal(st.none())),
        both(["&&", "||"], CONDITIONS, CONDITIONS),
        both(["not"], CONDITIONS),
        call(["contains", "startsWith", "endsWith"], STRINGS, STRINGS),
        call(["in"], field("m", "n", "s"), literal(SCALARS), literal(SCALARS)),
    )
)
ANYTHING = st.one_of(STRINGS, AMOUNTS, CONDITIONS)
KEYS = st.lists(ANYTHING, min_size=1, max_size=2).map(
    lambda keys: [(f"k{number}", key) for number, key in enumerate(keys)]
)
ITEMS = st.fixed_dictionaries(
    {"m": ANYTHING, "n": AMOUNTS}, optional={"s": STRINGS, "b": CONDITIONS}
).map(lambda items: list(items.items()))
AGGREGATES = st.lists(
    st.one_of(
        st.just(("count",)),
        both(["count", "distinct_count"], ANYTHING),
        both(["sum", "avg"], AMOUNTS),
        both(["min", "max"], field("m", "n", "s")),
        both(["count_if"], CONDITIONS),
    ),
    min_size=1,
    max_size=3,
).map(lambda found: [(f"a{number}", *one) for number, one in enumerate(found)])
ORDER = st.lists(st.tuples(ANYTHING, st.booleans()), min_size=1, max_size=2)
STEPS = st.one_of(
    both(["filter", "block"], CONDITIONS),
    st.tuples(st.just("create"), st.sampled_from(["m", "x"]), ANYTHING),
    st.tuples(st.just("choose"), ITEMS),
    st.tuples(st.just("orderby"), ORDER),
    st.tuples(st.just("limit"), st.integers(0, 5)),
)
LAST = st.one_of(
    st.just([]),
    st.tuples(st.just("groupby"), KEYS, AGGREGATES).map(lambda step: [step]),
    st.tuples(
        st.tuples(st.just("groupby"), KEYS, AGGREGATES),
        st.tuples(
            st.just("orderby"),
            st.tuples(st.just(("field", "a0")), st.booleans()).map(lambda key: [key]),
        ),
        st.tuples(st.just("limit"), st.integers(0, 5)),
    ).map(list),
)


def answered(bench, query):
    """The rows; None for a query with literals of two types, or with a field that is gone."""
    try:
        return bench.data(query)
    except QueryRefusedError as error:
        if re.search("type mismatch|keypath does not exist", error.reason):
            return None
        raise


def same(one, two):
    if type(one) in (int, float) and type(two) in (int, float):
        return math.isclose(one, two, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and one == two


@pytest.mark.slow
@settings(
    max_examples=1_000,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
    ],
)
@given(EVENTS, st.lists(STEPS, max_size=3), LAST)
def test_both_find_the_same(bench, rows, steps, last):
    """Filters, arithmetic, strings, groups, orders and limits over random events agree."""
    commands = [*steps, *last]
    query = query_of(commands)
    bench.store.clear()
    bench.store.add(conftest.event(row, number) for number, row in enumerate(rows))
    found = answered(bench, query)
    event("refused" if found is None else "compared")
    assert found is None or same(found, rows_of(commands, rows)), query


PAIR = (("field", "m"), ("field", "n"))
ONE = PAIR[:1]
FORMS = [
    *(("call", name, *ONE) for name in ("toLowerCase", "toUpperCase", "trim", "length")),
    *(("call", name, *ONE) for name in ("abs", "floor", "ceil")),
    *(("call", name, *PAIR) for name in ("contains", "startsWith", "endsWith", "indexOf")),
    *(("call", name, *PAIR) for name in ("firstNonNull", "in")),
    ("call", "if", *PAIR, ("literal", "else")),
    *((sign, *PAIR) for sign in ("+", "-", "*", "/", "%")),
    *((sign, *PAIR) for sign in ("==", "!=", "<", "<=", ">", ">=", "&&", "||")),
    ("not", *ONE),
    ("minus", *ONE),
    ("cast", *ONE, "number"),
    ("cast", *ONE, "string"),
]
ALL = [None, True, False, 0, 1, -2, 0.5, -7.25, *WORDS]


@pytest.mark.parametrize("form", FORMS, ids=text_of)
def test_both_agree_on_all_pairs(bench, form):
    """Each function and operator has the same value for any two values, of all types."""
    rows = [{"m": one, "n": two} for one in ALL for two in ALL]
    bench.store.clear()
    bench.store.add(conftest.event(row, number) for number, row in enumerate(rows))
    commands = [("choose", [("value", form), ("m", PAIR[0]), ("n", PAIR[1])])]
    for found, due in zip(bench.data(query_of(commands)), rows_of(commands, rows), strict=True):
        assert same(found, due)
