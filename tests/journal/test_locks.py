"""Locks between real processes: who lives keeps its records, and no record has two owners."""

from __future__ import annotations

import contextlib
import os
import select
import signal

from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.journal.process_dir import LOCK
from tests.journal.bench import Process, lines

SECONDS = 20


class Child:
    """A forked process that runs *work* with two functions: one that sends a line, one that
    waits.
    """

    def __init__(self, work):
        self._from, into = os.pipe()
        out_of, self._to = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            code = 1
            try:
                os.close(self._from)
                os.close(self._to)
                work(lambda text: os.write(into, text.encode() + b"\n"), lambda: os.read(out_of, 1))
                code = 0
            finally:
                os._exit(code)
        os.close(into)
        os.close(out_of)
        self.ended = False

    def heard(self):
        """Return the next line that it sends."""
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self._from], [], [], SECONDS)[0], "the child says nothing"
            more = os.read(self._from, 1)
            if not more:
                break
            line += more
        return line.decode().strip()

    def go_on(self):
        os.write(self._to, b"!")

    def kill(self):
        if not self.ended:
            self.ended = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self._from)
            os.close(self._to)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def start(tmp_path, **options):
    return Process(Disk(), tmp_path / "spool", segment_bytes=200, **options)


def test_a_forked_child_does_not_hold_its_parent_s_lock(tmp_path):
    """A forked child closes inherited descriptors: when its parent dies, the records are
    adopted.
    """

    def parent(say, wait):
        one = start(tmp_path)
        one.put(*lines(20))

        def child(say, wait):
            one.journal.reset_after_fork()
            say("born")
            wait()

        with Child(child) as inner:
            say(inner.heard())
            say(str(inner.pid))
            wait()

    with Child(parent) as dead:
        assert dead.heard() == "born"
        grandchild = int(dead.heard())
        successor = start(tmp_path)
        assert successor.drain() == []  # both live
        dead.kill()
        try:
            os.kill(grandchild, 0)  # it lives on
            assert successor.drain() == lines(20)
        finally:
            os.kill(grandchild, signal.SIGKILL)


def test_a_child_that_closes_its_copy_unlocks_nothing(tmp_path):
    """What a forked child closes stays locked by its parent, which goes on with it."""
    one = start(tmp_path)
    one.put(*lines(5))

    def child(say, wait):
        one.journal.reset_after_fork()
        other = start(tmp_path)
        other.put(b"child")
        say(str(len(other.take())))
        wait()

    with Child(child) as born:
        assert born.heard() == "1"
        assert start(tmp_path).drain() == []
        born.kill()
    one.put(*lines(5, b"more"))
    assert start(tmp_path).drain() == [b"child"]
    assert one.drain() == [*lines(5), *lines(5, b"more")]


def own_dirs(path):
    """Return the names of the directories of the calling process."""
    return [each.name for each in path.rglob(f"{os.getpid()}-*")]


def test_a_child_that_writes_has_a_folder_of_its_own(tmp_path):
    """Parent and child append to different directories, whatever they share at first."""
    one = start(tmp_path)
    one.put(b"parent")

    def child(say, wait):
        one.journal.reset_after_fork()
        one.journal = one.make()
        one.put(b"child")
        say(*own_dirs(tmp_path))
        wait()

    with Child(child) as born:
        assert [born.heard()] != own_dirs(tmp_path)
    assert len(own_dirs(tmp_path)) == 1
    assert one.drain() == [b"parent", b"child"]


def test_a_running_process_adopts_what_a_killed_one_left(tmp_path):
    """A running process delivers what a killed one left, once, and nothing remains."""

    def victim(say, wait):
        start(tmp_path).put(*lines(30))
        say("there")
        wait()

    sibling = start(tmp_path)
    sibling.put(b"mine")
    with Child(victim) as dead:
        assert dead.heard() == "there"
        assert sibling.drain() == [b"mine"]
        dead.kill()
    assert sibling.drain() == lines(30)
    sibling.journal.release()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["about.json"]


def test_two_processes_never_adopt_the_same_directory(tmp_path):
    """When two processes race for an orphaned directory, a hundred times, one gets all of it."""

    def successor(say, wait):
        one = start(tmp_path)
        while wait() == b"!":
            one.maintain()
            items = one.journal.adopt(100, 10**6)
            say(str(len(items)))
            wait()
            while items:
                one.journal.settle(items)
                items = one.journal.adopt(100, 10**6)
            say("done")

    with Child(successor) as first, Child(successor) as second:
        shares = []
        for _ in range(100):
            dead = Process(Disk(), tmp_path / "spool", segment_bytes=10_000)
            dead.put(*lines(5))
            dead.journal.reset_after_fork()
            for each in (first, second):
                each.go_on()
            shares.append(sorted([first.heard(), second.heard()]))
            for each in (first, second):
                each.go_on()
            assert [first.heard(), second.heard()] == ["done", "done"]

    assert shares == [["0", "5"]] * 100
    assert list((tmp_path / "spool").rglob("*.seg")) == []


def test_a_new_directory_that_is_removed_as_an_orphan(tmp_path):
    """A directory that is not locked yet may be removed as an orphan: its process creates
    another.
    """

    class Slow(Disk):
        """Between creation and locking of a directory, another process looks for orphans."""

        met = 0

        def lock(self, folder, name):
            if name == LOCK and self.met < 2:
                self.met += 1
                other = start(tmp_path)
                assert other.drain() == []
                if self.met == 2:  # this time it comes after the file was made
                    fd = self.append(folder, name)
                    assert start(tmp_path).drain() == []
                    self.close(fd)
            return super().lock(folder, name)

    disk = Slow()
    one = Process(disk, tmp_path / "spool")
    assert one.put(*lines(3)) == [True] * 3
    assert disk.met == 2
    assert one.journal.spooled == 3
    assert start(tmp_path).drain() == []
    assert one.drain() == lines(3)


def test_a_directory_without_its_lock_is_adopted(tmp_path):
    """If a crash or a user has removed only the lock, the segments are found."""
    dead = start(tmp_path)
    dead.put(*lines(20))
    for path in tmp_path.rglob(LOCK):
        path.unlink()
    dead.journal.reset_after_fork()

    successor = start(tmp_path)
    assert successor.drain() == lines(20)
    successor.journal.release()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["about.json"]
