"""`cxlogging audit`: gaps and duplicates are found at the destination."""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxlogging import BetterStackHandler, CoralogixHandler, HoneycombHandler
from cxlogging.cli.audit.runs import ProcessRun, ProcessRuns

from ..dataprime.service import QUERY_ID, Reply, log, result, statistics, whole

HANDLERS = {
    "coralogix": lambda url: CoralogixHandler("k", url=url, sequence=True, retry_initial=0.01),
    "honeycomb": lambda url: HoneycombHandler("k", dataset="d", url=url, sequence=True),
    "betterstack": lambda url: BetterStackHandler("k", url=url, sequence=True),
}


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.booleans())
@example(numbers=[1, 3, 2], whole_run=False)
def test_a_run_knows_what_arrived_and_what_is_missing(numbers, whole_run):
    """In any order and with duplicates, a run finds what a set would, in the space of its gaps."""
    run, counts = ProcessRun(), Counter(numbers)
    for number in numbers:
        run.add(number, number * 10)

    lowest = 1 if whole_run else min(numbers)
    missing = set(range(lowest, max(numbers))) - counts.keys()
    gaps = list(run.gaps(from_one=whole_run))
    assert {n for first, last, _ in gaps for n in range(first, last + 1)} == missing
    assert all(at == (last + 1) * 10 for _, last, at in gaps)
    assert (run.first, run.last, run.arrived) == (min(numbers), max(numbers), len(counts))
    assert run.duplicates == len(numbers) - len(counts)
    assert len(run.ranges) <= len(gaps) + 1


def test_a_long_run_takes_little_memory():
    """A million numbers without a gap are one range."""
    run = ProcessRun()
    for number in range(1, 1_000_001):
        run.add(number, 0)

    assert len(run.ranges) == 1


@pytest.mark.parametrize("identity", [None, 5, "", "a", "a-", "a-0", "-1", "a-01", "a--x", "a-1 "])
def test_values_that_are_not_ids_are_counted_separately(identity):
    """A field of the same name with other values is not a process run."""
    runs = ProcessRuns()
    runs.add(identity, 0)
    runs.add("a-b-7", 0)

    assert (runs.foreign, list(runs.runs)) == (1, ["a-b"])


def numbered(*ids: str, moment: str = "2025-01-20T00:00:00") -> Reply:
    rows = [
        {**log(n, moment), "userData": json.dumps({"cx_seq": each})} for n, each in enumerate(ids)
    ]
    return whole(*rows)


@pytest.mark.parametrize(
    ("ids", "arguments", "code", "said"),
    [
        (["r-1", "r-2", "r-3"], [], 0, "r  1 to 3  3 arrived  whole\n"),
        (["r-3", "r-1", "r-2", "r-2"], [], 0, "whole, 1 duplicates"),
        (["r-1", "r-5", "r-7"], [], 6, "4 missing\n    2 to 4\n    6\n"),
        (["r-4", "r-5"], [], 0, "r  4 to 5  2 arrived  whole\n"),
        (["r-4", "r-5"], ["--complete"], 6, "3 missing\n    1 to 3\n"),
        (["r-1", "q-9"], ["--expect", "2"], 0, "q  9 to 9"),
        (["r-1"], ["--expect", "2"], 6, "whole"),
        ([], [], 4, ""),
        ([], ["--expect", "0"], 0, ""),
        (["x"], [], 4, ""),
    ],
)
def test_the_result_and_its_exit_code(run, service, ids, arguments, code, said):
    """0 complete, 6 records missing, 4 no records; after the last number there is no gap."""
    service.rule = lambda asked: numbered(*ids)

    done = run("audit", "--since", "1h", *arguments)

    assert done.exit_code == code, done.output
    assert said in done.stdout


def test_fewer_records_than_expected_are_reported(run, service):
    """If only --expect is not reached, a line on stderr says so."""
    service.rule = lambda asked: numbered("r-1")

    done = run("audit", "--since", "1h", "--expect", "3")

    assert done.exit_code == 6
    assert "1 arrived, 3 were expected: 2 are missing" in done.stderr


def test_records_of_the_last_minute_may_be_on_their_way(run, service):
    """A gap of the last minute is exit code 5; an older one is a loss."""
    service.rule = lambda asked: numbered("r-1", "r-3", moment=asked.body["metadata"]["endDate"])

    done = run("audit")

    assert done.exit_code == 5
    assert "1 missing (may be on their way)" in done.stdout


