"""Predicate pushdown: the SQL of a query, its indexes, and reading no more rows than needed."""

from __future__ import annotations

import itertools
import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxlogging.dataprime.rows import Severity
from cxlogging.devserver.engine.errors import QueryEndedError
from cxlogging.devserver.engine.scan import CHUNK, statement

from .conftest import NOW, event

HOUR = 3_600_000_000_000


def steps(bench, query, **more):
    """Return SQLite's query plan."""
    sql, values = statement(bench.plan(query, **more).scan_filter)
    connection = sqlite3.connect(bench.store.path)
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    finally:
        connection.close()


def where(bench, query, **more):
    sql, values = statement(bench.plan(query, **more).scan_filter)
    return sql.partition(" WHERE ")[2].partition(" ORDER ")[0], values


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("source logs", "events_time"),
        ("filter $m.timestamp > now() - 1h", "events_time"),
        ("source logs last 1h", "events_time"),
        ("filter $m.severity == ERROR", "events_severity"),
        ("filter $m.severity == ERROR && a == 1 | limit 5", "events_severity"),
        ("filter $m.severity >= ERROR", "events_severity"),
        ("filter $l.applicationname == 'shop' | limit 100", "events_application"),
        ("orderby $m.timestamp | limit 5", "events_time"),
    ],
)
def test_an_index_gives_the_order(bench, query, index):
    """Rows in order of time are read from an index, never sorted."""
    found = steps(bench, query)
    assert any(index in step for step in found), found
    assert not any("TEMP B-TREE" in step for step in found), found


def test_severities_are_merged(bench):
    """Several severities are each read from the index, and merged."""
    assert any("MERGE (UNION ALL)" in step for step in steps(bench, "filter $m.severity >= ERROR"))


@pytest.mark.parametrize(
    ("query", "sql", "values"),
    [
        ("filter $m.timestamp >= @1000000000000000000", "time_ns >= ?", [10**18]),
        ("filter @1000000000000000000 > $m.timestamp", "time_ns < ?", [10**18]),
        (
            "filter $m.timestamp == @1000000000000000000",
            "time_ns >= ? AND time_ns < ?",
            [10**18, 10**18 + 1],
        ),
        (
            "source logs between now() - 1h and now()",
            "time_ns >= ? AND time_ns < ?",
            [NOW - HOUR, NOW],
        ),
        (
            "source logs around now() interval 1h",
            "time_ns >= ? AND time_ns < ?",
            [NOW - HOUR, NOW + HOUR],
        ),
        (
            "source logs around now()",
            "time_ns >= ? AND time_ns < ?",
            [NOW - HOUR // 2, NOW + HOUR // 2],
        ),
        ("filter $m.severity == ERROR | count", "severity IN (5)", []),
        ("filter $m.severity > INFO && $m.severity != ERROR | count", "severity IN (4, 6)", []),
        ("filter [ERROR, CRITICAL].arrayContains($m.severity) | count", "severity IN (5, 6)", []),
        ("filter $m.severity in (DEBUG, INFO) | count", "severity IN (1, 3)", []),
        ("filter inArray($m.severity, [INFO]) | count", "severity IN (3)", []),
        ("filter $l.applicationname == 'a'", "application = ?", ["a"]),
        ("filter 'a' == $l.applicationname", "application = ?", ["a"]),
        ("filter $l.vendor == 'x'", "vendor = ?", ["x"]),
        (
            "filter $l.applicationname in ('a', 'b')",
            "(application = ? OR application = ?)",
            ["a", "b"],
        ),
        (
            "filter $l.subsystemname == 's'",
            "(subsystem = ? OR (subsystem = '' AND application = ?))",
            ["s", "s"],
        ),
        ("filter user.id == 'u 4711'", "instr(data, ?)", ["u 4711"]),
        (
            "filter a ~ 'gate-way' | filter b == 'x'",
            "data LIKE ? AND data LIKE ? AND instr(data, ?)",
            ["%gate%", "%way%", "x"],
        ),
        ("wildfind 'timeout' | block a == 1", "data LIKE ?", ["%timeout%"]),
        ("find 'x' in msg", "data LIKE ?", ["%x%"]),
        ("filter textSearch($d, 'x')", "data LIKE ?", ["%x%"]),
    ],
)
def test_what_is_asked_for(bench, query, sql, values):
    """The first filters of a query become SQL conditions."""
    assert where(bench, query) == (sql, tuple(values))


@pytest.mark.parametrize(
    "query",
    [
        "filter a == 'x' || $m.severity == ERROR",
        "filter !($m.severity == ERROR)",
        "block $m.severity == ERROR",
        "filter $l.applicationname != 'a'",
        "filter $l.category == 'a'",
        "filter a == 'é'",
        "filter a == '\"'",
        "filter a != 'x'",
        "filter a == 404",
        "filter a == b",
        "filter a ~ 'é'",
        "find 'x' in $l.category",
        "limit 5 | filter $m.severity == ERROR",
        "create a from 'x' | filter a == 'x'",
        "choose $m.severity as s | filter s == ERROR",
        "groupby a count() as n | filter a == 'x'",
        "lucene 'a:x' | count",
        "filter $m.severity in (4, ERROR)",
        "filter $l.applicationname in (a)",
    ],
)
def test_what_is_not(bench, query):
    """Conditions beyond SQL, or after a change of the rows, are not pushed down."""
    assert where(bench, query) == ("", ())


def test_the_window_of_the_request(bench):
    """The request's window is combined with the query's filter; a source clause replaces it."""
    window = {"start": NOW - 2 * HOUR, "end": NOW}
    assert where(bench, "filter $m.timestamp > now() - 1h", **window)[1] == (NOW - HOUR + 1, NOW)
    assert where(bench, "source logs last 3h", **window)[1] == (NOW - 3 * HOUR, NOW + 1)
    assert where(bench, "source logs timeshifted -1h", **window)[1] == (NOW - 3 * HOUR, NOW - HOUR)
    assert where(bench, "source logs | filter $m.timestamp > $p.timeRange.startTime", **window)[
        1
    ] == (
        NOW - 2 * HOUR + 1,
        NOW,
    )


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("count", set()),
        ("groupby $l.subsystemname count()", {"vendor", "application", "subsystem"}),
        ("groupby $m.severity avg(a)", {"severity", "data"}),
        ("countby roundTime($m.timestamp, 1h)", {"time_ns"}),
        ("filter $l.category == 'x' | count", None),
        ("lucene 'a:b' | count", None),
        ("count | union (source logs)", None),
        ("source logs", None),
    ],
)
def test_the_columns_that_are_read(bench, query, columns):
    """A query that creates its own rows reads only the columns that it uses; others read all."""
    found = bench.plan(query).scan_filter.columns
    assert found == columns if columns is not None else len(found) == 9


