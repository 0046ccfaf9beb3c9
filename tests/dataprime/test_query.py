"""Direct queries: their requests, and the results of documented answers."""

from __future__ import annotations

import datetime
import threading

import pytest

from cxlogging.dataprime import (
    CxQueryWarning,
    PartialResult,
    QueryFailed,
    QueryTimeout,
    RateLimited,
    Severity,
)

from .conftest import KEY
from .service import (
    ID,
    QUERY_ID,
    STATISTICS,
    Reply,
    line,
    log,
    result,
    statistics,
    whole,
)

UTC = datetime.timezone.utc


def test_the_smallest_question_names_tier_and_syntax(client, service):
    """A query without arguments is sent with tier and syntax, by POST, with the bearer key."""
    service.will_say(whole())

    client.query("source logs | limit 10")

    (asked,) = service.asked
    assert asked.path == "/api/v1/dataprime/query"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "query": "source logs | limit 10",
        "metadata": {"tier": "TIER_FREQUENT_SEARCH", "syntax": "QUERY_SYNTAX_DATAPRIME"},
    }


def test_every_field_of_the_api_is_sent(client, service):
    """Each argument is sent in its field; the execution profile is beside the metadata."""
    service.will_say(whole())
    pacific = datetime.timezone(datetime.timedelta(hours=-7))

    client.query(
        "error",
        start=datetime.datetime(2023, 5, 29, 11, 20, tzinfo=pacific),
        end="2023-05-29T11:30:00.00-07:00",
        tier="archive",
        syntax="lucene",
        limit=100,
        default_source="logs",
        strict_fields=True,
        now="2023-05-29T12:00:00Z",
        preset="performance",
    )

    assert service.bodies == [
        {
            "query": "error",
            "metadata": {
                "tier": "TIER_ARCHIVE",
                "syntax": "QUERY_SYNTAX_LUCENE",
                "startDate": "2023-05-29T18:20:00Z",
                "endDate": "2023-05-29T18:30:00Z",
                "nowDate": "2023-05-29T12:00:00Z",
                "limit": 100,
                "defaultSource": "logs",
                "strictFieldsValidation": True,
            },
            "executionProfile": {"preset": "EXECUTION_PROFILE_PRESET_PERFORMANCE"},
        }
    ]


def test_the_documented_answer_is_read(client, service):
    """Query id, rows whose data is not JSON, and statistics with numbers as strings are typed."""
    row = {
        "metadata": [{"key": "logid", "value": "c3ca5343-88dc-4807-a8f3-82832274afb7"}],
        "labels": [{"key": "applicationname", "value": "staging"}],
        "userData": '{ ... "log_obj":{"level":"INFO","message":"some log message" ... }, ...}',
    }
    service.will_say(whole(row))

    found = client.query("source logs")

    assert found.query_id == ID
    assert found[0].data == row["userData"]
    assert found[0]["$l.applicationname"] == "staging"
    assert found.statistics.status == "COMPLETED"
    assert found.statistics.e2e_duration_ms == 260
    assert found.statistics.output_row_count == 1
    scan = found.statistics.limits["scan"]
    assert (scan.reached, scan.limit, scan.measured_value) == (False, 50_000_000_000, 454_108)
    assert found.statistics.limits["column"].limit is None
    assert not found.truncated


def test_rows_are_typed(client, service):
    """A row has its time, severity, labels and decoded data."""
    service.will_say(whole(log(7, "2025-01-20T00:00:00.123456789")))

    (row,) = client.query("source logs", since="1h")

    assert row.timestamp == datetime.datetime(2025, 1, 20, 0, 0, 0, 123456, tzinfo=UTC)
    assert row.timestamp_ns == 1_737_331_200_123_456_789
    assert row.severity is Severity.ERROR
    assert row.labels["applicationname"] == "shop"
    assert row.data["user"]["id"] == row["$d.user.id"] == "u7"
    assert service.bodies[0]["metadata"]["startDate"] == "2025-01-19T23:00:00Z"
    assert service.bodies[0]["metadata"]["endDate"] == "2025-01-20T00:00:00Z"


def test_aggregates_have_data_alone(client, service):
    """A row without metadata and labels is an aggregate."""
    service.will_say(whole({"metadata": [], "labels": [], "userData": '{"count":5}'}))

    (row,) = client.query("source logs | count")

    assert (row.is_aggregate, row["count"], row.to_dict()) == (True, 5, {"count": 5})
    assert (row.timestamp, row.severity) == (None, None)


