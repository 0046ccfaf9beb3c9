"""Workers in special situations: bugs of this package, forks, batches that fill meanwhile."""

from __future__ import annotations

import _thread
import itertools
import sys
import threading
from types import SimpleNamespace

import pytest

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.delivery import Delivery
from cxlogging.delivery.process import fork
from cxlogging.delivery.process.registry import registered
from cxlogging.delivery.worker.pacing import NEVER
from cxlogging.delivery.worker.picking import AHEAD_BYTES, has_room
from cxlogging.wire.http import Limits
from tests.delivery.test_delivery import lines, put_all, wait_until
from tests.fakes import Network, delivery

ROOMY = Limits(10_000, 2**20, 2**20, 10_000, 0, auto=())


def test_a_fault_of_ours_loses_nothing(capfd):
    """
    A worker that crashes by a bug of this package is reported, and the next record's worker sends
    everything.
    """
    network = Network()
    target = delivery(network)
    take_event, failing = target.lane.drops.take_event, [True]

    def fail_once(now):
        if failing.pop() if failing else False:
            raise RuntimeError("a fault of ours")
        return take_event(now)

    target.lane.drops.take_event = fail_once
    target.put(20, b"first")
    wait_until(lambda: not failing and not len(target.workers))
    target.put(20, b"second")

    assert target.flush(20)
    assert network.accepted == [b"first", b"second"]
    assert "worker crashed: RuntimeError: a fault of ours" in capfd.readouterr().err


def test_a_batch_in_flight_survives_a_fault_of_ours():
    """The items that a worker had in flight when it crashed are sent again."""
    failing = [True]

    def fail_once(lines):
        if failing:
            failing.clear()
            raise SystemExit
        return 200

    network = Network(fail_once)
    target = delivery(network)
    target.put(20, b"x")
    wait_until(lambda: not len(target.workers))

    assert target.stats().pending == 1
    assert target.flush(20)
    assert network.accepted == [b"x"]


def test_workers_leave_for_a_fork_where_nothing_waits():
    """before_fork() has idle workers leave, and the next record starts one again."""
    network = Network()
    target = delivery(network)
    target.put(20, b"x")
    assert target.flush(20)
    fork.before_fork()
    wait_until(lambda: not target.workers.is_parking)

    assert len(target.workers) == 0
    fork.after_in_parent()
    target.put(20, b"y")
    assert target.flush(20)
    assert network.accepted == [b"x", b"y"]


def test_a_record_that_comes_while_parking():
    """A record that comes between the fork hooks is sent."""
    network = Network()
    target = delivery(network)
    target.put(20, b"x")
    assert target.flush(20)
    fork.before_fork()
    target.put(20, b"y")
    wait_until(lambda: not target.workers.is_parking)
    fork.after_in_parent()

    wait_until(lambda: network.accepted == [b"x", b"y"])


def test_workers_stay_for_a_fork_where_something_waits():
    """before_fork() does not stop workers that have something to send."""
    target = delivery(Network(), flush_interval=3600)
    target.put(20, b"x")
    fork.before_fork()

    assert not target.workers.is_parking
    fork.after_in_parent()
    assert target.flush(20)


def test_a_slow_vendor_gets_a_second_worker():
    """While the vendor is slow, further workers watch the queue, up to the concurrency."""
    network, ticks = Network(), itertools.count()
    # Each look at the clock is a second later: every request seems to take long.
    clock = Clocks(monotonic=lambda: float(next(ticks)))
    target = delivery(network, concurrency=2, clock=clock)
    put_all(target, 500)

    wait_until(lambda: len(network.accepted) == 500)
    assert sorted(network.accepted) == lines(500)
    wait_until(lambda: target.lane.pace.slow)
    wait_until(lambda: len(target.workers) <= 2)


class Gate:
    """A network that answers when the test lets it."""

    def __init__(self) -> None:
        self._open = threading.Semaphore(0)
        self._lock = threading.Lock()
        self.flying = 0
        self.network = Network(self._behave)

    def _behave(self, lines):
        with self._lock:
            self.flying += 1
        self._open.acquire(timeout=20)
        with self._lock:
            self.flying -= 1
        return 200

    def open(self):
        self._open.release(10_000)


