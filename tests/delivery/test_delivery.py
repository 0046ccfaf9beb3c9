"""The delivery with a network in memory: verdicts, order, splitting, holding, the ledger."""

from __future__ import annotations

import threading

import pytest

from cxlogging.delivery.clock import Clocks
from cxlogging.wire.http import Limits, Response
from tests.fakes import LIMITS, Network, broken, delivery, timeout


def put_all(target, count, level=20):
    for n in range(count):
        target.put(level, b"%04d" % n)


def lines(count):
    return [b"%04d" % n for n in range(count)]


def after(times, first, then=200):
    """Return a behaviour: *first* for that many requests, then *then*."""
    left = [first] * times

    def behave(_):
        answer = left.pop() if left else then
        return answer() if callable(answer) else answer

    return behave


@pytest.mark.parametrize("trouble", [408, 425, 429, 500, 502, 503, 599, broken, timeout])
def test_passing_trouble_is_retried_in_order(trouble):
    """After a temporary failure the same items are sent again, and arrive once, in order."""
    network = Network(after(3, trouble))
    target = delivery(network, concurrency=1)
    put_all(target, 30)

    assert target.flush(20)
    assert network.accepted == lines(30)
    stats = target.stats()
    assert (stats.delivered, stats.retries, stats.balanced) == (30, 3, True)


@pytest.mark.parametrize("status", [400, 406, 422, 409])
def test_poison_is_isolated(status):
    """Of 500 items, only the one that the vendor refuses is rejected, in few requests."""
    network = Network(lambda items: status if b"0317" in items else 200)
    target = delivery(network, flush_interval=60, batch_count=500, limits=many(500))
    put_all(target, 500)

    assert target.flush(20)
    assert sorted(network.accepted) == [line for line in lines(500) if line != b"0317"]
    stats = target.stats()
    assert (stats.delivered, stats.rejected) == (499, 1)
    assert stats.lost_by_level == {("rejected", 20): 1}
    assert list(stats.reasons) == [f"HTTP {status}"]
    assert len(network.requests) <= 2 * 9 + 2


def test_a_vendor_that_refuses_everything_is_not_stormed():
    """If every item is refused, there are soon pauses between requests."""
    now = [0.0]
    network = Network(lambda items: 400)
    target = delivery(network, flush_interval=0, clock=Clocks(monotonic=lambda: now[0]))
    put_all(target, 100)
    wait_until(lambda: target.stats().rejected > 16)
    target.workers.notify()
    seen = len(network.requests)
    wait_until(lambda: target.lane.pace.resume_at > now[0])

    assert seen <= 2 * 100
    assert target.stats().rejected < 30
    now[0] += 1
    target.workers.notify()
    wait_until(lambda: len(network.requests) > seen)
    target.workers.abandon()
    assert target.stats().balanced


def test_413_splits_and_is_remembered():
    """A batch answered with 413 is sent in halves; the next batches are small from the start."""
    network = Network(lambda items: 413 if len(items) > 20 else 200)
    target = delivery(network, flush_interval=60, concurrency=1)
    put_all(target, 100)

    assert target.flush(20)
    assert network.accepted == lines(100)
    refused = sum(len(items) > 20 for items in network.requests)
    put_all(target, 100)
    assert target.flush(20)
    assert sum(len(items) > 20 for items in network.requests) - refused <= 2


def test_413_for_a_single_item_rejects_it():
    """A single item that is too large for the vendor is rejected with the vendor's reason."""
    network = Network(lambda items: Response(413, body=b"too big"))
    target = delivery(network)
    target.put(40, b"x")

    assert target.flush(20)
    assert target.stats().reasons == {"HTTP 413: too big": 1}


def test_a_timeout_halves_the_batch():
    """A request that times out is sent again at half the size."""
    network = Network(lambda items: timeout() if len(items) > 30 else 200)
    target = delivery(network, limits=many(100), flush_interval=60, concurrency=1)
    for number in range(100):
        target.put(20, b"%04d" % number + b"x" * 900)

    assert target.flush(20)
    assert sorted(line[:4] for line in network.accepted) == lines(100)
    assert [len(items) for items in network.requests[:3]] == [100, 50, 25]


