"""Cases 1 to 7 and 11: processes that are killed, and the spool that they leave behind."""

from __future__ import annotations

import itertools
import random
import signal
import time

import pytest

from cxlogging.delivery.options import Options

from .harness import until
from .spooling import DELIVER, QUICK, batches, nothing_left

BUSY = """
for n in itertools.count():
    promise("{run}", n)
    {pause}
"""

ROUNDS = range(50)

WITHOUT_CTYPES = "import sys; sys.modules['ctypes'] = None\n"
"""Run first: without ctypes, appends release the GIL."""


@pytest.mark.case(1)
@pytest.mark.parametrize("before", ["", WITHOUT_CTYPES], ids=["holding", "releasing"])
@pytest.mark.parametrize("seed", [0, pytest.param(ROUNDS, marks=pytest.mark.slow)])
def test_case_01_kill_9_with_a_spool(spooling, backend, spool, figures, seed, before):
    """A kill -9 at a random moment while 5,000 records are logged and the vendor needs 50 ms per
    request, 50 times; then another process uses the same spool: nothing is lost, only batches that
    were in flight arrive twice, with the same ids, and nothing is left on disk.
    """
    for each in [seed] if isinstance(seed, int) else seed:
        chance = random.Random(each)
        backend.behaviour = lambda request: time.sleep(0.05) or 202
        program = spooling(
            f"for n in range(5_000):\n    promise('run{each}', n)\ntime.sleep(60)", before=before
        )
        program.wait_promised(chance.randrange(1, 4_500))
        time.sleep(chance.random() * 0.1)
        died = program.kill()
        after = spooling(DELIVER.replace("next", f"next{each}"), before=before).wait()

        assert after.code == 0, (each, after.err)
        promised = [*died.promised, *after.promised]
        oracle = figures.judge(promised, backend)
        assert oracle.lost == [], each
        # The record that was on disk while its promise was not yet.
        assert len(oracle.extra) <= 1, each
        assert batches(backend, oracle.duplicated) <= Options().concurrency, each
        assert {len(numbers) for numbers in backend.sequences.values()} == {1}, each
        assert nothing_left(spool), each
        backend.accepted.clear()
        backend.sequences.clear()


@pytest.mark.case(2)
def test_case_02_kill_9_without_a_spool(child, backend, figures):
    """A kill -9 without a spool: what waited in memory is lost, what the vendor had acknowledged is
    not; no file is left.
    """
    program = child(
        """
        for n in range(500):
            promise("sent", n)
        handler.flush(10)
        print(handler.stats().pending, flush=True)
        for n in range(500):
            promise("waiting", n)
        time.sleep(60)
        """,
        "flush_interval=60",
    )
    program.wait_promised(1_000)
    died = program.kill()

    assert died.out.strip() == "0"
    oracle = figures.judge(died.promised, backend)
    assert set(oracle.lost) == {f"waiting:{n}" for n in range(500)}


def killed_at(spooling, backend, spool, figures, step: str) -> list[str]:
    """Deliver 300 records in three batches, die at *step*, recover; return what came twice."""
    died = spooling(
        """
        for n in range(300):
            promise("a", n)
        handler.flush(10)
        handler.close()
        time.sleep(60)
        """,
        "flush_interval=60, batch_count=100, concurrency=1",
        killed_at=step,
    ).wait()
    assert died.code == -signal.SIGKILL
    for _ in range(2):
        after = spooling(DELIVER).wait()
        assert (after.code, after.err) == (0, "")

    oracle = figures.judge({*died.promised, "next:0"}, backend)
    assert oracle.lost == []
    assert {len(backend.sequences[each]) for each in died.promised} == {1}
    assert nothing_left(spool)
    return [each for each in oracle.duplicated if each != "next:0"]


@pytest.mark.case(3)
def test_case_03_kill_9_between_the_answer_and_the_note(spooling, backend, spool, figures):
    """A kill -9 exactly between the vendor's answer and its record on disk: nothing is lost,
    exactly that batch arrives twice, with the same ids.
    """
    assert len(killed_at(spooling, backend, spool, figures, "before_ack")) == 100


