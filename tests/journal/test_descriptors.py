"""Something closed all descriptors: their numbers may belong to other files by now."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cxlogging.delivery.journal.disk import Disk
from tests.faults.backend import Backend
from tests.journal.bench import Process, lines

PROGRAM = """
import logging, os, sys, threading, time
from pathlib import Path
import cxlogging
from tests.fakes import hold_back
def tasks():
    own = str(threading.get_native_id())
    return [each for each in Path("/proc/self/task").iterdir() if each.name != own]
url, spool, victims = sys.argv[1:]
handler = cxlogging.HoneycombHandler(
    "key", dataset="shop", url=url, spool=spool, flush_interval=60, compression=None)
hold_back(handler._delivery)
def log(*numbers):
    for number in numbers:
        handler.handle(logging.makeLogRecord({"msg": f"<a:{number}>", "levelno": 40}))
log(1, 2, 3)
# No call may be under way that has a descriptor of its own for a moment, such as os.listdir: what
# such a call closes at its end is a number, whosever that is by then.
calm = 0
while calm < 10:
    states = [Path(each, "stat").read_text().rpartition(") ")[2][0] for each in tasks()]
    calm = calm + 1 if set(states) <= {"S"} else 0
    time.sleep(0.01)
most = max(int(each) for each in os.listdir("/dev/fd"))
os.closerange(3, most + 1)
files = [open(f"{victims}/{n}", "a") for n in range(most + 8)]
log(4, 5, 6)
flushed = handler.flush(10)
stats = handler.stats()
print(flushed, stats.accepted, stats.delivered, stats.dropped, stats.balanced)
for n, file in enumerate(files):
    file.write("mine")
    file.close()
print("done", flush=True)
os._exit(0)
"""


def test_all_descriptors_closed(tmp_path):
    """After `os.closerange`, with the numbers reused by files of the application, no frame is
    written to these and none is closed; every record arrives once, and is counted once.
    """
    victims = tmp_path / "victims"
    victims.mkdir()
    with Backend() as backend:
        arguments = [sys.executable, "-c", PROGRAM, backend.url, tmp_path / "spool", victims]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == "True 6 6 0 True\ndone\n", done.stderr
        assert backend.accepted == Counter({f"a:{n}": 1 for n in range(1, 7)})
        assert {path.read_text() for path in victims.iterdir()} == {"mine"}


def test_a_number_that_is_another_file(tmp_path):
    """A descriptor whose number belongs to another file is neither written nor closed; records wait
    in memory, and in new files of the spool once these are created.
    """
    one = Process(Disk(), tmp_path / "spool")
    one.put(b"one")
    (segment,) = tmp_path.rglob("*.seg")
    opened = Path("/proc/self/fd").iterdir()
    (fd,) = [int(each.name) for each in opened if os.path.realpath(each) == str(segment)]
    with (tmp_path / "mine").open("ab") as mine:
        os.dup2(mine.fileno(), fd)
        one.put(b"two")
        assert (tmp_path / "mine").read_bytes() == b""
        assert one.journal.spooled == 1
        one.maintain(100)
        one.maintain(100)
        one.put(b"three")
        one.journal.reset_after_fork()
        assert os.fstat(fd).st_ino == os.fstat(mine.fileno()).st_ino
        os.close(fd)
    assert (tmp_path / "mine").read_bytes() == b""


def close_all(spool, mine):
    """Give the numbers of all descriptors open in *spool* to the file *mine*."""
    for link in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith(str(spool)):
                os.dup2(mine.fileno(), int(link.name))
                yield int(link.name)


@pytest.mark.parametrize("recent_bytes", [-1, 4 * 2**20])
@pytest.mark.parametrize("taken", [0, 3, 60])
def test_what_is_half_read_is_opened_again(tmp_path, taken, recent_bytes):
    """After all descriptors were closed, segments that are read, partly read or still growing go on
    where they were: nothing arrives twice, nothing is given up.
    """
    spool = tmp_path / "spool"
    one = Process(Disk(), spool, segment_bytes=500, recent_bytes=recent_bytes)
    one.put(*lines(100, b"a"))
    first = one.journal.take(taken, 10**6) if taken else []
    with (tmp_path / "mine").open("ab") as mine:
        lost = list(close_all(spool, mine))
        one.put(*lines(10, b"b"))
        one.maintain(0)
        one.journal.settle(first)
        found = [data for _, data, _ in first] + one.drain()
        one.put(*lines(10, b"c"))
        found += one.drain()
        one.journal.release()
        for fd in lost:
            assert os.fstat(fd).st_ino == os.fstat(mine.fileno()).st_ino
            os.close(fd)

    assert sorted(found) == sorted([*lines(100, b"a"), *lines(10, b"b"), *lines(10, b"c")])
    assert one.lost == []
    assert len(one.journal) == 0
    assert (tmp_path / "mine").read_bytes() == b""
    assert not list(spool.rglob("*.seg"))


def test_a_process_that_only_looks_opens_its_folder_again(tmp_path):
    """A process that has logged nothing finds what others leave, even after its descriptors were
    closed.
    """
    spool = tmp_path / "spool"
    one = Process(Disk(), spool)
    one.maintain()
    with (tmp_path / "mine").open("ab") as mine:
        lost = list(close_all(spool, mine))
        other = Process(Disk(), spool)
        other.put(*lines(5))
        other.journal.reset_after_fork()
        one.maintain()
        assert one.drain() == lines(5)
        one.journal.reset_after_fork()
        for fd in lost:
            os.close(fd)


def test_what_another_process_took_over_meanwhile(tmp_path):
    """If another process has adopted a directory that lost its lock, that process delivers it, and
    the first one goes on in a new directory.
    """
    spool = tmp_path / "spool"
    one, other = Process(Disk(), spool), Process(Disk(), spool)
    one.put(*lines(5, b"a"))
    with (tmp_path / "mine").open("ab") as mine:
        lost = list(close_all(spool, mine))
        assert other.drain() == lines(5, b"a")
        one.put(*lines(5, b"b"))
        one.maintain(0)
        one.put(*lines(5, b"c"))
        assert one.drain() == [*lines(5, b"b"), *lines(5, b"c")]
        one.journal.reset_after_fork()
        for fd in lost:
            os.close(fd)