def test_small_batches_are_not_halved_by_timeouts():
    """A vendor that does not answer for long does not make batches small for ever."""
    network = Network(after(10, timeout))
    target = delivery(network, flush_interval=60, concurrency=1)
    put_all(target, 100)

    assert target.flush(20)
    assert all(len(items) == 100 for items in network.requests)


@pytest.mark.parametrize("status", [401, 403, 404, 301, 302, 307, 308, 405, 407])
def test_refusal_of_everything_holds(status, capfd):
    """A wrong key, host or address holds all items, is reported once, and is probed slowly."""
    network = Network(lambda items: status)
    target = delivery(network)
    put_all(target, 10)

    assert not target.flush(0.3)
    stats = target.stats()
    assert (stats.pending, stats.state, stats.balanced) == (10, "holding", True)
    assert len(network.requests) == 1
    assert capfd.readouterr().err.count(f"HTTP {status}") == 1
    assert target.workers.abandon().total() == 10


def test_hold_ends_when_the_vendor_takes_records_again(capfd):
    """After a hold, the next probe delivers everything, and a message says so."""
    now = [0.0]
    network = Network(after(1, 401))
    target = delivery(network, clock=Clocks(monotonic=lambda: now[0]))
    put_all(target, 10)
    target.flush(0)
    wait_until(lambda: target.stats().state == "holding")
    now[0] = 31.0
    target.workers.notify()
    wait_until(lambda: target.stats().delivered == 10)

    assert capfd.readouterr().err.splitlines() == [
        "cxlogging: Lines (nowhere): HTTP 401. Records wait until this is fixed.",
        "cxlogging: Lines (nowhere): delivers again",
    ]


def test_statuses_of_single_items():
    """Of a batch that is accepted in part, only items with a temporary failure are sent again."""

    def behave(items):
        if not behave.called:
            behave.called = True
            return Response(299, body=b".r.x" * 5)
        return 200

    behave.called = False
    network = Network(behave)
    target = delivery(network, flush_interval=60, concurrency=1)
    put_all(target, 20)

    assert target.flush(20)
    again = [line for n, line in enumerate(lines(20)) if n % 4 == 1]
    assert network.requests[1] == again
    stats = target.stats()
    assert (stats.delivered, stats.rejected, stats.balanced) == (15, 5, True)


def test_retry_after_is_waited_for():
    """No request is made before the time that the vendor asks for."""
    now = [100.0]
    network = Network(after(1, lambda: Response(429, {"retry-after": "2"})))
    target = delivery(network, clock=Clocks(monotonic=lambda: now[0]))
    target.put(20, b"x")
    wait_until(lambda: target.stats().retries == 1)

    for moment, requests in ((101.0, 1), (101.9, 1), (102.1, 2)):
        now[0] = moment
        target.workers.notify()
        target.flush_now()
        if requests == 2:
            wait_until(lambda: len(network.requests) == 2)
        assert len(network.requests) == requests


def test_batches_keep_the_limits():
    """No request has more items, or more bytes, than the vendor allows."""
    network = Network()
    target = delivery(network, flush_interval=60)
    for n in range(300):
        target.put(20, b"%04d" % n + b"x" * (n % 900))

    assert target.flush(20)
    assert all(len(items) <= LIMITS.batch_count for items in network.requests)
    assert all(len(b"\n".join(items)) <= LIMITS.body_bytes for items in network.requests)
    assert len(network.accepted) == 300


def test_the_wire_limit_counts_the_compressed_body():
    """A body that is too large after compression is sent in halves; the vendor never sees it."""
    small = Limits(1_000, 10_000, 200, 100, 0)
    network = Network()
    target = delivery(network, limits=small, flush_interval=60)
    put_all(target, 100)

    assert target.flush(20)
    assert all(len(b"\n".join(items)) <= 200 for items in network.requests)
    assert sorted(network.accepted) == lines(100)


