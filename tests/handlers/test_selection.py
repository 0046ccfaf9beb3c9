"""sample_rate, limit and budget on every handler: the options, the wire, the ledger."""

from __future__ import annotations

import contextlib
import logging
import logging.config
import os
import random

import hypothesis
import pytest
from hypothesis import strategies as st

import cxlogging
from cxlogging.errors import ConfigurationError
from cxlogging.handlers.selection.options import budget, limit, samplers
from cxlogging.handlers.selection.samplers import RandomSampler

NOWHERE = "http://127.0.0.1:9"
KINDS = {
    "coralogix": lambda **more: cxlogging.CoralogixHandler("k", **more),
    "honeycomb": lambda **more: cxlogging.HoneycombHandler("k", dataset="d", **more),
    "betterstack": lambda **more: cxlogging.BetterStackHandler("k", **more),
}
VENDORS = pytest.mark.parametrize("vendor", [*KINDS])


def a_record(level: int = 20, line: int = 7, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("shop", level, "/srv/o.py", line, "hello", None, None)
    record.__dict__.update(extra)
    return record


def left(handler) -> dict[str, int]:
    """Return what was left out, by outcome."""
    stats = handler.stats()
    return {
        name: getattr(stats, name)
        for name in ("sampled", "limited", "over_budget")
        if getattr(stats, name)
    }


def rate_of(event: dict) -> object:
    """Return how many records an event of the local server stands for."""
    return event["data"].get("cx_sample_rate") or event["source"].get("samplerate", 1)


@VENDORS
def test_an_event_says_how_many_it_stands_for(vendor, server):
    """Rates multiply; above 1 the event has its rate, in the vendor's own field if there is one."""
    handler = KINDS[vendor](
        url=server.url,
        sample_rate=[lambda record: record.rate, cxlogging.LevelSampler({"ERROR": 1})],
        limit=cxlogging.SiteLimiter(2, then=3, per=3600),
    )
    for rate in (1, 10, 7, 7, 7, 0):
        handler.handle(a_record(rate=rate))
    handler.handle(a_record(rate=5, args_={"nested": {"slow": "path"}}))
    assert handler.flush(20)
    assert server.wait_for(vendor, 3)

    assert [rate_of(event) for event in server.events(vendor)] == [1, 10, 21]
    assert left(handler) == {"sampled": 1, "limited": 3}
    assert handler.stats().offered == 7
    handler.close()


@VENDORS
def test_both_paths_say_the_rate_alike(vendor):
    """The bytes of a sampled record are the same whether its call site has a writer or not."""
    handler = KINDS[vendor](url=NOWHERE, sample_rate=lambda record: record.rate)
    destination, events = handler.delivery.destination, []
    make = handler._make
    encode, destination.encode = destination.encode, lambda event: events.append(event) or b""
    for rate in (1, 2, 1_000):
        record = a_record(rate=rate, user="ada", elapsed=0.5)
        fast = make(record, None, rate)
        writer, destination.writer = destination.writer, lambda *_: None
        slow_maker = KINDS[vendor](url=NOWHERE)
        slow_maker.delivery.destination.writer = lambda *_: None
        slow_maker._make(record, None, rate)
        destination.writer = writer
        assert fast == slow_maker._make(record, None, rate)
        assert (b"cx_sample_rate" in fast) is (rate > 1 and vendor != "honeycomb")
    destination.encode = encode
    assert events == []


@VENDORS
def test_a_field_of_that_name_is_kept(vendor, server):
    """An application's own cx_sample_rate is renamed, not lost, where the handler has one."""
    handler = KINDS[vendor](url=server.url, sample_rate=lambda _: 2)
    handler.handle(a_record(cx_sample_rate="mine"))
    assert handler.flush(20)
    assert server.wait_for(vendor, 1)

    [event] = server.events(vendor)
    if vendor == "honeycomb":
        assert event["data"]["cx_sample_rate"] == "mine"
    else:
        assert event["data"]["extra_cx_sample_rate"] == "mine"
        assert event["data"]["cx_sample_rate"] == 2
    handler.close()


CONFIG = {
    "sample_rate": [
        "3",
        {"()": "cxlogging.LevelSampler", "rates": {"DEBUG": "10"}, "loggers": {"shop": "2"}},
        {"()": "cxlogging.TraceSampler", "rate": "0.5", "like": "honeycomb"},
        {"()": "cxlogging.ThroughputSampler", "goal": "100", "key": "levelname,user"},
        "ext://tests.handlers.test_selection.own_sampler",
    ],
    "limit": {"first": "5", "then": "0", "per": "60"},
    "budget": "1GB/day",
    "budget_hard": "yes",
}


def own_sampler(record: logging.LogRecord) -> int:
    """Keep every record."""
    return 1


def test_a_configuration_file_has_all_of_it():
    """DictConfig takes every option with strings, nested factories and ext:// among them."""
    handlers = {"h": {"class": "cxlogging.CoralogixHandler", "api_key": "k", **CONFIG}}
    logging.config.dictConfig({"version": 1, "handlers": handlers, "incremental": False})
    handler = logging.getHandlerByName("h") if hasattr(logging, "getHandlerByName") else None
    handler = handler or logging._handlers["h"]
    for number in range(500):
        handler.handle(a_record(10, user=number))

    stats = handler.stats()
    assert stats.offered == 500
    assert stats.accepted <= 5
    assert stats.sampled > 300
    handler.close()


@pytest.mark.parametrize("value", [None, "none", "", False, "false", "off"])
def test_no_limit(value):
    """A limit may be switched off in a configuration file."""
    assert limit("limit", value) is None


@pytest.mark.parametrize(
    "value",
    [
        3,
        "3",
        {"first": 3},
        {"first": "3", "then": "100"},
        {"()": "cxlogging.SiteLimiter", "first": 3},
        {"()": cxlogging.SiteLimiter, "first": "3"},
        cxlogging.SiteLimiter(3),
    ],
)
def test_a_limit(value):
    """A limit is a number of records per call site and second, a SiteLimiter, or its arguments."""
    limiter = limit("limit", value)

    assert [limiter(a_record()) for _ in range(5)] == [1, 1, 1, 0, 0]


def test_a_limit_that_is_just_on():
    """limit=True has the defaults of SiteLimiter; a callable of one's own is counted as limit."""
    assert isinstance(limit("limit", True), cxlogging.SiteLimiter)
    assert isinstance(limit("limit", "on"), cxlogging.SiteLimiter)
    handler = KINDS["coralogix"](url=NOWHERE, limit=lambda _: 0)
    handler.handle(a_record())

    assert left(handler) == {"limited": 1}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1, "limit takes a number of records per call site and second, a SiteLimiter, or its"),
        (0.5, "limit takes a number of records"),
        (0, "limit takes a number of records"),
        ("0", "limit takes a number of records"),
        ("many", "limit takes a number of records per .*, not 'many'"),
        ([3], r"limit takes a number of records per .*, not \[3\]"),
        ({"frist": 3}, "limit takes no argument 'frist'. Did you mean 'first'"),
        ({"first": -3}, "limit: first takes a whole number from 0, not -3"),
        ({"()": "cxlogging.NoLimiter"}, "limit: Cannot resolve 'cxlogging.NoLimiter'"),
        ({"()": "cxlogging.SiteLimiter", "first": "x"}, "limit: first takes a whole number"),
    ],
)
def test_an_impossible_limit(value, words):
    """The error names the option, and the argument in it."""
    with pytest.raises(ConfigurationError, match=f"^{words}"):
        KINDS["coralogix"](limit=value)


