"""The end of a program: what was logged is delivered, or reported as left, in a bounded time."""

from __future__ import annotations

import pytest

from tests.conftest import VENDORS

from .conftest import about_a_vendor

START_SECONDS = 3.0
"""What starting and ending an interpreter with nothing to deliver may take here."""


@pytest.mark.parametrize("vendor", VENDORS)
def test_500_records_arrive(program, server, vendor):
    """500 records and a normal end: each arrives once, and nothing is reported."""
    ended = program("for n in range(500): log.info('record %d', n, extra={'n': n})", vendor)

    assert (ended.code, ended.err) == (0, "")
    # Two requests may be under way at the end: in which order they arrive is open.
    arrived = sorted(message(event) for event in server.events(vendor))
    assert arrived == sorted(f"record {n}" for n in range(500))


@pytest.mark.parametrize("vendor", VENDORS)
def test_three_lines(program, server, vendor):
    """A script of three log calls delivers three records."""
    ended = program("log.info('1'); log.warning('2'); log.error('3')", vendor)

    assert (ended.code, ended.err) == (0, "")
    assert sorted(message(event) for event in server.events(vendor)) == ["1", "2", "3"]


def test_exit_code_and_exception_stay(program, server):
    """A program that ends by an exception keeps its exit code, and its records arrive."""
    ended = program("log.info('before'); sys.exit(7)")

    assert ended.code == 7
    assert server.count("betterstack") == 1


def test_records_logged_by_exit_functions_arrive(program, server):
    """A record logged in an atexit function, before or after the package's own, is delivered."""
    ended = program(
        """
        import atexit
        atexit.register(log.info, "first")
        log.info("normal")
        atexit.register(log.info, "second")
        """
    )

    assert (ended.code, ended.err) == (0, "")
    assert {message(event) for event in server.events()} == {"first", "normal", "second"}


def test_the_first_record_of_all_is_logged_at_exit(program, server):
    """A program whose only record is logged in an atexit function delivers it."""
    ended = program("import atexit; atexit.register(log.info, 'only')")

    assert (ended.code, ended.err) == (0, "")
    assert [message(event) for event in server.events()] == ["only"]


def test_an_exit_function_registered_before_logging_was_imported(server, program):
    """A record logged after logging.shutdown has run is delivered too, or reported as lost."""
    ended = program(
        """
        import atexit
        logging.shutdown()
        log.info("after shutdown")
        """
    )

    assert ended.code == 0
    assert [message(event) for event in server.events()] == ["after shutdown"]


def test_records_logged_after_our_exit_function(program, server):
    """
    Records logged by exit functions that run after the package's own are delivered
    in the log call.
    """
    ended = program(
        """
        import atexit
        def late():
            for n in range(3): log.info("late %d", n)
        atexit.register(late)
        other = cxlogging.HoneycombHandler("k", dataset="d", url=URL)
        log.addHandler(other)
        log.info("normal")
        """,
        before="import atexit\natexit.register(lambda: (log.info('last'), log.info('of all')))",
    )

    assert (ended.code, ended.err) == (0, "")
    expected = sorted(["last", "late 0", "late 1", "late 2", "normal", "of all"])
    for vendor in ("betterstack", "honeycomb"):
        assert sorted(message(event) for event in server.events(vendor)) == expected


@pytest.mark.queues("memory")  # a journal keeps them
def test_records_logged_after_our_exit_function_to_nobody(program):
    """With a dead vendor, what is logged after the exit has given up is counted at once."""
    ended = program(
        "log.info('x')",
        options="close_timeout=1",
        url="http://127.0.0.1:9",
        before="import atexit\n"
        "atexit.register(lambda: print(log.info('y'), handler.stats().abandoned))",
    )

    assert ended.code == 0
    assert ended.out.split() == ["None", "2"]
    assert ended.seconds < 1 + 0.5 + START_SECONDS


def test_a_thread_that_outlives_main(program, server):
    """Records of a thread that continues after main has ended arrive."""
    program(
        """
        go = threading.Event()
        def late():
            threading.main_thread().join()
            for n in range(10): log.info("late %d", n)
        threading.Thread(target=late).start()
        """
    )

    assert server.count("betterstack") == 10


@about_a_vendor
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"hang": True}, {"trickle": 0.2}, {"status": 401}]
)
def test_exit_is_bounded(program, server, fault):
    """A server that hangs, trickles, refuses or answers 503 costs the exit close_timeout."""
    server.faults.add(**fault)
    ended = program("for n in range(50): log.info('record %d', n)", "honeycomb", "close_timeout=1")

    assert ended.code == 0
    assert ended.seconds < 1 + 0.5 + START_SECONDS
    assert "50 records were not delivered when the process ended" in ended.err


@about_a_vendor
def test_exit_with_nobody_listening(program):
    """A refused connection costs the exit close_timeout, and the reason is reported."""
    ended = program("log.info('x')", options="close_timeout=1", url="http://127.0.0.1:9")

    assert ended.code == 0
    assert ended.seconds < 1 + 0.5 + START_SECONDS
    assert "1 record was not delivered" in ended.err
    assert "Nothing listens at 127.0.0.1:9" in ended.err


@about_a_vendor
def test_three_dead_destinations_cost_as_much_as_one(program, server):
    """Several handlers close side by side: the exit waits for all of them together."""
    server.faults.add(hang=True)
    ended = program(
        """
        log.addHandler(cxlogging.HoneycombHandler("k", dataset="d", url=URL, close_timeout=1))
        log.addHandler(cxlogging.CoralogixHandler("k", url=URL, close_timeout=1))
        log.info("x")
        """,
        options="close_timeout=1",
    )

    assert ended.seconds < 1 + 0.5 + START_SECONDS
    assert ended.err.count("1 record was not delivered") == 3


@about_a_vendor
def test_exit_interrupts_a_long_backoff(program, server):
    """Closing does not wait for a backoff: what is due is tried once more at once."""
    server.faults.add(status=503, times=1)
    ended = program(
        """
        log.info("x")
        deadline = time.monotonic() + 10
        while not handler.stats().retries and time.monotonic() < deadline:
            handler.flush(0.05)
        """,
        options="flush_interval=0, retry_initial=60, retry_maximum=600",
    )

    assert ended.seconds < 5
    assert server.count() == 1


@about_a_vendor
def test_a_big_backlog_gets_the_time_it_needs(program, server):
    """While the server keeps acknowledging, closing continues beyond close_timeout."""
    server.faults.add(delay=0.5)
    ended = program(
        "for n in range(600): log.info('record %d', n)",
        options="batch_count=100, flush_interval=60, close_timeout=2.4, concurrency=1",
    )

    assert ended.err == ""
    assert ended.seconds > 2.9
    assert server.count() == 600


def test_ctrl_c_delivers(program, server):
    """A program ended by Ctrl-C delivers what it has logged."""
    ended = program(
        """
        import signal
        log.info("x")
        signal.raise_signal(signal.SIGINT)
        """
    )

    assert "KeyboardInterrupt" in ended.err
    assert server.count() == 1


def message(event):
    return event["message"]
