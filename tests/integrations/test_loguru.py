"""loguru, handing its records over whole."""

from __future__ import annotations

import datetime
import multiprocessing

import pytest

import cxlogging
from cxlogging.integrations.loguru import sink

from .running import only

loguru = pytest.importorskip("loguru")


@pytest.fixture
def log(server):
    handler = cxlogging.BetterStackHandler("key", url=server.url)
    loguru.logger.remove()
    number = loguru.logger.add(sink(handler), level="INFO")
    yield loguru.logger
    loguru.logger.remove(number)
    handler.close()


def test_a_record_arrives_as_text_and_fields(log, server):
    """Text, level, place and extras, each once; loguru's own line is not the message."""
    log.bind(user="ada", password="hunter2", name="clash").warning("paid {} EUR", 12, order=7)

    [event] = only(server)
    assert event["message"] == "paid 12 EUR"
    assert event["level"] == "warning"
    assert (event["user"], event["order"]) == ("ada", 7)
    assert event["extra_name"] == "clash"
    assert event["password"] != "hunter2"
    assert event["context"]["runtime"]["file"].endswith("test_loguru.py")
    assert event["context"]["runtime"]["logger_name"] == __name__
    assert "extra" not in event


def test_an_exception_arrives_once_and_whole(log, server):
    """As an exception, not a second time in the text."""
    try:
        {}["no such order"]
    except KeyError:
        log.exception("failed")

    [event] = only(server)
    assert event["message"] == "failed"
    assert "no such order" in str(event)
    assert str(event).count("KeyError: ") <= 1


def test_levels_of_its_own_keep_their_name(log, server):
    """SUCCESS has a number that logging does not know."""
    log.success("done")
    log.log(37, "between")

    events = only(server, 2)
    assert events[0]["message"] == "done"
    assert "success" in str(events[0]).lower()
    assert events[1]["message"] == "between"


def test_the_time_is_that_of_the_record(log, server):
    """Also of a record that waited in loguru's own queue."""
    before = datetime.datetime.now(datetime.timezone.utc).timestamp()
    log.info("now")

    [event] = only(server)
    assert before - 1 <= event["dt"] / 1e9 <= before + 60


def test_percent_signs_and_what_is_bound_by_cxlogging(log, server):
    """A message is no format; `cxlogging.bind` counts here too."""
    with cxlogging.bound(request_id="r-1"):
        log.info("100% %s")

    [event] = only(server)
    assert event["message"] == "100% %s"
    assert event["request_id"] == "r-1"


def in_child(log):
    log.bind(user="ada").info("from the child")
    log.complete()


def test_records_of_other_processes_through_its_queue(server):
    """With ``enqueue=True`` a child's records come through the parent, once and whole."""
    handler = cxlogging.BetterStackHandler("key", url=server.url)
    context = multiprocessing.get_context("fork")
    loguru.logger.remove()
    number = loguru.logger.add(sink(handler), level="INFO", enqueue=True, context=context)
    try:
        child = context.Process(target=in_child, args=(loguru.logger,))
        child.start()
        child.join(30)
        loguru.logger.complete()
        [event] = only(server)
    finally:
        loguru.logger.remove(number)
        handler.close()
    assert event["message"] == "from the child"
    assert event["user"] == "ada"
    assert event["context"]["system"]["pid"] == child.pid