def test_flush_interval():
    """A record waits for the flush interval, and no longer."""
    now = [0.0]
    network = Network()
    target = delivery(network, flush_interval=5, clock=Clocks(monotonic=lambda: now[0]))
    target.put(20, b"x")
    wait_until(lambda: target.lane.pace._since is not None)
    now[0] = 4.9
    target.workers.notify()
    wait_until(lambda: target.workers.wake_items == target.lane.pace.max_items)
    assert network.requests == []

    now[0] = 5.1
    target.workers.notify()
    wait_until(lambda: network.requests)
    assert network.accepted == [b"x"]


@pytest.mark.parametrize("option", [{"batch_count": 10}, {"batch_bytes": 40}])
def test_flush_by_count_and_bytes(option):
    """A full batch is sent long before the interval is over."""
    network = Network()
    target = delivery(network, flush_interval=3600, **option)
    put_all(target, 10)

    wait_until(lambda: len(network.accepted) >= 8)


def test_concurrency():
    """With a backlog, as many requests are in flight as concurrency allows, and no more."""
    gate = threading.Semaphore(0)
    flying, most = [0], [0]

    def behave(items):
        flying[0] += 1
        most[0] = max(most[0], flying[0])
        gate.acquire(timeout=20)
        flying[0] -= 1
        return 200

    network = Network(behave)
    target = delivery(network, concurrency=3, flush_interval=0)
    put_all(target, 1_000)
    wait_until(lambda: flying[0] == 3)
    gate.release(1_000)

    assert target.flush(20)
    assert most[0] == 3
    assert sorted(network.accepted) == sorted(lines(1_000))


def test_workers_leave_when_nothing_waits():
    """After a backlog one worker is left, and after close none."""
    network = Network()
    target = delivery(network, concurrency=4)
    put_all(target, 3_000)
    assert target.flush(20)

    wait_until(lambda: len(target.workers) <= 1)
    target.close()
    wait_until(lambda: len(target.workers) == 0)


def test_an_encoder_that_fails_loses_nothing():
    """If a destination cannot make a request, the items wait, as after any failure."""
    network = Network()
    target = delivery(network)
    request, failing = target.destination.request, [True]

    def make(items):
        if failing[0]:
            raise RuntimeError("no request")
        return request(items)

    target.destination.request = make
    target.put(20, b"x")
    wait_until(lambda: target.stats().retries)
    failing[0] = False

    assert target.flush(20)
    assert network.accepted == [b"x"]


def test_no_thread_can_start(monkeypatch):
    """If no thread can start, closing delivers on the calling thread."""
    import _thread

    def refuse(*_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    network = Network(after(2, 503))
    target = delivery(network)
    put_all(target, 300)
    target.close()

    assert network.accepted == lines(300)
    assert target.stats().balanced


def test_no_thread_can_start_and_the_server_is_dead(monkeypatch):
    """If no thread can start and nothing is acknowledged, closing keeps its budget."""
    import _thread

    def refuse(*_):
        raise RuntimeError("no threads")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    target = delivery(Network(lambda items: 503), close_timeout=0.2)
    put_all(target, 3)
    target.close()

    assert target.stats().pending == 3


def test_a_flush_waits_only_for_what_came_before():
    """flush() does not wait for records that are accepted after it was called."""
    network = Network()
    target = delivery(network, flush_interval=3600)
    target.put(20, b"before")
    mark = target.lane.end_position()
    target.put(20, b"after")

    assert not target.lane.has_passed(mark)
    assert target.flush(20)
    assert target.lane.has_passed(mark)


def test_on_drop_and_on_error_are_told():
    """
    on_drop is called for rejected and abandoned records, on_error for failures;
    both may raise.
    """
    heard, errors = [], []

    def on_drop(*args):
        heard.append(args)
        raise RuntimeError("mine")

    network = Network(lambda items: 400)
    target = delivery(network, on_drop=on_drop, on_error=errors.append)
    target.put(40, b"x")
    assert target.flush(20)

    wait_until(lambda: errors)
    assert heard == [("rejected", 1, 40)]
    assert errors == ["refused a record, which is lost: HTTP 400"]


def many(count):
    return Limits(1_000, 100_000, 100_000, count, 0)


def wait_until(condition, seconds=10.0):
    """Wait for *condition*; fail after a deadline."""
    import time

    moment = threading.Event()
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        moment.wait(0.002)
