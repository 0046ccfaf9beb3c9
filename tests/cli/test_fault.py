"""`cxlogging fault`: the faults of a real server, set, listed and cleared by commands."""

from __future__ import annotations

import logging
import re

import pytest

import cxlogging
from cxlogging.devserver import Fault

from .conftest import Terminal
from .test_completion import asked


@pytest.fixture
def fault(run, server):
    """Run `cxlogging fault` against the local server."""

    def invoke(command: str = "", **variables: str):
        return run("fault", *command.split(), **{"CXLOGGING_URL": server.url, **variables})

    return invoke


@pytest.mark.parametrize(
    ("command", "expected", "sentence"),
    [
        (
            "503 --vendor honeycomb --times 3",
            Fault(vendor="honeycomb", status=503, times=3),
            "honeycomb: status 503, for 3 requests",
        ),
        (
            "429 --retry-after 2",
            Fault(status=429, retry_after="2"),
            "all requests: status 429, retry after 2, until it is cleared",
        ),
        (
            "--delay 1.5 --times 1",
            Fault(delay=1.5, times=1),
            "all requests: delay 1.5, for 1 request",
        ),
        (
            "--reset after --vendor dataprime",
            Fault(vendor="dataprime", reset="after"),
            "dataprime: reset after, until it is cleared",
        ),
        (
            "200 --trickle 0.1",
            Fault(status=200, trickle=0.1),
            "all requests: status 200, trickle 0.1, until it is cleared",
        ),
    ],
)
def test_a_fault_is_set(fault, server, command, expected, sentence):
    """The server has the fault, the output says it in words, and `list` does too."""
    done = fault(command)
    listed = fault("list")

    assert server.faults.active() == (expected,)
    assert (done.exit_code, done.stdout) == (0, f"{sentence}\n")
    assert (listed.exit_code, listed.stdout) == (0, f"{sentence}\n")
    limited = expected.times is not None
    assert ("undo: cxlogging fault clear" in done.stderr) != limited


def test_a_fault_ends_by_itself(fault, server):
    """With --for, the fault ends after these seconds."""
    done = fault("503 --for 30")

    assert done.stdout == "all requests: status 503, for 30 seconds\n"
    (held,) = server.faults.active()
    assert (held.status, held.seconds) == (503, 30)


def test_faults_are_cleared(fault, server):
    """`clear` removes all of them, and `list` says that there are none."""
    fault("503")
    fault("429")
    cleared, listed = fault("clear"), fault("list")

    assert server.faults.active() == ()
    assert (cleared.exit_code, cleared.stdout) == (0, "faults removed: 2\n")
    assert (listed.exit_code, listed.stdout, listed.stderr) == (0, "", "no faults are set\n")


def test_a_real_handler_meets_the_fault(fault, server):
    """A handler sends again what the server has refused, and delivers it."""
    fault("503 --vendor honeycomb --times 2")
    handler = cxlogging.HoneycombHandler("key", dataset="shop", url=server.url)
    log = logging.getLogger("tests.fault")
    log.addHandler(handler)
    log.error("arrives all the same")

    assert server.wait_for("honeycomb", 1, timeout=30)
    assert handler.flush(30)
    assert handler.stats().retries == 2
    assert server.faults.active() == ()
    log.removeHandler(handler)
    handler.close()


def test_the_server_is_chosen(fault, run, server):
    """By --port, --url or CXLOGGING_URL."""
    nobody = {"CXLOGGING_URL": "http://127.0.0.1:1"}
    for where in (("--port", str(server.port)), ("--url", server.url)):
        assert run("fault", "503", *where, **nobody).exit_code == 0
    assert fault("503").exit_code == 0
    assert len(server.faults.active()) == 3


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("503 --port 1", 5, "no local server listens at http://127.0.0.1:1. Start one: cxlogging"),
        ("", 2, "nothing says how to fail: pass a status"),
        ("--times 3", 2, "nothing says how to fail: pass a status"),
        ("50", 2, "50 is not a status from 200 to 599."),
        ("slow", 2, "'slow' is neither a status, such as 503, nor list or clear."),
        ("clear --times 3", 2, "'clear' takes no options but --port and --url."),
        ("503 --vendor nobody", 2, "'nobody' is not one of"),
        ("503 --for 0", 2, "--for"),
        ("503 --for inf", 2, "'inf' is not a finite number."),
        ("--delay nan", 2, "'nan' is not a finite number."),
        ("503 --port 1 --url http://127.0.0.1:1", 2, "--port and --url both say"),
        ("503 --url http://example.com", 2, "--url takes the address of a local server"),
        ("503 --url https://127.0.0.1:1", 2, "--url takes the address of a local server"),
        ("503 --url http://127.0.0.1:99999", 2, "--url takes the address of a local server"),
    ],
)
def test_what_cannot_be_is_a_sentence(fault, server, command, code, sentence):
    """Wrong arguments, and a server that is not there, are reported without a traceback."""
    done = fault(command)

    assert (done.exit_code, sentence in done.stderr) == (code, True), done.output
    assert server.faults.active() == ()


def test_a_variable_that_leads_elsewhere_is_named(run):
    """CXLOGGING_URL with the address of another machine is refused."""
    done = run("fault", "503", CXLOGGING_URL="http://logs.example:8765")

    assert done.exit_code == 2
    assert "CXLOGGING_URL takes the address of a local server on this machine" in done.stderr


def test_the_sentence_of_the_server_is_shown(run, server):
    """What the server refuses is reported in its words."""
    done = run("fault", "503", "--retry-after", "2\n3", CXLOGGING_URL=server.url)

    assert (done.exit_code, "must be one line" in done.stderr) == (2, True)
    assert "--retry-after" in done.stderr


def test_another_server_is_not_taken_for_the_local_one(run, service):
    """A server that does not answer as ours is named, with its status."""
    done = run("fault", "list", CXLOGGING_URL=service.url)

    assert done.exit_code == 1
    assert re.search(r"http://127\.0\.0\.1:\d+ is not a local server of cxlogging", done.stderr)


def test_statuses_and_words_are_completed():
    """The shell completes usual statuses, list and clear, and the vendors."""
    assert asked("cxlogging fault 50", "50")[0] == ["503"]
    assert asked("cxlogging fault cl", "cl")[0] == ["clear"]
    assert asked("cxlogging fault 503 --vendor hon", "hon")[0] == ["honeycomb"]


def test_on_a_terminal_control_characters_are_escaped(server):
    """A value that the server returns cannot move the cursor."""
    server.faults.add(status=503, body="\x1b[2J")
    screen = Terminal("fault", "list", "--port", str(server.port))

    shown = screen.read()

    assert "\\x1b[2J" in shown
    assert "\x1b[2J" not in shown
