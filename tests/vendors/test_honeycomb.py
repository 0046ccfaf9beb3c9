from __future__ import annotations

import datetime
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError
from cxlogging.vendors.honeycomb.destination import configure, severity
from cxlogging.wire.event import SyntheticOrigin
from cxlogging.wire.http import Action, Response

from .reading import KEY, an_event, fields, honeycomb, logged, sent

SOURCE = SyntheticOrigin("shop", "/srv/o.py", "o.py", "o", 42, "place", 99, "worker-1", 17, "Main")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def answer(*statuses: object, status: int = 200) -> Response:
    return Response(status, body=json.dumps(statuses).encode())


def test_an_element_has_time_samplerate_and_data():
    """An element of the batch has the three documented members and no others."""
    (element,) = sent(honeycomb(), an_event(sample_rate=7))

    assert list(element) == ["time", "samplerate", "data"]
    assert (element["time"], element["samplerate"]) == ("2023-11-14T22:13:20.123456000Z", 7)


def test_data_names_the_record_as_the_vendor_does():
    """The severity, the logger, the code and the process have Honeycomb's names."""
    event = an_event("paid", origin=SOURCE, level=30, level_name="WARNING", task="Task-1")

    assert fields(honeycomb(), event) == {
        "message": "paid",
        "severity": "warn",
        "severity_code": 13,
        "level": "WARNING",
        "logger": "shop",
        "code.function": "place",
        "code.filepath": "/srv/o.py",
        "code.lineno": 42,
        "thread.id": 99,
        "thread.name": "worker-1",
        "process.pid": 17,
        "process.name": "Main",
        "meta.local_hostname": "host",
        "meta.signal_type": "log",
        "task.name": "Task-1",
    }


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (-5, "trace"),
        (0, "trace"),
        (9, "trace"),
        (10, "debug"),
        (19, "debug"),
        (20, "info"),
        (25, "info"),
        (30, "warn"),
        (40, "error"),
        (50, "fatal"),
        (100, "fatal"),
    ],
)
def test_severity_is_a_word_of_the_vendor(level, word):
    """A level belongs to the word of the standard level below it."""
    assert severity(level) == word


@given(st.integers(946_684_800 * 10**9, 4_102_444_800 * 10**9))
def test_the_time_is_rfc_3339_with_nanoseconds(time_ns):
    """The time reads back as the event's nanoseconds, none lost."""
    time = sent(honeycomb(), an_event(time_ns=time_ns))[0]["time"]

    whole, _, rest = time.partition(".")
    seconds = (datetime.datetime.fromisoformat(f"{whole}+00:00") - EPOCH).total_seconds()
    assert re.fullmatch(r"\d{9}Z", rest)
    assert int(seconds) * 10**9 + int(rest[:-1]) == time_ns


def test_the_time_is_when_the_record_was_made():
    """An element's time is the record's created, to the microsecond."""
    event = logged(created=1_675_148_539.789123)

    assert sent(honeycomb(), event)[0]["time"] == "2023-01-31T07:02:19.789123000Z"


def test_nested_fields_become_dotted_names():
    """Objects are columns with dotted names; lists and empty objects are JSON text."""
    several = {"user": {"id": 7, "tags": ["a", {"b": None}]}, "empty": {}, "none": None}

    found = fields(honeycomb(), an_event(fields=several))

    assert (found["user.id"], found["user.tags"]) == (7, '["a",{"b":null}]')
    assert (found["empty"], found["none"]) == ("{}", None)
    assert "user" not in found


def test_dotted_names_that_meet_are_both_kept():
    """A name that a nested one collides with keeps its value, and so does the nested one."""
    several = {"a": {"b": 1, "b.c": 4}, "a.b": 2, "a.b_": 3}

    found = fields(honeycomb(), an_event(fields=several))

    assert sorted(found[name] for name in found if name.startswith("a.b")) == [1, 2, 3, 4]


