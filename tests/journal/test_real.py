"""The journal on a real disk, with real threads, signals, limits and hostile directories."""

from __future__ import annotations

import _thread
import os
import resource
import signal
import stat
import threading
from pathlib import Path

import pytest

from cxlogging.delivery.journal.disk import Disk, UnsafeError
from cxlogging.delivery.journal.frames import FRAME_BYTES
from cxlogging.delivery.journal.spool import directory_name
from cxlogging.errors import ConfigurationError
from tests.fakes import Lines
from tests.journal.bench import Process, lines


def real(tmp_path, **options):
    return Process(Disk(), tmp_path / "spool", **options)


def files(tmp_path, suffix=""):
    return sorted(path for path in tmp_path.rglob(f"*{suffix}") if path.is_file())


def descriptors():
    return len([*Path("/proc/self/fd").iterdir()])


def test_eight_threads_and_one_that_takes(tmp_path):
    """While 8 threads put and segments rotate, every record is taken once, in its thread's
    order.
    """
    count, threads = 1_500, 8
    before = descriptors()
    one = real(tmp_path, segment_bytes=2_000, spool_bytes=2**30)
    journal, taken = one.journal, []
    running = [threads]

    def produce(name):
        for n in range(count):
            assert journal.put((20, b"%d-%05d" % (name, n), 0))
        with one.lock:
            running[0] -= 1

    for name in range(threads):
        threading.Thread(target=produce, args=(name,)).start()
    while True:
        with one.lock:
            ended = not running[0]
            items = journal.take(37, 10**6)
            journal.settle(items)
            taken += [data for _, data, _ in items]
            assert len(journal) >= 0
        if ended and not items and not len(journal):
            break

    assert len(taken) == threads * count
    for name in range(threads):
        mine = [item for item in taken if item.startswith(b"%d-" % name)]
        assert sorted(mine) == [b"%d-%05d" % (name, n) for n in range(count)]
        assert mine == sorted(mine)
    assert journal.bytes_held == journal.bytes_in - journal.bytes_out == 0
    assert one.lost == []
    assert len(files(tmp_path, ".seg")) <= 2
    with one.lock:
        journal.release()
    assert files(tmp_path, ".seg") == []
    assert descriptors() == before


def test_threads_that_log_while_files_are_released(tmp_path):
    """Released again and again under load, the journal loses no record and leaks no descriptor."""
    count, threads = 400, 4
    before = descriptors()
    one = real(tmp_path, segment_bytes=500)
    journal, taken, running = one.journal, [], [threads]
    pause = threading.Event()

    def produce(name):
        for n in range(count):
            assert journal.put((20, b"%d-%05d" % (name, n), 0))
            if n % 7 == 0:
                pause.wait(0.0005)
        with one.lock:
            running[0] -= 1

    for name in range(threads):
        threading.Thread(target=produce, args=(name,)).start()
    releases = 0
    while True:
        with one.lock:
            ended = not running[0]
            items = journal.take(100, 10**6)
            journal.settle(items)
            taken += [data for _, data, _ in items]
            journal.release()
            releases += journal._fd < 0
        if ended and not items and not len(journal):
            break

    assert len(taken) == len(set(taken)) == threads * count
    assert releases
    with one.lock:
        journal.release()
    assert files(tmp_path, ".seg") == files(tmp_path, "lock") == []
    assert descriptors() == before


def test_signals_that_log_while_segments_rotate(tmp_path):
    """A real signal handler that logs during appends and rotations loses nothing."""
    one = real(tmp_path, segment_bytes=100)
    journal, logged = one.journal, []

    def handle(*_):
        item = b"signal-%05d" % len(logged)
        logged.append(item)
        assert journal.put((20, item, 0))

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    count = 0
    try:
        while len(logged) < 200 and count < 200_000:
            assert journal.put((20, b"main-%05d" % count, 0))
            count += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    found = one.drain(1_000)

    assert sorted(found) == sorted([*logged, *(b"main-%05d" % n for n in range(count))])
    assert len(logged) >= 200
    assert len(journal) == journal.bytes_held == 0


def test_a_limit_of_open_files(tmp_path):
    """If no descriptor is available, the segment grows, and what cannot be opened waits in
    memory.
    """
    one = real(tmp_path, segment_bytes=200)
    one.put(*lines(3))
    other = real(tmp_path, segment_bytes=200)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() - 1, hard))
    try:
        one.put(*lines(30, b"one"))
        other.put(*lines(30, b"other"))
        one.maintain()
        other.maintain()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert one.journal.spooled == 33
    assert other.journal.spooled == 0
    assert "records wait in memory" in " ".join(other.said())
    assert one.drain() == [*lines(3), *lines(30, b"one")]
    other.maintain(100)
    other.put(b"last")
    assert other.journal.spooled == 1
    assert other.drain() == [*lines(30, b"other"), b"last"]


def test_a_limit_of_file_size(tmp_path):
    """A write that a limit truncates and the next that it refuses are a full disk: nothing
    is lost.
    """
    one = real(tmp_path, segment_bytes=10**6)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        one.put(*[b"%03d" % n + b"." * 297 for n in range(60)])
        one.maintain()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)

    assert 20 < one.journal.spooled < 27
    one.maintain(100)
    assert [int(item[:3]) for item in one.drain()] == list(range(60))


def test_files_are_private(tmp_path):
    """Whatever the umask, directories are 0700 and files 0600, also those above the spool."""
    before = os.umask(0)
    try:
        one = Process(Disk(), tmp_path / "above" / "spool", segment_bytes=100)
        one.put(*lines(9))
        one.journal.settle(one.journal.take(2, 999))
        one.journal.reject((20, b"x", 0), "no")
    finally:
        os.umask(before)

    for path in (tmp_path / "above").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "above").stat().st_mode) == 0o700