@pytest.mark.parametrize("value", [{"DEBUG": 10}, [[2]], [None], {"()": "os.getpid"}, ["x"]])
def test_an_impossible_sample_rate(value):
    """What is neither a rate nor a callable is refused, in a list as well."""
    if value == {"()": "os.getpid"}:  # makes a number: a rate like any other
        assert isinstance(samplers("sample_rate", value)[0], RandomSampler)
        return
    with pytest.raises(ConfigurationError, match=r"^sample_rate takes a whole number from"):
        samplers("sample_rate", value)


@pytest.mark.parametrize(
    ("text", "number", "is_events"),
    [
        ("2GB/day", 2 * 10**9, False),
        ("2 GiB / day", 2 * 2**30, False),
        ("1.5mb per day", 1_500_000, False),
        ("100 B/day", 100, False),
        ("5M events/day", 5_000_000, True),
        ("5000000 events/day", 5_000_000, True),
        (" 1 event/DAY ", 1, True),
        ("2.5k events per day", 2_500, True),
    ],
)
def test_a_budget(text, number, is_events):
    """A budget is an amount of bytes or events a day."""
    assert budget("budget", text)[1:] == (number, is_events)


@pytest.mark.parametrize(
    "value",
    [
        *("2GB", "5M/day", "5/day", 100, "x/day", "/day", "2GB events/day", "2GB/month"),
        *(
            "0 events/day",
            "-1GB/day",
            True,
            ["2GB/day"],
            0,
            "0B/day",
            "2GB/days",
            "events/day",
            1.5,
        ),
    ],
)
def test_an_impossible_budget(value):
    """The error shows how a budget is written."""
    words = r"^budget takes an amount such as '2GB/day' or '5M events/day', not "
    with pytest.raises(ConfigurationError, match=words):
        budget("budget", value)


