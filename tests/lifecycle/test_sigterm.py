"""SIGTERM: untouched unless asked for; then what waits is delivered before the process ends."""

from __future__ import annotations

import signal

from .conftest import about_a_vendor

SEND = """
import signal
log.info("x")
signal.raise_signal(signal.SIGTERM)
log.info("after")
"""


def test_signals_are_untouched(program, server):
    """Importing, configuring and logging install no signal handler at all."""
    ended = program(
        """
        import signal
        log.info("x")
        print([signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == [
            signal.SIG_DFL, signal.default_int_handler, signal.SIG_DFL])
        """
    )

    assert ended.out.strip() == "True"


def test_sigterm_delivers_and_ends(program, server):
    """With install_sigterm() SIGTERM delivers what waits, and ends the process as usual."""
    ended = program("cxlogging.install_sigterm()" + SEND, options="flush_interval=60")

    assert ended.code == -signal.SIGTERM
    assert [event["message"] for event in server.events()] == ["x"]


def test_sigterm_without_it_loses_what_waits(program, server):
    """Without install_sigterm() SIGTERM ends the process: what waits in memory is lost."""
    ended = program(SEND, options="flush_interval=60")

    assert ended.code == -signal.SIGTERM
    assert server.count() == 0


def test_the_handler_before_is_called(program, server):
    """The application's own handler runs after the delivery, and decides what happens."""
    ended = program(
        "import signal\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: print('mine', number))\n"
        "cxlogging.install_sigterm()" + SEND,
        options="flush_interval=60",
    )

    assert (ended.code, ended.out.split()) == (0, ["mine", "15"])
    assert [event["message"] for event in server.events()] == ["x", "after"]


def test_an_ignored_sigterm_stays_ignored(program, server):
    """If SIGTERM was ignored, it delivers, and is ignored."""
    ended = program(
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "cxlogging.install_sigterm()" + SEND,
        options="flush_interval=60",
    )

    assert ended.code == 0
    assert server.count() == 2


@about_a_vendor
def test_sigterm_with_a_dead_server_is_bounded(program, server):
    """With a server that hangs, SIGTERM takes the exit budget and reports what was left."""
    server.faults.add(hang=True)
    ended = program("cxlogging.install_sigterm()" + SEND, options="close_timeout=0.5")

    assert ended.code == -signal.SIGTERM
    assert ended.seconds < 3
    assert "1 record was not delivered" in ended.err


def test_the_option_may_be_text(program, server):
    """In a dictConfig, "true" means True, and "false" installs nothing."""
    on = program(SEND, options="flush_interval=60, sigterm='true'")
    off = program(SEND, options="flush_interval=60, sigterm='false'")

    assert (on.code, off.code) == (-signal.SIGTERM, -signal.SIGTERM)
    assert server.count() == 1


def test_off_the_main_thread_one_line_says_so(program):
    """A handler made off the main thread works, and reports once that SIGTERM is not handled."""
    ended = program(
        """
        thread = threading.Thread(
            target=lambda: cxlogging.BetterStackHandler("key", url=URL, sigterm=True))
        thread.start()
        thread.join()
        """
    )

    assert ended.code == 0
    assert ended.err.count("SIGTERM can only be handled from the main thread") == 1
    assert ended.err.count("\n") == 1


def test_a_second_sigterm_does_not_wait_again(program, server):
    """
    SIGTERM twice, with two handlers that ask for it: records are delivered, and the process ends
    once.
    """
    ended = program(
        """
        import os, signal
        other = cxlogging.HoneycombHandler("key", dataset="d", url=URL, sigterm=True)
        log.addHandler(other)
        log.info("x")
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
        os.kill(os.getpid(), signal.SIGTERM)
        log.info("after")
        """,
        options="flush_interval=60, sigterm=True",
    )

    assert (ended.code, ended.err) == (-signal.SIGTERM, "")
    assert server.count() == 2


def test_a_pool_that_is_terminated_delivers(program, server):
    """Children of ``with Pool()`` are terminated: with sigterm=True, what they logged arrives."""
    ended = program(
        """
        import multiprocessing
        def work(n):
            log.info("child %d", n)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(work, range(20))
        """,
        options="flush_interval=60, sigterm=True",
        arguments=("-W", "ignore"),
    )

    assert (ended.code, ended.err) == (0, "")
    assert server.count() == 20


MISSED = """
import signal
from cxlogging.integrations.multiprocessing import initializer
initializer()
log.info("x")
reading, writing = os.pipe()
def miss_it():
    end = time.monotonic() + 5  # for systems that do not say where a thread waits
    while "pipe_read" not in open("/proc/self/wchan").read() and time.monotonic() < end:
        time.sleep(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # ends no call of the main thread
threading.Thread(target=miss_it).start()
os.read(reading, 1)
"""


def test_a_worker_of_a_pool_that_misses_sigterm_in_a_call_is_asked_again(program, server):
    """A signal that ends no call of the main thread is handled nevertheless."""
    ended = program(MISSED, options="flush_interval=60")

    assert ended.code == -signal.SIGTERM
    assert [event["message"] for event in server.events()] == ["x"]


def test_a_fork_of_a_worker_does_not_end_the_worker(program):
    """A signal to a process that a worker has forked is not raised in the worker."""
    ended = program(
        """
        import signal
        from cxlogging.integrations.multiprocessing import initializer
        initializer()
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(3))
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        print(os.waitpid(child, 0)[1] >> 8)
        time.sleep(1)
        """
    )

    assert (ended.code, ended.out) == (0, "3\n")
