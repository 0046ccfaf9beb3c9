"""Statuses other than success, and network failures."""

from __future__ import annotations

import json
import threading
import traceback

import pytest

from cxlogging.dataprime import (
    AuthenticationError,
    DataPrimeClient,
    PartialResult,
    QueryError,
    QuerySyntaxError,
    QueryTimeout,
    RateLimited,
    RequestRefused,
    ServerError,
    UnknownQuery,
    Unreachable,
)
from cxlogging.dataprime.errors import message_of

from .conftest import KEY
from .service import QUERY_ID, Reply, line, log, result, whole

QUERY = "source logs | filter $d.foo == 1"
COMPILATION = "Compilation errors: keypath does not exist '$d.foo' in line 0 at column 21"


def said(message: str) -> bytes:
    return json.dumps({"message": message}).encode()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_comes_with_a_hint(client, service, status):
    """The error for a refused key says which kind of key queries take."""
    service.will_say(Reply(said("Forbidden"), status, {"X-Request-Id": "r-1"}))

    with pytest.raises(AuthenticationError, match="Send-Your-Data key") as caught:
        client.query("source logs")

    assert caught.value.request_id == "r-1"
    assert len(service.asked) == 1


@pytest.mark.parametrize("direct", [True, False])
def test_a_query_that_does_not_compile_has_a_caret(client, service, direct):
    """A compilation error has line and column, and a caret below the query, in either shape."""
    refused = Reply(said(COMPILATION), 400)
    in_stream = Reply(QUERY_ID + line({"error": {"message": COMPILATION}}))
    service.will_say(refused if direct else in_stream)

    with pytest.raises(QuerySyntaxError) as caught:
        client.query(QUERY, strict_fields=True)

    assert (caught.value.line, caught.value.column) == (0, 21)
    assert caught.value.caret == f"  {QUERY}\n  {' ' * 21}^"
    assert str(caught.value).endswith(caught.value.caret)


def test_a_syntax_error_without_position_has_no_caret(client, service):
    """Where the service names no position, the error has none."""
    service.will_say(Reply(said("Compiler error: what is this"), 400))

    with pytest.raises(QuerySyntaxError) as caught:
        client.query(QUERY)

    assert (caught.value.line, caught.value.column, caught.value.caret) == (None, None, "")


def test_the_caret_stands_in_its_line():
    """In a query of several lines the caret is below the right one, tabs kept."""
    error = QuerySyntaxError("syntax error in line 1 at column 3", "source logs\n\t| fliter x")

    assert error.caret == "  \t| fliter x\n  \t  ^"
    assert QuerySyntaxError("line 9 at column 3", "a").caret == ""


@pytest.mark.parametrize(("status", "error"), [(400, RequestRefused), (405, RequestRefused),
    (409, RequestRefused), (500, ServerError), (501, ServerError)])  # fmt: skip
def test_other_statuses_are_told_once(client, service, status, error):
    """Errors that a retry cannot fix are raised at once, with the service's message."""
    service.will_say(Reply(said("no such thing"), status, {"Location": "http://elsewhere/"}))

    with pytest.raises(error, match=f"HTTP {status}: no such thing"):
        client.query("source logs")

    assert len(service.asked) == 1


def test_a_redirect_is_not_followed(client, service):
    """A redirect is not followed, so that the key is not sent elsewhere."""
    service.will_say(Reply(status=302, headers={"Location": f"{service.url}/elsewhere"}))

    with pytest.raises(ServerError, match="HTTP 302: redirects are not followed"):
        client.query("source logs")

    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"message":"a"}', "a"),
        ('{"error":"b"}', "b"),
        ('{"error":{"message":"c"}}', "c"),
        ('{"detail":"d"}', "d"),
        ("<html><head><style>x{}</style></head><h1>502 Bad Gateway</h1></html>", "502 Bad Gateway"),
        ("upstream failed", "upstream failed"),
        ("[1]", "[1]"),
        ("", "HTTP 500"),
    ],
)
def test_the_services_words_are_found(client, service, body, sentence):
    """The message is found in JSON of every known shape, in HTML and in plain text."""
    service.will_say(Reply(body.encode(), 500))

    with pytest.raises(ServerError) as caught:
        client.query("source logs")

    assert str(caught.value).removeprefix("HTTP 500: ") == sentence
    assert message_of(5) == ""


def test_retry_after_is_waited_for(client, service, time):
    """After a rate limit, the client waits as long as the service asks, then retries."""
    service.will_say(Reply(status=429, headers={"Retry-After": "7"}), whole(log(1)))

    assert len(client.query("source logs")) == 1
    assert time.sleeps == [7.0]


def test_a_rate_limit_without_a_time_backs_off(client, service, time):
    """Without Retry-After the waits double until the budget is spent."""
    service.will_say(*[Reply(said("limit"), 429)] * 6)

    with pytest.raises(RateLimited, match="HTTP 429: limit"):
        client.query("source logs")

    assert time.sleeps == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_wait_beyond_the_budget_is_not_begun(client, service, time):
    """A Retry-After longer than the budget is raised at once."""
    service.will_say(Reply(status=429, headers={"Retry-After": "61"}))

    with pytest.raises(RateLimited) as caught:
        client.query("source logs")

    assert (caught.value.retry_after, time.sleeps) == (61.0, [])


def test_a_wait_beyond_the_timeout_is_not_begun(client, service, time):
    """The timeout includes the waits."""
    service.will_say(Reply(status=429, headers={"Retry-After": "5"}))

    with pytest.raises(RateLimited):
        client.query("source logs", timeout=4)

    assert time.sleeps == []