@pytest.mark.parametrize("option", [{"batch_count": 10}, {"batch_bytes": 50}])
def test_a_batch_that_fills_beside_one_in_flight(option):
    """A batch that fills while every worker waits for an answer is sent beside those in flight."""
    gate = Gate()
    target = delivery(gate.network, flush_interval=3600, **option)
    for number in range(4):
        put_all(target, 10)
        wait_until(lambda number=number: gate.flying == number + 1)
    put_all(target, 50)
    assert gate.flying == 4
    assert len(target.lane.in_flight.requests) == 4
    gate.open()

    assert target.flush(20)
    assert sorted(gate.network.accepted) == sorted(lines(10) * 4 + lines(50))


def flush_beside(gate: Gate, target: Delivery, flying: int) -> None:
    """Flush *target*, and let the vendor answer when that many requests are in flight."""
    waiter = threading.Thread(target=target.flush, args=(20,))
    waiter.start()
    wait_until(lambda: gate.flying == flying)
    gate.open()
    waiter.join(20)


def test_a_flush_beside_a_request_in_flight():
    """flush() sends what waits at once, also while every worker waits for an answer."""
    gate = Gate()
    target = delivery(gate.network, flush_interval=3600, batch_count=10)
    put_all(target, 10)
    wait_until(lambda: gate.flying == 1)
    put_all(target, 3)
    flush_beside(gate, target, flying=2)

    assert sorted(gate.network.accepted) == sorted(lines(10) + lines(3))


def test_the_rest_of_a_flush_does_not_wait_for_an_answer():
    """flush() of more than a batch sends the rest beside the full batches."""
    gate = Gate()
    target = delivery(gate.network, flush_interval=3600, batch_count=10, limits=ROOMY)
    target.workers.wake_bytes = target.workers.wake_items = NEVER  # as where no worker was told yet
    put_all(target, 23)
    flush_beside(gate, target, flying=3)

    assert sorted(map(len, gate.network.requests)) == [3, 10, 10]


def test_a_vendor_in_trouble_is_asked_by_one_request():
    """While requests fail, no further worker is started, however much waits."""
    gate, failed = Gate(), threading.Event()
    network = Network(lambda lines: gate.network.behaviour(lines) if failed.is_set() else 503)
    target = delivery(network, flush_interval=3600, batch_count=10, retry_maximum=0.001)
    put_all(target, 10)
    wait_until(lambda: target.stats().retries)
    failed.set()
    wait_until(lambda: gate.flying == 1)
    put_all(target, 200)

    assert (gate.flying, len(target.lane.in_flight.requests)) == (1, 1)
    gate.open()
    assert target.flush(20)
    assert target.stats().delivered == 210


