"""`spool_bytes` bounds what all processes together have in a destination's directory."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.journal.bench import PATH, Process
from tests.journal.fakedisk import Machine

BOUND = 2**20
SLACK = 64 * 1024
OTHER_POLICIES = ("drop_newest", "drop_oldest", "block")

PROGRAM = """
import logging, os, signal, sys
import cxlogging
spool, end, overflow = sys.argv[1:]
handler = cxlogging.HoneycombHandler(
    "key", dataset="shop", url="http://127.0.0.1:9", spool=spool, spool_bytes=2**20,
    flush_interval=60, overflow=overflow, block_timeout=0.001)
for number in range(600):
    handler.handle(logging.makeLogRecord({"msg": "x" * 1000, "levelno": 40}))
print("logged", handler.stats().dropped, flush=True)
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.read()
"""


def start(spool, end, overflow="shed"):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    arguments = [sys.executable, "-c", PROGRAM, str(spool), end, overflow]
    return subprocess.Popen(arguments, text=True, **pipes)


def size(spool):
    return sum(path.stat().st_size for path in spool.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_crash_loop(tmp_path):
    """Processes that crash one after the other, each with more than half of the bound, stay within
    the bound and one segment: the rest is dropped and counted.
    """
    dropped = []
    for _ in range(10):
        process = start(tmp_path / "spool", "kill")
        dropped.append(int(process.communicate()[0].split()[1]))
        assert process.returncode == -signal.SIGKILL

    assert BOUND // 2 < size(tmp_path / "spool") <= BOUND + SLACK
    assert dropped[0] == 0
    assert dropped[-1] == 600


def test_a_spool_that_others_have_filled_is_said(tmp_path):
    """A process that has no room because others hold it reports that, and how much they hold."""
    lines: list[str] = []
    for _ in range(10):  # one that is killed at once may not have said it yet
        said = start(tmp_path / "spool", "kill").communicate()[1]
        lines = [each for each in said.splitlines() if "dropped" in each]
        if lines and int(lines[0].split("is full, ")[1].split()[0]) > BOUND * 3 // 4:
            break
    (line,) = lines
    spool, taken = f"the spool {tmp_path / 'spool'} of {BOUND} bytes is full, ", "of them with what"

    assert spool in line
    assert taken in line
    assert int(line.split(spool)[1].split()[0]) > BOUND * 3 // 4


@pytest.mark.parametrize(
    "overflow",
    ["shed", *(pytest.param(each, marks=pytest.mark.slow) for each in OTHER_POLICIES)],
)
def test_six_processes_at_once(tmp_path, overflow):
    """Six processes that fill a spool together stay within the bound and one segment each."""
    running = [start(tmp_path / "spool", "stay", overflow) for _ in range(6)]
    for each in running:
        each.stdout.readline()
    found = size(tmp_path / "spool")
    for each in running:
        each.kill()
        each.communicate()

    # What is dropped for newer records stays in its segment until that is full.
    most = BOUND + 6 * SLACK * (2 if overflow == "drop_oldest" else 1)
    assert BOUND // 2 < found <= most


def test_room_that_others_leave_is_used_again():
    """Once the records of others were delivered, their part of the bound is available."""
    machine = Machine()
    first = Process(machine.process(), PATH, spool_bytes=2_000, overflow="drop_newest")
    first.maintain()
    assert sum(first.put(*[b"x" * 100] * 30)) == 16
    first.disk.kill()
    second = Process(machine.process(), PATH, spool_bytes=2_000, overflow="drop_newest")
    second.maintain()
    assert second.put(b"y" * 100) == [False]

    while items := second.journal.adopt(100, 10_000):
        second.journal.settle(items)
    second.time.pass_by(1)
    assert second.put(b"y" * 100) == [True]


def test_what_others_have_delivered_takes_no_room():
    """A running process whose records are settled takes nothing of the bound."""
    machine = Machine()
    first = Process(machine.process(), PATH, 10_000, spool_bytes=2_000, overflow="drop_newest")
    second = Process(machine.process(), PATH, 10_000, spool_bytes=2_000, overflow="drop_newest")
    first.maintain()
    for _ in range(3):
        assert all(first.put(*[b"x" * 100] * 10))
        first.journal.settle(first.journal.take(100, 10_000))
    second.maintain()

    assert sum(second.put(*[b"y" * 100] * 30)) == 16
