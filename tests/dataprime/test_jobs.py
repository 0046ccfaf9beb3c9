"""Background queries."""

from __future__ import annotations

import datetime
import json

import pytest

from cxlogging.dataprime import (
    AuthenticationError,
    CxQueryWarning,
    DataPrimeClient,
    Dataset,
    JobState,
    PartialResult,
    QueryFailed,
    QueryTimeout,
    RequestRefused,
    ServerError,
    UnknownQuery,
)
from cxlogging.errors import ConfigurationError

from .conftest import KEY
from .service import Reply, line, log

ID = "a63653bc-aba8-49cf-b4a4-1b1ca9907f54"
WINDOW = {"start": "2025-01-20T00:00:00Z", "end": "2025-01-20T01:00:00Z"}
SUBMITTED = {"submittedAt": "2025-01-23T15:15:58Z"}
WAITING = {**SUBMITTED, "waitingForExecution": {}}
RUNNING = {**SUBMITTED, "running": {"runningSince": "2025-01-23T15:16:01Z"}}
TIMES = {"runningSince": "2025-01-23T15:16:01Z", "terminatedAt": "2025-01-23T15:16:02Z"}
SUCCESS = {
    "terminated": {**TIMES, "success": {}},
    **SUBMITTED,
    "metadata": [{"statistics": {"bytesScanned": "506070"}}],
    "warnings": [],
}


def ended(**how) -> dict:
    return {**SUBMITTED, "terminated": {**TIMES, **how}}


def says(document, status: int = 200) -> Reply:
    return Reply(json.dumps(document).encode(), status, ends="length")


def batch(*rows) -> bytes:
    return line({"response": {"results": {"results": list(rows)}}})


@pytest.fixture
def job(client: DataPrimeClient):
    return client.job(ID)


def test_a_submission_has_the_four_fields_at_the_top(client, service):
    """Query, syntax and window are sent without a metadata object; the id comes back."""
    service.will_say(says({"queryId": ID, "warnings": ["deprecated", {"compileWarning": {}}]}))

    job = client.submit("source logs", **WINDOW)

    assert service.asked[0].path == "/api/v1/dataprime/background-query"
    assert service.bodies == [
        {
            "query": "source logs",
            "syntax": "QUERY_SYNTAX_DATAPRIME",
            "startDate": "2025-01-20T00:00:00Z",
            "endDate": "2025-01-20T01:00:00Z",
        }
    ]
    assert job.query_id == ID
    assert [str(each) for each in job.warnings] == ["deprecated", "compileWarning"]
    assert ID in repr(job)


def test_every_field_of_a_submission_is_sent(client, service):
    """A Dataset results in the documented example."""
    service.will_say(says({"queryId": {"queryId": ID}}))

    client.submit(
        "x",
        **WINDOW,
        syntax="lucene",
        now="2025-01-20T02:00:00Z",
        default_source="default/logs",
        name="monthly_report",
        description="Monthly archive rollup",
        destination=Dataset("my_summary_dataset", partition_by="$m.timestamp"),
    )

    (body,) = service.bodies
    assert (body["syntax"], body["nowDate"]) == ("QUERY_SYNTAX_LUCENE", "2025-01-20T02:00:00Z")
    assert body["defaultSource"] == "default/logs"
    assert (body["name"], body["description"]) == ("monthly_report", "Monthly archive rollup")
    assert body["resultsDestination"] == {
        "persistentDestination": {
            "datasets": [
                {
                    "dataspace": "default",
                    "dataset": "my_summary_dataset",
                    "writeMode": "DATASET_WRITE_MODE_APPEND",
                }
            ],
            "partitioning": {"dateHourPartitioned": {"dataprimePath": "$m.timestamp"}},
        }
    }


ENTRY = {"dataspace": "default", "dataset": "d", "writeMode": "DATASET_WRITE_MODE_OVERWRITE"}
HOURLY = {"dateHourPartitioned": {"dataprimePath": "$m.timestamp"}}


