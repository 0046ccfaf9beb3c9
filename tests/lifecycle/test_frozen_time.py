"""Tests of applications that freeze time."""

from __future__ import annotations

import subprocess
import sys

import pytest

FROZEN = """
import logging, sys
import freezegun
frozen = freezegun.freeze_time("2020-01-01")
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
print(handler.flush(timeout=20), handler.stats().delivered)
"""

SILENT = """
handler = cxlogging.BetterStackHandler("canary-token", url="http://127.0.0.1:9", close_timeout=0.1)
logging.getLogger("shop").addHandler(handler)
logging.getLogger("shop").warning("frozen")
print(handler.flush(timeout=2))
"""

when = pytest.mark.parametrize("when", ["before the import", "after the import", "after the class"])


@when
def test_records_ship_while_time_is_frozen(server, when):
    """A handler that is first made while time is frozen delivers, and flush() returns."""
    pytest.importorskip("freezegun")
    done = subprocess.run(
        [sys.executable, "-c", FROZEN, when, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.split() == ["True", "1"], done.stderr
    assert [event["message"] for event in server.events()] == ["frozen"]


@when
def test_flush_ends_while_time_is_frozen(when):
    """flush(timeout=2) returns where nobody answers, though the clock of the tests stands."""
    pytest.importorskip("freezegun")
    program = FROZEN.partition("handler =")[0] + SILENT
    done = subprocess.run(
        [sys.executable, "-c", program, when],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.split() == ["False"], done.stderr