def test_a_nested_name_cannot_pass_for_one_of_the_vendors():
    """An extra whose dotted name is Honeycomb's own moves aside."""
    event = an_event(fields={"thread": {"id": "mine"}, "process": {"pid": 0}}, origin=SOURCE)

    found = fields(honeycomb(), event)

    assert (found["thread.id"], found["extra_thread.id"]) == (99, "mine")
    assert (found["process.pid"], found["extra_process.pid"]) == (17, 0)


def test_exceptions_are_dotted_columns():
    """A failure's parts are columns of their own; its causes are JSON text."""
    error = {"type": "E", "message": "m", "stacktrace": "s", "causes": [{"type": "F"}]}

    found = fields(honeycomb(), an_event(error=error, stack="the stack"))

    assert (found["exception.type"], found["exception.message"]) == ("E", "m")
    assert (found["exception.stacktrace"], found["stack_info"]) == ("s", "the stack")
    assert json.loads(found["exception.causes"]) == [{"type": "F"}]


@settings(max_examples=20)
@given(st.text("aé漢😀", min_size=1, max_size=9))
def test_a_text_keeps_below_64_kib(part):
    """A text value is cut to 65,536 bytes of UTF-8, wherever it stands, and starts as it did."""
    text = part * 70_000
    event = an_event(text, fields={"a": text, "b": {"c": text}, "d": [text]})

    found = fields(honeycomb(), event)

    for name in ("message", "a", "b.c", "d"):
        assert len(found[name].encode()) <= 65_536, name
        assert "… [cut from " in found[name]
    assert found["message"].startswith(text[:100])


def test_a_text_of_exactly_64_kib_is_whole():
    """65,536 bytes are sent as they are; one more is too many."""
    found = fields(
        honeycomb(), an_event("x" * 65_536, fields={"a": "é" * 32_768, "b": "x" * 65_537})
    )

    assert (found["message"], found["a"]) == ("x" * 65_536, "é" * 32_768)
    assert found["b"].endswith("… [cut from 65537 characters]")


def test_an_event_has_at_most_2000_fields():
    """Beyond Honeycomb's limit, the first fields are kept, and a field says so."""
    nested = {f"g{group}": dict.fromkeys(map(str, range(900)), 1) for group in range(3)}
    error = {"type": "E", "message": "m", "stacktrace": "s", "causes": [], "exceptions": []}

    found = fields(honeycomb(), an_event(fields=nested, error=error, origin=SOURCE, task="t"))

    assert 1_900 < len(found) <= 2_000
    assert found["cx_more_fields"] == "<cut: 1900 fields are kept>"
    assert found["g2.99"] == 1
    assert "g2.100" not in found


def test_1900_fields_are_whole():
    """As many fields as are kept bring no word of cutting."""
    found = fields(honeycomb(), an_event(fields={f"f{each}": each for each in range(1_900)}))

    assert found["f1899"] == 1_899
    assert "cx_more_fields" not in found


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("orders", "/1/batch/orders"),
        ("my app/logs", "/1/batch/my%20app%2Flogs"),
        ("å?#%", "/1/batch/%C3%A5%3F%23%25"),
        ("../x", "/1/batch/..%2Fx"),
    ],
)
def test_a_dataset_is_one_percent_encoded_part_of_the_path(dataset, path):
    """Blanks, slashes and letters outside ASCII of a dataset are percent-encoded."""
    assert configure(KEY, dataset=dataset).endpoint.path == path


def test_a_dataset_has_at_most_255_characters():
    """A longer dataset is refused, and 255 characters are not."""
    assert configure(KEY, dataset="d" * 255).dataset == "d" * 255
    with pytest.raises(ConfigurationError, match="dataset takes at most 255 characters, not 256"):
        configure(KEY, dataset="d" * 256)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (None, "https://api.honeycomb.io/1/batch/d"),
        ("us", "https://api.honeycomb.io/1/batch/d"),
        ("US1", "https://api.honeycomb.io/1/batch/d"),
        ("EU", "https://api.eu1.honeycomb.io/1/batch/d"),
        ("eu1", "https://api.eu1.honeycomb.io/1/batch/d"),
        ("https://refinery.example:8443", "https://refinery.example:8443/1/batch/d"),
    ],
)
def test_the_host_is_the_us_one_unless_said(url, address):
    """A region's name or a whole address replaces the US host."""
    assert str(configure(KEY, dataset="d", url=url).endpoint) == address


