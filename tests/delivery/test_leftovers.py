"""Batches that a vendor accepts in part: the rest is sent again, beside new records."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

import pytest

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.worker.in_flight import ADOPTED, Batch, Leftovers
from cxlogging.wire.http import Limits, Response
from tests.delivery.test_delivery import lines, put_all, wait_until
from tests.fakes import Network, broken, delivery

ROOMY = Limits(10_000, 2**20, 2**20, 10_000, 0, auto=())
ROOM = 100_000


def taking(choose):
    """
    Return a behaviour that accepts the lines that *choose* selects, and asks for
    the rest again.
    """
    return lambda items: Response(
        299, body=bytes(b"r."[bool(choose(n, each))] for n, each in enumerate(items))
    )


def two_of_three(number, _):
    return number % 3 != 2


def batch(first, count=3, place=0):
    return Batch(first, [(20, b"%04d" % (first + n), place and place + n) for n in range(count)])


def test_new_records_do_not_wait_for_what_was_left():
    """While the vendor asks for one record again and again, all others are delivered."""
    network = Network(taking(lambda _, item: item != b"0003"))
    target = delivery(network, retry_initial=0.01, retry_maximum=600)
    put_all(target, 100)
    wait_until(lambda: target.stats().delivered == 99)
    mark = target.lane.end_position()
    for number in range(100, 200):
        target.put(20, b"%04d" % number)
    wait_until(lambda: target.stats().delivered == 199)

    assert not target.lane.has_passed(mark)
    assert target.stats().pending == 1
    assert target.stats().balanced
    network.behaviour = lambda items: 200
    assert target.flush(20)
    assert target.lane.has_passed(mark)
    assert Counter(network.accepted) == Counter(lines(200))


def test_a_record_that_is_never_taken_is_not_sent_in_a_hot_loop():
    """A record that the vendor always answers with 429 is sent less and less often."""
    now = [0.0]
    network = Network(taking(lambda _, item: item != b"0003"))
    clock = Clocks(monotonic=lambda: now[0], random=lambda: 1.0)
    target = delivery(network, clock=clock, retry_initial=0.5, retry_maximum=30)
    put_all(target, 10)
    wait_until(lambda: target.stats().delivered == 9)
    moments = []
    for _ in range(6):
        wait_until(lambda: len(target.lane.in_flight.leftovers))
        now[0] += target.lane.in_flight.leftovers.wait(now[0])
        moments.append(now[0])
        seen = len(network.requests)
        target.workers.notify()
        wait_until(lambda seen=seen: len(network.requests) > seen)

    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    target.workers.abandon()


def test_an_answer_that_took_something_ends_the_backoff():
    """Backoff grows while nothing is accepted; an answer that accepts one record resets it."""
    answers = [Response(299, body=b"r" * 100), 503, 503]
    network = Network(lambda items: answers.pop() if answers else 200)
    target = delivery(network, limits=ROOMY, flush_interval=60, concurrency=1)
    put_all(target, 100)
    target.flush(0)
    wait_until(lambda: target.stats().retries == 3)

    assert target.flush(20)
    assert target.lane.pace._failures == 0
    assert Counter(network.accepted) == Counter(lines(100))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_of_three_is_left_each_time(concurrency):
    """A vendor that accepts two of three records of each batch gets everything, in few requests."""
    network = Network(taking(two_of_three))
    target = delivery(
        network, limits=ROOMY, flush_interval=60, concurrency=concurrency, batch_count=100
    )
    put_all(target, 3_000)

    assert target.flush(60)
    assert Counter(network.accepted) == Counter(lines(3_000))
    assert target.stats().balanced
    # What was left of many batches travels together.
    assert len(network.requests) < 30 + 60


def test_single_records_are_refused_beside_leftovers():
    """One answer may accept some records, refuse others for good, and ask for the rest again."""
    network = Network(
        lambda items: Response(
            299,
            body=bytes(
                b"x"[0] if item.endswith(b"7") else b"r."[item[-1] % 2 == 0 or len(items) < 9]
                for item in items
            ),
        )
    )
    heard = []
    target = delivery(
        network, limits=ROOMY, flush_interval=60, on_drop=lambda *drop: heard.append(drop)
    )
    put_all(target, 200)
    wait_until(lambda: target.flush(0.2) or len(target.lane.in_flight.leftovers))
    network.behaviour = lambda items: 200

    assert target.flush(20)
    stats = target.stats()
    assert (stats.delivered, stats.rejected, stats.balanced) == (180, 20, True)
    assert sum(count for _, count, _ in heard) == 20


def test_what_was_left_survives_trouble():
    """Leftovers whose request fails as a whole wait like any batch, and arrive once."""
    failing = [broken, lambda: 503, lambda: Response(413)]

    def behave(items):
        if len(items) == 100:
            return taking(two_of_three)(items)
        return failing.pop()() if failing else 200

    network = Network(behave)
    target = delivery(network, limits=ROOMY, flush_interval=60, concurrency=1)
    put_all(target, 100)

    assert target.flush(20)
    assert Counter(network.accepted) == Counter(lines(100))
    assert target.stats().balanced


def test_leftovers_that_are_abandoned_are_counted():
    """Leftovers that are abandoned at exit are counted, each of them once."""
    network = Network(taking(lambda _, item: item[-1:] < b"7"))
    target = delivery(network, retry_initial=600, retry_maximum=600)
    put_all(target, 30)
    wait_until(lambda: target.stats().delivered == 21)
    left = target.stats().pending

    assert target.workers.abandon().total() == left
    stats = target.stats()
    assert (stats.abandoned, stats.pending, stats.balanced) == (left, 0, True)


def test_a_wait_that_the_vendor_asks_for_is_for_the_leftovers_alone():
    """After a batch accepted in part, Retry-After delays the rest, and not new records."""
    now = [0.0]
    body = [b".r"]
    network = Network(
        lambda items: Response(299, {"retry-after": "7"}, body.pop()) if body else 200
    )
    clock = Clocks(monotonic=lambda: now[0])
    target = delivery(network, clock=clock, flush_interval=60, batch_count=2)
    put_all(target, 2)
    wait_until(lambda: len(target.lane.in_flight.leftovers))
    target.put(20, b"a")
    target.put(20, b"b")
    wait_until(lambda: target.stats().delivered == 3)
    target.flush_now()

    assert target.lane.in_flight.leftovers.wait(now[0]) == 7
    now[0] = 7.0
    target.workers.notify()
    wait_until(lambda: target.stats().delivered == 4)
    assert network.accepted == [b"0000", b"a", b"b", b"0001"]


def test_nothing_taken_of_a_whole_batch_is_trouble_like_any_other():
    """If each record of a batch is to be sent again, requests become less and less frequent."""
    network = Network(taking(lambda *_: False))
    target = delivery(network, retry_initial=600, retry_maximum=600)
    put_all(target, 10)
    wait_until(lambda: target.stats().retries)

    assert target.stats().state == "retrying"
    target.workers.abandon()
    assert target.stats().balanced


def test_leftovers_travel_together():
    """Leftovers that are due are sent in one batch, by number, with a pause between two batches."""
    leftovers = Leftovers()
    leftovers.add(batch(20).part([0, 2]), 10.0, 1.0, by_request=False)
    leftovers.add(batch(0).part([1]), 10.0, 0.5, by_request=False)
    leftovers.add(batch(40), 10.0, 5.0, by_request=True)

    assert leftovers.wait(10.0) == 0.5
    assert leftovers.take(10.4, 0.5, ROOM, ROOM) is None
    together = leftovers.take(11.0, 0.5, ROOM, ROOM)
    assert list(together.numbers) == [1, 20, 22]
    assert [data for _, data, _ in together.items] == [b"0001", b"0020", b"0022"]
    assert leftovers.wait(11.0) == 4.0
    leftovers.end_pause(11.1)
    assert leftovers.wait(11.1) == pytest.approx(3.9)
    assert leftovers.take(15.0, 0.5, ROOM, ROOM).first == 40
    assert not leftovers


def test_leftovers_keep_the_bounds_of_a_request():
    """As many leftovers as fit are sent together; the oldest go first."""
    leftovers = Leftovers()
    for first in (40, 20, 0):
        leftovers.add(batch(first), 0.0, 0.0, by_request=False)

    assert list(leftovers.take(1.0, 0.5, 7, ROOM).numbers) == [0, 1, 2, 20, 21, 22]
    assert leftovers.take(1.1, 0.5, 7, ROOM) is None
    assert list(leftovers.take(1.5, 0.5, 7, 1).numbers) == [40, 41, 42]


def test_leftovers_of_the_spool_and_of_memory_do_not_mix():
    """Adopted records, those on disk and those in memory are sent separately."""
    leftovers = Leftovers()
    leftovers.add(batch(0), 0.0, 0.3, by_request=False)
    leftovers.add(batch(10, place=5), 0.0, 0.2, by_request=False)
    leftovers.add(batch(ADOPTED, place=7), 0.0, 0.1, by_request=False)
    taken = [leftovers.take(1.0 + n, 0.5, ROOM, ROOM) for n in range(3)]

    assert [each.first for each in taken] == [ADOPTED, 10, 0]
    assert [each.durable for each in taken] == [True, True, False]


def test_the_parts_of_leftovers_know_their_numbers():
    """Halves and parts of joined batches keep each record's own number."""
    whole = batch(100, 10).part([1, 5, 8, 9])
    left, right = whole.halves()

    assert (list(left.numbers), list(right.numbers)) == ([101, 105], [108, 109])
    assert (left.first, right.first) == (101, 108)
    assert right.part([1]).first == 109


def test_flush_waits_for_leftovers_before_its_mark_alone():
    """
    flush() is True once everything accepted before it has its outcome, whatever is left of later
    records.
    """
    stuck = threading.Event()
    network = Network(taking(lambda _, item: item < b"0050" or stuck.is_set()))
    target = delivery(network, limits=ROOMY, flush_interval=60)
    put_all(target, 50)
    mark = target.lane.end_position()
    for number in range(50, 100):
        target.put(20, b"%04d" % number)
    target.flush_now()
    wait_until(lambda: target.stats().delivered == 50)

    assert target.lane.has_passed(mark)
    assert not target.lane.has_passed(target.lane.end_position())
    stuck.set()
    assert target.flush(20)


def test_a_part_is_said_once(capfd):
    """However often a vendor accepts a part, there is one message."""
    network = Network(taking(two_of_three))
    target = delivery(network, limits=ROOMY, flush_interval=60)
    put_all(target, 300)

    assert target.flush(20)
    assert capfd.readouterr().err.splitlines() == [
        "cxlogging: Lines (nowhere): takes a part of each batch, and is sent the rest again: item"
    ]
