"""structlog, handing its events over whole."""

from __future__ import annotations

import datetime
import logging

import pytest

import cxlogging
from cxlogging.integrations.structlog import render_to_record

from .running import only

structlog = pytest.importorskip("structlog")


@pytest.fixture
def log(server):
    handler = cxlogging.BetterStackHandler("key", url=server.url)
    shop = logging.getLogger("shop.structlog")
    shop.addHandler(handler)
    shop.setLevel(logging.INFO)
    shop.propagate = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            render_to_record,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    yield structlog.get_logger("shop.structlog")
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    shop.removeHandler(handler)
    handler.close()
    shop.propagate = True


def test_an_event_arrives_as_text_and_fields(log, server):
    """Text, level, logger, bound values and context variables; what every record has not again."""
    structlog.contextvars.bind_contextvars(request_id="r-1")
    log.bind(user="ada").warning("paid", amount=12, password="hunter2", name="clash")

    [event] = only(server)
    assert event["message"] == "paid"
    assert event["level"] == "warning"
    assert event["request_id"] == "r-1"
    assert (event["user"], event["amount"]) == ("ada", 12)
    assert event["extra_name"] == "clash"
    assert event["password"] != "hunter2"
    assert event["context"]["runtime"]["logger_name"] == "shop.structlog"
    assert event["context"]["runtime"]["file"].endswith("test_structlog.py")
    known = {"dt", "level", "severity", "context", "message", "request_id", "user", "amount"}
    assert event.keys() == known | {"extra_name", "password"}


def test_an_exception_arrives_once_and_whole(log, server):
    """As an exception: type, message and stack, not a second time in the text."""
    try:
        {}["no such order"]
    except KeyError:
        log.exception("failed", order=7)

    [event] = only(server)
    assert event["message"] == "failed"
    assert event["order"] == 7
    assert str(event).count("KeyError: ") <= 1
    assert "no such order" in str(event)


def test_the_time_is_that_of_the_call(log, server):
    """The time of the record, not of a text that a processor has written."""
    before = datetime.datetime.now(datetime.timezone.utc).timestamp()
    log.info("now", timestamp="long ago")

    [event] = only(server)
    assert before - 1 <= event["dt"] / 1e9 <= before + 60


def test_a_percent_sign_is_text(log, server):
    """An event is no format: `%` and braces arrive as they are."""
    log.info("100% of {this} %s", a=1)

    [event] = only(server)
    assert event["message"] == "100% of {this} %s"


def test_what_is_below_the_level_is_not_sent(log, server):
    """`filter_by_level` and the logger's level hold."""
    log.debug("no")
    log.info("yes")

    assert [each["message"] for each in only(server)] == ["yes"]


def test_a_logger_of_structlogs_own_class_knows_its_place_too(log, server):
    """Whether the logger was made before structlog was configured, or after."""
    handler = cxlogging.BetterStackHandler("key", url=server.url)
    later = logging.getLogger("shop.structlog.later")
    later.addHandler(handler)
    later.propagate = False
    structlog.get_logger("shop.structlog.later").warning("paid")
    later.removeHandler(handler)

    [event] = only(server)
    assert event["context"]["runtime"]["file"].endswith("test_structlog.py")
    assert event["context"]["runtime"]["function"].startswith("test_a_logger")