@pytest.mark.parametrize("value", [None, "none", "", "off", "no", False])
def test_no_budget(value):
    """A budget may be switched off in a configuration file."""
    assert budget("budget", value) is None


def test_a_hard_budget_needs_one():
    """budget_hard alone does nothing, and is refused."""
    with pytest.raises(ConfigurationError, match=r"^budget_hard needs budget=, such as"):
        KINDS["coralogix"](budget_hard=True)


@pytest.mark.parametrize("option", ["sample_rate", "limit"])
def test_a_failing_callable_costs_nothing(option, capfd):
    """A record whose sampler or limit fails, or returns nonsense, is sent; one message says so."""
    broken = [lambda _: 1 / 0, lambda _: "2", lambda _: -1, lambda _: None, lambda _: 1.5]
    for each in broken:
        handler = KINDS["coralogix"](url=NOWHERE, flush_interval=60, **{option: each})
        for _ in range(3):
            handler.handle(a_record())
        assert handler.stats().accepted == 3
        handler.delivery.lane.diagnostics.catch_up()
        handler.delivery.workers.abandon()
    assert capfd.readouterr().err.count(f"{option} ") == len(broken)


@pytest.mark.parametrize("level", ["20", None, 2.5, 10**30])
def test_a_record_of_a_strange_level(level):
    """A level that is no number changes no count of other records, and breaks nothing."""
    record = a_record()
    record.levelno = level
    handler = KINDS["coralogix"](
        url=NOWHERE, sample_rate=cxlogging.LevelSampler({"INFO": 2}), limit=1, budget="1GB/day"
    )
    handler.handle(record)
    handler.handle(record)
    handler.handle(a_record())

    assert handler.stats().offered == 3
    handler.delivery.workers.abandon()


def test_held_back_counts_of_call_sites():
    """Each record left out is counted at its call site."""
    handler = KINDS["coralogix"](
        url=NOWHERE,
        limit={"first": 2, "then": 0, "per": 3600},
        sample_rate=lambda r: (r.lineno != 9 and 1) or 0,
    )
    for line in (7, 7, 7, 7, 8, 9):
        handler.handle(a_record(line=line))

    rows = {row.line: (row.events, row.held_back) for row in handler.volume()}
    assert rows == {7: (2, 2), 8: (1, 0), 9: (0, 1)}
    handler.delivery.workers.abandon()


def a_logger(handler) -> logging.Logger:
    log = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - out of the tree
    log.addHandler(handler)
    return log


@VENDORS
def test_what_a_scope_releases_skips_samplers_and_limit(vendor, server):
    """Held records that are released, and those that follow, are asked about the budget only."""
    handler = KINDS[vendor](url=server.url, sample_rate=lambda _: 0, limit={"first": 0, "then": 0})
    log = a_logger(handler)
    log.error("left out")
    with cxlogging.hold():
        log.info("held")
        log.error("released")
        log.info("passes")
    assert handler.flush(20)
    assert server.wait_for(vendor, 3)

    messages = [event["message"] for event in server.events(vendor)]
    assert messages == ["held", "released", "passes"]
    assert left(handler) == {"sampled": 1}
    stats = handler.stats()
    assert (stats.offered, stats.accepted, stats.held, stats.discarded) == (4, 3, 0, 0)
    handler.close()


