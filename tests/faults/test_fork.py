"""Cases 26, 27, 31 and 32: forks and multiprocessing."""

from __future__ import annotations

import pytest

from .harness import until

NO_WARNING = ("-W", "ignore::DeprecationWarning")


@pytest.mark.timing
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.case(26)
def test_case_26_500_forks_while_8_threads_log(child, backend, figures):
    """500 forks while 8 threads log: no child hangs (each logs a record and exits with 0 within 5
    s), each child's record arrives, and none of the parent's arrives twice.
    """
    ended = child(
        """
        stop = threading.Event()
        def busy(name):
            n = 0
            while not stop.is_set():
                log.info("<%s:%d>", name, n)
                n += 1
                if n % 10 == 0:
                    time.sleep(0.005)
        threads = [threading.Thread(target=busy, args=(f"busy{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        slowest = 0.0
        for n in range(500):
            started = time.monotonic()
            pid = os.fork()
            if pid == 0:
                promise("child", n)
                sys.exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            slowest = max(slowest, time.monotonic() - started)
        stop.set()
        for thread in threads:
            thread.join()
        handler.flush(30)
        stats = handler.stats()
        print(slowest, stats.balanced, stats.accepted == stats.delivered)
        """,
        arguments=NO_WARNING,
    ).wait(200)

    assert ended.code == 0, ended.err
    slowest, *rest = ended.out.split()
    assert rest == ["True", "True"]
    assert float(slowest) < 5
    assert len(ended.promised) == 500
    oracle = figures.judge(ended.promised, backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])


@pytest.mark.case(27)
@pytest.mark.parametrize("leave", ["sys.exit(0)", "os._exit(0)", "logging.shutdown()"])
def test_case_27_records_that_wait_at_the_fork(child, backend, figures, leave):
    """100 records wait when the process forks and the child ends, by sys.exit too: they arrive
    once, from the parent.
    """
    ended = child(
        f"""
        for n in range(100):
            promise("a", n)
        pid = os.fork()
        if pid == 0:
            {leave}
            os._exit(0)
        print(os.waitpid(pid, 0)[1])
        promise("after", 0)
        """,
        "flush_interval=60",
        arguments=NO_WARNING,
    ).wait()

    assert (ended.code, ended.err, ended.out.strip()) == (0, "", "0")
    oracle = figures.judge(ended.promised, backend)
    assert (len(ended.promised), oracle.lost, oracle.duplicated) == (101, [], [])


JOBS = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def work(n):
    for each in range(5):
        promise(f"job{{n}}", each)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    promise("parent", 0)
    if {kind!r} == "Process":
        children = [context.Process(target=work, args=(n,)) for n in range(4)]
        for each in children: each.start()
        for each in children: each.join()
    elif {kind!r} == "Pool":
        pool = context.Pool(2)
        pool.map(work, range(4))
        pool.close()
        pool.join()
    else:
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            list(pool.map(work, range(4)))
"""


@pytest.mark.case(31)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kind", ["Process", "Pool", "ProcessPoolExecutor"])
def test_case_31_multiprocessing(child, backend, figures, method, kind):
    """Process, Pool with close and join, ProcessPoolExecutor, by fork, spawn and forkserver:
    the children's records arrive, with no flush in any of them.
    """
    ended = child(JOBS.format(method=method, kind=kind), arguments=NO_WARNING).wait()

    assert (ended.code, ended.err) == (0, "")
    oracle = figures.judge(ended.promised, backend)
    assert (len(ended.promised), oracle.lost, oracle.duplicated) == (21, [], [])


@pytest.mark.case(32)
def test_case_32_a_fork_beside_an_idle_worker(child, backend, figures):
    """A fork while a worker is idle finds no thread of ours: under -W error nothing is raised."""
    ended = child(
        """
        for n in range(10):
            promise("parent", n)
            assert handler.flush(10)
            pid = os.fork()
            if pid == 0:
                promise("child", n)
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        """,
        arguments=("-W", "error"),
    ).wait()

    assert (ended.code, ended.err) == (0, "")
    oracle = figures.judge(ended.promised, backend)
    assert (len(ended.promised), oracle.lost) == (20, [])


@pytest.mark.timing
@pytest.mark.case(32)
def test_case_32_a_fork_beside_a_busy_worker(child, backend, proxy, figures):
    """A fork while a request is in flight does not wait for it: at most Python's own warning."""
    backend.behaviour = lambda request: until(lambda: not hold) or 202
    hold = [True]
    program = child(
        """
        promise("parent", 0)
        wait_until(lambda: handler.stats().state == "delivering")
        took = []
        for n in range(20):
            started = time.monotonic()
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            took.append(time.monotonic() - started)
            os.waitpid(pid, 0)
        print(sorted(took)[10])
        leaving()
        """,
        "flush_interval=0",
        arguments=NO_WARNING,
    )
    program.wait_promised(1)
    until(lambda: "leaving" in program._promises.read_text())
    hold.clear()
    ended = program.wait()

    assert ended.code == 0, ended.err
    assert float(ended.out) < 0.05
    assert figures.judge(ended.promised, backend).lost == []
