"""The arithmetic of fleets: loads, needs, limits and outages."""

from __future__ import annotations

import pytest

from benchmarks.fleet_plan import Assumptions, Constants, Outage, limits, load, need, simulate

MEASURED = Constants(
    machine="a test",
    call_us={"no-op": 5, "memory": 9, "stream": 9},
    record_us={"memory": 5, "stream": 10},
    idle_ms={},
    idle_switches={},
    relay_record_us=20,
    relay_message_us=1_000,
    leader_message_us=100,
    leader_megabyte_us=1_000,
    server_message_us=300,
    server_megabyte_us=3_000,
    message_overhead=500,
    item_bytes=150,
    relay_rss=5e7,
)
ASSUMED = Assumptions(rate=10, record_bytes=500)


def test_a_process_publishes_once_an_interval():
    """Ten records a second are one message; as many as fill messages are as many as they fill."""
    few, many = load(100, MEASURED, ASSUMED), load(1, MEASURED, Assumptions(rate=131_072))

    assert (few.records, few.messages) == (1_000, 100)
    assert few.stored == 1_000 * 500 + 100 * 500
    assert many.messages == 1_000


def test_cores_follow_records_messages_and_bytes():
    """Each component has its own costs."""
    found = load(1_000, MEASURED, ASSUMED)

    assert found.relays == pytest.approx((10_000 * 20 + 1_000 * 1_000) / 1e6)
    assert found.leader == pytest.approx((1_000 * 100 + 5.5 * 1_000) / 1e6)
    assert found.publisher == pytest.approx(10 * 10 / 1e6)


def test_a_large_fleet_needs_more_streams_and_relays():
    """A stream has one core at most; relays have to catch up as well."""
    small = need(load(10, MEASURED, ASSUMED), ASSUMED)
    large = need(load(100_000, MEASURED, ASSUMED), ASSUMED)

    assert (small.streams, small.relays) == (1, 2)
    assert large.streams == 22
    assert large.relays == 480
    assert large.disk == 3 * large.max_bytes
    slow = need(load(1_000, MEASURED, ASSUMED), Assumptions(answer=2.0))
    assert slow.relays == 20


def test_what_fails_first_comes_first():
    """The limits are in the order in which a growing fleet reaches them."""
    hosts = [count for _, count in limits(MEASURED, ASSUMED)]

    assert hosts == sorted(hosts)
    assert len(hosts) == 5


def test_an_outage_fills_the_stream_then_the_applications_then_drops():
    """Nothing is dropped before both are full; what is left is delivered afterwards."""
    brought = load(10, MEASURED, ASSUMED)
    short = simulate(brought, ASSUMED, 60, max_bytes=1e9, delivers=200)
    tight = Assumptions(buffer_bytes=550_000 / 10)
    long = simulate(brought, tight, 60, max_bytes=550_000, delivers=200)

    assert short == Outage(None, None, 0.0, 57, 60 * 55_000.0)
    assert (long.full, long.losing, long.most) == (10, 20, 550_000)
    assert long.dropped == 40 * 100
    assert long.drained is not None


def test_relays_that_cannot_keep_up_never_drain():
    """There is no end where less is delivered than comes."""
    brought = load(10, MEASURED, ASSUMED)

    assert simulate(brought, ASSUMED, 60, 1e9, delivers=100).drained is None