@VENDORS
def test_what_a_scope_releases_is_within_the_budget(vendor, server):
    """Released records and those that follow are left out where the budget is used up."""
    handler = KINDS[vendor](url=server.url, budget="1 event/day", sequence=True)
    log = a_logger(handler)
    log.warning("uses it up")
    with cxlogging.hold():
        log.debug("held")
        log.info("held")
        log.error("released")
        log.info("follows")
    assert handler.flush(20)
    assert server.wait_for(vendor, 2)

    assert [event["message"] for event in server.events(vendor)] == ["uses it up", "released"]
    stats = handler.stats()
    assert (stats.over_budget, stats.accepted, stats.held, stats.offered) == (3, 2, 0, 5)
    assert sum(row.held_back for row in handler.volume()) == 3
    numbers = [event["data"]["cx_seq"].rpartition("-")[2] for event in server.events(vendor)]
    assert numbers == ["1", "2"]
    handler.close()


def test_what_is_left_out_takes_no_number():
    """A record that is left out leaves no gap in the sequence, which would be a loss."""
    handler = KINDS["coralogix"](url=NOWHERE, sequence=True, flush_interval=60, budget="3B/day")
    for _ in range(20):
        handler.handle(a_record(30))
    handler.handle(a_record(40))

    assert handler.stats().accepted == 2
    assert handler._make(a_record(), None, 1).count(b"-3") == 1
    handler.delivery.workers.abandon()


SAMPLERS = st.lists(
    st.sampled_from(
        [
            lambda record: record.lineno % 3,
            cxlogging.LevelSampler({10: 2, 30: 3}, chance=random.Random(1).random),
            cxlogging.FieldSampler("user", 2),
            lambda _: 1 / 0,
            4,
        ]
    ),
    max_size=3,
)


LOGGED = st.tuples(st.sampled_from([5, 10, 20, 30, 40, 50]), st.integers(1, 9))


@hypothesis.given(
    chosen=SAMPLERS,
    limit_=st.sampled_from([None, 1, {"first": 2, "then": 2}]),
    budget_=st.sampled_from([None, "20 events/day", "4000B/day", "1GB/day"]),
    hard=st.booleans(),
    steps=st.lists(st.one_of(LOGGED, st.sampled_from(["open", "release", "discard", "close"]))),
)
@hypothesis.settings(max_examples=80)
def test_every_record_has_one_outcome(chosen, limit_, budget_, hard, steps):
    """
    Offered = accepted + sampled + limited + over_budget + discarded + held, after every step.

    For any combination of options, records and scopes; what is not sent is held back at its call
    site.
    """
    handler = KINDS["betterstack"](
        url=NOWHERE,
        flush_interval=60,
        sample_rate=chosen or 1,
        limit=limit_,
        budget=budget_,
        budget_hard=hard and budget_ is not None,
    )
    scopes, offered = contextlib.ExitStack(), 0
    try:
        for step in steps:
            scope = cxlogging.current_hold()
            if step == "open":
                scopes.enter_context(cxlogging.hold(below="ERROR", release_at="CRITICAL"))
            elif step == "close":
                scopes.close()
            elif isinstance(step, str):
                getattr(scope, step, int)()
            else:
                handler.handle(a_record(*step, user=step[1]))
                offered += 1
            stats = handler.stats()
            assert stats.offered == offered
            assert stats.balanced
        scopes.close()
        stats = handler.stats()
        assert stats.held == 0
        assert offered - stats.accepted == sum(row.held_back for row in handler.volume())
        if not hard:
            assert not handler.delivery.ledger.over_budget.by_level().keys() & {40, 50}
    finally:
        scopes.close()
        handler.delivery.workers.abandon()
        handler.delivery.workers.close_soon()


FORK = """
import ctypes
from cxlogging.handlers.selection.rates import chance
chance()
def five():
    for _ in range(5): log.info("five")
five()
for fork in (os.fork, os.fork, ctypes.PyDLL(None).fork, ctypes.PyDLL(None).fork):
    reading, writing = os.pipe()
    pid = fork()
    if not pid:
        five()
        stats = handler.stats()
        os.write(writing, f"{stats.limited}-{stats.offered}-{chance()}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    print(os.read(reading, 1000).decode())
print(handler.stats().limited)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_s_child_counts_for_itself(program):
    """A child has the whole limit again, its own ledger, and other random numbers than its twin."""
    done = program(FORK, options="limit={'first': 3, 'then': 0, 'per': 3600}")
    *children, parent = done.out.split()
    numbers = {child.rpartition("-")[2] for child in children}

    assert (done.code, parent) == (0, "2"), done.err
    assert [child.split("-")[:2] for child in children] == [["2", "5"]] * 4
    assert len(numbers) == 4
