"""Records that come after the exit functions have run: each log call delivers its own."""

from __future__ import annotations

import contextlib
import sys
import threading

import pytest

from cxlogging.delivery.process.state import PROCESS, Phase
from tests.fakes import Network, delivery


@pytest.fixture(autouse=True)
def _exited():
    before = PROCESS.phase
    PROCESS.enter(Phase.EXITED)
    yield
    PROCESS.enter(before)


@contextlib.contextmanager
def shutdown(monkeypatch):
    """Have the interpreter shut down; yield the counts that it reports at its very end."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "is_finalizing", lambda: True)
        counts = {}
        yield counts
    report = vars(sys).pop("_cxlogging_report")
    counts.update(report._counts)
    report._counts.clear()


@contextlib.contextmanager
def frozen(lock):
    """Have another thread hold *lock*."""
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_record_is_delivered_by_its_own_log_call():
    """When the call returns the vendor has the record."""
    network = Network()
    target = delivery(network, flush_interval=3600)
    for line in (b"first", b"second"):
        target.put(20, line)
        assert network.accepted[-1] == line

    assert target.stats().balanced


def test_all_of_them_wait_for_a_dead_vendor_as_long_as_one(capfd):
    """Once close_maximum is spent the rest is counted at once, and a message says so."""
    target = delivery(Network(lambda lines: 503), close_timeout=0.1, close_maximum=0.1)
    for _ in range(3):
        target.put(20, b"x")

    stats = target.stats()
    assert (stats.accepted, stats.abandoned) == (3, 3)
    assert target.lane.late_seconds > 0.1
    assert "1 record was not delivered when the process ended" in capfd.readouterr().err


def test_a_log_call_does_not_wait_for_a_thread_that_is_frozen(monkeypatch):
    """While the interpreter shuts down, the holder of a lock may stand still for ever."""
    target = delivery(Network())
    with shutdown(monkeypatch) as counts, frozen(target.lane.lock):
        target.put(20, b"x")

    assert counts == {"Lines (nowhere)": 1}


def test_what_is_lost_while_the_interpreter_shuts_down_is_counted(monkeypatch):
    """With a dead vendor the record is abandoned, and counted for the last report."""
    target = delivery(Network(lambda lines: 503), close_timeout=0.05, close_maximum=0.05)
    with shutdown(monkeypatch) as counts:
        target.put(20, b"x")

    assert target.stats().abandoned == 1
    assert counts == {"Lines (nowhere)": 1}
