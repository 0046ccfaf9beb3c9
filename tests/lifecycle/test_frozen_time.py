"""Tests of applications that freeze time."""

from __future__ import annotations

import subprocess
import sys

import pytest

FROZEN = """
import logging, sys, time
if sys.argv[3] == "freezegun":
    import freezegun
    frozen = freezegun.freeze_time("2020-01-01")
else:
    import time_machine
    frozen = time_machine.travel("2020-01-01T00:00:00+00:00", tick=False)
if sys.argv[1] == "before the import":
    frozen.start()
import cxlogging
if sys.argv[1] == "after the import":
    frozen.start()
elif sys.argv[1] == "after the class":
    from cxlogging import BetterStackHandler
    frozen.start()
handler = cxlogging.BetterStackHandler("canary-token", url=sys.argv[2], allow_plain_http=True)
log = logging.getLogger("shop")
log.addHandler(handler)
log.warning("frozen")
print(time.time(), handler.flush(timeout=20), handler.stats().delivered)
"""

SILENT = """
handler = cxlogging.BetterStackHandler("canary-token", url="http://127.0.0.1:9", close_timeout=0.1)
logging.getLogger("shop").addHandler(handler)
logging.getLogger("shop").warning("frozen")
print(time.time(), handler.flush(timeout=2))
"""

INSTANT = "1577836800.0"

when = pytest.mark.parametrize("when", ["before the import", "after the import", "after the class"])
library = pytest.mark.parametrize("library", ["freezegun", "time_machine"])


def run(program: str, when: str, url: str, library: str) -> list[str]:
    """Run *program* while *library* freezes time; return the words that it prints."""
    pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, "-c", program, when, url, library],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.split() or [done.stderr]


@library
@when
def test_records_ship_while_time_is_frozen(server, when, library):
    """A handler that is first made while time is frozen delivers, and flush() returns."""
    assert run(FROZEN, when, server.url, library) == [INSTANT, "True", "1"]
    assert [event["message"] for event in server.events()] == ["frozen"]


@library
@when
def test_flush_ends_while_time_is_frozen(when, library):
    """flush(timeout=2) returns if nobody answers, though the clock of the tests stands still."""
    program = FROZEN.partition("handler =")[0] + SILENT

    assert run(program, when, "http://127.0.0.1:9", library) == [INSTANT, "False"]