def test_rows_are_read_as_they_are_wanted(bench):
    """Of 5,000 rows that match, a limit of ten reads one chunk."""
    bench.fill(*({"n": n} for n in range(5_000)))

    assert len(bench.rows("filter n >= 0 | limit 10")) == 10
    assert bench.scan.rows_read == CHUNK


def test_a_stream_is_a_stream(bench):
    """The first row is available after one chunk with every command except groupings."""
    bench.fill(*({"n": n, "a": [n]} for n in range(2_000)))
    query = (
        "filter n >= 0 | create m from n | explode a into a original preserve | dedupeby n keep 1"
    )

    first = next(bench.stream(f"{query} | distinct n"))
    assert first.data == {"n": 0}
    assert bench.scan.rows_read == CHUNK


def test_an_ordering_holds_what_is_wanted(bench):
    """An ordering keeps no more rows in memory than the answer takes."""
    bench.fill(*({"n": n % 700} for n in range(2_100)))

    assert [
        row.data["n"] for row in bench.stream("orderby n desc | create x from 1 | limit 4")
    ] == [
        699,
        699,
        699,
        698,
    ]
    assert len(list(bench.stream("orderby n", max_rows=50))) == 51


def test_an_ordering_gives_enough(bench):
    """An ordering before commands that drop rows returns all that they need."""
    bench.fill(*({"n": n} for n in range(300)))
    late = "filter n >= 200 | limit 5"

    for query in (
        f"orderby n | {late}",
        f"orderby n | limit 280 | {late}",
        f"orderby n | limit 9999999 | {late}",
        f"limit 0 | union (source logs | orderby n) | {late}",
    ):
        found = [row.data["n"] for row in bench.stream(query, max_rows=50)]
        assert found == [200, 201, 202, 203, 204], query


def test_many_conditions(bench):
    """A query with many conditions or very long words stays within SQLite's limits."""
    bench.fill({"s": "x" * 60_000, "n": 1})
    many = ", ".join(f"'a{n}'" for n in range(5_000))

    assert bench.data(
        f"filter !($l.applicationname in ({many})) && s ~ '{'x' * 60_000}' | count"
    ) == [{"_count": 1}]
    assert bench.data(f"filter $l.applicationname in ({many}) && $m.severity > INFO | count") == [
        {"_count": 0}
    ]
    chain = " | ".join(
        "filter s != 'y' | filter n:string == '1' | wildfind 'x' | block n == 2" for _ in range(45)
    )
    assert bench.data(f"{chain} | count") == [{"_count": 0}]


