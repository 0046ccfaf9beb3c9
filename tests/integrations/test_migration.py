"""Coming from a vendor's package: the events are those of docs/migration.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys
{make}
log = logging.Logger("shop.cart")
log.addHandler(handler)
log.info("order %d placed", 7, extra={{"user": {{"id": 7}}, "total": 9.5}})
try:
    {{}}["sku"]
except KeyError:
    log.exception("failed")
{end}
"""

LOGTAIL = """
from logtail import LogtailHandler
handler = LogtailHandler("token", host=sys.argv[1])
"""
CORALOGIX_LOGGER = """
from coralogix.handlers import CoralogixLogger
from coralogix.manager import LoggerManager
handler = CoralogixLogger("key", "shop", "checkout", region="EU2")
"""
LIBHONEY = """
import libhoney
libhoney.init(writekey="key", dataset="shop", api_host=sys.argv[1])

class handler(logging.Handler):
    def emit(self, record):
        known = set(vars(logging.makeLogRecord({})))
        fields = {name: value for name, value in vars(record).items() if name not in known}
        libhoney.send_now({"message": record.getMessage(), **fields})

handler = handler()
"""
NEW = """
from cxlogging import {handler}
handler = {handler}({arguments}, url=sys.argv[1])
"""


def events(server, vendor, make, end=""):
    """Return the two events of the program, the order and the failure."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(make=make, end=end), server.url],
        env={**os.environ, "CORALOGIX_LOG_URL": f"{server.url}/logs/v1/singles"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert server.wait_for(vendor, 2, 10)
    found = server.events(vendor)
    return next(each for each in found if "order" in each["message"]), found[-1]


def unnumbered(text):
    """Return a stack without its line numbers: the programs differ by a line."""
    return re.sub(r"line \d+", "line", text)


def new(handler, arguments):
    return NEW.format(handler=handler, arguments=arguments)


@pytest.fixture
def other_server():
    from cxlogging.devserver import DevServer

    with DevServer() as running:
        yield running


def test_from_logtail_python(server, other_server):
    """Fields and context stay; time, exception and file are as the page says."""
    pytest.importorskip("logtail")
    old, old_failure = events(server, "betterstack", LOGTAIL, "handler.flush()")
    new_event, failure = events(other_server, "betterstack", new("BetterStackHandler", '"token"'))

    for name in ("level", "severity", "message", "user", "total"):
        assert new_event["data"][name] == old["data"][name]
    context = json.loads(json.dumps(new_event["data"]["context"]))
    assert context["runtime"].keys() == old["data"]["context"]["runtime"].keys()
    assert context["system"].keys() == old["data"]["context"]["system"].keys()
    assert isinstance(old["data"]["dt"], str)
    assert isinstance(new_event["data"]["dt"], int)
    gone = set(old["data"]) - set(new_event["data"])
    assert gone - {"taskName"} == {"filename", "stack_info"}  # it is there since Python 3.12
    assert set(new_event["data"]) <= set(old["data"])
    assert "Traceback" in old_failure["message"]
    assert failure["message"] == "failed"
    assert failure["data"]["exception"]["type"] == "KeyError"
    assert failure["data"]["exception"]["stacktrace"] in old_failure["message"]


def test_from_coralogix_logger(server, other_server):
    """Labels stay; extras and the exception are fields, the greeting is gone."""
    pytest.importorskip("coralogix")
    names = '"key", application_name="shop", subsystem_name="checkout"'
    old, old_failure = events(server, "coralogix", CORALOGIX_LOGGER, "LoggerManager.flush()")
    new_event, failure = events(other_server, "coralogix", new("CoralogixHandler", names))

    for name in ("application", "subsystem", "level", "message"):
        assert new_event[name] == old[name]
    for name in ("category", "className", "methodName"):
        assert new_event["source"][name] == old["source"][name]
    assert set(new_event["source"]) - set(old["source"]) == {"computerName", "hiResTimestamp"}
    assert old["data"] == {"text": "order 7 placed"}
    assert new_event["data"]["user"] == {"id": 7}
    stack = unnumbered(failure["data"]["exception"]["stacktrace"])
    assert stack in unnumbered(old_failure["message"])
    assert any("has started" in each["message"] for each in server.events("coralogix"))
    assert not any("has started" in each["message"] for each in other_server.events("coralogix"))


def test_coralogix_text_plain_is_what_it_was(server, other_server):
    """`text="plain"` sends message and stack as text."""
    pytest.importorskip("coralogix")
    names = '"key", application_name="shop", subsystem_name="checkout", text="plain"'
    old, old_failure = events(server, "coralogix", CORALOGIX_LOGGER, "LoggerManager.flush()")
    new_event, failure = events(other_server, "coralogix", new("CoralogixHandler", names))

    assert new_event["data"] == old["data"]
    assert unnumbered(failure["data"]["text"]) == unnumbered(old_failure["data"]["text"])


def test_from_libhoney(server, other_server):
    """Dataset and extras stay; the message is `body`, nested fields are columns."""
    pytest.importorskip("libhoney")
    old, _ = events(server, "honeycomb", LIBHONEY, "libhoney.close()")
    new_event, _ = events(
        other_server, "honeycomb", new("HoneycombHandler", '"key", dataset="shop"')
    )

    assert new_event["application"] == old["application"] == "shop"
    assert new_event["data"]["body"] == old["data"]["message"]
    assert new_event["data"]["total"] == old["data"]["total"]
    assert old["data"]["user"] == {"id": 7}
    assert new_event["data"]["user.id"] == 7
