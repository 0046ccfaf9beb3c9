"""Windows that are split."""

from __future__ import annotations

import json

import pytest

from cxlogging.dataprime import CxQueryWarning, QueryError, times

from .service import QUERY_ID, STATISTICS, Asked, Reply, line, log, result, statistics

SECOND = times.SECOND
START = times.parse_service_time("2025-01-20T00:00:00")
END = START + 64 * SECOND
CUT = line({"warning": {"numberOfResultsLimitWarning": {"numberOfResultsLimit": 10}}})


def stored(count: int, every: int = SECOND) -> list[dict]:
    return [log(number, times.iso(START + number * every)[:-1]) for number in range(count)]


def window(asked: Asked) -> tuple[int, int]:
    metadata = asked.body["metadata"]
    return times.parse_service_time(metadata["startDate"]), times.parse_service_time(
        metadata["endDate"]
    )


def serving(rows: list[dict], most: int, last_is_in: bool, first_is_in: bool = True):
    """Serve a limited number of rows of a window, which includes its ends or not."""

    def rule(asked: Asked) -> Reply:
        start, end = window(asked)
        found = [
            row
            for row in rows
            if start < (at := times.parse_service_time(row["metadata"][0]["value"])) < end
            or (at == start and first_is_in)
            or (at == end and last_is_in)
        ]
        warning = CUT if len(found) > most else b""
        return Reply(QUERY_ID + result(*found[:most]) + warning + statistics())

    return rule


def ask(client, **more):
    return client.query(
        "source logs", start=times.iso(START), end=times.iso(END), split_on_limit=True, **more
    )


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("ends", [(True, True), (True, False), (False, True)])
def test_no_row_is_lost_or_comes_twice(client, service, ends, named):
    """Each row is returned once and in order, whichever ends of a window the service includes."""
    rows = stored(64)
    if not named:
        rows = [{**row, "metadata": row["metadata"][:1]} for row in rows]
    first_is_in, last_is_in = ends
    service.rule = serving(rows, 10, last_is_in, first_is_in)

    found = ask(client)

    expected = list(range(64)) if first_is_in else list(range(1, 64))
    assert [row["number"] for row in found] == expected
    assert not found.truncated
    assert found.statistics.output_row_count > 1


def test_equal_rows_of_the_border_stay_as_many_as_they_are(client, service):
    """Identical rows at a boundary are all returned."""
    at = times.iso(START + 32 * SECOND)[:-1]
    twins = [{**log(1, at), "metadata": [{"key": "timestamp", "value": at}]}] * 3
    others = stored(20)
    service.rule = serving([*others, *twins], 10, last_is_in=True)

    assert sum(row["number"] == 1 for row in ask(client)) == 3 + 1


def test_progress_is_told(client, service):
    """on_progress gets the progress after each part."""
    service.rule = serving(stored(64), 20, last_is_in=False)
    seen = []

    found = ask(client, on_progress=seen.append)

    shares = [each.done for each in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert (seen[-1].rows, seen[-1].requests) == (len(found), len(service.asked))
    assert seen[0].start.isoformat() == "2025-01-20T00:00:00+00:00"


def test_a_window_that_fits_is_asked_once(client, service):
    """A window whose answer was not cut is not split."""
    service.rule = serving(stored(5), 10, last_is_in=False)

    assert (len(ask(client)), len(service.asked)) == (5, 1)


def test_a_moment_with_too_many_rows_stays_truncated(client, service):
    """A window that cannot be split further returns its rows, and is truncated."""
    service.rule = serving(stored(30, every=0), 10, last_is_in=True)

    with pytest.warns(CxQueryWarning):
        found = ask(client)

    assert found.truncated
    assert len(found) == 10


def test_aggregates_are_not_put_together(client, service):
    """Aggregates are refused, because those of two halves cannot be merged."""
    count = {"metadata": [], "labels": [], "userData": json.dumps({"count": 5})}
    service.will_say(Reply(QUERY_ID + result(count) + statistics(scan=True)))

    with pytest.raises(QueryError, match="not for aggregates"):
        ask(client)


def test_a_limit_that_time_does_not_lift_is_not_split(client, service):
    """A limit of fields or columns is reported without splitting."""
    service.will_say(Reply(QUERY_ID + result(log(1)) + statistics(column=True)))

    with pytest.warns(CxQueryWarning, match=r"limits\.column"):
        assert len(ask(client)) == 1


def test_a_limit_of_the_callers_is_the_size_of_a_part(client, service):
    """With limit=, each part has at most so many rows, and all rows are returned."""
    service.rule = serving(stored(64), 7, last_is_in=False)

    assert len(ask(client, limit=7)) == 64
    assert all(body["metadata"]["limit"] == 7 for body in service.bodies)


def test_an_empty_window_is_whole(client, service):
    """A window of one instant is queried once."""
    service.will_say(Reply(QUERY_ID + STATISTICS))
    at = times.iso(START)
    seen = []

    found = client.query("x", start=at, end=at, split_on_limit=True, on_progress=seen.append)

    assert (len(found), seen[0].done) == (0, 1.0)
