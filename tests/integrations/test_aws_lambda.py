"""A function of AWS Lambda: what a call has logged is delivered before its answer."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time

import pytest

import cxlogging
from cxlogging.devserver import Fault
from cxlogging.integrations import aws_lambda
from cxlogging.integrations.aws_lambda import flush_logs

from .running import holding_handler

log = logging.getLogger("shop.lambda")


class Context:
    """What the runtime hands to a function."""

    aws_request_id = "i-17"
    function_name = "orders"

    def __init__(self, milliseconds=5000):
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self):
        return self._milliseconds


@pytest.fixture
def handler(server):
    made = cxlogging.BetterStackHandler("key", url=server.url, flush_interval=60)
    log.addHandler(made)
    log.setLevel(logging.INFO)
    yield made
    log.removeHandler(made)
    made.close()


def messages(server):
    return [each["message"] for each in server.events("betterstack")]


def test_a_call_is_delivered_before_it_returns(handler, server):
    """All of it, with the call's id, the function's name and nothing of the call before."""

    @flush_logs
    def function(event, context):
        log.info("one")
        cxlogging.bind(order=event["order"])
        log.info("two")
        return {"statusCode": 200}

    for order in (1, 2):
        assert function({"order": order}, Context()) == {"statusCode": 200}
        assert messages(server) == ["one", "two"] * order

    data = [each["data"] for each in server.events("betterstack")]
    assert [each["faas"]["invocation_id"] for each in data] == ["i-17"] * 4
    assert [each["faas"]["name"] for each in data] == ["orders"] * 4
    assert [each.get("order") for each in data] == [None, 1, None, 2]


def test_a_coroutine_is_delivered_before_it_returns(handler, server):
    """Of an asynchronous function too, also where it fails."""

    @flush_logs
    async def function(event, context):
        log.info("one")
        await asyncio.sleep(0)
        raise LookupError("no")

    with pytest.raises(LookupError):
        asyncio.run(function({}, Context()))
    assert messages(server) == ["one"]


def test_the_first_call_of_a_process_is_a_cold_start(server):
    """`faas.coldstart` is true once."""
    code = (
        "import logging, cxlogging\n"
        "from cxlogging.integrations.aws_lambda import flush_logs\n"
        f"logging.getLogger().addHandler(cxlogging.BetterStackHandler('key', url={server.url!r}))\n"
        "@flush_logs\n"
        "def function(event, context):\n"
        "    logging.getLogger('shop').error('call %d', event)\n"
        "for number in range(3):\n"
        "    function(number, None)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    starts = [each["data"]["faas"]["coldstart"] for each in server.events("betterstack")]
    assert starts == [True, False, False]


def test_a_dead_vendor_takes_no_more_than_the_time_that_is_left(handler, server):
    """The wait ends before the runtime would end the call; the records go with a later one."""
    server.faults.add(Fault(status=503))

    @flush_logs(reserve=0.2)
    def function(event, context):
        log.info("kept")

    began = time.monotonic()
    function({}, Context(milliseconds=1200))
    assert 0.5 < time.monotonic() - began < 30
    assert messages(server) == []

    function({}, Context(milliseconds=100))  # no time is left: it does not wait
    server.faults.clear()
    assert cxlogging.flush_all(40)
    assert messages(server) == ["kept", "kept"]


def test_what_is_no_context_of_lambda_is_served(handler, server):
    """A test may call the function with anything."""

    @flush_logs
    def function(event, context):
        log.info("one")

    function({}, None)
    assert messages(server) == ["one"]


def test_the_reserve_is_kept():
    """Of the time that is left half a second is the runtime's, and the wait has a bound."""
    left = aws_lambda._seconds_left
    assert left(Context(milliseconds=3000), 0.5) == 2.5
    assert left(Context(milliseconds=300), 0.5) == 0
    assert left(Context(milliseconds=900_000), 0.5) == aws_lambda.LONGEST_FLUSH


@pytest.fixture
def holding(server):
    """A handler that takes DEBUG where records are held."""
    with holding_handler(server, log) as made:
        yield made


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"statusCode": 200}, ["warning"]),
        ({"statusCode": 502}, ["debug", "warning"]),
        (None, ["warning"]),
        (LookupError("no"), ["debug", "warning"]),
    ],
)
def test_a_failed_call_is_delivered_whole(holding, server, answer, expected, is_async):
    """By an exception or a status from 500, before it returns; of a clean call what is urgent."""

    @flush_logs(hold=True)
    def function(event, context):
        log.debug("debug")
        log.warning("warning")
        if isinstance(answer, Exception):
            raise answer
        return answer

    @flush_logs(hold=True)
    async def function_async(event, context):
        return function.__wrapped__(event, context)

    try:
        asyncio.run(function_async({}, Context())) if is_async else function({}, Context())
    except LookupError:
        assert isinstance(answer, LookupError)

    assert sorted(messages(server)) == expected  # the warning has gone ahead
    assert holding.stats().held == 0
    assert {each["data"]["faas"]["name"] for each in server.events("betterstack")} == {"orders"}


def test_a_wrong_hold_of_a_call_fails_where_it_is_decorated():
    """Not at the first call."""
    with pytest.raises(cxlogging.ConfigurationError):
        flush_logs(hold={"belw": "INFO"})
