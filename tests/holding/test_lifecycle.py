"""Scopes and the process: its exit, signals, forks, other threads, interruptions."""

from __future__ import annotations

import signal
import sys

import pytest

from .conftest import LEVELS


@pytest.fixture
def messages(server):
    return lambda: [event["message"] for event in server.events()]


def test_sigterm_releases_open_scopes(program, messages, options):
    """With sigterm=True the records of an open scope are delivered before the process ends."""
    done = program(
        """
        import signal
        with cxlogging.hold():
            log.debug("d")
            signal.raise_signal(signal.SIGTERM)
        """,
        options=f"{options}, sigterm=True",
    )

    assert (done.code, done.err) == (-signal.SIGTERM, "")
    assert messages() == ["d"]


def test_a_handler_of_the_application_finds_them_delivered(program, messages, options):
    """Where the application handles SIGTERM, scopes are released before it does."""
    done = program(
        """
        import signal
        signal.signal(signal.SIGTERM, lambda *_: print(handler.stats().delivered))
        cxlogging.install_sigterm()
        with cxlogging.hold() as held:
            log.debug("d")
            signal.raise_signal(signal.SIGTERM)
            print(held.state)
            log.debug("d2")
        """,
        options=options,
    )

    assert (done.code, done.out.split(), done.err) == (0, ["1", "released"], "")
    assert messages() == ["d", "d2"]


def test_the_exit_releases_the_scopes_of_other_threads(program, messages, options):
    """A daemon thread is inside of its scope when the process ends: its records ship."""
    done = program(
        """
        begun = threading.Event()
        def work():
            with cxlogging.hold():
                log.debug("d")
                begun.set()
                threading.Event().wait()
        threading.Thread(target=work, daemon=True).start()
        begun.wait()
        """,
        options=options,
    )

    assert (done.code, done.err) == (0, "")
    assert messages() == ["d"]


@pytest.mark.parametrize(
    ("end", "shipped"),
    [("sys.exit(0)", []), ("sys.exit(3)", ["i"]), ("raise KeyboardInterrupt", ["i"])],
)
def test_how_the_program_leaves_its_scope_counts(end, shipped, program, messages, options):
    """An exit with success discards, one with an error releases."""
    program(
        f"""
        with cxlogging.hold():
            log.info("i")
            {end}
        """,
        options=options,
    )

    assert messages() == shipped


def test_what_is_logged_after_the_exit_functions_passes(program, messages, options):
    """A scope that is opened while the process ends holds nothing back."""
    done = program(
        """
        import atexit
        def late():
            with cxlogging.hold():
                log.info("late")
        atexit.register(late)
        def earlier():
            atexit.unregister(earlier)
        """,
        options=options,
        before="import atexit\n"
        "def last():\n"
        "    with cxlogging.hold() as held:\n"
        "        log.info('last')\n"
        "        print(held.state)\n"
        "atexit.register(last)\n",
    )

    assert (done.code, done.out.split(), done.err) == (0, ["released"], "")
    assert messages() == ["last"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_9_loses_what_is_held_with_a_spool_too(program, server, tmp_path):
    """Held records are in memory: kill -9 loses them, and what was accepted is in the spool."""
    options = f"{LEVELS}, spool={str(tmp_path)!r}, flush_interval=60"
    program(
        """
        with cxlogging.hold():
            log.info("held")
            log.warning("accepted")
            os.kill(os.getpid(), 9)
        """,
        options=options,
        url="http://127.0.0.1:9",
    )
    program("handler.flush(30)", options=options)

    assert [event["message"] for event in server.events()] == []
    # The spool of another address is another destination: read what is in it.
    found = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"accepted" in found
    assert b"held" not in found


FORK = """
import ctypes
def fork():
    return {fork}
outer = cxlogging.hold()
outer.__enter__()
log.info("held by the parent")
pid = fork()
if pid == 0:
    {child}
    handler.flush(30)
    stats = handler.stats()
    os._exit(0 if stats.balanced and stats.held == 0 else 1)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
log.error("e of the parent")
print(code, handler.stats().held)
"""
FORKS = {"os.fork": "os.fork()", "no hook": "ctypes.PyDLL(None).fork()"}


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="needs fork")
@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("child", "shipped"),
    [
        ("outer.__exit__(None, None, None)", []),
        ("outer.__exit__(ValueError, ValueError(), None)", []),
        ("cxlogging.current_hold().release()", []),
        ("cxlogging.current_hold().discard()", []),
        ("log.info('c'); log.error('e')", ["c", "e"]),
        ("log.info('c'); outer.__exit__(ValueError, ValueError(), None)", ["c"]),
        ("log.info('c'); outer.__exit__(None, None, None)", []),
        ("cxlogging.hold().__enter__(); log.info('c'); log.error('e')", ["c", "e"]),
    ],
)
def test_a_fork_s_child_holds_nothing_of_its_parent(fork, child, shipped, program, messages):
    """Whatever the child does first, with hooks or without, the parent's record ships once."""
    done = program(
        FORK.format(fork=FORKS[fork], child=child),
        options=LEVELS,
        arguments=("-W", "ignore::DeprecationWarning"),
    )

    assert (done.code, done.out.split(), done.err) == (0, ["0", "0"], "")
    assert sorted(messages()) == sorted([*shipped, "held by the parent", "e of the parent"])


