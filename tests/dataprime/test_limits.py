"""Limits: what counts as an incomplete answer, and the requests that a minute allows."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.dataprime import (
    AsyncDataPrimeClient,
    Clock,
    CxQueryWarning,
    DataPrimeClient,
    RateLimited,
    RateLimiter,
)
from cxlogging.dataprime.http.rate_limit import shared_limiter
from cxlogging.dataprime.language.query_text import needs_window, own_limit, pieces
from cxlogging.dataprime.language.time_fields import TimeFields, time_fields
from cxlogging.errors import ConfigurationError

from .conftest import KEY
from .service import QUERY_ID, STATISTICS, Reply, line, log, result, whole


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("source logs | limit 2", 2),
        ("source logs | filter a == 'x | limit 1' | LIMIT 2", 2),
        ("source logs | limit 2 | choose a | orderby a | limit 3 // | limit 1", 2),
        ("top 2 a by count()", 2),
        ("source logs | limit 2 | explode a into b", None),
        ("source logs | limit 2 | union (source logs)", None),
        ("source logs | explode a into b | limit 2", 2),
        ("source logs", None),
        ("source logs | filter limit == 2 || a", None),
        ("a /2 | limit 2", 2),
        ("filter x.matches(/|'/) | limit 2", 2),
    ],
)
def test_a_querys_own_limit(query, limit):
    """The last limit or top counts, unless a later command adds rows."""
    assert own_limit(query) == limit


@given(st.text(alphabet="|,(){}[]'\"`/*# \n$m.as limt1topby:fr\\\\", max_size=60))
def test_any_text_is_read_to_its_end(text):
    """Whatever the text of a query is, reading it raises nothing, and loses no character."""
    found = list(pieces(text))
    end = 0
    for piece in found:
        assert text[piece.start :].startswith(piece.text)
        assert piece.start >= end
        end = piece.start + len(piece.text)
    assert own_limit(text) is None or own_limit(text) >= 0
    assert isinstance(time_fields(text), TimeFields)
    assert needs_window(text) in {True, False}


def test_a_querys_own_limit_is_no_truncation(client, service):
    """As many rows as the query's own limit are all; with another limit there may be more."""
    warning = line({"warning": {"numberOfResultsLimitWarning": {"numberOfResultsLimit": 2}}})
    service.rule = lambda _: Reply(QUERY_ID + result(log(1), log(2)) + warning + STATISTICS)

    assert not client.query("source logs | limit 2").truncated
    assert not client.query("source logs | limit 2", limit=2).truncated
    with pytest.warns(CxQueryWarning, match="numberOfResultsLimitWarning"):
        assert client.query("source logs | limit 7").truncated


def test_a_scan_limit_truncates_in_spite_of_the_querys_own(client, service):
    """Where the scan ended early, the rows that the query limits may be other ones."""
    warning = line({"warning": {"bytesScannedLimitWarning": {}}})
    service.will_say(Reply(QUERY_ID + result(log(1), log(2)) + warning + STATISTICS))

    with pytest.warns(CxQueryWarning, match="bytesScannedLimitWarning"):
        assert client.query("source logs | limit 2").truncated


def job_status(**more):
    times = {"runningSince": "2025-01-23T15:16:01Z", "terminatedAt": "2025-01-23T15:16:02Z"}
    ended = {**times, "success": {}}
    return {"submittedAt": "2025-01-23T15:15:58Z", "terminated": ended, **more}


@pytest.mark.parametrize(
    ("more", "limits"),
    [
        ({"warnings": ["SCANNED_BYTES_LIMIT: narrow it"]}, ("SCANNED_BYTES_LIMIT",)),
        ({"warnings": ["Max results is 1000000. Refine your query."]}, ("MAX_RESULTS",)),
        ({"warnings": [{"archiveWarning": {"missingData": {}}}]}, ("archiveWarning",)),
        (
            {"metadata": [{"statistics": {
                "bytesScanned": "7",
                "storage": {"objectStore": {"limits": {"scan": {"reached": True}}}},
            }}]},
            ("limits.scan",),
        ),
    ],
)  # fmt: skip
def test_limits_of_background_queries_truncate(client, service, more, limits):
    """Warnings and statistics in the status of a job say that rows may be missing."""
    rows = line({"response": {"results": {"results": [log(7)]}}})
    service.rule = lambda asked: Reply(
        rows if asked.path.endswith("/data") else line(job_status(**more))
    )
    job = client.job("job-1")

    stream = job.results()
    with pytest.warns(CxQueryWarning):
        assert [row["number"] for row in stream] == [7]

    assert stream.truncated
    assert stream.limits_reached == limits
    if "metadata" in more:
        assert job.status().statistics.raw["bytesScanned"] == "7"
        assert job.status().bytes_scanned == 7


@pytest.mark.parametrize("key", ["in", "COMPLETED", "userData", "terminated"])
def test_a_key_that_is_a_word_of_the_answer_does_not_garble_it(service, key):
    """Answers are parsed before the key is masked, and only messages are masked."""
    row = {"userData": json.dumps({"in": key, "n": 1})}
    service.rule = lambda asked: (
        Reply(line(job_status())) if asked.path.endswith("/status") else whole(row)
    )

    with DataPrimeClient(key, url=service.url) as client:
        assert client.query("source logs")[0].data == {"in": key, "n": 1}
        assert client.job("job-1").wait().state.value == "succeeded"