def test_no_result_line_is_no_row(client, service):
    """An answer without results is complete and empty."""
    service.will_say(Reply(QUERY_ID + STATISTICS))

    assert len(client.query("source logs")) == 0


def test_unknown_lines_are_passed_over(client, service):
    """Lines of kinds not yet known, blank lines and bare values change nothing."""
    odd = line({"heartbeat": {}}) + b"\n\r\n" + b"5\n[]\nnull\n"
    service.will_say(Reply(odd + QUERY_ID + odd + result(log(1)) + odd + STATISTICS))

    assert len(client.query("source logs")) == 1


@pytest.mark.parametrize(
    ("content", "kind", "message", "details"),
    [
        (
            {"compileWarning": {"warningMessage": "keypath does not exist"}},
            "compileWarning",
            "keypath does not exist",
            {"warningMessage": "keypath does not exist"},
        ),
        (
            {"timeRangeWarning": {"warningMessage": "long", "startDate": "a", "endDate": "b"}},
            "timeRangeWarning",
            "long",
            {"warningMessage": "long", "startDate": "a", "endDate": "b"},
        ),
        ({"archiveWarning": {"missingData": {}}}, "archiveWarning", "", {"missingData": {}}),
        ({"deprecationWarning": {"warningMessage": "old"}}, "deprecationWarning", "old", None),
        ({"newWarning": "text"}, "newWarning", "text", {}),
        ({"newWarning": {"size": "17"}}, "newWarning", "", {"size": 17}),
        ("a sentence", "", "a sentence", {}),
    ],
)
def test_warnings_are_typed(client, service, content, kind, message, details):
    """A warning has its kind, message and members, before or after the rows."""
    warning = line({"warning": content})
    service.will_say(Reply(warning + QUERY_ID + result(log(1)) + warning + STATISTICS))

    with pytest.warns(CxQueryWarning) as warned:
        found = client.query("source logs")

    assert len(warned) == 1, "the same warning twice is one"
    assert (kind or message) in str(warned[0].message)
    assert warned[0].filename == __file__
    assert len(found.warnings) == 2
    for each in found.warnings:
        assert (each.kind, each.message) == (kind, message)
        assert details is None or each.details == details
        assert message in str(each) or kind in str(each)
    # The archive lacked data, or the window was shortened: there may be more rows.
    assert found.truncated == (kind in {"archiveWarning", "timeRangeWarning"})


def test_the_soft_limit_is_told(client, service):
    """A result that was cut at 2,000 rows is truncated, with one Python warning."""
    warning = line({"warning": {"numberOfResultsLimitWarning": {"numberOfResultsLimit": 2000}}})
    rows = result(*(log(number) for number in range(2_000)))
    service.will_say(Reply(QUERY_ID + rows + warning + STATISTICS))

    with pytest.warns(CxQueryWarning, match="2000 rows, and there may be more") as told:
        found = client.query("source logs")

    assert told[0].filename == __file__
    assert found.truncated
    assert found.limits_reached == ("numberOfResultsLimitWarning", "rows")
    assert found.warnings[0].details == {"numberOfResultsLimit": 2_000}


def test_a_scan_limit_is_told(client, service):
    """A limit that only the statistics mention also causes a warning."""
    service.will_say(Reply(QUERY_ID + result(log(1)) + statistics(scan=True, column=False)))

    with pytest.warns(CxQueryWarning, match=r"limits\.scan reached"):
        found = client.query("source logs")

    assert found.limits_reached == ("limits.scan",)
    assert "limits.scan" in repr(found)


def test_a_stream_tells_once(client, service):
    """A stream warns once, at its end, with the line that reads it."""
    service.will_say(Reply(QUERY_ID + result(log(1)) + statistics(scan=True)))
    rows = client.stream("source logs")

    with pytest.warns(CxQueryWarning) as told:
        assert [len(list(each)) for each in (rows, rows)] == [1, 0]

    assert [each.filename for each in told] == [__file__]


def test_a_limit_that_the_caller_set_is_no_warning(client, service):
    """A result of exactly the requested limit is truncated, without a Python warning."""
    service.will_say(whole(log(1), log(2)))

    assert client.query("source logs", limit=2).truncated


