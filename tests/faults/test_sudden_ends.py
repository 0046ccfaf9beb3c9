"""Cases 11, 15, 19 and 20 with a spool: a process that ends without delivering loses nothing."""

from __future__ import annotations

import os
import signal

import pytest

from cxlogging.delivery.journal.disk import Disk

from .spooling import DELIVER, nothing_left

DEATHS = {
    "os._exit": "os._exit(3)",
    "a segmentation fault": "import ctypes; faulthandler.disable(); ctypes.string_at(0)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(10)",
    "SIGABRT": "faulthandler.disable(); os.abort()",
}


@pytest.mark.case(20)
@pytest.mark.parametrize("kind", DEATHS)
def test_case_20_deaths_that_run_no_python(spooling, backend, spool, figures, kind):
    """os._exit, a segmentation fault, SIGTERM and SIGABRT with a spool: nothing is lost once
    another process uses it.
    """
    died = spooling(
        f"for n in range(200): promise('a', n)\n{DEATHS[kind]}", "flush_interval=60"
    ).wait()
    assert died.code not in (0, 1)
    assert not backend.accepted
    after = spooling(DELIVER).wait()

    assert (after.code, after.err) == (0, "")
    oracle = figures.judge([*died.promised, *after.promised], backend)
    assert (len(died.promised), oracle.lost, oracle.duplicated) == (200, [], [])
    assert nothing_left(spool)


POOL = """
import multiprocessing
def work(n):
    for each in range(10):
        promise(f"job{n}", each)
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(work, range(20))
"""


@pytest.mark.case(20)
def test_case_20_a_pool_that_is_terminated(spooling, backend, spool, figures):
    """The with-block of a multiprocessing pool ends, which kills its processes: with a spool
    nothing is lost, the parent delivers what they left.
    """
    ended = spooling(POOL, arguments=("-W", "ignore::DeprecationWarning")).wait()
    after = spooling(DELIVER).wait()

    assert (ended.code, after.code) == (0, 0)
    oracle = figures.judge([*ended.promised, *after.promised], backend)
    assert (len(ended.promised), oracle.lost) == (200, [])
    assert nothing_left(spool)


@pytest.mark.case(19)
def test_case_19_sigterm_with_a_spool(spooling, backend, spool, figures):
    """SIGTERM to a plain script with a spool: it ends at once, and nothing is lost once another
    process uses the spool.
    """
    program = spooling("for n in range(100): promise('a', n)\ntime.sleep(60)", "flush_interval=60")
    program.wait_promised(100)
    program.send_signal(signal.SIGTERM)
    died = program.wait()
    after = spooling(DELIVER).wait()

    assert (died.code, died.err, after.code) == (-signal.SIGTERM, "", 0)
    oracle = figures.judge([*died.promised, *after.promised], backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])


@pytest.mark.timing
@pytest.mark.case(15)
def test_case_15_a_dead_vendor_with_a_spool(spooling, backend, proxy, spool, figures):
    """With a spool, an exit while the vendor is down keeps the same bound, says that the records
    wait in the spool, and the next process delivers them.
    """
    proxy.refuse()
    body = "for n in range(100): promise('a', n)\nleaving()\nsys.exit(7)"
    died = spooling(body, "", url=proxy.url).wait()
    figures.exit(died.seconds)
    assert died.code == 7
    assert died.seconds < 2.5
    assert "100 records were not delivered when the process ended" in died.err
    assert f"they wait in the spool {spool}" in died.err
    proxy.listen()
    after = spooling(DELIVER, url=proxy.url).wait()

    oracle = figures.judge([*died.promised, *after.promised], backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])


class Tidied(Disk):
    """A file system on which another process takes each new empty folder for a dead one's."""

    def __init__(self, times: int) -> None:
        self.times = times

    def folder(self, parent, name, *, create):
        if create and name[0].isdigit() and self.times:
            self.times -= 1
            os.mkdir(name, 0o700, dir_fd=parent)
            os.rmdir(name, dir_fd=parent)
            return super().folder(parent, name, create=False)
        return super().folder(parent, name, create=create)


@pytest.mark.case(11)
def test_case_11_a_new_folder_that_a_sibling_tidies_away(shop, backend, spool, figures):
    """A sibling removes the folder of a process just as it is created: another one is created, and
    the records are on disk.
    """
    backend.behaviour = lambda request: 503
    one = shop(spool=str(spool), disk=Tidied(3), flush_interval=60)
    one.log(10)

    assert one.handler.stats().spooled == 10
    assert len(list(spool.rglob("*.seg"))) == 1
    backend.behaviour = lambda request: 202
    assert one.handler.flush(10)
    assert figures.judge(one.promised, backend).lost == []