def test_a_fork_in_a_nested_scope(program, messages, options):
    """The child's scopes are open and empty at each depth."""
    done = program(
        """
        with cxlogging.hold() as outer:
            log.info("outer")
            with cxlogging.hold() as inner:
                log.info("inner")
                pid = os.fork()
                if pid == 0:
                    assert (outer.count, inner.count) == (0, 0)
                    assert (outer.state, inner.state) == ("holding", "holding")
                    log.info("child")
            if pid == 0:
                assert outer.count == 1
                log.error("e of the child")
                handler.close()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
            assert outer.count == 2
        """,
        options=options,
        arguments=("-W", "ignore::DeprecationWarning"),
    )

    assert (done.code, done.err) == (0, "")
    assert messages() == ["child", "e of the child"]


INTERRUPTED = """
import random, signal
class Limit(Exception): pass
def interrupt(number, frame):
    raise Limit
signal.signal(signal.SIGALRM, interrupt)
chance, logged, number, interrupted = random.Random(1), [], 0, 0
for _ in range(150):
    try:
        with cxlogging.hold(below=100, release_at=200) as held:
            for _ in range(40):
                number += 1
                log.info("%d", number)
                logged.append(number)
            signal.setitimer(signal.ITIMER_REAL, chance.random() * 0.0008 + 1e-6)
            try:
                held.release()
                time.sleep(0.001)  # in no loop: Python 3.13.0 misses the try around one
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except Limit:
        interrupted += 1
    del held
assert cxlogging.current_hold() is None
assert handler.flush(30)
stats = handler.stats()
assert stats.balanced and (stats.held, stats.discarded) == (0, 0), stats
assert interrupted > 20
print(len(logged))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_what_interrupts_a_release_loses_nothing(program, messages, options):
    """A signal handler raises in the middle of 150 releases: all arrive, and none stays held."""
    done = program(INTERRUPTED, options=options)

    assert done.err == ""
    assert {int(each) for each in messages()} == set(range(1, int(done.out) + 1))


REENTERED = """
import random, signal
def report(number, frame):
    log.info("signal %d", next(numbers))
    if random.random() < 0.1:
        log.error("signal %d", next(numbers))
    handler.stats()
    if not over:
        signal.setitimer(signal.ITIMER_REAL, 0.0003)
import itertools
numbers, over = itertools.count(), False
signal.signal(signal.SIGALRM, report)
signal.setitimer(signal.ITIMER_REAL, 0.0003)
for number in range(300):
    with cxlogging.hold() as held:
        for step in range(20):
            log.info("%d-%d", number, step)
        if number % 3 == 0:
            held.release()
        elif number % 3 == 1:
            held.discard()
over = True
signal.setitimer(signal.ITIMER_REAL, 0)
assert handler.flush(30)
stats = handler.stats()
assert stats.balanced and stats.held == 0, stats
print(300 * 20 + next(numbers), stats.offered)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_a_signal_handler_may_log_in_the_middle_of_anything(program, messages, options):
    """It neither deadlocks nor loses or doubles a record; within a scope the order is kept."""
    done = program(REENTERED, options=f"{options}, concurrency=1")

    assert done.err == ""
    expected, offered = map(int, done.out.split())
    assert offered == expected
    arrived = [each for each in messages() if "-" in each]
    assert len(set(arrived)) == len(arrived)
    for number in range(0, 300, 3):
        own = [each for each in arrived if each.startswith(f"{number}-")]
        assert own == [f"{number}-{step}" for step in range(20)]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_sigterm_in_the_middle_of_a_release_loses_nothing(program, messages, options):
    """SIGTERM interrupts a release: the process ends when that is done, and all is delivered."""
    done = program(
        """
        import signal
        with cxlogging.hold(max_bytes="64MiB") as held:
            for number in range(5_000):
                log.info("%d", number)
            threading.Timer(0.005, os.kill, (os.getpid(), signal.SIGTERM)).start()
            while True:
                held.release()
        """,
        options=f"{options}, sigterm=True",
    )

    assert (done.code, done.err) == (-signal.SIGTERM, "")
    assert len(messages()) == 5_000
