"""The texts that the drawer copies: each of them does what it says."""

from __future__ import annotations

import logging
import shutil
import subprocess

import pytest

import cxlogging
from cxlogging.dataprime import DataPrimeClient
from cxlogging.devserver import DevServer
from cxlogging.devserver.event_view import view
from cxlogging.devserver.events.copies.python import logging_call
from cxlogging.devserver.events.copies.texts import copies
from cxlogging.vendors.registry import VENDORS

EVIL = 'it\'s \x1b[31mred\x1b[0m \u202e \x08 "quoted" \\n %s {x} $(id) `id` \U0001f600 !'
LEAD = {"message", "level", "severity", "data", "source", "time_ns", "application", "subsystem"}


class PaymentError(Exception):
    """Not one of Python's."""


def handlers(url):
    return {
        "coralogix": cxlogging.CoralogixHandler(
            "k", application_name="it's a shop", subsystem_name="cart", url=url
        ),
        "honeycomb": cxlogging.HoneycombHandler("k", dataset="a/b shop", url=url),
        "betterstack": cxlogging.BetterStackHandler("k", url=url),
    }


def say(log):
    log.info("order %d placed", 17, extra={"order": {"id": 17, "paid": True, "note": None}})
    log.warning(EVIL, extra={"user.id": 2**53, "text": EVIL})
    log.debug("x" * 500)
    for error in (KeyError("missing"), PaymentError("no: money"), OSError(2, "no such file")):
        log.error("it failed: %s", EVIL, exc_info=error)


@pytest.fixture(scope="module", params=VENDORS)
def delivered(request):
    """A server with the events of one vendor."""
    log = logging.Logger("shop.cart")  # noqa: LOG001 - beside the tree
    with DevServer() as server:
        handler = handlers(server.url)[request.param]
        log.handlers = [handler]
        say(log)
        assert handler.flush(timeout=30)
        handler.close()
        yield server


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_command_sends_the_event_again(delivered):
    """A shell that runs the command stores the same event once more."""
    events = delivered.store.oldest()
    for event in events:
        known = delivered.store.newest(1)[0]["id"]
        command = copies(event, delivered.url)["curl"]
        assert command.replace("\\\n", "").isprintable()
        done = subprocess.run(
            ["sh", "-c", command.replace("curl", "curl -sS -f", 1)],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin"},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (again,) = delivered.store.newest(1)
        assert again["id"] > known
        assert {k: again[k] for k in LEAD} == {k: event[k] for k in LEAD}


def test_the_code_makes_the_record_again(delivered):
    """The logging call has the event's message, level, exception and fields."""
    for event in delivered.store.oldest():
        kept, code = [], copies(event, delivered.url)["python"]
        assert code.isascii()
        log = logging.getLogger("shop.cart")
        handler = logging.Handler()
        handler.emit = kept.append
        log.addHandler(handler)
        log.setLevel(1)
        try:
            exec(compile(code, "<copied>", "exec"), {})
        finally:
            log.removeHandler(handler)
        (record,) = kept
        assert record.getMessage() == event["message"]
        assert record.levelno == {1: 10, 3: 20, 4: 30, 5: 40}[event["severity"]]
        shown = view(event)
        assert all(getattr(record, name) == value for name, value in shown.fields.items())
        assert bool(record.exc_info) == bool(shown.exception)
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            assert " ".join(text.split()) == shown.exception


def test_the_query_finds_the_event_alone(delivered):
    """Each query is valid, and returns the event that it was made for and no other one."""
    with DataPrimeClient("any", url=delivered.url) as client:
        for event in delivered.store.oldest(limit=6):
            found = list(client.query(copies(event, delivered.url)["dataprime"]))
            assert found
            assert all(row.data == event["data"] for row in found)


def test_a_field_with_the_name_of_an_attribute_is_renamed():
    """`logging` refuses a field that is an attribute of records: the call gives it another name."""
    event = {
        "vendor": "betterstack",
        "severity": 2,
        "message": "m",
        "source": {},
        "data": {"message": "m", "name": "n", "lineno": 3, "own": [1]},
    }
    call = logging_call(event)
    assert "{'extra_name': 'n', 'extra_lineno': 3, 'own': [1]}" in call
    assert ".log(\n    15,\n    'm',\n" in call