@pytest.mark.parametrize(
    "destination",
    [
        "temporary",
        {"temporaryDestination": {}},
        {"persistentDestination": {"datasets": [ENTRY]}},
        {"persistentDestination": {"datasets": [ENTRY], "partitioning": {}}},
        {"persistentDestination": {"datasets": [ENTRY], "partitioning": {"unpartitioned": {}}}},
        {"persistentDestination": {"datasets": [ENTRY], "partitioning": HOURLY}},
        Dataset("d", "overwrite", partition_by=False),
    ],
)
def test_possible_destinations_are_sent(client, service, destination):
    """Every documented destination is accepted."""
    service.will_say(says({"queryId": ID}))

    client.submit("source logs", **WINDOW, destination=destination)

    assert len(service.bodies[0]["resultsDestination"]) == 1


def persistent(*entries, **rest) -> dict:
    return {"destination": {"persistentDestination": {"datasets": list(entries), **rest}}}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        *(
            ({"name": name}, "name takes 2 to 255 characters")
            for name in ("a", "__", "___x", "a..b", "a.", "1a", "a-b", "a" * 256, "", "ab\n", 5)
        ),
        ({"description": "x" * 2_049}, "at most 2,048"),
        ({"description": 5}, "at most 2,048"),
        ({"destination": {}}, "takes one of temporaryDestination and"),
        ({"destination": "dataset"}, "destination takes a dict, not str"),
        (
            {
                "destination": {
                    "temporaryDestination": {},
                    "persistentDestination": {"datasets": [ENTRY]},
                }
            },
            "takes one of temporaryDestination and",
        ),
        ({"destination": {"temporaryDestination": {"days": 3}}}, "empty object"),
        ({"destination": {"persistantDestination": {}}}, "Did you mean 'persistentDestination'"),
        ({"destination": {"persistentDestination": {}}}, "exactly one dataset"),
        (persistent(), "exactly one dataset"),
        (persistent(ENTRY, ENTRY), "exactly one dataset"),
        (persistent({**ENTRY, "dataspace": "x"}), "dataspace must be 'default'"),
        (persistent({**ENTRY, "dataset": ""}), "name of a dataset"),
        (persistent({**ENTRY, "writeMode": "append"}), "writeMode takes DATASET_WRITE_MODE"),
        (persistent({**ENTRY, "retention": 3}), "no member 'retention'"),
        (persistent(ENTRY, partitioning={"unpartitioned": {}, **HOURLY}), "at most one of"),
        (persistent(ENTRY, partitioning={"unpartitioned": 5}), "unpartitioned takes"),
        (persistent(ENTRY, partitioning={"dateHourPartitioned": {}}), "dataprimePath takes"),
        ({"destination": Dataset("d", "merge")}, "write_mode takes one of"),
        ({"destination": Dataset("d", partition_by=True)}, "partition_by takes"),
        ({"destination": Dataset("")}, "name of a dataset"),
        ({"start": None}, "needs start and end"),
        ({"end": None}, "needs start and end"),
        ({"end": "2024-01-20T01:00:00Z"}, "before it begins"),
        ({"syntax": "sql"}, "syntax takes one of"),
        ({"query": ""}, "query is empty"),
    ],
)
def test_impossible_submissions_are_not_sent(client, service, arguments, sentence):
    """Every rule of the background fields is checked before anything is sent."""
    with pytest.raises(ConfigurationError, match=sentence):
        client.submit(**{"query": "source logs", **WINDOW, **arguments})

    assert service.asked == []


@pytest.mark.parametrize("name", ["ab", "_a", "__a", "a.b", "a" * 255])
def test_possible_names_are_sent(client, service, name):
    """The shortest and the longest names are accepted."""
    service.will_say(says({"queryId": ID}))

    client.submit("source logs", **WINDOW, name=name)

    assert service.bodies[0]["name"] == name


