"""Forks: each record arrives once, from the process that logged it, and nothing hangs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import VENDORS
from tests.delivery.test_delivery import wait_until

from .conftest import about_a_vendor


def messages(server, vendor=None):
    return sorted(event["message"] for event in server.events(vendor))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_child_and_its_parent(program, server, vendor):
    """A forked child's five records arrive once, and so do the parent's that wait at the fork."""
    ended = program(
        """
        for n in range(3): log.info("parent %d", n)
        if os.fork() == 0:
            for n in range(5): log.info("child %d", n)
            sys.exit(0)
        log.info("parent after")
        os.wait()
        """,
        vendor,
        "flush_interval=60",
        arguments=("-W", "ignore::DeprecationWarning"),
    )

    assert (ended.code, ended.err) == (0, "")
    assert messages(server) == [
        *(f"child {n}" for n in range(5)),
        "parent 0",
        "parent 1",
        "parent 2",
        "parent after",
    ]


def test_the_first_record_of_an_idle_process_goes_at_once(server, tmp_path):
    """
    With an interval of an hour, the first record of a process, and of a child forked from it, is
    sent at once: it survives an end by os._exit as soon as the vendor has it. The next one waits.
    """
    script = tmp_path / "app.py"
    script.write_text(
        f"""
import logging, os, sys, time
import cxlogging
handler = cxlogging.BetterStackHandler("k", url={server.url!r}, flush_interval=3600)
log = logging.getLogger("shop")
log.addHandler(handler)
def go_on():
    sys.stdin.readline()
    while handler.stats().pending:  # the answer is on its way
        time.sleep(0.001)
log.warning("parent's first")
go_on()
if os.fork() == 0:
    log.warning("child's first")
    go_on()
    log.warning("child's second")
    os._exit(handler.stats().pending)
print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
log.warning("parent's second")
os._exit(handler.stats().pending)
"""
    )
    running = subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for first in (["parent's first"], ["child's first", "parent's first"]):
            wait_until(lambda first=first: messages(server) == first, 30)
            running.stdin.write("go on\n")
            running.stdin.flush()
        out, _ = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()

    assert (out.strip(), running.returncode) == ("1", 1)
    assert messages(server) == ["child's first", "parent's first"]


def test_fork_while_eight_threads_log(program, server):
    """Children forked while eight threads log do not hang, and the record of each arrives."""
    ended = program(
        """
        stop = threading.Event()
        def busy():
            n = 0
            while not stop.is_set():
                log.info("busy")
                n += 1
                if n % 5 == 0: time.sleep(0.02)
        threads = [threading.Thread(target=busy) for _ in range(8)]
        for thread in threads: thread.start()
        children = []
        for n in range(40):
            pid = os.fork()
            if pid == 0:
                log.warning("child %d", n)
                sys.exit(0 if handler.flush(20) else 3)
            children.append(pid)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        stop.set()
        for thread in threads: thread.join()
        assert codes == [0] * 40, codes
        """,
        "honeycomb",
    )

    assert ended.code == 0, ended.err
    assert [m for m in messages(server) if m.startswith("child")] == sorted(
        f"child {n}" for n in range(40)
    )


def test_a_fork_beside_an_idle_worker(program, server):
    """If nothing waits, a fork happens without worker threads: Python has nothing to warn about."""
    ended = program(
        """
        for n in range(5):
            log.info("parent %d", n)
            handler.flush(10)
            if os.fork() == 0:
                log.info("child %d", n)
                sys.exit(0)
            os.wait()
        """,
        arguments=("-W", "error"),
    )

    assert (ended.code, ended.err) == (0, "")
    assert len(messages(server)) == 10


@pytest.mark.queues("memory", "nats")  # the same process takes its own journal over
def test_a_fork_in_c_runs_no_hook(program, server):
    """A child of a fork that calls no hook notices it, and sends only its own records."""
    ended = program(
        """
        from cxlogging.delivery.process.state import PROCESS
        log.info("parent")
        # What a fork in C leaves: the state of the parent under another process id.
        PROCESS.pid -= 1
        log.info("child")
        """,
        options="flush_interval=60",
    )

    assert ended.code == 0
    assert messages(server) == ["child"]


def test_records_of_other_processes_change_nothing(program, server):
    """A record made in another process and handled here does not count as a fork."""
    program(
        """
        log.info("mine")
        record = logging.makeLogRecord({"msg": "theirs", "levelno": 20, "process": 1})
        handler.handle(record)
        """,
        options="flush_interval=60",
    )

    assert messages(server) == ["mine", "theirs"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children(server, tmp_path, method):
    """A multiprocessing child that ends at once delivers its five records without a flush."""
    script = tmp_path / "app.py"
    script.write_text(
        f"""
import logging, multiprocessing
import cxlogging
log = logging.getLogger("shop")

def configure():
    log.setLevel("DEBUG")
    log.addHandler(cxlogging.BetterStackHandler("k", url={server.url!r}))

def work(method):
    if method != "fork":
        configure()
    for n in range(5):
        log.info("child %d", n)

if __name__ == "__main__":
    configure()
    log.info("parent")
    context = multiprocessing.get_context({method!r})
    child = context.Process(target=work, args=({method!r},))
    child.start()
    child.join()
"""
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stderr == ""
    assert messages(server) == [*(f"child {n}" for n in range(5)), "parent"]


def test_a_pool_of_processes(server, tmp_path):
    """The records of a ProcessPoolExecutor's children arrive."""
    script = tmp_path / "app.py"
    script.write_text(
        f"""
import logging, multiprocessing
from concurrent.futures import ProcessPoolExecutor
import cxlogging
log = logging.getLogger("shop")
log.setLevel("DEBUG")
log.addHandler(cxlogging.BetterStackHandler("k", url={server.url!r}))

def work(n):
    log.info("job %d", n)

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(work, range(20)))
"""
    )
    subprocess.run([sys.executable, script], capture_output=True, timeout=60, check=True)

    assert messages(server) == sorted(f"job {n}" for n in range(20))


def test_the_child_closes_the_connections_of_its_parent(program, server):
    """
    A child closes only its own descriptors: it has no ResourceWarning, and the parent continues to
    send.
    """
    ended = program(
        """
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        warnings.simplefilter("always", ResourceWarning)
        log.info("before")
        assert handler.flush(10)
        if not os.fork():
            log.info("child")
            os._exit(0 if handler.flush(10) else 1)
        assert os.wait()[1] == 0
        log.info("after")
        """,
    )

    assert (ended.code, ended.err) == (0, "")
    assert sorted(messages(server)) == ["after", "before", "child"]


@about_a_vendor
def test_the_child_does_not_hold_a_request_of_its_parent(program, server):
    """A child closes its copy of a connection in use: the vendor sees when the parent closes it."""
    server.faults.add(delay=1.0, times=1)
    ended = program(
        """
        import os, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        log.info("under way")
        end = time.monotonic() + 10
        links = lambda: [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                         if os.path.islink(f"/proc/self/fd/{n}")]
        while not handler.delivery.lane.transport._busy:
            assert time.monotonic() < end
        if not os.fork():
            os._exit(any(each.startswith("socket:") for each in links()))
        assert os.wait()[1] == 0
        assert handler.flush(10)
        """,
    )

    assert (ended.code, ended.err) == (0, "")
    assert messages(server) == ["under way"]