def test_an_error_in_mid_stream_raises(client, service):
    """An error line raises; the error has the rows before it."""
    error = line({"error": {"message": "worker lost"}})
    service.will_say(Reply(QUERY_ID + result(log(1)) + error + statistics("FAILED")))

    with pytest.raises(QueryFailed, match="worker lost") as caught:
        client.query("source logs")

    assert caught.value.query_id == ID
    assert [row["number"] for row in caught.value.result] == [1]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("FAILED", QueryFailed),
        ("CANCELLED", QueryFailed),
        ("TIMED_OUT", QueryTimeout),
        ("INCOMPLETE", PartialResult),
        ("", QueryFailed),
    ],
)
def test_a_status_that_is_not_completed_raises(client, service, status, error):
    """HTTP 200 raises where the statistics say that the query failed."""
    service.will_say(Reply(QUERY_ID + result(log(1)) + statistics(status)))

    with pytest.raises(error) as caught:
        client.query("source logs")

    assert type(caught.value) is error
    assert caught.value.status == status


def test_an_answer_without_statistics_was_cut(client, service):
    """An answer without a statistics line raises."""
    service.will_say(Reply(QUERY_ID + result(log(1), log(2))))

    with pytest.raises(PartialResult, match="after 2 rows, before its statistics") as caught:
        client.query("source logs")

    assert len(caught.value.result) == 2


def test_rows_come_while_the_service_still_writes(client, service):
    """A stream returns the first rows before the last ones are sent."""
    go_on = threading.Event()
    service.will_say(Reply([QUERY_ID, result(log(1)), go_on, result(log(2)), STATISTICS]))

    with client.stream("source logs") as rows:
        assert next(rows)["number"] == 1
        assert (rows.query_id, rows.statistics) == (ID, None)
        go_on.set()
        assert [row["number"] for row in rows] == [2]
        assert rows.statistics.status == "COMPLETED"


def test_rows_come_at_once_without_chunks_too(client, service):
    """A body that ends with its connection is also streamed."""
    go_on = threading.Event()
    pieces = [QUERY_ID, result(log(1)), go_on, result(log(2)), STATISTICS]
    service.will_say(Reply(pieces, ends="close"))

    with client.stream("source logs") as rows:
        assert next(rows)["number"] == 1
        go_on.set()
        assert [row["number"] for row in rows] == [2]


def test_a_stream_that_is_left_is_closed(client, service):
    """Leaving a stream ends the request, and the client can still be used."""
    service.will_say(whole(log(1), log(2)), whole(log(3)))

    with client.stream("source logs") as rows:
        next(rows)

    assert list(rows) == []
    assert client.query("source logs")[0]["number"] == 3


def test_a_stream_asks_with_its_first_row(client, service):
    """Nothing is sent before the first row is read."""
    client.stream("source logs")

    assert service.asked == []


def test_a_rate_limit_in_the_stream_is_waited_for(client, service, time):
    """A query whose answer starts with rateLimitReached is sent again."""
    limited = line({"error": {"message": "slow down", "code": {"rateLimitReached": {}}}})
    service.will_say(Reply(QUERY_ID + limited + statistics("FAILED")), whole(log(1)))

    assert len(client.query("source logs")) == 1
    assert time.sleeps == [1.0]


def test_a_rate_limit_after_rows_is_raised(client, service):
    """A rate limit after the first row raises."""
    limited = line({"error": {"message": "slow down", "code": {"rateLimitReached": {}}}})
    service.will_say(Reply(QUERY_ID + result(log(1)) + limited))

    with pytest.raises(RateLimited):
        client.query("source logs")


NOTHING = whole({"userData": '{"_count":0,"total":null}'})


@pytest.mark.parametrize("answer", [whole(), NOTHING], ids=["no rows", "an aggregate of nothing"])
@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("$m.severity == Error", "write ERROR, not Error"),
        ("$metadata.severity>=warn", "write WARNING, not warn"),
        ("$m.severity != 'Error'", "write ERROR, not 'Error'"),
        ('"fatal" == $m.severity', 'write CRITICAL, not "fatal"'),
        ("$m.severity == 5", "write ERROR, not 5"),
    ],
)
def test_where_nothing_is_found_a_severity_that_never_matches_is_named(
    client, service, answer, condition, hint
):
    """A misspelled severity causes a warning, found in the query's text."""
    service.will_say(answer)

    with pytest.warns(CxQueryWarning) as told:
        client.query(f"source logs | filter {condition}")

    assert [str(each.message) for each in told] == [
        f"nothing was found: severities are bare words in capitals: {hint}."
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "$m.severity == ERROR",
        "$m.severity >= level",
        "$d.severity == 'Error'",
        "$m.severity == $d.Error",
        "a.Error == $m.severity",
        "$m.severity == 9",
    ],
)
@pytest.mark.filterwarnings("error")
def test_no_severity_is_named_that_may_be_meant(client, service, condition):
    """Bare words in capitals, other fields and other words cause no warning."""
    service.will_say(whole())

    assert len(client.query(f"source logs | filter {condition}")) == 0
