"""Log calls from everywhere: the package's own traffic, signal handlers, finalizers, reprs."""

from __future__ import annotations

import pytest

from tests.conftest import VENDORS

from .conftest import about_a_vendor


@pytest.mark.parametrize("vendor", VENDORS)
def test_root_at_debug_does_not_feed_itself(program, server, vendor):
    """On the root logger at DEBUG, one record makes one request, however long one waits."""
    ended = program(
        """
        logging.getLogger().setLevel(logging.DEBUG)
        log.removeHandler(handler)
        logging.getLogger().addHandler(handler)
        log.info("one")
        for n in range(10):
            handler.flush(1)
            time.sleep(0.05)
        print(handler.stats().accepted)
        """,
        vendor,
        "flush_interval=0.05",
    )

    assert ended.out.strip() == "1"
    assert len(server.requests(vendor)) == 1


@about_a_vendor
def test_other_handlers_hear_nothing_of_our_traffic(program, server):
    """
    With a server that fails, the application's other handlers get no record of the package's
    traffic.
    """
    server.faults.add(status=503, times=2)
    ended = program(
        """
        class Heard(logging.Handler):
            names = []
            def emit(self, record): self.names.append(record.name)
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger().addHandler(Heard())
        log.info("one")
        handler.flush(10)
        print(Heard.names)
        """,
        options="retry_initial=0.01",
    )

    assert ended.out.strip() == "['shop']"


def test_signal_handlers_and_finalizers_that_log(program, server):
    """A signal every millisecond and finalizers, all logging: nothing hangs or is lost."""
    ended = program(
        """
        import gc, signal
        gc.set_threshold(1)
        counts = {"signal": 0, "del": 0}
        def on_alarm(*_):
            counts["signal"] += 1
            log.warning("signal")
        class Dying:
            def __init__(self): self.cycle = self
            def __del__(self):
                counts["del"] += 1
                log.warning("del")
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        def busy():
            for n in range(1500):
                Dying()
                log.info("busy", extra={"n": n})
        threads = [threading.Thread(target=busy) for _ in range(2)]
        for thread in threads: thread.start()
        busy()
        for thread in threads: thread.join()
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()
        ok = handler.flush(30)
        stats = handler.stats()
        passed = stats.delivered + stats.spooled
        print(ok, stats.balanced, stats.accepted == passed, counts["signal"] > 10)
        # The collector runs some finalizers on the worker: what they log is never shipped.
        logged = 4500 + counts["signal"] + counts["del"]
        print(stats.accepted + stats.suppressed == logged)
        """,
        "coralogix",
    )

    assert ended.out.split() == ["True"] * 5, ended.out + ended.err


def test_a_repr_that_logs(program, server):
    """A value whose repr logs ships, and so does what it logged."""
    program(
        """
        class Chatty:
            def __repr__(self):
                log.info("inner")
                return "chatty"
        log.info("outer", extra={"value": Chatty()})
        """
    )

    assert sorted(event["message"] for event in server.events()) == ["inner", "outer"]


def test_a_repr_that_exits(program, server):
    """A value whose repr raises SystemExit does not end the program, and the record ships."""
    ended = program(
        """
        class Rude:
            def __repr__(self): raise SystemExit(9)
        log.info("rude", extra={"value": Rude()})
        """
    )

    assert ended.code == 0
    assert "<unrepresentable Rude>" in str(server.events())


def test_a_signal_handler_that_exits(program, server):
    """A SystemExit raised by a signal handler in the middle of a log call ends the program."""
    ended = program(
        """
        import signal
        def stop(*_): raise SystemExit(5)
        signal.signal(signal.SIGUSR1, stop)
        class Slow:
            def __repr__(self):
                signal.raise_signal(signal.SIGUSR1)
                return "slow"
        log.info("slow", extra={"value": Slow()})
        """
    )

    assert ended.code == 5


def test_a_slow_repr_delays_nobody_else(program, server):
    """While the repr of one thread's value takes long, other threads continue to log."""
    ended = program(
        """
        started, go = threading.Event(), threading.Event()
        class Slow:
            def __repr__(self):
                started.set()
                go.wait(20)
                return "slow"
        thread = threading.Thread(target=lambda: log.info("slow", extra={"value": Slow()}))
        thread.start()
        started.wait(20)
        for n in range(100): log.info("quick")
        print(handler.stats().accepted)
        go.set()
        thread.join()
        """
    )

    assert ended.out.strip() == "100"
    assert server.count() == 101


def test_a_frozen_clock_does_not_stop_the_worker(program, server):
    """Under freezegun, records are delivered, and carry the frozen time."""
    ended = program(
        """
        from freezegun import freeze_time
        with freeze_time("2020-02-02 02:02:02.123456"):
            log.info("frozen")
            print(handler.flush(10))
        """,
        options="flush_interval=0.1",
    )

    assert ended.out.strip() == "True"
    assert server.events()[0]["time_ns"] == 1_580_608_922_123_456_000
