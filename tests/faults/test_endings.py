"""Cases 19 and 21 to 25: signals, late threads, closing, reconfiguring, collected handlers."""

from __future__ import annotations

import signal

import pytest

MEANWHILE = """
for n in range(100):
    promise("a", n)
while True:
    # In short pieces: a signal just before a sleep is handled after it.
    time.sleep(0.05)
"""


@pytest.mark.case(19)
def test_case_19_sigterm(child, backend, figures):
    """SIGTERM to a plain script without a spool: what waits in memory is lost, as no Python code
    runs any more; stderr stays empty.
    """
    program = child(MEANWHILE, "flush_interval=60")
    program.wait_promised(100)
    program.send_signal(signal.SIGTERM)
    ended = program.wait()

    assert (ended.code, ended.err) == (-signal.SIGTERM, "")
    assert len(figures.judge(ended.promised, backend).lost) == 100


@pytest.mark.case(19)
def test_case_19_sigterm_with_install_sigterm(child, backend, figures):
    """SIGTERM after cxlogging.install_sigterm(): everything is delivered, then the process ends
    as it would have, by SIGTERM (143 to a shell).
    """
    program = child("cxlogging.install_sigterm()\n" + MEANWHILE, "flush_interval=60")
    program.wait_promised(100)
    program.send_signal(signal.SIGTERM)
    ended = program.wait()

    assert (ended.code, ended.err) == (-signal.SIGTERM, "")
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.case(19)
def test_case_19_sigterm_with_a_handler_of_the_application(child, backend, figures):
    """SIGTERM after install_sigterm() where the application had a handler: everything is
    delivered, then that handler is called and decides.
    """
    program = child(
        """
        def mine(number, frame):
            leaving()
            print("mine", number)
            sys.exit(3)
        signal.signal(signal.SIGTERM, mine)
        cxlogging.install_sigterm()
        """
        + MEANWHILE.replace("\n", "\n        "),
        "flush_interval=60",
    )
    program.wait_promised(100)
    program.send_signal(signal.SIGTERM)
    ended = program.wait()
    figures.exit(ended.seconds)

    assert (ended.code, ended.out.split()) == (3, ["mine", "15"])
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.case(19)
def test_case_19_ctrl_c(child, backend, figures):
    """Ctrl-C: everything is delivered, and the program ends by its KeyboardInterrupt."""
    # A shell has its background jobs ignore SIGINT, and so would the program.
    heard = "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program = child(heard + MEANWHILE, "flush_interval=60")
    program.wait_promised(100)
    program.send_signal(signal.SIGINT)
    ended = program.wait()

    assert ended.code == -signal.SIGINT
    assert "KeyboardInterrupt" in ended.err
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.case(21)
def test_case_21_a_thread_after_main(child, backend, figures):
    """A non-daemon thread logs 10 records after main has ended: all arrive."""
    ended = child(
        """
        def late():
            threading.main_thread().join()
            time.sleep(0.5)
            for n in range(10):
                promise("late", n)
            leaving()
        threading.Thread(target=late).start()
        """
    ).wait()
    figures.exit(ended.seconds)

    assert (ended.code, ended.err, len(ended.promised)) == (0, "", 10)
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.case(22)
@pytest.mark.parametrize("part", ["formatter", "filter"])
def test_case_22_a_formatter_or_filter_that_fails_at_exit(child, backend, figures, part):
    """A formatter or filter of the application raises while the program exits: the exit continues,
    the other records arrive, and those that the filter lost are counted.
    """
    ended = child(
        f"""
        import atexit
        class Bad(logging.Formatter):
            def format(self, record): raise RuntimeError("bad formatter")
        def bad(record): raise RuntimeError("bad filter")
        def last():
            if {part!r} == "formatter":
                handler.setFormatter(Bad())
            else:
                handler.addFilter(bad)
            promise("last", 0)
            handler.flush(5)
            stats = handler.stats()
            print(stats.balanced, stats.accepted, stats.dropped)
        for n in range(10):
            promise("a", n)
        atexit.register(last)
        leaving()
        """
    ).wait()
    figures.exit(ended.seconds)
    dropped = int(part == "filter")

    assert ended.code == 0
    assert ended.out.split() == ["True", "11", str(dropped)]
    assert "Traceback" not in ended.err
    assert f"a {part} failed" in ended.err
    oracle = figures.judge(ended.promised, backend, counted=dropped)
    assert oracle.lost == ["last:0"] * dropped


@pytest.mark.case(23)
def test_case_23_close_and_log_again(child, backend, figures):
    """logging.shutdown() twice, close() and then a record: no exception, everything arrives, and
    the number of threads is unchanged.
    """
    ended = child(
        """
        for n in range(5):
            promise("a", n)
            logging.shutdown()
            logging.shutdown()
            promise("b", n)
            handler.close()
            handler.close()
            promise("c", n)
        handler.close()
        wait_until(lambda: tasks() == 1)
        print(handler.stats().balanced, handler.stats().delivered)
        """
    ).wait()

    assert (ended.code, ended.err, ended.out.split()) == (0, "", ["True", "15"])
    oracle = figures.judge(ended.promised, backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])


@pytest.mark.case(24)
def test_case_24_dict_config_100_times(child, backend, figures):
    """After 100 calls of dictConfig: one worker is alive, no descriptor has leaked, and all records
    arrive, in order within each run.
    """
    ended = child(
        """
        import gc, logging.config
        def files(): return len(os.listdir("/proc/self/fd"))
        config = {"version": 1, "disable_existing_loggers": False,
            "handlers": {"h": {"()": new_handler}},
            "loggers": {"shop": {"handlers": ["h"], "level": "DEBUG"}}}
        for n in range(100):
            logging.config.dictConfig(config)
            if n == 1:
                log.handlers[0].flush(10)
                before = files()
            for each in range(3):
                promise("a", n * 3 + each)
        assert log.handlers[0].flush(10)
        wait_until(lambda: gc.collect() >= 0 and tasks() == 2)
        print(tasks(), files() - before)
        """
    ).wait()

    assert (ended.code, ended.err) == (0, "")
    threads, files = map(int, ended.out.split())
    assert threads == 2
    assert files <= 2
    oracle = figures.judge(ended.promised, backend)
    assert (len(ended.promised), oracle.lost, oracle.duplicated) == (300, [], [])
    for request in backend.requests:
        numbers = [int(each.partition(":")[2]) for each in request.ids]
        assert numbers == sorted(numbers)


@pytest.mark.case(25)
def test_case_25_a_handler_that_is_collected(child, backend, figures):
    """A handler is garbage-collected without close(): its records arrive, its worker ends within 2
    s, and a fork afterwards works.
    """
    ended = child(
        """
        import gc
        promise("a", 0)
        log.removeHandler(handler)
        del handler
        gc.collect()
        wait_until(lambda: tasks() == 1, 2)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        print(os.waitpid(pid, 0)[1])
        """,
        "flush_interval=60",
    ).wait()

    assert (ended.code, ended.out.strip()) == (0, "0")
    # Said where the worker has seen it on a logger before it was taken away.
    assert all("was removed from its logger" in line for line in ended.err.splitlines())
    assert figures.judge(ended.promised, backend).lost == []