def test_the_key_is_the_team_header():
    """The request is JSON with the key in X-Honeycomb-Team, and has no other header."""
    headers = dict(configure(KEY, dataset="d").request([b"{}"]).headers)

    assert headers["X-Honeycomb-Team"].reveal() == KEY
    assert headers.keys() == {"Content-Type", "X-Honeycomb-Team"}
    assert headers["Content-Type"] == "application/json"


def test_limits_are_the_vendors():
    """An event below 1,000,000 bytes, a batch below 5,000,000, zstd before gzip."""
    limits = honeycomb().limits

    assert (limits.item_bytes, limits.body_bytes) == (999_999, 4_999_999)
    assert (limits.auto, limits.overhead) == (("zstd", "gzip"), 2)
    assert len(honeycomb().request([b"{}", b"{}"]).body) == 2 + 2 + 1 + 2


def test_as_many_statuses_as_a_batch_holds_can_be_read():
    """The statuses of the largest batch fit in the 64 KiB that are read of an answer."""
    count = honeycomb().limits.batch_count
    whole = json.dumps([{"status": 202}] * count, separators=(",", ":"))

    assert len(whole) <= 64 * 1024
    assert honeycomb().interpret(Response(200, body=whole.encode()), count).items == {}


def test_an_answer_of_all_202_delivers_all():
    """Where every event was taken, nothing goes again."""
    verdict = honeycomb().interpret(answer({"status": 202}, {"status": 202}), 2)

    assert (verdict.action, verdict.items) == (Action.DELIVERED, {})


def test_each_event_has_its_own_verdict():
    """Only what failed for a passing reason goes again; what is malformed is refused."""
    statuses = (
        {"status": code, "error": f"e{code}"} for code in (202, 400, 429, 500, 503, 403, 200)
    )

    verdict = honeycomb().interpret(answer(*statuses), 7)

    assert verdict.action is Action.DELIVERED
    assert verdict.items == {
        1: (Action.REFUSED, "status 400: e400"),
        2: (Action.RETRY, "status 429: e429"),
        3: (Action.RETRY, "status 500: e500"),
        4: (Action.RETRY, "status 503: e503"),
        5: (Action.REFUSED, "status 403: e403"),
    }


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("limit=100, remaining=0, reset=2", 2),
        ("limit=100,remaining=0,reset=60", 60),
        ("Reset = 7", 7),
        ("limit=100;reset=0", 0),
        ("limit=100, remaining=0", None),
        ("limit=100, preset=2", None),
        ("reset=soon", None),
        ("reset=" + "9" * 400, None),
        ("", None),
    ],
)
def test_the_wait_of_a_rate_limit(header, wait):
    """A 429's RateLimit header says how long to wait, for a batch and for single events."""
    headers = {"ratelimit": header}
    statuses = json.dumps([{"status": 202}, {"status": 429, "error": "slow"}]).encode()

    assert honeycomb().interpret(Response(429, headers), 2).wait == wait
    assert honeycomb().interpret(Response(200, headers, statuses), 2).wait == wait
    taken = json.dumps([{"status": 202}] * 2).encode()
    assert honeycomb().interpret(Response(200, headers, taken), 2).wait is None
    assert honeycomb().interpret(Response(503, headers), 2).wait is None


def test_a_pretty_printed_answer_is_read():
    """Blanks and line feeds between the statuses change nothing."""
    body = json.dumps([{"status": 202}, {"status": 400, "error": "x"}], indent=2).encode()

    verdict = honeycomb().interpret(Response(200, body=b"\n " + body), 2)

    assert verdict.items == {1: (Action.REFUSED, "status 400: x")}


def test_an_event_without_a_status_goes_again():
    """A shorter array answers for the first events alone."""
    verdict = honeycomb().interpret(answer({"status": 202}), 3)

    again = (Action.RETRY, "no status for this event")
    assert verdict.items == {1: again, 2: again}


