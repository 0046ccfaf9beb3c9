"""`cxlogging tail`: every row is printed once, even if it is late or requests fail."""

from __future__ import annotations

import itertools
import json
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.cli.shared.levels import LevelType
from cxlogging.cli.tail.following import SECOND, Following
from cxlogging.cli.tail.main import query_of
from cxlogging.dataprime import QueryError, Row, Severity, Unreachable, times

from ..dataprime.service import QUERY_ID, STATISTICS, Asked, Reply, line, log, result, whole
from .conftest import interrupt

LATE = 40


class World:
    """Rows with their time, and the time at which they become visible, in seconds."""

    def __init__(self, rows, *, named):
        self.rows = [
            (born, born + late, Row(text, {"timestamp": times.iso(born * SECOND), **name}))
            for number, (born, late, text) in enumerate(rows)
            for name in [{"logid": f"{number}"} if named else {}]
        ]
        self.now = 0
        self.fails = False

    def ask(self, start, end):
        for born, visible, row in self.rows:
            if self.fails and born % 2:
                raise Unreachable("gone")
            if visible <= self.now and start <= born * SECOND <= end:
                yield Row(row.raw, row.metadata)


@given(
    rows=st.lists(
        st.tuples(st.integers(100, 300), st.integers(0, LATE), st.sampled_from("ab")), max_size=30
    ),
    steps=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=30),
    named=st.booleans(),
)
def test_every_row_comes_once(rows, steps, named):
    """With any lateness up to the maximum, any pauses, failures and duplicates."""
    world = World(rows, named=named)
    following = Following(world.ask, 100 * SECOND, LATE * SECOND)
    got = []
    for pause, fails in [*steps, (400, False), (LATE, False)]:
        world.now, world.fails = world.now + pause, fails
        try:
            got += following.new_until(world.now * SECOND)
        except Unreachable:
            assert fails

    assert sorted((row.timestamp_ns, row.raw) for row in got) == sorted(
        (row.timestamp_ns, row.raw) for _, _, row in world.rows
    )


def test_memory_is_bounded_by_the_maximum_lateness():
    """Rows that are too old to come again are forgotten."""
    world = World([(second, 0, "x") for second in range(1_000)], named=True)
    following = Following(world.ask, 0, LATE * SECOND)
    for world.now in range(0, 1_000, 5):
        following.new_until(world.now * SECOND)

    assert len(following._seen) <= LATE * 1.25 + 10


def test_rows_of_a_window_are_in_order_of_time():
    """The service returns the newest row first; a tail prints it last."""
    world = World([(30, 0, "c"), (10, 0, "a"), (20, 0, "b")], named=True)
    world.now = 40

    rows = Following(world.ask, 0, LATE * SECOND).new_until(40 * SECOND)

    assert [row.raw for row in rows] == ["a", "b", "c"]


def test_a_clock_that_is_set_back():
    """No window ends before it begins."""
    asked = []
    following = Following(lambda *window: asked.append(window) or [], 0, LATE * SECOND)
    for now in (1_000, 500, 501, 1_001):
        following.new_until(now * SECOND)

    assert all(start <= end for start, end in asked)


def test_rows_without_a_time_cannot_be_followed():
    """A count has no rows with a time."""
    with pytest.raises(QueryError, match="cannot be followed"):
        Following(lambda *_: [Row('{"_count":1}')], 0, 0).new_until(1)