def test_a_submission_is_sent_once(client, service):
    """After a gateway error a query is not submitted again, because it may have been accepted."""
    service.will_say(Reply(status=502))

    with pytest.raises(ServerError):
        client.submit("source logs", **WINDOW)

    assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"taken", b'{"queryId":5}'])
def test_a_submission_without_an_id_is_an_error(client, service, body):
    """A submission whose answer has no query id raises."""
    service.will_say(Reply(body))

    with pytest.raises(PartialResult, match="returned no queryId"):
        client.submit("source logs", **WINDOW)


@pytest.mark.parametrize(
    ("document", "state", "reason"),
    [
        (WAITING, JobState.WAITING, ""),
        (RUNNING, JobState.RUNNING, ""),
        (SUBMITTED, JobState.RUNNING, ""),
        (SUCCESS, JobState.SUCCEEDED, ""),
        (ended(cancelled={}), JobState.CANCELLED, ""),
        (ended(error={"cancelled": {}}), JobState.CANCELLED, ""),
        (ended(error={"timedOut": {}}), JobState.TIMED_OUT, ""),
        (ended(error={"failed": {"reason": "no memory"}}), JobState.FAILED, "no memory"),
        (ended(error="boom"), JobState.FAILED, "boom"),
        (ended(), JobState.FAILED, ""),
    ],
)
def test_states_are_typed(job, service, document, state, reason):
    """Every documented shape of the status is mapped to one state."""
    service.will_say(says(document))

    status = job.status()

    assert (status.state, status.reason) == (state, reason)
    assert status.finished == ("terminated" in document)
    assert service.bodies == [{"queryId": ID}]


def test_the_documented_status_is_read(job, service):
    """A status has aware times, and bytes scanned as an int."""
    service.will_say(says({**SUCCESS, "warnings": ["w", {"deprecationWarning": {}}]}))

    status = job.status()

    utc = datetime.timezone.utc
    assert status.submitted_at == datetime.datetime(2025, 1, 23, 15, 15, 58, tzinfo=utc)
    assert status.running_since == datetime.datetime(2025, 1, 23, 15, 16, 1, tzinfo=utc)
    assert status.terminated_at == datetime.datetime(2025, 1, 23, 15, 16, 2, tzinfo=utc)
    assert status.bytes_scanned == 506_070
    assert len(status.warnings) == 2


def test_a_wait_asks_with_growing_pauses(job, service, time):
    """wait() polls until the end with growing pauses, and reports every status."""
    service.will_say(says(WAITING), *[says(RUNNING)] * 3, says(SUCCESS))
    seen = []

    status = job.wait(on_progress=seen.append, longest_pause=2.0)

    assert status.state is JobState.SUCCEEDED
    assert time.sleeps == [1.0, 1.5, 2.0, 2.0]
    assert [each.state.value for each in seen] == ["waiting", *["running"] * 3, "succeeded"]


def test_a_wait_ends_with_its_timeout(job, service, time):
    """wait() raises after its timeout, and the query goes on."""
    service.rule = lambda asked: says(RUNNING)

    with pytest.raises(QueryTimeout, match="is running after 5 seconds; it goes on"):
        job.wait(timeout=5)

    assert sum(time.sleeps) == 5


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (ended(error={"failed": {"reason": "no memory"}}), QueryFailed),
        (ended(cancelled={}), QueryFailed),
        (ended(error={"timedOut": {}}), QueryTimeout),
    ],
)
def test_a_query_that_failed_is_no_result(job, service, document, error):
    """wait() and results() raise where the query did not succeed."""
    service.will_say(says(document), says(document))

    for call in (job.wait, job.results):
        with pytest.raises(error) as caught:
            call()
        assert caught.value.query_id == ID


def test_results_are_streamed(job, service):
    """Rows of all batches are in order; the query id is known without a line for it."""
    service.will_say(says(SUCCESS), Reply(batch(log(1), log(2)) + batch(log(3))))

    with job.results() as rows:
        assert [row["$d.number"] for row in rows] == [1, 2, 3]
        assert rows.query_id == ID
        assert not rows.truncated
    assert [each.path.rpartition("/")[2] for each in service.asked] == ["status", "data"]