def test_state_is_bounded(bench):
    """A query that needs too many values in memory ends with a message."""
    bench.fill(*({"n": n} for n in range(300)))
    for query in (
        "orderby n | filter n > 1",
        "distinct n",
        "dedupeby n keep 1",
        "aggregate percentile(0.5, n)",
        "aggregate collect(n)",
        "aggregate distinct_count(n)",
    ):
        plan = bench.plan(query)
        plan.shared.max_values = 100
        with pytest.raises(QueryEndedError, match="more than 100 values in memory"):
            list(plan.rows(bench.fresh()))


def test_a_thousand_groups(bench):
    """Groups above 1,000 are left out, and reported."""
    bench.fill(*({"n": n} for n in range(1_200)))
    plan = bench.plan("groupby n count()")

    assert len(list(plan.rows(bench.fresh()))) == 1_000
    assert plan.shared.groups_dropped
    assert not bench.plan("count").shared.groups_dropped


def test_a_query_is_stopped_between_chunks(bench):
    """A stopped scan reads at most one more chunk."""
    bench.fill(*({"n": n} for n in range(2_000)))
    asked = itertools.count()
    scan = bench.fresh(lambda: next(asked) >= 2)

    with pytest.raises(QueryEndedError, match="cancelled"):
        list(bench.plan("count").rows(scan))
    assert scan.rows_read == 2 * CHUNK


def test_a_store_that_is_gone(bench, tmp_path):
    """A store that cannot be read results in a message, not in a traceback."""
    scan = bench.fresh()
    scan._path = tmp_path / "gone.db"
    with pytest.raises(QueryEndedError, match="the store cannot be read"):
        list(bench.plan("count").rows(scan))


def test_time_gives_the_order(bench):
    """Rows are sorted newest first whatever the order of arrival, or oldest first on request."""
    bench.store.add([event({"n": 1}, time_ns=NOW - 5), event({"n": 2}, time_ns=NOW)])
    bench.store.add([event({"n": 3}, time_ns=NOW - 9, severity=5)])

    assert [row["n"] for row in bench.data("source logs")] == [2, 1, 3]
    assert [row["n"] for row in bench.data("orderby $m.timestamp")] == [3, 1, 2]
    assert [row["n"] for row in bench.data("filter n > 1 | orderby $m.timestamp asc")] == [3, 2]
    assert [row["n"] for row in bench.data("filter $m.severity in (INFO, ERROR)")] == [2, 1, 3]


PLACES = st.sampled_from(["", "a", "b", "betterstack"])
EVENTS = st.builds(
    lambda vendor, application, subsystem, severity, back, data: event(
        data,
        vendor=vendor,
        application=application,
        subsystem=subsystem,
        severity=severity,
        time_ns=NOW - back,
    ),
    st.sampled_from(["coralogix", "honeycomb", "betterstack"]),
    PLACES,
    PLACES,
    st.sampled_from(list(Severity)).map(int),
    st.integers(0, 5),
    st.fixed_dictionaries(
        {"s": st.sampled_from(["one two", "One-Two", "onetwo", "a", "é a", 'q"a', 1, 1.5, None])}
    ),
)
CONDITIONS = st.sampled_from(
    [
        "$m.severity == ERROR",
        "$m.severity >= WARNING",
        "$m.severity in (INFO, DEBUG)",
        "$m.timestamp > now() - 3ns",
        "$m.timestamp <= now() - 2ns",
        "$m.timestamp != now()",
        "$l.applicationname == 'a'",
        "$l.applicationname == 'betterstack'",
        "$l.subsystemname == 'b'",
        "$l.subsystemname == 'betterstack'",
        "$l.subsystemname in ('a', 'b')",
        "$l.vendor == 'honeycomb'",
        "s == 'a'",
        "s == 'one two'",
        "s ~ 'ONE two'",
        "$d ~~ 'a'",
        "s ~ '1'",
        "s ~ 'é'",
        "s == 'q\"a'",
        "s ~ '1.5'",
    ]
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENTS, max_size=12), st.lists(CONDITIONS, min_size=1, max_size=3))
def test_pushdown_changes_no_answer(bench, events, conditions):
    """A filter returns the same rows with and without pushdown."""
    bench.store.clear()
    bench.store.add(events)
    condition = " && ".join(conditions)

    helped = [json.dumps(row) for row in bench.rows(f"filter {condition}")]
    alone = [json.dumps(row) for row in bench.rows(f"filter ({condition}) || false")]
    assert helped == alone