@pytest.mark.parametrize(
    ("expression", "level", "query"),
    [
        (None, None, "source logs"),
        ("$d.user.id == 4711", None, "source logs | filter $d.user.id == 4711"),
        ("f(x) == 1", None, "source logs | filter f(x) == 1"),
        ("filter a == 1", None, "filter a == 1"),
        ("source spans | filter x", None, "source spans | filter x"),
        ("wildfind 'oops'", None, "wildfind 'oops'"),
        ("declined", None, "source logs | wildfind 'declined'"),
        ("card declined: 51", None, "source logs | wildfind 'card declined: 51'"),
        ("find the größe", None, "source logs | wildfind 'find the größe'"),
        ("source spans", None, "source spans"),
        ("filter is_error", None, "filter is_error"),
        ("$d.is_error", None, "source logs | filter $d.is_error"),
        ("!is_error", None, "source logs | filter !is_error"),
        (
            "a == 1",
            Severity.ERROR,
            "source logs | filter a == 1 | filter $m.severity == ERROR || $m.severity == CRITICAL",
        ),
    ],
)
def test_a_filter_is_a_condition_or_a_pipeline(expression, level, query):
    """Words are searched for, a condition becomes a filter; a pipeline is used as it is."""
    assert query_of(expression, level, "dataprime") == query


@pytest.mark.parametrize(
    ("level", "first"),
    [
        *((each.name, each) for each in Severity),
        *((each.name.lower(), each) for each in Severity),
        *((str(each.value), each) for each in Severity),
        *[("Error", Severity.ERROR), ("WARN", Severity.WARNING), ("warn", Severity.WARNING)],
        *[("err", Severity.ERROR), ("Fatal", Severity.CRITICAL), ("crit", Severity.CRITICAL)],
        *[("trace", Severity.DEBUG), ("notset", Severity.DEBUG), ("0", Severity.DEBUG)],
        *[("notice", Severity.WARNING), ("information", Severity.INFO)],
        *[("10", Severity.DEBUG), ("20", Severity.INFO), ("30", Severity.WARNING)],
        *[("40", Severity.ERROR), ("50", Severity.CRITICAL), ("35", Severity.ERROR)],
        *[("60", Severity.CRITICAL), (" WARN ", Severity.WARNING)],
    ],
)
def test_a_level_has_every_common_name_and_number(level, first):
    """In any case; a number is one of Coralogix (1 to 6) or of `logging`, rounded up."""
    assert LevelType().convert(level, None, None) is first


@pytest.mark.parametrize("level", ["", "wrn", "-1", "1.5", "²"])
def test_an_unknown_level_is_refused(run, level):
    """The message contains the value and the known names."""
    done = run("tail", "--level", level)

    assert done.exit_code == 2
    assert "'--level'" in done.stderr
    assert f"unknown level {level!r}: pass one of DEBUG, VERBOSE, INFO" in done.stderr


def test_lucene_is_sent_unchanged(run):
    """A Lucene query is not changed, and --level is refused."""
    assert query_of("pod:x", None, "lucene") == "pod:x"
    assert query_of(None, None, "lucene") == "*"
    assert run("tail", "x", "--syntax", "lucene", "--level", "ERROR").exit_code == 2


def stamped(number: int, asked: Asked) -> dict:
    """Return a log in the last millisecond of the requested window."""
    return log(number, asked.body["metadata"]["endDate"])


def test_rows_are_printed_as_they_come_and_once(run, service):
    """Windows overlap, and their rows are printed once."""
    shown: list[dict] = []

    def answer(asked):
        shown.append(stamped(len(shown), asked))
        return whole(*shown)

    service.rule = answer
    done = run(*"tail x --count 4 --every 0.1".split())

    rows = [json.loads(each)["data"]["number"] for each in done.stdout.splitlines()]
    assert (done.exit_code, rows) == (0, [0, 1, 2, 3])
    windows = [each["metadata"] for each in service.bodies]
    for earlier, later in itertools.pairwise(windows):
        assert later["startDate"] < earlier["endDate"] < later["endDate"]


UNKNOWN = line({"warning": {"compileWarning": {"warningMessage": "keypath does not exist '$d.x'"}}})


