"""What a killed process left is delivered by another process that is idle."""

from __future__ import annotations

import pytest

from .harness import until

LEAVES = """
for n in range(20):
    promise("left", n)
time.sleep(60)
"""
"""Records that wait for longer than the process lives."""

SLOW = "flush_interval=60"
IDLE = "print('ready', flush=True); time.sleep(60)"

LOOKED = 20.0
"""The documents promise a quarter of a minute; the rest is for a stalled machine."""


def has_all(backend, promised) -> bool:
    return set(promised) <= set(backend.accepted)


def test_a_process_that_never_logs_delivers_what_another_left(spooling, backend, figures):
    """A process has a handler and logs nothing; what its killed sibling left is delivered within 15
    seconds, once.
    """
    sibling = spooling(IDLE)
    until(lambda: "ready" in sibling.out)
    program = spooling(LEAVES, SLOW)
    program.wait_promised(20)
    died = program.kill()
    until(lambda: has_all(backend, died.promised), LOOKED)

    oracle = figures.judge(died.promised, backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])


FORKS = """
for n in range(20):
    promise("left", n)
pid = os.fork()
print("forked", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("fork", ["os.fork()", "os.fork() or os.setsid() or os.fork()"])
def test_a_forks_child_that_never_logs_delivers_what_its_parent_left(
    spooling, backend, figures, fork
):
    """The child of a fork, and the grandchild of a daemon, that log nothing deliver what the killed
    parent left.
    """
    program = spooling(FORKS.replace("os.fork()", fork), SLOW)
    until(lambda: program.out.count("forked") == 1 + fork.count("fork"))
    died = program.kill()
    until(lambda: has_all(backend, died.promised), LOOKED)

    assert figures.judge(died.promised, backend).lost == []


@pytest.mark.slow
def test_a_parent_that_never_logs_delivers_what_its_child_left(spooling, backend, figures):
    """A parent that logs nothing delivers what its killed child left."""
    body = """
    pid = os.fork()
    if pid == 0:
        for n in range(20):
            promise("left", n)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    print("killed", flush=True)
    from cxlogging.delivery.process.fork import COUNTS_LATE
    if COUNTS_LATE:
        promise("parent", 0)  # there the thread is back with the next record
    time.sleep(60)
    """
    program = spooling(body, SLOW)
    until(lambda: "killed" in program.out)
    until(lambda: has_all(backend, [f"left:{n}" for n in range(20)]), LOOKED)

    left = [each for each in program.promised if each.startswith("left")]
    assert figures.judge(left, backend).lost == []


WARNED = """
import cxlogging
for n in range(30):
    pid = os.fork()
    if pid == 0:
        if n % 2:
            promise("child", n)
        os._exit(handler.flush(20) is not True)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert tasks() <= 2
"""


def test_forks_beside_the_watcher_are_not_warned_of(spooling, backend):
    """Thirty forks of a process with a spool: Python, which since 3.12 warns about forks of
    processes with threads, prints nothing, not even with ``-W error``.
    """
    ended = spooling(WARNED, arguments=("-W", "error")).wait()

    assert (ended.code, ended.err) == (0, "")


SWITCHES = """
def switches():
    found = {{}}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{{task}}/status") as lines:
            found[int(task)] = next(int(l.split()[1]) for l in lines if l.startswith("voluntary"))
    return found
more = [new_handler(**given) for given in ({more})]
for each in more:
    log.addHandler(each)
if {logs}:
    promise("a", 0)
    for each in (handler, *more):
        assert each.flush(20)
time.sleep(12 if {logs} else 1)  # once a while after a first record, its logger is looked at
before, cpu = switches(), time.process_time()
time.sleep(35)
after = switches()
main, *others = [after[task] - before.get(task, 0) for task in sorted(after)]
print(time.process_time() - cpu, *others)
"""


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("spools", [0, 1, 4])
def test_an_idle_process_wakes_once_in_ten_seconds(child, tmp_path, spools, logs):
    """An idle process wakes once in ten seconds where one or four handlers have a spool, and never
    without one, whether it has logged before or not.
    """
    paths = [str(tmp_path / f"spool{n}") for n in range(spools)]
    more = "".join(f"dict(spool={each!r})," for each in paths[1:])
    program = child(SWITCHES.format(more=more, logs=logs), f"spool={paths[0]!r}" if paths else "")
    ended = program.wait(80)

    cpu, *threads = ended.out.split()
    assert float(cpu) < 0.1
    if spools:
        watcher = int(threads.pop(0))
        assert 3 <= watcher <= 8  # four looks; in each it may have waited for the disk once
    assert threads == ["0"] * (logs * max(spools, 1))


def test_handlers_that_are_closed_or_collected_leave_no_thread(spooling):
    """When the last handler with a spool is closed or garbage-collected, the thread that watches
    the spool ends.
    """
    body = """
    import gc
    assert tasks() == 2
    other = new_handler(spool=handler._delivery.options.spool)
    assert tasks() == 2
    handler.close()
    wait_until(lambda: tasks() == 2)
    other.close()
    wait_until(lambda: tasks() == 1)
    promise("again", 0)
    assert handler.flush(20)
    wait_until(lambda: tasks() == 3)
    log.removeHandler(handler)
    handler.close()
    wait_until(lambda: tasks() == 1)
    other = new_handler(spool=handler._delivery.options.spool)
    assert tasks() == 2
    del other
    gc.collect()
    wait_until(lambda: tasks() == 1)
    masks = new_handler(spool=handler._delivery.options.spool)
    for task in os.listdir("/proc/self/task"):
        status = open(f"/proc/self/task/{task}/status").read()
        print(int(status.split("SigBlk:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1)
    """
    ended = spooling(body).wait()

    assert (ended.code, ended.err) == (0, "")
    assert sorted(ended.out.split()) == ["0", "1"]


def test_a_thread_that_cannot_start_is_said(spooling):
    """Where no thread can start, a handler with a spool says that nothing watches it, and why."""
    before = """
    import _thread
    def fail(*_):
        raise RuntimeError("can't start new thread")
    _thread.start_new_thread = fail
    """
    ended = spooling("", before=before).wait()

    assert ended.code == 0
    assert ended.err.count("no thread can be started to watch the spool (can't start") == 1