@pytest.mark.parametrize("body", [b"", batch()])
def test_no_rows_are_no_error(job, service, body):
    """A finished query without rows is empty, in either shape."""
    service.will_say(says(SUCCESS), Reply(body))

    assert list(job.results()) == []


def test_no_rows_of_a_query_that_was_submitted_here_warn_of_its_mistakes(client, service):
    """A severity in other letters causes a warning, as in a direct query."""
    query = "source logs | filter $m.severity == Error"
    service.will_say(says({"queryId": ID}), says(SUCCESS), Reply(b""))

    with pytest.warns(CxQueryWarning, match="write ERROR, not Error"):
        assert list(client.submit(query, **WINDOW).results()) == []


def test_results_before_the_end_are_refused(job, service):
    """The rows of a query that still runs are not requested."""
    service.will_say(says(RUNNING))

    with pytest.raises(RequestRefused, match=r"still running: call wait\(\)"):
        job.results()

    assert len(service.asked) == 1


def test_data_that_is_a_sentence_is_no_row(job, service):
    """A plain message in place of the rows raises."""
    service.will_say(says(SUCCESS), Reply(b"query is not ready"))

    with pytest.raises(PartialResult, match="query is not ready"):
        list(job.results())


@pytest.mark.parametrize("ends", ["cut", "chunked"])
def test_cut_data_raises(job, service, ends):
    """Rows that end in the middle of a line, or with a broken connection, raise."""
    body = batch(log(1)) + (batch(log(2))[:-9] if ends == "chunked" else batch(log(2)))
    service.will_say(says(SUCCESS), Reply(body, ends=ends))

    with pytest.raises(PartialResult):
        list(job.results())


def test_cancel_may_be_called_again(job, service):
    """Cancelling twice, or after the end, does not raise."""
    service.will_say(says({}), says({}), says({"message": "ended"}, 409), says(SUCCESS))

    for _ in range(3):
        job.cancel()


def test_what_cannot_be_cancelled_is_said(job, service):
    """A refused cancellation of a running query raises."""
    service.will_say(says({"message": "cannot"}, 409), says(RUNNING))

    with pytest.raises(RequestRefused, match="cannot"):
        job.cancel()


@pytest.mark.parametrize(
    "reply",
    [
        says({"message": "unknown"}, 404),
        Reply(b"query not found"),
        says({"message": "Query Not Found"}),
    ],
)
def test_an_unknown_id_is_said(job, service, reply):
    """404, or a success that says 'not found', raises UnknownQuery from every endpoint."""
    service.will_say(reply, reply, reply)

    for call in (job.status, job.cancel, job.results):
        with pytest.raises(UnknownQuery):
            call()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>"])
def test_a_status_of_no_known_shape_is_an_error(job, service, body):
    """A document that is not a status raises."""
    service.will_say(Reply(body))

    with pytest.raises(PartialResult):
        job.status()


def test_a_refused_key_is_said_at_every_door(job, service):
    """The endpoints of background queries raise the same errors."""
    service.will_say(says({"message": "no"}, 403))

    with pytest.raises(AuthenticationError):
        job.status()


def test_the_key_is_in_no_error_of_a_job(job, service):
    """The key is masked where an endpoint of background queries repeats it."""
    service.will_say(says({"odd": KEY}), says(SUCCESS), Reply(f"{KEY} is bad".encode()))

    with pytest.raises(PartialResult) as status:
        job.status()
    with pytest.raises(PartialResult) as data:
        list(job.results())

    assert KEY not in str(status.value) + str(data.value)


def test_a_job_is_taken_up_from_its_id(service):
    """Another client, in another process, can continue with only the id."""
    service.will_say(says(SUCCESS))

    with DataPrimeClient(KEY, url=service.url) as other:
        assert other.job(ID).wait().state is JobState.SUCCEEDED
        with pytest.raises(ConfigurationError):
            other.job("")
