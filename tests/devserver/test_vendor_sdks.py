"""The vendors' own SDKs, unchanged, deliver to the local server and hear the vendor's answers."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from cxlogging.devserver import DevServer, Keys

SDKS = ("coralogix", "libhoney", "logtail")
pytestmark = pytest.mark.skipif(not all(map(find_spec, SDKS)), reason="needs the extra sdks")

CORALOGIX = """
import logging, sys
from coralogix.handlers import CoralogixLogger
handler = CoralogixLogger(sys.argv[2], "app", "sub", sync_time=True, region="EU1")
log = logging.getLogger("shop")
log.setLevel(10)
log.addHandler(handler)
for n in range(3):
    log.error("order %s é", n)
from coralogix.manager import LoggerManager
LoggerManager.update_time_delta_interval()
print(LoggerManager._time_delta_last_update > 0, abs(LoggerManager._time_delta) < 60_000)
LoggerManager.flush()
"""

HONEYCOMB = """
import libhoney, sys
libhoney.init(writekey=sys.argv[2], dataset="my app", api_host=sys.argv[1])
text = "x" * int(sys.argv[3])
for n in range(3):
    libhoney.send_now({"n": n, "name": "order", "padding": text})
queue = libhoney.responses()
libhoney.close()
while (answer := queue.get()) is not None:
    print(answer["status_code"], answer["error"])
"""

BETTERSTACK = """
import logging, sys
from logtail import LogtailHandler
handler = LogtailHandler(source_token=sys.argv[2], host=sys.argv[1])
heard = []
upload = handler.uploader.session.post
def post(*args, **kwargs):
    answer = upload(*args, **kwargs)
    heard.append((answer.status_code, answer.text))
    return answer
handler.uploader.session.post = post
log = logging.getLogger("shop")
log.setLevel(10)
log.addHandler(handler)
for n in range(3):
    log.warning("order %s", n, extra={"user": {"id": n}, "padding": "x" * int(sys.argv[3])})
handler.flush()
for status, text in heard:
    print(status, text)
"""


@pytest.fixture
def server():
    with DevServer(keys=Keys(coralogix="right", honeycomb="right", betterstack="right")) as running:
        yield running


def run(script, server, key="right", size=1):
    paths = {
        "CORALOGIX_LOG_URL": f"{server.url}/logs/v1/singles",
        "CORALOGIX_TIME_DELTA_URL": f"{server.url}/sdk/v1/time",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, server.url, key, str(size)],
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_coralogix_logger_delivers(server):
    """coralogix_logger: singles, its own first record, and the clock."""
    assert run(CORALOGIX, server) == ["True True"]
    assert server.wait_for("coralogix", 4, 10)
    first, *orders = server.events("coralogix")
    assert "has started to send data" in first["message"]
    assert first["warnings"] == ["threadId should be a string"]
    assert [one["message"] for one in orders] == ["order 0 é", "order 1 é", "order 2 é"]
    assert {(one["application"], one["subsystem"], one["level"]) for one in orders} == {
        ("app", "sub", "error")
    }
    assert all(one["source"]["category"] == "shop" and not one["warnings"] for one in orders)
    assert all(0 <= one["received_ns"] - one["time_ns"] < 60 * 10**9 for one in orders)


def test_coralogix_logger_hears_of_a_wrong_key(server):
    """401; the SDK takes it for success, and the log of requests tells the truth."""
    run(CORALOGIX, server, key="wrong")
    refused = server.requests("coralogix")
    assert {one["status"] for one in refused if one["method"] == "POST"} == {401}
    assert server.count() == 0


def test_libhoney_delivers(server):
    """libhoney: a batch in JSON and gzip; each event hears its own status."""
    assert run(HONEYCOMB, server) == ["202 None"] * 3
    events = server.events("honeycomb")
    assert sorted(one["data"]["n"] for one in events) == [0, 1, 2]
    assert {(one["application"], one["message"]) for one in events} == {("my app", "order")}
    assert all(one["warnings"] == [] for one in events)
    assert all(0 <= one["received_ns"] - one["time_ns"] < 60 * 10**9 for one in events)


def test_libhoney_hears_of_a_wrong_key_and_of_its_size(server):
    """401 for all; 400 for each event above a megabyte."""
    wrong = run(HONEYCOMB, server, key="wrong")
    assert len(wrong) == 3
    assert all(line.startswith("401") for line in wrong)
    large = run(HONEYCOMB, server, size=1_000_000)
    assert len(large) == 3
    assert all(line.startswith("400") for line in large)
    assert server.count() == 0


def test_logtail_delivers(server):
    """logtail-python: MessagePack, 202 without a body."""
    assert set(run(BETTERSTACK, server)) == {"202 "}
    assert server.wait_for("betterstack", 3, 10)
    events = server.events("betterstack")
    assert [one["message"] for one in events] == ["order 0", "order 1", "order 2"]
    assert [one["data"]["user"] for one in events] == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert {(one["level"], one["severity"]) for one in events} == {("warning", 4)}
    assert all(one["warnings"] == [] for one in events)
    assert all(0 <= one["received_ns"] - one["time_ns"] < 60 * 10**9 for one in events)


def test_logtail_hears_of_a_wrong_key_and_of_its_size(server):
    """403 `Unauthorized`; 413 for an event above a mebibyte."""
    assert set(run(BETTERSTACK, server, key="wrong")) == {"403 Unauthorized"}
    large = run(BETTERSTACK, server, size=1024 * 1024)
    assert set(large) == {"413 payload reached size limit"}
    assert server.count() == 0