def spoil_mode(spool, other):
    spool.mkdir()
    spool.chmod(0o777)


def spoil_owner(spool, other):
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    spool.mkdir(mode=0o700)
    os.chown(spool, 12_345, 12_345)


def spoil_link(spool, other):
    other.mkdir(mode=0o700)
    spool.symlink_to(other)


def spoil_inner_link(spool, other):
    other.mkdir(mode=0o700)
    spool.mkdir(mode=0o700)
    (spool / directory_name(Lines.identity)).symlink_to(other)


@pytest.mark.parametrize("spoil", [spoil_mode, spoil_owner, spoil_link, spoil_inner_link])
def test_a_spool_that_others_could_change_is_refused(tmp_path, spoil):
    """A directory of another user, writable by others, or behind a link is refused in one
    sentence.
    """
    spool, other = tmp_path / "spool", tmp_path / "other"
    spoil(spool, other)
    one = Process(Disk(), spool)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        one.spool.check()
    one.put(b"x")

    assert one.journal.spooled == 0
    assert not other.exists() or list(other.iterdir()) == []


def test_a_file_is_no_spool(tmp_path):
    """A path that is a file is refused in one sentence."""
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(ConfigurationError, match="is not a directory"):
        Process(Disk(), tmp_path / "spool")


def link_to_target(path, target):
    path.symlink_to(target)


def hard_link(path, target):
    os.link(target, path)


def pipe(path, target):
    os.mkfifo(path)


def folder(path, target):
    path.mkdir()


@pytest.mark.parametrize("put_there", [link_to_target, hard_link, pipe, folder])
@pytest.mark.parametrize("suffix", [".seg", ".ack"])
def test_only_regular_files_are_used(tmp_path, put_there, suffix):
    """A link, a pipe or a directory in the place of a file is neither read nor written through."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    dead = real(tmp_path, segment_bytes=200)
    dead.put(*lines(20))
    segments = files(tmp_path, ".seg")
    place = segments[1].with_suffix(suffix)
    place.unlink(missing_ok=True)
    put_there(place, target)
    dead.journal.reset_after_fork()
    successor = real(tmp_path)
    found = successor.drain()
    successor.maintain()

    assert target.read_bytes() == b"precious"
    assert set(found) < set(lines(20))
    assert len(found) >= 8
    assert len(found) == len(set(found))
    assert "left as it is" in " ".join(successor.said())
    assert place.is_symlink() or place.exists()


def test_a_pipe_in_the_place_of_a_lock(tmp_path):
    """A directory whose lock is not a regular file is skipped, and nothing waits for it."""
    dead = real(tmp_path)
    dead.put(b"x")
    lock = files(tmp_path, "lock")[0]
    lock.unlink()
    os.mkfifo(lock)
    dead.journal.reset_after_fork()
    successor = real(tmp_path)

    assert successor.drain() == []
    assert "not a regular file" in " ".join(successor.said())
    with pytest.raises(UnsafeError):
        successor.disk.lock(os.open(lock.parent, os.O_RDONLY), "lock")


def test_the_real_disk_does_what_the_fake_one_does(tmp_path):
    """Appending, reading, replacing, removing and locking behave the same on both."""
    from tests.journal.fakedisk import Machine

    for disk, path in ((Disk(), str(tmp_path / "a")), (Machine().process(), "/a")):
        base = disk.enter(path)
        inner = disk.folder(base, "in", create=True)
        fd = disk.create(inner, "f")
        with pytest.raises(FileExistsError):
            disk.create(inner, "f")
        with pytest.raises(FileNotFoundError):
            disk.open(inner, "g")
        with pytest.raises(FileNotFoundError):
            disk.folder(base, "out", create=False)
        assert disk.write(fd, b"abc") == 3
        second, copied = disk.create(inner, "g"), disk.copy(fd)
        disk.replace(second, fd)
        disk.write(fd, b"def")
        disk.write(copied, b"ghi")
        reading = [disk.open(inner, name) for name in "fg"]
        assert [disk.read(each, 9, 1) for each in reading] == [b"bcghi", b"ef"]
        assert [disk.size(each) for each in reading] == [6, 3]
        assert disk.names(inner) == ["f", "g"]
        assert disk.usage(base, "in") == 9
        disk.remove(inner, "f")
        disk.remove(inner, "f")
        assert [disk.is_linked(each) for each in reading] == [False, True]
        disk.remove_folder(base, "in")
        disk.rename(inner, "g", base, "h")
        disk.remove_folder(base, "in")
        assert disk.names(base) == ["h"]
        with pytest.raises(FileNotFoundError):
            disk.append(inner, "new")
        held = disk.lock(base, "l")
        again = disk.copy(held)
        assert disk.lock(base, "l") is None
        disk.close(held)
        assert disk.lock(base, "l") is None
        disk.close(again)
        assert disk.lock(base, "l") is not None
        with pytest.raises(OSError, match=r"."):
            disk.write(-1, b"")
        disk.sync_folder(path)


def test_a_frame_is_what_is_counted(tmp_path):
    """The bytes that the journal reports as held are the bytes of its segments without headers."""
    one = real(tmp_path, segment_bytes=500)
    one.put(*lines(40))
    on_disk = sum(path.stat().st_size for path in files(tmp_path, ".seg"))
    headers = 20 * len(files(tmp_path, ".seg"))

    assert one.journal.bytes_held == on_disk - headers == 40 * (5 + FRAME_BYTES)
    assert isinstance(one.lock, type(_thread.RLock()))
    assert Path(one.spool.path) == tmp_path / "spool"