@pytest.mark.parametrize(
    ("arguments", "warnings", "said"),
    [
        (["x == 1"], [UNKNOWN], ["warning: compileWarning: keypath does not exist '$d.x'"]),
        (["warning"], [], ["the text 'warning'", "--level", "'$d.warning == ...'"]),
        (["$m.severity == Error"], [], ["write ERROR, not Error"]),
        (["--level", "ERROR"], [], []),
        (["pod:x", "--syntax", "lucene"], [], []),
    ],
)
def test_a_tail_without_rows_says_why_once(run, service, arguments, warnings, said):
    """It names unknown fields, a single word as filter, and misspelt severities."""

    def answer(asked):
        rows = [stamped(1, asked)] if len(service.asked) > 3 else []
        return Reply([QUERY_ID, *warnings, result(*rows), STATISTICS])

    service.rule = answer
    done = run("tail", *arguments, *"--count 1 --every 0.1 --since 2025-01-20T00:00:00Z".split())

    assert done.exit_code == 0
    assert len(service.asked) > 3
    for sentence in said:
        assert done.stderr.count(sentence) == 1
    *hints, last = done.stderr.splitlines()
    assert len(hints) == bool(said)
    assert re.fullmatch(r"no rows between 2025-01-20T00:00:00Z and .*: waiting for new ones.", last)


def test_temporary_errors_are_reported_once_and_retried(run, service):
    """After 503 responses and a broken response it continues, and misses no row."""

    def last(asked):
        return whole(stamped(2, asked))

    answers = iter(
        [
            lambda asked: whole(stamped(1, asked)),
            lambda asked: Reply(status=503),
            lambda asked: Reply(status=503),
            lambda asked: Reply(QUERY_ID + result(stamped(2, asked))),
        ]
    )

    def answer(asked):
        return next(answers, last)(asked)

    service.rule = answer

    done = run(*"tail --count 2 --every 0.1".split())

    assert [json.loads(each)["data"]["number"] for each in done.stdout.splitlines()] == [1, 2]
    assert done.stderr.count("503") == 1
    assert done.stderr.count("continuing") == 1


@pytest.mark.parametrize(("status", "code"), [(403, 3), (400, 1), (503, 5)])
def test_the_first_request_must_succeed(run, service, status, code):
    """A wrong key, query or address ends it at once with its exit code."""
    service.rule = lambda asked: Reply(b'{"message":"no"}', status=status)

    assert run("tail").exit_code == code


def test_a_window_cut_by_a_limit_is_queried_in_halves(run, service):
    """No row is missed if a window has more rows than the limit."""
    cut = [line({"warning": {"numberOfResultsLimitWarning": {"numberOfResultsLimit": 1}}})]

    def answer(asked):
        warnings = [cut.pop()] if cut else []
        return Reply([QUERY_ID, *warnings, result(stamped(len(service.asked), asked)), STATISTICS])

    service.rule = answer
    done = run(*"tail --count 2 --every 0.1".split())

    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 2)
    assert "missing" not in done.stderr


def test_rows_lost_to_a_limit_are_reported(run, service):
    """If shorter windows do not help, stderr says so, and the exit code is 6."""
    fields = line({"warning": {"fieldCountLimitWarning": {}}})
    service.rule = lambda asked: Reply(
        [QUERY_ID, fields, result(stamped(len(service.asked), asked)), STATISTICS]
    )

    done = run(*"tail --count 1 --every 0.1".split())

    assert done.exit_code == 6
    assert "rows may be missing: fieldCountLimitWarning reached." in done.stderr


def test_ctrl_c_ends_it_quietly(start, service):
    """It exits with 130; the rows so far are on stdout, and nothing is on stderr."""
    shown = threading.Event()

    def answer(asked):
        if len(service.asked) > 1:
            shown.set()
        return whole(stamped(1, asked)) if len(service.asked) == 1 else whole()

    service.rule = answer
    process = start("tail", "--every", "0.2")
    row = json.loads(process.stdout.readline())
    assert shown.wait(30)
    interrupt(process)
    _, errors = process.communicate(timeout=30)

    assert row["data"]["number"] == 1
    assert (process.returncode, errors) == (130, "")
