"""One append holds the GIL while the disk is fast, and otherwise behaves as os.write does."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.journal.append import RELEASING_SECONDS, Appender
from cxlogging.delivery.journal.disk import Disk, GilCalls, LostError, is_local
from tests.journal.bench import HandClock

pytestmark = pytest.mark.skipif(Disk.gil_calls is None, reason="no call keeps the lock here")


class Appends:
    """An appender to a real file, with what it reported and what its disk was asked for."""

    def __init__(self, disk=None, clock=None):
        self.said: list[str] = []
        self.disk = disk or Disk()
        self.append = Appender(
            self.disk, clock or Clocks(), lambda *news: self.said.append(news[-1])
        )

    def __call__(self, fd, data=b"record\0\n"):
        return self.append.write(fd, data)


@pytest.fixture
def fd(tmp_path):
    """A file that was opened as a segment is."""
    disk = Disk()
    folder = disk.enter(str(tmp_path / "spool"))
    fd = disk.create(folder, "a.seg")
    yield fd
    disk.close(fd)
    disk.close(folder)


def content(fd):
    return os.pread(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), 10**6, 0)


class Counting(Disk):
    """A disk that counts the appends that release the GIL."""

    given = 0

    def write(self, fd, data):
        self.given += 1
        return super().write(fd, data)


def test_what_is_appended(fd):
    """Appends arrive complete and in order, whatever bytes they contain, and do not release the
    GIL.
    """
    appends = Appends(Counting())
    pieces = [b"", b"\0", bytes(range(256)) * 300, b"last"]

    assert [appends(fd, piece) for piece in pieces] == [len(piece) for piece in pieces]
    assert content(fd) == b"".join(pieces)
    assert appends.disk.given == 0


def test_other_threads_stand_still_meanwhile(fd):
    """A thread that computes does not run during an append."""
    appends, runs = Appends(), [0]
    done = threading.Event()

    def compute():
        while not done.is_set():
            runs[0] += 1

    before_and_after: list[int] = []
    write, seek = Disk.gil_calls

    def watched(*arguments):
        before_and_after.append(runs[0])
        written = write(*arguments)
        before_and_after.append(runs[0])
        return written

    disk = Disk()
    disk.gil_calls = GilCalls(watched, seek)
    appends = Appends(disk)
    thread = threading.Thread(target=compute)
    thread.start()
    try:
        for _ in range(2_000):
            appends(fd)
    finally:
        done.set()
        thread.join()
    moved = sum(
        before != after
        for before, after in zip(before_and_after[::2], before_and_after[1::2], strict=True)
    )
    # The interpreter may change threads in the two lines around the call, which is rare.
    assert moved < 20


def full(_):
    return os.open("/dev/full", os.O_WRONLY), errno.ENOSPC


def closed(_):
    fd = os.open("/dev/null", os.O_WRONLY)
    os.close(fd)
    return fd, errno.EBADF


def to_read(_):
    return os.open("/dev/zero", os.O_RDONLY), errno.EBADF


def without_a_reader(_):
    reading, writing = os.pipe()
    os.close(reading)
    return writing, errno.EPIPE


@pytest.mark.parametrize("broken", [full, closed, to_read, without_a_reader])
def test_errors(broken):
    """An append that fails raises what os.write raises."""
    fd, expected = broken(None)
    appends = Appends()
    appends.append.write = appends.append._hold

    with pytest.raises(OSError) as caught:
        appends(fd)
    assert caught.value.errno == expected


LIMITED = """
import os, resource, sys
from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.journal.append import Appender
from cxlogging.delivery.journal.disk import Disk
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
disk = Disk()
fd = disk.create(disk.enter(sys.argv[1]), "a.seg")
append = Appender(disk, Clocks(), print)
print(append.write(fd, b"123456"))
print(append.write(fd, b"123456"))
try:
    append.write(fd, b"123456")
except OSError as error:
    print(error.strerror)
"""


def test_a_file_that_may_not_grow(tmp_path):
    """An append that fits only in part returns how much was written, and the next one fails."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "spool")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["6", "4", "File too large"], done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10


@pytest.mark.parametrize("written", [0, 1, 50])
def test_a_descriptor_that_is_another_file_s(fd, tmp_path, written):
    """Nothing is written to a file of the application's that has got the descriptor's number."""
    appends = Appends()
    for _ in range(written):
        appends(fd)
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"")
    other = os.open(theirs, os.O_WRONLY)
    os.dup2(other, fd)
    os.close(other)

    with pytest.raises(LostError):
        appends(fd)
    assert theirs.read_bytes() == b""


def test_another_segment(fd, tmp_path):
    """After the descriptor is redirected to the next segment, appends go on there."""
    appends = Appends(Counting())
    appends(fd, b"old")
    disk = appends.disk
    other = disk.create(disk.enter(str(tmp_path / "spool")), "b.seg")
    disk.replace(other, fd)
    disk.close(other)
    appends(fd, b"new")

    assert content(fd) == b"new"
    assert (tmp_path / "spool" / "a.seg").read_bytes() == b"old"
    assert appends.disk.given == 0


class Stalling(Counting):
    """A disk on which each append takes *seconds* of a manual clock."""

    seconds = 0.0

    def __init__(self, time: HandClock) -> None:
        write, seek = Disk.gil_calls
        self.held: list[float] = []

        def slow(*arguments):
            self.held.append(time.now)
            time.pass_by(self.seconds)
            return write(*arguments)

        self.gil_calls = GilCalls(slow, seek)


