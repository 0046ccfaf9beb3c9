"""Parts of a relay on their own: ranges of items, rate limits, the text of metrics, the log."""

from __future__ import annotations

import asyncio
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.nats.address import parse_address
from cxlogging.relay.delivering.held import spans
from cxlogging.relay.leases import RateLease
from cxlogging.relay.link import Link
from cxlogging.relay.log import RelayLog
from cxlogging.relay.metrics import Sample, exposition
from cxlogging.relay.seen import Ranges
from tests.relay.running import on_link

NUMBERS = st.integers(0, 60)


@given(st.lists(st.tuples(NUMBERS, st.integers(1, 10))), st.lists(NUMBERS))
def test_ranges_have_what_was_added(added: list[tuple[int, int]], asked: list[int]):
    """In any order, overlapping or not; neighbours become one range."""
    ranges, simple = Ranges(), set()
    for first, count in added:
        ranges.add(first, first + count)
        simple |= set(range(first, first + count))

    assert [number in ranges for number in asked] == [number in simple for number in asked]
    gaps = sum(1 for number in simple if number - 1 not in simple)
    assert len(ranges) == gaps


@given(st.sets(NUMBERS))
def test_spans_cover_the_indexes(indexes: set[int]):
    """Each index is in one span, and nothing else is."""
    found = list(spans(sorted(indexes)))

    assert [n for begin, end in found for n in range(begin, end)] == sorted(indexes)


def test_two_relays_never_have_more_than_the_rate(address: str):
    """Each gets places in time of its own, in leases that grow while they are used up."""
    bucket = parse_address("address", address).bucket("leases")

    async def work(link: Link) -> list[float]:
        leases = [RateLease(link, bucket, "key", 50.0) for _ in range(2)]
        times: list[float] = []

        async def use(lease: RateLease) -> None:
            for _ in range(40):
                await lease.acquire()
                times.append(Clocks().monotonic())

        await asyncio.gather(*(use(lease) for lease in leases))
        return sorted(times)

    times = on_link(address, work)
    assert len(times) == 80
    assert times[-1] - times[0] > 79 / 50 - 0.5
    for at in range(len(times) - 55):
        assert times[at + 55] - times[at] > 55 / 50 - 1


def test_a_wait_is_known_to_the_other_relay(address: str):
    """What one relay was asked to wait, another waits too; a clock that is wrong stops nobody."""
    bucket = parse_address("address", address).bucket("leases")

    async def work(link: Link) -> tuple[float, float, float]:
        one, two = (RateLease(link, bucket, "key", None) for _ in range(2))
        await one.pause(1.5)
        begun = Clocks().monotonic()
        await two.acquire()
        waited = Clocks().monotonic() - begun
        await link.put(bucket, "wrong", json.dumps([9e9, 9e9]).encode())
        wrong = RateLease(link, bucket, "wrong", 5.0)
        task = asyncio.ensure_future(wrong.acquire())
        while not wrong.paused:  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.01)
        task.cancel()
        await link.put(bucket, "late", json.dumps([9e9, 0]).encode())
        begun = Clocks().monotonic()
        await RateLease(link, bucket, "late", 5.0).acquire()
        return waited, wrong.paused, Clocks().monotonic() - begun

    waited, longest, late = on_link(address, work)
    assert 1.0 < waited < 10
    assert longest <= 600
    assert late < 10


def test_metrics_are_escaped():
    """A label may hold any text."""
    text = exposition([Sample("destination_up", (("destination", 'a"b\\c\nd'),), 1)])

    assert 'cxlogging_relay_destination_up{destination="a\\"b\\\\c\\nd"} 1' in text
    assert text.endswith("\n")


def test_the_log_has_a_line_for_each_event():
    """As JSON with fields, or as text; the same trouble is written once in a while."""
    stream = io.StringIO()
    log = RelayLog("json", stream)
    log.warning("trouble", reason="a\nb")
    log.warning("trouble", reason="again")
    log.passed("trouble", "it is over")
    log.passed("trouble", "it is over")
    RelayLog("text", stream).info("ready\x1b", port=1)

    first, second, third = stream.getvalue().splitlines()
    assert json.loads(first)["reason"] == "a\nb"
    assert json.loads(second)["event"] == "it is over"
    assert "  info  ready" in third
    assert "port=1" in third
    assert "\x1b" not in third
