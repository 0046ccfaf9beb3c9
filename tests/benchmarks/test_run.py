"""Small runs with real processes: the measured process, the sink and the main process."""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request

import pytest

from benchmarks import run
from benchmarks.modes import BY_NAME
from benchmarks.processes import Sink
from benchmarks.subjects import BY_NAME as SUBJECTS
from benchmarks.subjects import NO_OP


@pytest.fixture(scope="module")
def sink():
    sink = Sink()
    yield sink
    sink.end()


@pytest.fixture
def rounds(sink):
    return run.Rounds(sink, lambda _: None)


@pytest.mark.parametrize(
    "name", ["cxlogging Better Stack, stdlib only", "cxlogging Coralogix, spool, stdlib only"]
)
def test_what_is_logged_arrives_once(name, rounds):
    """The sink gets every id once, and the figures are complete."""
    figures = rounds.once(SUBJECTS[name], BY_NAME["burst"], 500)

    assert (figures["delivered"], figures["missing"], figures["duplicates"]) == (500, 0, 0)
    assert figures["unreadable"] is None
    assert figures["bytes"] > 500
    assert 0 < figures["p50_ns"] <= figures["p99_ns"] <= figures["max_ns"]
    assert figures["cpu"] > 0
    assert figures["started_ns"] < figures["logged_ns"] <= figures["answered_ns"]


def test_nothing_is_left_behind(rounds, tmp_path, monkeypatch):
    """The spool of a measured process is removed with it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rounds.once(SUBJECTS["cxlogging Coralogix, spool, stdlib only"], BY_NAME["burst"], 50)
    rounds.once(SUBJECTS["cxlogging Coralogix, spool, stdlib only"], BY_NAME["down"], 50)

    assert list(tmp_path.iterdir()) == []


def test_a_baseline_waits_for_nothing(rounds):
    """A handler that sends nothing has figures for calls and CPU, and none for arrival."""
    figures = rounds.once(NO_OP, BY_NAME["threads-4"], 400)

    assert figures["records"] == 400
    assert "wall" not in figures
    assert figures["missing"] == 0


def test_what_threads_compute_is_not_the_logging_s(rounds):
    """With computing threads everything arrives, and their CPU time does not count for records."""
    subject = SUBJECTS["cxlogging Better Stack, spool, stdlib only"]
    figures = rounds.once(subject, BY_NAME["busy-2"], 200)

    assert (figures["records"], figures["delivered"], figures["missing"]) == (200, 200, 0)
    assert 0 < figures["cpu"] < figures["wall"]


def test_an_event_loop_is_measured_by_its_lag(rounds):
    """Records are counted, not beats, and all of them arrive."""
    subject = SUBJECTS["cxlogging Better Stack, stdlib only"]
    figures = rounds.once(subject, BY_NAME["loop-10000"], 500)

    assert (figures["records"], figures["delivered"], figures["missing"]) == (500, 500, 0)
    assert 0 <= figures["p50_ns"] <= figures["max_ns"]


def test_calls_are_timed_without_a_sink(rounds):
    """Where nothing listens at the address, calls are still timed."""
    subject = SUBJECTS["cxlogging Honeycomb, stdlib only"]
    figures = rounds.once(subject, BY_NAME["down"], 200)

    assert figures["records"] == 200
    assert "delivered" not in figures


def test_a_missing_peer_is_reported_once(rounds, tmp_path, monkeypatch):
    """A subject whose package cannot be imported is left out from then on, with the reason."""
    (tmp_path / "logtail.py").write_text("raise ImportError('no logtail here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for number in range(2):
        rounds.go(BY_NAME["burst"], [SUBJECTS["logtail-python"]], number, 10)

    assert rounds.absent == {"logtail-python": "no logtail here"}
    assert rounds.runs == {"burst": {}}


def test_a_subject_that_fails_is_reported_and_tried_again(rounds, tmp_path, monkeypatch):
    """Any other error fails that round only."""
    (tmp_path / "logtail.py").write_text("raise ValueError('odd')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for number in range(2):
        rounds.go(BY_NAME["burst"], [SUBJECTS["logtail-python"]], number, 10)

    failed = {"failed": "ValueError: odd"}
    assert rounds.runs["burst"]["logtail-python"] == [
        {"round": 0, **failed},
        {"round": 1, **failed},
    ]


def test_idle_processes_are_counted(sink):
    """Only context switches of the idle time are counted."""
    subject = SUBJECTS["cxlogging Coralogix, stdlib only"]
    found = run.idle(sink, [NO_OP, subject], 0.2)

    for name in (NO_OP.name, subject.name):
        (figures,) = found[name]
        assert figures["seconds"] == 0.2
        assert figures["switches"] >= 1


def test_the_sink_answers_after_a_delay(sink):
    """The body is stored at once, and answered after the delay."""
    sink.ask("reset 0.2")
    started = time.monotonic()
    posted(sink.target["url"], b'{"streams": [{"values": [["1", "order 3 shipped"]]}]}')

    assert time.monotonic() - started >= 0.2
    assert sink.ask("count")["distinct"] == {"loki": 1}


def test_the_sink_counts_what_came_twice_and_what_was_a_warm_up(sink):
    """Distinct ids, duplicates and warm-ups are counted separately, over several requests too."""
    sink.ask("reset 0")
    for numbers in ([1, 2, -1], [2, 3], [2, -1]):
        values = [["1", f"order {number} shipped"] for number in numbers]
        posted(sink.target["url"], json.dumps({"streams": [{"values": values}]}).encode())
        account = sink.ask("count")

    assert account["distinct"] == {"loki": 3}
    assert account["duplicates"] == {"loki": 2}
    assert account["warm"] == {"loki": 2}
    assert account["requests"] == 3


def test_what_is_missing_is_counted_by_service():
    """A surplus at one service does not offset a loss at another."""
    account = {
        "requests": 4,
        "unreadable": None,
        "bytes": 100,
        "cpu": 0.1,
        "answered_ns": 5,
        "distinct": {"coralogix": 10, "honeycomb": 7, "loki": 3},
        "duplicates": {"coralogix": 2, "loki": 9},
    }
    figures = run._arrival(account, {"coralogix": 8, "honeycomb": 8, "betterstack": 8})

    assert (figures["delivered"], figures["missing"], figures["duplicates"]) == (17, 9, 2)


def test_a_body_that_cannot_be_read_is_reported(sink):
    """The sink continues, and names the service and the error."""
    sink.ask("reset 0")
    posted(sink.target["url"], b"{")

    account = sink.ask("count")
    assert account["unreadable"].startswith("loki: JSONDecodeError")
    assert (account["requests"], account["distinct"]) == (1, {"loki": 0})


def posted(url, body):
    request = urllib.request.Request(f"{url}/loki/api/v1/push", body)
    with urllib.request.urlopen(request) as answered:
        assert answered.status == 204


@pytest.mark.parametrize(
    ("name", "arrive"),
    [
        ("held and discarded", 0),
        ("held and released", 500),
        ("limited", 100),
    ],
)
def test_what_is_held_back_is_not_missing(rounds, name, arrive):
    """As many arrive as are to, each once, and every call is timed."""
    subject = SUBJECTS[f"cxlogging Better Stack, {name}"]
    figures = rounds.once(subject, BY_NAME["holding"], 500)

    assert (figures["delivered"], figures["missing"], figures["duplicates"]) == (arrive, 0, 0)
    assert figures["records"] == 500
    assert 0 < figures["p50_ns"] <= figures["max_ns"]
