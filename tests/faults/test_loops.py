"""Cases 33 to 36: gevent, asyncio, frozen processes, sub-interpreters."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from .harness import until

PATCH = """
from gevent import monkey
monkey.patch_all()
"""


@pytest.mark.servers
@pytest.mark.case(33)
@pytest.mark.parametrize("patched", ["before the import", "after the import"])
def test_case_33_gevent(child, backend, figures, patched):
    """gevent, patched before or after the import of cxlogging, with a greenlet that computes for 1
    s: nothing is lost, and the handler does not block the hub for 50 ms.
    """
    pytest.importorskip("gevent", reason="gevent is not installed")
    early = patched == "before the import"
    ended = child(
        """
        import gevent
        gaps = []
        def tick():
            while not done:
                started = time.perf_counter()
                gevent.sleep(0.005)
                gaps.append(time.perf_counter() - started - 0.005)
        def longest():  # but for one in a hundred: other processes take the processor too
            found = sorted(gaps)[len(gaps) * 99 // 100]
            gaps.clear()
            return found
        done = []
        ticker = gevent.spawn(tick)
        gevent.sleep(1.5)
        idle = longest()
        def request(n):
            for each in range(20):
                promise(f"g{n}", each)
                gevent.sleep(0.001)
        gevent.joinall([gevent.spawn(request, n) for n in range(20)])
        gevent.sleep(1.5)
        busy = longest()
        def compute():
            end = time.perf_counter() + 1
            while time.perf_counter() < end:
                pass
        gevent.spawn(compute).join()
        for n in range(20):
            promise("after", n)
        done.append(True)
        print(busy - idle)
        leaving()
        """,
        before=PATCH if early else "import cxlogging, logging\n" + PATCH,
        options="flush_interval=0.2",
    ).wait()
    figures.exit(ended.seconds)

    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    assert len(ended.promised) == 420
    assert figures.judge(ended.promised, backend).lost == []
    assert float(ended.out) < 0.05


@pytest.mark.slow
@pytest.mark.case(34)
def test_case_34_asyncio_beside_a_dead_vendor(child, backend, proxy, figures):
    """An asyncio application logs 10,000 records a second while the vendor is down: the loop lags
    less than 5 ms (99 of 100 times) more than without the handler, nothing is raised, and
    everything arrives once the vendor is back.
    """
    proxy.refuse()
    program = child(
        """
        import asyncio
        async def load(seconds):
            lags = []
            loop = asyncio.get_running_loop()
            end = loop.time() + seconds
            count = 0
            while loop.time() < end:
                started = loop.time()
                await asyncio.sleep(0.01)
                lags.append(loop.time() - started - 0.01)
                for _ in range(100):
                    log.info("<a:%d>", count)
                    count += 1
            return sorted(lags)[len(lags) * 99 // 100], count
        log.handlers[:] = [logging.NullHandler()]
        idle, _ = asyncio.run(load(3))
        log.handlers[:] = [handler]
        busy, count = asyncio.run(load(5))
        print(idle, busy)
        os.write(PROMISES, b"".join(b"a:%d\\n" % n for n in range(count)))
        leaving()
        wait_until(lambda: not handler.stats().pending, 40)
        """,
        url=proxy.url,
    )
    until(lambda: "leaving" in program._promises.read_text())
    proxy.listen()
    ended = program.wait()

    assert ended.code == 0, ended.err
    idle, busy = map(float, ended.out.split())
    assert busy < idle + 0.005
    assert len(ended.promised) > 20_000
    assert figures.judge(ended.promised, backend).lost == []


@pytest.mark.slow
@pytest.mark.case(35)
def test_case_35_frozen_and_thawed(child, backend, figures):
    """A process is stopped (SIGSTOP) for 20 s while the server closes idle connections, then
    continued: flush(2) before the stop leaves nothing waiting, and the next record arrives.
    """
    program = child(
        """
        for n in range(10):
            promise("before", n)
        assert handler.flush(2)
        assert handler.stats().pending == 0
        promise("flushed", 0)
        assert handler.flush(2)
        os.kill(os.getpid(), signal.SIGSTOP)
        for n in range(10):
            promise("after", n)
        """
    )
    program.wait_promised(11)
    until(lambda: _state(program.process.pid) == "T")
    assert set(backend.accepted) == set(program.promised)
    backend.cut()
    time.sleep(20)  # the freeze itself
    program.send_signal(signal.SIGCONT)
    ended = program.wait()

    assert (ended.code, ended.err) == (0, "")
    assert len(ended.promised) == 21
    assert figures.judge(ended.promised, backend).lost == []


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.case(36)
@pytest.mark.skipif(sys.version_info < (3, 13), reason="isolated interpreters: from Python 3.13")
@pytest.mark.parametrize("flush", [True, False])
def test_case_36_an_isolated_interpreter(child, backend, figures, flush):
    """Logging in an isolated sub-interpreter, where threads may not outlive it: one line says
    so, its records arrive by flush() or when it ends, and nothing crashes.
    """
    ended = child(
        """
        import _interpreters, textwrap
        inner = _interpreters.create("isolated")
        code = textwrap.dedent(f'''
            import logging, sys
            sys.path[:] = {sys.path!r}
            import cxlogging
            handler = cxlogging.BetterStackHandler("k", url={URL!r}, compression=None)
            log = logging.getLogger("inner")
            log.addHandler(handler)
            log.setLevel("INFO")
            for n in range(3):
                log.info("<inner:%d>", n)
            if %FLUSH%:
                handler.flush(5)
            ''')
        failure = _interpreters.exec(inner, code)
        print(failure and failure.formatted)
        _interpreters.destroy(inner)
        for n in range(3):
            os.write(PROMISES, b"inner:%d\\n" % n)
        promise("outer", 0)
        """.replace("%FLUSH%", str(flush))
    ).wait()

    assert (ended.code, ended.out.strip()) == (0, "None"), ended.err
    assert ended.err.count("\n") == ended.err.count("in an isolated interpreter") == 1
    assert figures.judge(ended.promised, backend).lost == []
