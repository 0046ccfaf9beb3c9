"""Cases 40 and 41: values that JSON cannot represent, and huge ones."""

from __future__ import annotations

import datetime
import decimal
import json
import logging
import sys
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cxlogging

CAP = 2**20
"""Bytes of an event at this vendor."""


class Rude(dict):
    def items(self):
        raise RuntimeError("no items")

    __iter__ = keys = __getitem__ = items


def deep(depth: int):
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def ring():
    value: dict = {}
    value["self"] = [value]
    return value


HELL = {
    "surrogates": lambda: "\ud800\udfff",
    "not a number": lambda: [float("nan"), float("inf"), -float("inf")],
    "bytes": lambda: {"b": b"\xff\xfe", "a": bytearray(b"x"), "m": memoryview(b"y")},
    "tuples as keys": lambda: {(1, 2): 1, None: 2, 3.5: 3, b"k": 4},
    "keys that are the same text": lambda: {1: "a", "1": "b", "None": "c", None: "d"},
    "a cycle": ring,
    "100,000 deep": lambda: deep(100_000),
    "an int of 5,000 digits": lambda: 10**5000,
    "2**70": lambda: 2**70,
    "a set": lambda: {1, 2},
    "a Decimal": lambda: decimal.Decimal("1.10"),
    "a datetime": lambda: datetime.datetime(1, 1, 1),  # noqa: DTZ001 - a naive one
    "a dict whose members raise": lambda: Rude(a=1),
    "NUL": lambda: "a\0b",
    "a million keys": lambda: {str(n): n for n in range(1_000_000)},
    "an object": object,
    "a class": lambda: Rude,
    "a generator": lambda: (n for n in range(3)),
}


def strictly(body: bytes) -> dict:
    """Return the event that *body* is, which must be UTF-8 and JSON as the standard has it."""

    def fail(constant: str):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(body.decode("utf-8", "strict"), parse_constant=fail)


@pytest.mark.case(40)
@pytest.mark.parametrize("kind", HELL)
def test_case_40_what_json_does_not_know(shop, backend, figures, kind):
    """Surrogates, NaN, bytes, odd keys, cycles, depth, huge ints, a million keys, a dict whose
    members raise: each record arrives, as valid JSON, below the vendor's limit.
    """
    one = shop(flush_interval=60)
    value = HELL[kind]()
    one.logger.info("<a:0> %s", "text", extra={"value": value})
    one.logger.info("<a:1> %s", value if kind != "a million keys" else len(value))
    one.promised += ["a:0", "a:1"]
    assert one.handler.flush(20)

    assert figures.judge(one.promised, backend).lost == []
    for request in backend.requests:
        for line in request.body.splitlines():
            assert len(line) < CAP
            assert strictly(line)["level"] == "info"


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.characters(categories=["Cs"])
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.complex_numbers()
    | st.builds(object)
)
KEYS = st.text() | st.integers() | st.none() | st.floats() | st.tuples(st.integers())
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner)
)


@pytest.mark.case(40)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=ANYTHING)
def test_case_40_any_value(value):
    """The event of any record is valid JSON and has the message."""
    handler = cxlogging.BetterStackHandler("k", url="http://127.0.0.1:9", format="ndjson")
    record = logging.makeLogRecord({"msg": "hello", "levelno": 20, "value": value})
    event = strictly(handler._make(record, None, 1))

    assert event["message"] == "hello"
    assert "value" in event


def cause_chain(depth: int) -> Exception:
    error = ValueError("0")
    for number in range(1, depth):
        later = ValueError(str(number))
        later.__cause__ = error
        error = later
    return error


def mutual_recursion() -> Exception:
    def ping(depth):
        return pong(depth + 1)

    def pong(depth):
        return ping(depth + 1)

    try:
        ping(0)
    except RecursionError as error:
        return error


HUGE = {
    "a message of 50 MB": lambda: ("<a:0>" + "x" * 50_000_000, None),
    "an exception's text of 30 MB": lambda: ("<a:0>", ValueError("x" * 30_000_000)),
    "1,000 causes": lambda: ("<a:0>", cause_chain(1_000)),
    "3,000 causes": lambda: ("<a:0>", cause_chain(3_000)),
    "mutual recursion": lambda: ("<a:0>", mutual_recursion()),
}
if sys.version_info >= (3, 11):
    HUGE["a group of 1,000"] = lambda: (
        "<a:0>",
        ExceptionGroup("many", [ValueError(n) for n in range(1_000)]),  # noqa: F821
    )


@pytest.mark.case(41)
@pytest.mark.parametrize("kind", HUGE)
def test_case_41_huge_records(shop, backend, figures, kind):
    """50 MB of message, 30 MB of exception, 1,000 exceptions in a group, 3,000 causes, mutual
    recursion: the log call takes less than 100 ms of processor time and leaves less than three
    times the vendor's limit in memory; what was cut is marked.
    """
    message, error = HUGE[kind]()
    one = shop(flush_interval=60, batch_bytes="10MiB")  # nothing is sent meanwhile
    record = one.logger.makeRecord("shop", 40, "f", 1, message, (), None)
    record.exc_info = (type(error), error, error.__traceback__) if error else None
    times = []
    for _ in range(3):
        began = time.process_time()
        one.logger.handle(record)
        times.append(time.process_time() - began)
    tracemalloc.start()
    one.logger.handle(record)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one.promised.append("a:0")
    assert one.handler.flush(20)

    assert left < 3 * CAP
    assert min(times) < 0.1
    assert figures.judge(one.promised, backend).lost == []
    for line in b"".join(request.body for request in backend.requests).splitlines():
        assert len(line) < CAP
        if "MB" in kind:
            assert b"[cut from " in line