@pytest.mark.parametrize(
    ("concurrency", "size", "allowed"), [(3, 1, 3), (3, AHEAD_BYTES // 2, 2), (1, 1, 1)]
)
def test_what_is_in_flight_is_bounded(concurrency, size, allowed):
    """A third request is only begun if those in flight do not hold too much already."""
    lane = delivery(Network(), ROOMY, concurrency=concurrency).lane
    item = (20, bytes(size), 0)
    room = []
    for _ in range(5):
        room.append(has_room(lane))
        lane.in_flight.take([item], 0, 0.0)

    assert room == [number < allowed for number in range(5)]
    lane.in_flight.abandon(0)


def test_the_report_of_an_overflow():
    """Once there is room, one WARNING event says how many records of each level were dropped."""
    gate = [503]
    network = Network(lambda items: gate[0])
    told = []
    target = delivery(
        network,
        buffer_bytes=5_000,
        overflow="drop_newest",
        on_drop=lambda *drop: told.append(drop),
    )
    put_all(target, 60, level=10)
    put_all(target, 5, level=40)
    gate[0] = 200

    assert target.flush(20)
    wait_until(lambda: any(line.startswith(b"cxlogging dropped") for line in network.accepted))
    (report,) = (line for line in network.accepted if line.startswith(b"cxlogging dropped"))
    stats = target.stats()
    lost = stats.lost_by_level
    assert f"dropped {stats.dropped} records".encode() in report
    assert f"DEBUG {lost['dropped', 10]}, ERROR {lost['dropped', 40]}".encode() in report
    assert sum(count for _, count, _ in told) == stats.dropped
    wait_until(lambda: target.stats().reports == 1)
    assert (stats.accepted, stats.balanced) == (65, True)
    assert stats.delivered == len(network.accepted) - 1


def test_steady_overload_is_said_and_reported_once_a_minute(capfd):
    """
    Four minutes of an overload that comes and goes: one message and one event a minute, which
    include every drop; `accepted` is the number of log calls, and the ledger is exact.
    """
    now = [0.0]
    gate, network = [503], Network(lambda items: gate[0])
    clock = Clocks(monotonic=lambda: now[0], random=lambda: 0.0)
    target = delivery(network, clock=clock, buffer_bytes=5_000, overflow="drop_newest")
    for second in range(240):
        now[0] = float(second)
        gate[0] = 503
        put_all(target, 60)
        wait_until(lambda: not target.lane.drops.has_unreported)
        gate[0] = 200
        target.workers.notify()
        assert target.flush(20)
        assert target.stats().balanced
        # The event of a minute is sent after the records: not while the vendor is down again.
        wait_until(lambda: target.stats().reports == now[0] // 60 + 1)
    now[0] = 300.0
    target.workers.notify()
    wait_until(lambda: target.stats().reports == 5)

    stats = target.stats()
    reports = [line for line in network.accepted if line.startswith(b"cxlogging dropped")]
    said = capfd.readouterr().err
    assert said.count("bytes is full: records are dropped") == 4
    assert said.count("cxlogging dropped") == 0
    assert (stats.accepted, len(reports)) == (240 * 60, 5)
    assert sum(int(report.split()[2]) for report in reports) == stats.dropped
    assert stats.delivered == len(network.accepted) - len(reports)


def test_a_report_that_fails_is_told_later():
    """
    If the vendor did not accept a report of drops, the next one, a minute later,
    includes them.
    """
    now, gate, answers = [0.0], [503], []

    def behave(items):
        if items[0].startswith(b"cxlogging dropped"):
            answers.append(200 if answers else 503)
            return answers[-1]
        return gate[0]

    network = Network(behave)
    clock = Clocks(monotonic=lambda: now[0], random=lambda: 0.0)
    target = delivery(network, clock=clock, buffer_bytes=5_000, overflow="drop_newest")
    put_all(target, 60)
    gate[0] = 200
    assert target.flush(20)
    wait_until(lambda: answers == [503])
    now[0] = 61.0
    target.workers.notify()
    wait_until(lambda: target.stats().reports == 1)

    (report,) = (line for line in network.accepted if line.startswith(b"cxlogging dropped"))
    assert f"dropped {target.stats().dropped} records".encode() in report


def test_the_master_of_uwsgi_starts_no_thread(monkeypatch, capfd):
    """Before uWSGI forks, no thread is started, and a message says so; after it, one is."""
    worker = [0]
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(worker_id=lambda: worker[0]))
    network = Network()
    target = delivery(network)
    target.put(20, b"before")

    assert len(target.workers) == 0
    assert "uWSGI loads the application before it forks" in capfd.readouterr().err
    worker[0] = 1
    target.workers.reset()
    target.put(20, b"after")
    assert target.flush(20)
    assert network.accepted == [b"after"]


@pytest.mark.parametrize("asked", [0, 0.01])
def test_a_flush_with_a_timeout(asked):
    """flush(timeout) returns False in time if the vendor does not answer."""
    target = delivery(Network(lambda items: 503))
    target.put(20, b"x")

    assert not target.flush(asked)
    target.workers.abandon()


def test_deliveries_come_and_go_while_threads_look():
    """
    Fork hooks, stats() and flush_all() see a complete list while other threads make
    deliveries.
    """
    ended, errors = threading.Event(), []

    def come_and_go():
        while not ended.is_set():
            delivery(Network())

    def look():
        try:
            while not ended.is_set():
                fork.before_fork()
                fork.after_in_parent()
                sum(each.lane.stats().pending for each in registered())
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=each) for each in (come_and_go, come_and_go, look)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        ended.wait(1)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)

    assert errors == []
    assert not any(each.is_parking for each in registered())