@pytest.mark.case(4)
@pytest.mark.parametrize("step", ["after_ack", "before_segment_removal"])
def test_case_04_kill_9_between_the_note_and_the_removal(spooling, backend, spool, figures, step):
    """A kill -9 between the record on disk that a batch was delivered and the removal of its file:
    nothing is lost, nothing arrives twice, the next start removes the file.
    """
    assert killed_at(spooling, backend, spool, figures, step) == []


REMOVALS = ["after_segment_removal", "before_folder_removal", "after_own_unlock"]


@pytest.mark.case(5)
@pytest.mark.parametrize("step", REMOVALS)
def test_case_05_kill_9_between_two_removals(spooling, backend, spool, figures, step):
    """A kill -9 between the removal of a segment and of the file that belongs to it: the next
    process starts, and the one after; nothing is lost or arrives twice.
    """
    assert killed_at(spooling, backend, spool, figures, step) == []


@pytest.mark.case(6)
def test_case_06_a_batch_in_flight(spooling, backend, spool, figures):
    """A kill -9 with a batch in flight; the next process runs while the vendor is down; the one
    after that finds the vendor up: the batch that was in flight is delivered too.
    """
    hanging = [True]
    backend.behaviour = lambda request: until(lambda: not hanging) or 503
    program = spooling("for n in range(200): promise('a', n)\ntime.sleep(60)")
    program.wait_promised(200)
    assert backend.wait(lambda _: backend.requests)
    first = program.kill()
    hanging.clear()
    second = spooling("promise('b', 0)", f"{QUICK}, close_timeout=0.3").wait()
    assert "wait in the spool" in second.err
    assert not backend.accepted
    backend.behaviour = lambda request: 202
    third = spooling(DELIVER).wait()

    assert third.code == 0, third.err
    oracle = figures.judge([*first.promised, *second.promised, *third.promised], backend)
    assert (oracle.lost, oracle.duplicated) == ([], [])
    assert nothing_left(spool)


@pytest.mark.slow
@pytest.mark.case(7)
def test_case_07_kill_9_during_recovery(spooling, backend, spool, figures):
    """A kill -9 during the recovery from a kill -9, 20 times in a row: nothing is lost, at most one
    batch per kill arrives twice.
    """
    program = spooling(
        "for n in range(2_000): promise('a', n)\ntime.sleep(60)", "flush_interval=60"
    )
    program.wait_promised(2_000)
    promised = program.kill().promised
    options = f"{QUICK}, batch_count=100, concurrency=1"
    steps = itertools.cycle(
        ("during_recovery:1", "after_adopt:1", "before_ack:1", "after_ack:1", "during_recovery:2")
    )
    kills = 20
    for _ in range(kills):
        died = spooling(DELIVER, options, killed_at=next(steps)).wait()
        assert died.code == -signal.SIGKILL, died.err
    after = spooling(DELIVER, options).wait()

    assert after.code == 0, after.err
    oracle = figures.judge([*promised, "next:0"], backend)
    assert oracle.lost == []
    assert batches(backend, [d for d in oracle.duplicated if d != "next:0"]) <= kills
    assert nothing_left(spool)


@pytest.mark.slow
@pytest.mark.case(11)
def test_case_11_one_of_four_workers_is_killed(spooling, backend, spool, figures):
    """One of four processes that share a spool gets SIGKILL, as when memory runs out: one of the
    others adopts what it left, within half a minute, and it is sent once.
    """
    held = [True]
    backend.behaviour = lambda request: 503 if held else 202
    programs = [
        spooling(
            BUSY.format(run=f"p{n}", pause="time.sleep(0.02)"),
            "flush_interval=0.05, retry_initial=0.01, retry_maximum=0.05",
        )
        for n in range(4)
    ]
    for program in programs:
        program.wait_promised(50)
    victim = programs[0].kill()
    held.clear()

    assert backend.wait(lambda _: set(victim.promised) <= set(backend.accepted), 30)
    # Noted and removed: only then may its successor be killed without a copy.
    until(lambda: not list(spool.glob(f"*/{programs[0].process.pid}-*")))
    rest = [program.kill() for program in programs[1:]]
    after = spooling(DELIVER).wait()
    promised = [each for ended in (victim, *rest, after) for each in ended.promised]
    oracle = figures.judge(promised, backend)
    assert oracle.lost == []
    assert not [each for each in oracle.duplicated if each.startswith("p0")]
    assert nothing_left(spool)