def test_a_server_that_says_zero_is_not_asked_for_ever(client, service, time):
    """Retry-After: 0 uses up the budget too."""
    service.rule = lambda asked: Reply(status=429, headers={"Retry-After": "0"})

    with pytest.raises(RateLimited):
        client.query("source logs")

    assert len(service.asked) <= 122


@pytest.mark.parametrize("status", [502, 503, 504])
def test_passing_trouble_is_asked_again(client, service, status):
    """A 502, 503 or 504 is retried within the same budget."""
    service.will_say(Reply(status=status), Reply(status=status), whole(log(1)))

    assert len(client.query("source logs")) == 1


def test_no_connection_is_said():
    """A closed port raises Unreachable at once."""
    client = DataPrimeClient(KEY, url="http://127.0.0.1:1")

    with pytest.raises(
        Unreachable, match=r"Nothing listens at 127\.0\.0\.1:1\. Is `cxlogging dev` running"
    ):
        client.query("source logs")


def test_a_dropped_connection_is_asked_again(client, service):
    """A connection that is closed without an answer, as idle ones may be, is retried."""
    service.will_say(Reply(ends="dropped"), whole(log(1)))

    assert len(client.query("source logs")) == 1


def test_a_submission_is_not_repeated_after_a_drop(client, service):
    """A submission is not repeated where it is unknown whether the service accepted it."""
    service.will_say(Reply(ends="dropped"))

    with pytest.raises(Unreachable):
        client.submit("source logs", start="2h", end="1h")

    assert len(service.asked) == 1


@pytest.mark.parametrize("pieces", [[], [QUERY_ID, result(log(1))]])
def test_silence_is_a_timeout(service, pieces):
    """A service that is silent for too long, early or late, raises QueryTimeout."""
    go_on = threading.Event()
    service.will_say(Reply([*pieces, go_on]))

    client = DataPrimeClient(KEY, url=service.url, silence=0.1)

    with pytest.raises(QueryTimeout) as caught:
        client.query("source logs")
    go_on.set()

    assert len(caught.value.result) == (1 if pieces else 0)


def test_silence_before_the_first_byte_is_a_timeout(service):
    """A service that never answers raises QueryTimeout after the timeout."""
    go_on = threading.Event()
    service.rule = lambda asked: go_on.wait(30) and whole()

    with pytest.raises(QueryTimeout, match="did not answer in time"):
        DataPrimeClient(KEY, url=service.url, silence=0.1).query("source logs")
    go_on.set()


def test_an_error_whose_words_break_off_is_its_status(client, service):
    """Where the body of an error cannot be read, its status is reported."""
    service.will_say(Reply(b"no gzip", 403, {"Content-Encoding": "gzip"}))

    with pytest.raises(AuthenticationError, match="HTTP 403"):
        client.query("source logs")


def test_of_an_errors_page_the_beginning_is_read(client, service):
    """The endless body of an error is truncated."""
    service.will_say(Reply([b"word " * 10_000] * 100, 500))

    with pytest.raises(ServerError) as caught:
        client.query("source logs")

    assert len(str(caught.value)) < 3_000


def test_the_timeout_ends_a_trickle(client, service, time):
    """An answer that keeps trickling raises once the timeout has passed."""
    rows = (result(log(number)) for number in range(1_000))
    service.will_say(Reply(rows))

    stream = client.stream("source logs", timeout=5)
    slowly = (time.sleep(1.0) for _ in stream)

    with pytest.raises(QueryTimeout):
        list(slowly)


@pytest.mark.parametrize("ends", ["cut", "close"])
def test_a_broken_connection_is_a_partial_result(client, service, ends):
    """The error of a broken connection has the rows that were read before it."""
    service.will_say(Reply(QUERY_ID + result(log(1)), ends=ends))

    with pytest.raises(PartialResult) as caught:
        client.query("source logs")

    assert [row["number"] for row in caught.value.result] == [1]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(said(f"key {KEY} is bad"), 403),
        Reply(said(f"key {KEY} is bad"), 500),
        Reply(line({"error": {"message": f"key {KEY} is bad"}})),
        Reply(f"key {KEY} is no json".encode()),
    ],
)
def test_the_key_is_in_no_error(client, service, reply):
    """No error shows the key, even where the service repeats it."""
    service.will_say(reply)

    with pytest.raises(QueryError) as caught:
        client.query("source logs")

    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert KEY not in shown
    assert "****" in str(error)


def test_the_key_is_not_behind_an_error():
    """A network error has no reference to the request, whose headers contain the key."""
    client = DataPrimeClient(KEY, url="http://127.0.0.1:1")

    with pytest.raises(Unreachable) as caught:
        client.query("source logs")

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_missing_query_api_is_no_unknown_query(client, service):
    """404 for a direct query means a wrong address, for a job an unknown id."""
    service.rule = lambda _: Reply(b"not found", status=404)

    with pytest.raises(RequestRefused, match="check domain or url") as caught:
        client.query("source logs")
    assert not isinstance(caught.value, UnknownQuery)
    with pytest.raises(UnknownQuery):
        client.job("job-1").status()


def test_a_rate_limit_without_words_is_explained(client, service):
    """429 with an empty body says what the limit is and how long to wait."""
    service.rule = lambda _: Reply(status=429, headers={"Retry-After": "400"})

    with pytest.raises(RateLimited, match=r"30 direct queries a minute.* pause of 400 seconds"):
        client.query("source logs")