def test_the_window_of_the_request_needs_one(client, service):
    """A query that reads $p.timeRange without a window is refused: pass since= or start=."""
    with pytest.raises(ConfigurationError, match="since="):
        client.query("create d from $p.timeRange.endTime - $p.timeRange.startTime")

    service.rule = lambda _: whole(log(1))
    client.query("create d from $p.timeRange.endTime", since="1h")
    client.query("filter x == '$p.timeRange'")
    assert len(service.asked) == 2


@given(
    st.lists(st.floats(0, 10), max_size=60),
    st.integers(1, 5),
    st.floats(1, 20),
)
def test_no_window_has_more_requests_than_allowed(pauses, requests, seconds):
    """However requests arrive, any n + 1 consecutive ones take at least the whole time."""
    limiter, now, sent = RateLimiter(requests, seconds), 0.0, []
    for pause in pauses:
        now += pause
        sent.append(now + limiter.reserve(now))

    assert sent == sorted(sent)
    pairs = zip(sent, sent[requests:], strict=False)
    assert all(late - early >= seconds - 1e-6 for early, late in pairs)


def test_a_wait_that_ends_too_late_reserves_nothing():
    """A request that would be sent after its timeout takes nobody's place."""
    limiter = RateLimiter(1, 60)

    assert limiter.reserve(0) == 0
    assert limiter.reserve(1, latest=30) is None
    assert limiter.reserve(1) == 59


def test_more_queries_than_a_minute_allows_are_spaced(service, time):
    """Of five queries with three a minute, two wait; a timeout before that raises at once."""
    service.rule = lambda _: whole(log(1))
    limiter = RateLimiter(3, 60)

    with DataPrimeClient(KEY, url=service.url, clock=time.clock, limiter=limiter) as client:
        for _ in range(5):
            client.query("source logs")
        assert (len(service.asked), time.sleeps) == (5, [60.0])
        client.query("source logs")
        with pytest.raises(RateLimited, match="timeout"):
            client.query("source logs", timeout=10)


def test_clients_of_one_account_share_a_limiter(service):
    """Address and key decide; the local server has no limiter, and either client takes one."""
    first = shared_limiter("https://api.eu2.coralogix.com", "a")
    assert shared_limiter("https://api.eu2.coralogix.com", "a") is first
    assert shared_limiter("https://api.eu2.coralogix.com", "b") is not first

    service.rule = lambda _: whole(log(1))
    limiter, waits = RateLimiter(2, 60), []
    clock = Clock(monotonic=lambda: 0.0, sleep=waits.append)

    async def main():
        async with AsyncDataPrimeClient(
            KEY, url=service.url, clock=clock, limiter=limiter
        ) as client:
            await asyncio.gather(*(client.query("source logs") for _ in range(2)))

    asyncio.run(main())
    with DataPrimeClient(KEY, url=service.url, clock=clock, limiter=limiter) as client:
        client.query("source logs")
    assert waits == [60.0]


def test_several_queries_run_at_once_and_answer_in_order(service):
    """query_many() runs them side by side, synchronously and asynchronously."""
    together = threading.Barrier(3, timeout=10)

    def answer(asked):
        together.wait()
        return whole(log(int(asked.body["query"].split()[-1])))

    service.rule = answer
    queries = ["x == 1", {"query": "x == {n}", "params": {"n": 2}}, "x == 3"]

    async def main():
        async with AsyncDataPrimeClient(KEY, url=service.url) as client:
            return await client.query_many(queries, since="1h")

    with DataPrimeClient(KEY, url=service.url) as client:
        for results in (client.query_many(queries, since="1h"), asyncio.run(main())):
            assert [found[0]["number"] for found in results] == [1, 2, 3]
    assert all("startDate" in body["metadata"] for body in service.bodies)


def test_an_error_ends_the_queries_that_have_not_begun(client, service):
    """The first error is raised, and no further query is sent."""
    service.rule = lambda _: Reply(b'{"message":"no"}', status=400)

    with pytest.raises(Exception, match="no"):
        client.query_many(["a == 1"] * 20, parallel=1)
    assert len(service.asked) < 20
    for wrong in ("source logs", {"query": "source logs"}):
        with pytest.raises(ConfigurationError, match="list"):
            client.query_many(wrong)
    with pytest.raises(ConfigurationError, match="parallel"):
        client.query_many(["a"], parallel=0)


def test_the_fields_of_the_logs(client, service):
    """fields() lists keypaths with types, shares and examples, by a sample."""
    text = {"userData": "text", "metadata": log(3)["metadata"]}
    service.rule = lambda _: whole(log(1), log(2), text)

    found = {each.keypath: each for each in client.fields(sample=3)}

    assert found["$d.user.id"].types == ("string",)
    assert found["$d.user.id"].example == "u1"
    assert found["$d.number"].share == pytest.approx(2 / 3)
    assert found["$m.timestamp"].types == ("timestamp",)
    assert next(iter(found)).startswith("$m")
    assert service.bodies[0]["metadata"]["limit"] == 3
