"""Any query over any events results in JSON rows or in a refusal, never in anything else."""

from __future__ import annotations

import itertools
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxlogging.devserver.engine import QueryRefusedError
from cxlogging.devserver.engine.answer import EngineAnswer
from cxlogging.devserver.engine.commands.aggregation_compiler import BUILDERS
from cxlogging.devserver.engine.compile.operators import ARITHMETIC, calculated
from cxlogging.devserver.engine.errors import QueryEndedError
from cxlogging.devserver.engine.functions import FUNCTIONS
from cxlogging.devserver.engine.functions.function import Function
from cxlogging.devserver.engine.values import (
    Interval,
    Kind,
    Timestamp,
    cast,
    compare,
    equals,
    group_key,
    json_value,
    kind_of,
    parse_interval,
    sort_key_of,
    to_text,
)

from .conftest import event
from .test_grammar import QUERIES

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["", "5", "1h", "2025-01-20T00:00:00Z", "10.0.0.1", "a=b c=d", '{"x":1}', "\ud800"]
    ),
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(
        ["a", "b", "limit", "desc", "count", "in", "error_code", "case", "from", "agg"]
    ),
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), inner)
        ),
        max_leaves=4,
    ),
    max_size=4,
)
VALUES = st.one_of(
    SCALARS,
    st.integers(0, 2**62).map(Timestamp),
    st.integers(-(2**62), 2**62).map(Interval),
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=3), SCALARS, max_size=2),
)

patiently = settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
    ],
)


def answered(bench, query):
    try:
        plan = bench.plan(query)
    except QueryRefusedError:
        return
    answer = EngineAnswer(plan, bench.fresh(), 50)
    for document in itertools.chain.from_iterable(answer.batches()):
        json.loads(document["userData"], parse_constant=lambda name: 1 / 0)
    assert "failed" not in answer.reason, (answer.reason, query)


@patiently
@given(st.lists(DOCUMENTS, max_size=4), QUERIES)
def test_made_queries_run(bench, documents, query):
    """Queries generated from the grammar, over documents of all shapes, run or are refused."""
    bench.store.clear()
    bench.store.add(event(one, n) for n, one in enumerate(documents))
    answered(bench, query)


ARGUMENTS = (
    "a b a.b 'x' 5 1h /a/ now() ERROR 0.5 [a] null null:regexp null:string null:timestamp"
    " a:regexp a:interval a:enum"
).split()


@patiently
@given(st.lists(DOCUMENTS, max_size=3), st.data())
def test_every_function_and_aggregation(bench, documents, data):
    """Each function accepts fields of any type."""
    bench.store.clear()
    bench.store.add(event(one, n) for n, one in enumerate(documents))
    name = data.draw(st.sampled_from([*FUNCTIONS, *BUILDERS]))
    taken = len(FUNCTIONS[name].takes) if name in FUNCTIONS else 2
    fields = data.draw(
        st.lists(
            st.sampled_from(ARGUMENTS),
            min_size=0,
            max_size=taken,
        )
    )
    command = "choose" if name in FUNCTIONS else "aggregate"
    answered(bench, f"{command} {name}({', '.join(fields)}) as value")


def _read(value):
    """An interval in a text counts as an interval in arithmetic."""
    found = parse_interval(value) if isinstance(value, str) else None
    return value if found is None else found


@patiently
@given(VALUES, VALUES)
def test_values_never_raise(left, right):
    """Comparing, ordering, grouping, casting and formatting work for any two values."""
    assert equals(left, right) in (True, False, None)
    assert compare(left, right) == (None if (back := compare(right, left)) is None else -back)
    assert sorted([left, right, None], key=sort_key_of)
    assert (group_key(left) == group_key(right)) or equals(left, right) is not True
    assert hash(group_key(left)) is not None
    json.dumps(json_value(left), allow_nan=False)
    assert to_text(left) is None or isinstance(to_text(left), str)
    for kind in ("string", "number", "bool", "timestamp", "interval"):
        found = cast(left, kind)
        assert found is None or kind_of(found).value == kind
    for sign in "+-*/%":
        made = calculated(sign, left, right)
        one, two = (_read(side) for side in (left, right))
        due = ARITHMETIC.get((sign, kind_of(left), kind_of(right)))
        due = due or ARITHMETIC.get((sign, kind_of(one), kind_of(two)))
        assert made is None or kind_of(made) is due


@patiently
@given(st.data())
def test_functions_give_what_they_say(data):
    """The result of a function has its type, or is null."""
    name = data.draw(st.sampled_from(sorted(FUNCTIONS)))
    function: Function = FUNCTIONS[name]
    given_kinds = {
        Kind.STRING: st.text(max_size=5),
        Kind.NUMBER: st.one_of(st.integers(-100, 100), st.floats(-1e6, 1e6)),
        Kind.TIMESTAMP: st.integers(0, 2**62).map(Timestamp),
        Kind.INTERVAL: st.integers(-(2**60), 2**60).map(Interval),
        Kind.ARRAY: st.lists(SCALARS, max_size=3),
        Kind.BOOL: st.booleans(),
        Kind.REGEXP: st.just(__import__("re").compile("a+")),
        Kind.ANY: SCALARS,
        Kind.OBJECT: st.dictionaries(st.text(max_size=3), SCALARS, max_size=3),
    }
    arguments = [data.draw(given_kinds[kind]) for kind in function.takes]
    try:
        found = function.apply(*arguments)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError, ArithmeticError):
        return
    assert function.returns is Kind.ANY or found is None or kind_of(found) is function.returns


def test_a_query_that_fails_amid_its_rows(bench):
    """Rows before an error are returned, and the answer says why the query ended."""
    bench.fill({"n": 1}, {"n": 2}, {"n": 3, "x": 1})
    answer = EngineAnswer(bench.plan("create x from 0 on keypath exists fail"), bench.fresh(), 50)
    rows = list(itertools.chain.from_iterable(answer.batches()))
    assert (len(rows), answer.status) == (2, "FAILED")
    assert str(QueryEndedError("create")) in answer.reason