def test_the_result_as_json(run, service):
    """--json contains every gap as a range."""
    service.rule = lambda asked: numbered("r-1", "r-5", "r-5", "odd")

    document = json.loads(run("audit", "--json").stdout)

    assert document == {
        "runs": {
            "r": {
                "first": 1,
                "last": 5,
                "arrived": 2,
                "missing": 3,
                "young": 0,
                "duplicates": 1,
                "gaps": [[2, 4]],
            }
        },
        "arrived": 2,
        "missing": 3,
        "young": 0,
        "duplicates": 1,
        "foreign": 1,
        "truncated": [],
    }


@pytest.mark.parametrize(
    ("ids", "options", "code", "reason"),
    [
        (["r-1", "r-2"], [], 0, "nothing is missing of 2 records in 1 runs"),
        (["r-1", "r-3"], [], 6, "1 record is missing, and the next ones are over a minute old"),
        (["r-1"], ["--expect", "3"], 6, "1 arrived, 3 were expected: 2 are missing"),
        (
            ["r-1", "r-4"],
            ["--expect", "4"],
            6,
            "2 records are missing, and the next ones are over a minute old; 2 arrived, 4 were",
        ),
        ([], [], 4, "no numbered record in this window: is sequence=True set"),
        ([], ["--expect", "0"], 0, "no numbered record in this window, as expected"),
    ],
)
def test_it_says_why_it_exits_as_it_does(run, service, ids, options, code, reason):
    """The last line on stderr has the exit code and every reason for it, with --json too."""
    rows = [{**log(n), "userData": json.dumps({"cx_seq": each})} for n, each in enumerate(ids)]
    service.rule = lambda asked: whole(*rows)

    for form in ([], ["--json"]):
        done = run("audit", *options, *form)
        assert done.exit_code == code
        assert done.stderr.splitlines()[-1].startswith(f"exit code {code}: {reason}")


def test_the_query(run, service):
    """It names the field and the run; a name that could end its quoted text is refused."""
    service.rule = lambda asked: whole()

    run("audit", "--field", "my.seq", "--run", "abc")
    run("audit", "--field", "my-seq")
    refused = run("audit", "--field", "x' || true || 'y")

    assert [each["query"] for each in service.bodies] == [
        "source logs | filter $d.my.seq != null && $d.my.seq.startsWith('abc-')",
        "source logs | filter $d['my-seq'] != null",
    ]
    assert refused.exit_code == 2


def test_a_window_cut_by_a_limit_proves_nothing(run, service):
    """If a limit cut the rows, the exit code is 6, even without a gap."""
    rows = {**log(1), "userData": '{"cx_seq":"r-1"}'}
    service.rule = lambda asked: Reply([QUERY_ID, result(rows), statistics(column=True)])

    done = run("audit")

    assert done.exit_code == 6
    assert "limits.column reached" in done.stderr


@pytest.mark.parametrize("vendor", HANDLERS)
def test_what_handlers_sent_is_audited_at_the_local_server(run, server, vendor):
    """All records; then one record refused and one batch sent twice: a gap and duplicates."""
    handler = HANDLERS[vendor](server.url)
    logger = logging.Logger("shop")  # noqa: LOG001 - no tree
    logger.addHandler(handler)
    for number in range(1, 41):
        logger.info("order %d", number)
    assert handler.flush(10)
    first = run("audit", "--json", CXLOGGING_URL=server.url)

    server.faults.add(vendor=vendor, reset="after", times=1)
    server.faults.add(vendor=vendor, status=400, contains="order poison")
    for text in ("order 41", "order poison", "order 43"):
        logger.info(text)
        handler.flush(10)
    handler.close()
    second = run("audit", CXLOGGING_URL=server.url)

    whole_run = next(iter(json.loads(first.stdout)["runs"].values()))
    assert (first.exit_code, whole_run["arrived"], whole_run["gaps"]) == (0, 40, [])
    assert second.exit_code == 5, second.output  # the minute is not over
    assert (
        "1 to 43  42 arrived  1 missing (may be on their way), 1 duplicates\n    42\n"
        in second.stdout
    )
