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
from cxlogging.delivery.clock import Clocks
import resource, shutil
shift = 0
handler._delivery.lane.replace(Clocks(lambda: time.monotonic() + shift))
handler._delivery.workers.reset()
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
    application sees nothing, one line reports it, records go on through memory, the disk is used
    again when it works, nothing is lost.
    """
    lived_through(child, backend, figures, spool, kind, at_start=False)


@pytest.mark.case(56)
@pytest.mark.parametrize("at_start", [False, True])
def test_case_56_a_full_disk(child, backend, small_disk, figures, at_start):
    """A disk that is full, from the start or later: the same, and delivery frees its space."""
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
    """A disk that is read-only when the process starts: records wait in memory, and on disk once it
    is writable.
    """
    spool = small_disk / "spool"
    spool.mkdir(0o700)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    kind = "a read-only disk"
    lines = lived_through(child, backend, figures, spool, kind, at_start=True)

    assert "Read-only file system" in lines[0]


class Faulty(Disk):
    """A real file system, until *error* is set."""

    gil_calls = None
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
    """ENOSPC, EDQUOT, EIO, EROFS, EMFILE and other errors of the system, at the start or later: the
    application sees nothing, one line reports it, delivery goes on through memory, and then the
    disk is used again.
    """
    disk, shift, errors = Faulty(), Shift(), []
    disk.error = getattr(errno, name) if at_start else 0
    one = shop(spool=str(spool), disk=disk, clock=shift.clock, flush_interval=0)
    one.delivery.lane.diagnostics._on_error = errors.append
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


SAID = """
{before}
for n in range({count}):
    promise("a", n)
{after}
"""
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"


def test_a_full_disk_is_said_at_once(spooling, backend):
    """The log call that finds the disk full reports it, with cause and remedy, although nothing
    else is due for a minute.
    """
    program = spooling(
        SAID.format(before=LIMIT, count=1_000, after="time.sleep(60)"), "flush_interval=60"
    )
    until(lambda: "(File too large)" in program.err)

    assert program.err.count("cannot be written") == 1
    assert "raise the limit of file sizes (ulimit -f)" in program.err


def test_a_full_disk_is_said_at_exit(spooling, backend):
    """A process that ends right after the disk was full reports that, and what it leaves."""
    backend.behaviour = lambda request: 503
    options = "flush_interval=60, close_timeout=0.2, retry_initial=0.05"
    ended = spooling(SAID.format(before=LIMIT, count=1_000, after=""), options).wait()

    assert ended.err.count("cannot be written (File too large)") == 1
    assert "not delivered when the process ended" in ended.err


MOVES = """
from cxlogging.delivery.clock import Clocks
import shutil
shift = 0
handler._delivery.lane.replace(Clocks(lambda: time.monotonic() + shift))
handler._delivery.workers.reset()
spool = {spool!r}
def spooled():
    found = [os.path.join(f, n) for f, _, names in os.walk(spool) for n in names]
    return sum(os.path.getsize(each) for each in found if each.endswith(".seg"))
for n in range(100): promise("before", n)
{move}
shift += 20
cxlogging.flush_all(3)
for n in range(100): promise("after", n)
stats = handler.stats()
print(stats.pending + stats.spooled, spooled() > 5_000)
"""
MOVED = {
    "renamed": "os.rename(spool, spool + '.old')",
    "renamed, and another one made": (
        "os.rename(spool, spool + '.old'); os.makedirs(spool, 0o700, exist_ok=True)"
    ),
    "moved to another disk": "shutil.copytree(spool, spool + '.old'); shutil.rmtree(spool)",
    "a destination moved": (
        "folder = next(e.path for e in os.scandir(spool) if e.is_dir()); os.rename(folder,"
        " spool + '.old')"
    ),
    "a link above it that leads elsewhere": (
        "link = os.path.dirname(spool); os.mkdir(link + '.new'); os.unlink(link);"
        " os.symlink(link + '.new', link)"
    ),
}


@pytest.mark.parametrize("how", MOVED)
def test_a_directory_that_is_moved(child, backend, tmp_path, figures, how):
    """A spool that is moved away, removed, or replaced by another one while records wait in it:
    this is reported; later records are at its path, earlier ones are delivered.
    """
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    spool = tmp_path / "link" / "spool"
    backend.behaviour = lambda request: 503
    code = MOVES.format(spool=str(spool), move=MOVED[how])
    code += """
    print("moved", flush=True)
    wait_until(lambda: os.path.exists(spool + ".healthy"))
    for _ in range(20):
        shift += 100
        handler.flush(0.5)
    print(handler.stats().balanced, handler.stats().pending + handler.stats().spooled)
    """.replace("\n    ", "\n")
    program = child(code, f"spool={str(spool)!r}, flush_interval=0.2, retry_maximum=0.5")
    until(lambda: "moved" in program.out)
    backend.behaviour = lambda request: 202
    spool.with_name("spool.healthy").touch()
    ended = program.wait()

    assert ended.code == 0, ended.err
    waiting, on_disk = ended.out.splitlines()[0].split()
    assert int(waiting) >= 100
    assert on_disk == "True"
    assert ended.out.splitlines()[2] == "True 0"
    (said,) = [line for line in ended.err.splitlines() if "a new one is made at its path" in line]
    oracle = figures.judge(ended.promised, backend)
    if how == "moved to another disk":
        assert "was removed" in said
    else:
        assert "was moved away" in said
        assert oracle.lost == []
    assert not [each for each in oracle.lost if each.startswith("after")]


def test_a_directory_whose_place_is_taken(child, backend, spool, figures):
    """If a file is in the place of the directory, records wait in memory, and this is reported; the
    directory is created again when the file is gone.
    """
    # The worker may create the directory again between the two steps.
    move = (
        "import itertools\n"
        "for attempt in itertools.count():\n"
        "    os.rename(spool, f'{spool}.old{attempt}')\n"
        "    try:\n"
        "        open(spool, 'w').close()\n"
        "        break\n"
        "    except IsADirectoryError:\n"
        "        continue\n"
    )
    code = MOVES.format(spool=str(spool), move=move) + (
        "os.unlink(spool)\nshift += 20\ncxlogging.flush_all(3)\n"
        "for n in range(100): promise('again', n)\n"
        "print(handler.stats().spooled, spooled() > 5_000)\n"
    )
    backend.behaviour = lambda request: 503
    options = f"spool={str(spool)!r}, flush_interval=0.2, retry_maximum=0.5, close_timeout=0.1"
    ended = child(code, options).wait()

    assert ended.code == 0, ended.err
    assert [each.split()[1] for each in ended.out.splitlines()] == ["False", "True"]
    assert "cannot be written (Not a directory): records wait in memory" in ended.err
    assert "is used again" in ended.err