def test_an_answer_cut_in_the_middle_counts_as_far_as_it_goes():
    """Of an answer that was not read to its end, the whole statuses count."""
    body = json.dumps([{"status": 202}] * 10).encode()[:45]

    verdict = honeycomb().interpret(Response(200, body=body, complete=False), 10)

    assert sorted(verdict.items) == [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "element", [5, "202", None, [202], {}, {"status": "202"}, {"status": None}]
)
def test_a_status_that_is_none_goes_again(element):
    """An element that is no status object tells nothing of its event."""
    verdict = honeycomb().interpret(answer(element, {"status": 202}), 2)

    assert verdict.items == {0: (Action.RETRY, "no status for this event")}


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"{}", b'{"status":202}', b"[]", b"\xff\xfe", b"[" * 60_000, b"[nope]"]
)
def test_a_200_without_statuses_goes_again(body):
    """An answer that tells of no event is no proof that any was taken."""
    verdict = honeycomb().interpret(Response(200, body=body), 2)

    assert (verdict.action, verdict.items) == (
        Action.RETRY,
        {},
    )
    assert verdict.reason == "HTTP 200 without a status for each event"


def test_an_empty_202_means_queued():
    """An empty 202 response, which the documentation speaks of, delivers all."""
    verdict = honeycomb().interpret(Response(202), 5)

    assert (verdict.action, verdict.items) == (Action.DELIVERED, {})


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_too_large_is_split(status):
    """Honeycomb says 400 where others say 413; both halve the batch."""
    body = b'{"error":"Request body is too large."}'

    verdict = honeycomb().interpret(Response(status, body=body), 5)

    assert verdict.action is Action.SPLIT
    assert "Request body is too large." in verdict.reason


def test_another_400_isolates():
    """A malformed batch is halved until the malformed event is alone."""
    body = b'{"error":"Request body is malformed and cannot be read."}'

    assert honeycomb().interpret(Response(400, body=body), 5).action is Action.ISOLATE


@pytest.mark.parametrize(("status", "cure"), [(401, "url='eu'"), (403, "key"), (404, "dataset")])
def test_a_wrong_key_or_dataset_has_a_cure(status, cure):
    """What somebody must mend is said with the verdict that holds everything."""
    verdict = honeycomb().interpret(Response(status), 1)

    assert verdict.action is Action.HOLD
    assert cure in verdict.cure


def test_a_long_error_of_a_status_is_whole():
    """The vendor's words about an event are cut where secrets were masked, not before."""
    verdict = honeycomb().interpret(answer({"status": 400, "error": "e" * 5_000}), 1)

    assert verdict.items[0] == (Action.REFUSED, "status 400: " + "e" * 5_000)


def test_the_name_tells_vendor_host_and_dataset():
    """A destination is named for a person."""
    assert configure(KEY, dataset="d", url="eu").name == (
        "Honeycomb (api.eu1.honeycomb.io, dataset 'd')"
    )


@pytest.mark.parametrize("variable", ["HONEYCOMB_API_ENDPOINT", "HONEYCOMB_API_HOST"])
@pytest.mark.parametrize(
    "value",
    "eu EU1 api.eu1.honeycomb.io https://api.eu1.honeycomb.io https://api.eu1.honeycomb.io:443/"
    " api.eu1.honeycomb.io:443 ui.eu1.honeycomb.io https://ui.eu1.honeycomb.io".split(),
)
def test_an_eu_host_never_leads_to_the_us(variable, value, monkeypatch):
    """A region and each form of the vendor's hosts is the EU's, as an argument or a variable."""
    from cxlogging.vendors.honeycomb.destination import configure

    monkeypatch.delenv("CXLOGGING_URL", raising=False)
    monkeypatch.setenv(variable, value)

    assert configure("k").endpoint.origin == "https://api.eu1.honeycomb.io"
    assert configure("k", url=value).endpoint.origin == "https://api.eu1.honeycomb.io"