@pytest.mark.parametrize("seconds", [0.11, 1.0, 30.0])
def test_a_stall(fd, seconds):
    """After an append that took too long, appends release the GIL for ten seconds; then one tries
    again: at most one stall in ten seconds, reported once.
    """
    time = HandClock()
    disk = Stalling(time)
    appends = Appends(disk, time.clock)
    appends(fd)
    disk.seconds, ended = seconds, time.now + 100
    while time.now < ended:
        appends(fd)
        time.pass_by(0.1)

    held = disk.held[1:]
    assert all(later - one > RELEASING_SECONDS for one, later in itertools.pairwise(held))
    assert 3 <= len(held) <= 10
    assert disk.given > 50
    [sentence] = appends.said
    assert f"{seconds:.2f} s" in sentence
    assert len(content(fd)) == (1 + len(held) + disk.given) * len(b"record\0\n")


def test_many_small_stalls(fd):
    """Appends of several milliseconds each take at most a tenth of the other threads' time."""
    time = HandClock()
    disk = Stalling(time)
    appends = Appends(disk, time.clock)
    appends(fd)
    disk.seconds = 0.006
    for _ in range(100):
        appends(fd)

    assert len(disk.held[1:]) * disk.seconds <= 0.11


def test_a_quick_disk_after_a_stall(fd):
    """Once the disk is fast again, appends hold the GIL as before."""
    time = HandClock()
    disk = Stalling(time)
    appends = Appends(disk, time.clock)
    disk.seconds = 2.0
    appends(fd)
    disk.seconds = 0.0
    time.pass_by(RELEASING_SECONDS)
    before = disk.given
    for _ in range(100):
        appends(fd)

    assert disk.given == before


def test_slow_calls_far_apart(fd):
    """An occasional call of several milliseconds, as on a busy machine, changes nothing."""
    time = HandClock()
    disk = Stalling(time)
    appends = Appends(disk, time.clock)
    disk.seconds = 0.02
    for _ in range(50):
        appends(fd)
        time.pass_by(1.0)

    assert (disk.given, appends.said) == (0, [])


PIPE = """
import os, sys, threading, time
from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.journal.append import Appender
from cxlogging.delivery.journal.disk import Disk

class Stalled(Disk):
    '''Appends go into a pipe that another process empties only now and then.'''
    def is_local(self, fd):
        return True

said, beats, done = [], [0], threading.Event()
append = Appender(Stalled(), Clocks(), lambda *news: said.append(news[-1]))

def heart():
    while not done.wait(0.001):
        beats[0] += 1

thread = threading.Thread(target=heart)
thread.start()
until, alone, beside = time.monotonic() + 6, 0, 0
while time.monotonic() < until:
    before, began = beats[0], time.monotonic()
    append.write(1, bytes(65536))
    if time.monotonic() - began > 0.3:
        moved = beats[0] - before > 5
        alone, beside = alone + (not moved), beside + moved
done.set()
thread.join()
print(alone, beside, len(said), file=sys.stderr)
"""


def test_a_real_stall():
    """Appends to a pipe that is rarely emptied block the other threads once: during later ones,
    another thread runs.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PIPE)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=False,
    )
    ended = threading.Event()

    def read():
        while not ended.wait(0.6):
            os.read(child.stdout.fileno(), 65536)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            ended.wait(0.1)
        alone, beside, said = map(int, child.stderr.read().split())
    finally:
        ended.set()
        reader.join()
        child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()
    assert alone <= 1
    assert beside >= 3
    assert said == 1


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:45 / /mnt/shared rw - nfs4 server:/export rw,vers=4.2
41 22 0:46 / /mnt/bucket rw - fuse.s3fs s3fs rw
42 22 0:47 / /mnt/with\\040space rw master:1 - xfs /dev/sdb rw
"""


@pytest.mark.parametrize(
    ("kind", "local"),
    [
        *((each, True) for each in ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs")),
        *((each, False) for each in ("nfs", "nfs4", "cifs", "fuse", "fuse.s3fs", "9p", "ceph")),
    ],
)
def test_where_a_file_lies(fd, tmp_path, kind, local):
    """A file on a network or FUSE file system is not local."""
    device = os.fstat(fd).st_dev
    mounts = tmp_path / "mounts"
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts.write_text(f"{MOUNTS}43 22 {number} / /here rw - {kind} source rw\n")

    assert is_local(fd, str(mounts)) is local


def test_where_nothing_is_known(fd, tmp_path):
    """On a system that does not list its mounts, files are local."""
    (tmp_path / "mounts").write_text(MOUNTS)

    assert is_local(fd, str(tmp_path / "missing"))
    assert is_local(fd, str(tmp_path / "mounts"))


def test_a_file_that_is_far_away(fd):
    """Appends to a file on a server release the GIL from the first one on."""

    class Far(Counting):
        def is_local(self, fd):
            return False

    appends = Appends(Far())
    for _ in range(3):
        appends(fd)

    assert appends.disk.given == 3


def test_without_ctypes(tmp_path):
    """Without ctypes, a spool works."""
    code = (
        "import sys; sys.modules['ctypes'] = None\n"
        "from cxlogging.delivery.journal.disk import Disk; print(Disk.gil_calls)\n"
        "import cxlogging, logging\n"
        "h = cxlogging.BetterStackHandler('canary-token', url='http://127.0.0.1:9', "
        f"spool={str(tmp_path)!r}, close_timeout=0)\n"
        "logging.getLogger().addHandler(h); logging.error('x'); print(h.stats().spooled)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["None", "1"], done.stderr