def test_nobody_stays_parked_when_a_signal_ends_the_fork_hook():
    """If a signal handler raises in the hook after a fork, no delivery stays parked."""
    network = Network()
    target = delivery(network)
    target.put(20, b"first")
    wait_until(lambda: network.accepted == [b"first"])
    fork.before_fork()

    def interrupted():
        raise KeyboardInterrupt

    unpark, target.workers.unpark = target.workers.unpark, interrupted
    with pytest.raises(KeyboardInterrupt):
        fork.after_in_parent()
    target.workers.unpark = unpark
    target.put(20, b"second")

    wait_until(lambda: network.accepted == [b"first", b"second"])


class FailingThreads:
    """Replaces the interpreter's function that starts threads; *failing* is how it fails."""

    def __init__(self, monkeypatch):
        self.failing, self.asked = True, 0
        self._start = _thread.start_new_thread
        monkeypatch.setattr(_thread, "start_new_thread", self)

    def __call__(self, *args):
        self.asked += 1
        if self.failing:
            raise RuntimeError("can't start new thread")
        return self._start(*args)


def test_a_failed_thread_start_is_tried_again_by_time(monkeypatch, capfd):
    """After a failed start, log calls try again by time, not by count, and it is reported once."""
    network, threads, now = Network(), FailingThreads(monkeypatch), [1_000.0]
    target = delivery(network, clock=Clocks(monotonic=lambda: now[0]))
    put_all(target, 50)
    assert threads.asked == 1
    now[0] += 1
    put_all(target, 50)
    assert threads.asked == 2
    threads.failing = False
    now[0] += 1
    target.put(20, b"last")

    wait_until(lambda: target.stats().delivered == 101)
    err = capfd.readouterr().err
    assert err.count("no thread can be started to deliver records (can't start new thread)") == 1
    assert err.count("a thread could be started: records are delivered again") == 1


def test_a_full_buffer_without_a_thread(monkeypatch, capfd):
    """
    If threads cannot start for long, nothing is dropped silently: a message says so, flush() calls
    on_drop, and once a thread starts, everything that had room is delivered.
    """
    heard, threads, now = [], FailingThreads(monkeypatch), [1_000.0]
    target = delivery(
        Network(),
        clock=Clocks(monotonic=lambda: now[0]),
        buffer_bytes=64 * 1024,
        on_drop=lambda *args: heard.append(args),
    )
    for _ in range(2_000):
        target.put(20, b"x" * 100)

    stats = target.stats()
    assert stats.dropped > 0
    assert stats.balanced
    assert "dropped when it is full" in capfd.readouterr().err
    threads.failing = False
    now[0] += 1
    target.put(20, b"x" * 100)
    wait_until(lambda: not target.stats().pending)
    assert target.flush(20)
    assert sum(count for _, count, _ in heard) == target.stats().dropped
    assert target.stats().balanced


def test_a_flush_does_not_overtake_the_first_record():
    """
    What is flushed while the first record of an idle queue is in flight follows it, on the same
    connection and in order.
    """
    gate = Gate()
    target = delivery(gate.network, flush_interval=3600, clock=Clocks(monotonic=lambda: 0.0))
    target.workers.reset()  # so it is idle
    put_all(target, 1)
    wait_until(lambda: gate.flying == 1)
    put_all(target, 3)
    waiter = threading.Thread(target=target.flush, args=(20,))
    waiter.start()
    wait_until(
        lambda: target.lane.in_flight.taken < target.lane.pace.flush_until and target.lane.waiters
    )

    assert len(target.workers) == 1
    gate.open()
    waiter.join(20)
    assert gate.network.requests == [lines(1), lines(3)]
