"""Case 56: disks that are full, read-only, broken or gone."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from cxlogging.delivery.journal.disk import Disk

from .conftest import Shift
from .harness import until
from .spooling import DELIVER, nothing_left

PHASES = """
from cxlogging.delivery.clock import Clock
import resource, shutil
shift = 0
handler._delivery.clock = Clock(lambda: time.monotonic() + shift)
handler._delivery.reset()
spool = {spool!r}

def on():
    {on}

def off():
    {off}

if not {at_start}:
    for n in range(50): promise("before", n)
    assert handler.flush(10)
    on()
for n in range(400): promise("during", n)
assert handler.flush(20)
stats = handler.stats()
print(stats.balanced, stats.accepted - stats.delivered, stats.dropped)
off()
for _ in range(3):
    shift += 100
    promise("after", _)
    assert handler.flush(10)
for n in range(100): promise("again", n)
print(handler.stats().spooled, flush=True)
os._exit(3)
"""


FAULTS = {
    "a file-size limit": (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)",
    ),
    "a directory that is removed": ("shutil.rmtree(spool)", "pass"),
    "a full disk": ("fill()", "os.unlink(spool + '/../filler')"),
    "a read-only disk": ("mount('ro')", "mount('rw')"),
}
HELPERS = """
def mount(how):
    import subprocess
    subprocess.run(["mount", "-o", f"remount,{how}", os.path.dirname(spool)], check=True)

def fill():
    size = 300_000
    with open(spool + "/../filler", "wb", buffering=0) as filler:
        while size:
            try: filler.write(bytes(size))
            except OSError: size //= 2
"""


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 256 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(["mount", *options], check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def lived_through(child, backend, figures, spool, kind, *, at_start: bool):
    on, off = FAULTS[kind]
    code = HELPERS + PHASES.format(spool=str(spool), on=on, off=off, at_start=at_start)
    options = f"spool={str(spool)!r}, flush_interval=0.2"
    died = child(code, options).wait()

    assert died.code == 3, died.err
    during, spooled = died.out.splitlines()
    assert during.split() == ["True", "0", "0"]
    assert int(spooled) >= 90
    lines = [line for line in died.err.splitlines() if "spool" in line]
    assert 1 <= len(lines) <= 2
    after = child("import pathlib\n" + DELIVER.replace("not left()", "True"), options).wait()
    assert (after.code, after.err) == (0, "")
    until(lambda: set(died.promised) <= set(backend.accepted), 10)
    oracle = figures.judge([*died.promised, *after.promised], backend)
    assert oracle.lost == []
    return lines


@pytest.mark.case(56)
@pytest.mark.parametrize("kind", ["a file-size limit", "a directory that is removed"])
def test_case_56_at_run_time(child, backend, spool, figures, kind):
    """A limit of file sizes (a short write, then EFBIG) and a directory that is removed: the
    application sees nothing, one line says so, records go on by memory, the disk is used again
    when it can be, nothing is lost.
    """
    lived_through(child, backend, figures, spool, kind, at_start=False)


@pytest.mark.case(56)
@pytest.mark.parametrize("at_start", [False, True])
def test_case_56_a_full_disk(child, backend, small_disk, figures, at_start):
    """A disk that is full, from the start or from some moment: as above, and delivering frees
    its space.
    """
    spool = small_disk / "spool"
    spool.mkdir(0o700)
    if at_start:
        with (small_disk / "filler").open("wb", buffering=0) as filler:
            size = 300_000
            while size:
                try:
                    filler.write(bytes(size))
                except OSError:
                    size //= 2
    lines = lived_through(child, backend, figures, spool, "a full disk", at_start=at_start)

    assert "No space left on device" in lines[0]


@pytest.mark.case(56)
def test_case_56_a_read_only_disk(child, backend, small_disk, figures):
    """A disk that is read-only when the process starts: memory first, the disk when it can."""
    spool = small_disk / "spool"
    spool.mkdir(0o700)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    kind = "a read-only disk"
    lines = lived_through(child, backend, figures, spool, kind, at_start=True)

    assert "Read-only file system" in lines[0]


class Faulty(Disk):
    """A real file system, until *error* is set."""

    keeping = None
    error = 0

    def _may_fail(self) -> None:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))

    def create(self, folder, name):
        self._may_fail()
        return super().create(folder, name)

    def append(self, folder, name):
        self._may_fail()
        return super().append(folder, name)

    def write(self, fd, data):
        self._may_fail()
        return super().write(fd, data)


ERRORS = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "EPERM"]


@pytest.mark.case(56)
@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("at_start", [False, True])
def test_case_56_any_error(shop, backend, spool, figures, name, at_start):
    """ENOSPC, EDQUOT, EIO, EROFS, EMFILE and others from the system, at the start or later: the
    application sees nothing, one line, delivery goes on by memory, and then the disk again.
    """
    disk, shift, errors = Faulty(), Shift(), []
    disk.error = getattr(errno, name) if at_start else 0
    one = shop(spool=str(spool), disk=disk, clock=shift.clock, flush_interval=0)
    one.delivery.diagnostics._on_error = errors.append
    if not at_start:
        one.log(50)
    disk.error = getattr(errno, name)
    one.log(200)
    assert one.handler.flush(10)
    shift.by += 20
    one.log(200)
    assert one.handler.flush(10)
    assert one.balanced
    assert one.handler.stats().spooled == 0
    until(lambda: errors)
    disk.error = 0
    backend.behaviour = lambda request: 503
    for _ in range(3):
        shift.by += 100
        one.log()
        until(lambda: one.handler.stats().requests > 0)
        one.handler.flush(0.1)
    one.log(100)
    assert one.handler.stats().spooled >= 100
    backend.behaviour = lambda request: 202
    shift.by += 100

    assert one.handler.flush(10)
    assert one.balanced
    assert [each for each in errors if "cannot be written" in each][1:] == []
    assert [each for each in errors if "is used again" in each]
    assert figures.judge(one.promised, backend).lost == []
    one.handler.close()
    until(lambda: nothing_left(spool))
