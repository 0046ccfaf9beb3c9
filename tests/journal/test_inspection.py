"""What the command line sees of a spool while its files are in use, missing or unreadable."""

from __future__ import annotations

import contextlib
import errno
import os

import pytest

from cxlogging.delivery.journal.inspection import SpooledDestination, opened_spool
from cxlogging.delivery.journal.spool import (
    UNKNOWN_ACCOUNT,
    DestinationDir,
    account_of,
    fingerprint,
)
from cxlogging.errors import ConfigurationError
from cxlogging.wire.http import Secret
from tests.fakes import Lines
from tests.journal.bench import PATH, lines, process, recovered
from tests.journal.fakedisk import Machine

ACCOUNT = account_of(Secret("key"), {})
SAME_PATH = f"{PATH}/"
"""Another name of the spool: no handler of this process has opened it by this one."""


def killed(machine, count=20):
    """Leave the records of a process that was killed."""
    one = process(machine)
    one.put(*lines(count))
    one.end()


def destination(machine):
    disk = machine.process()
    base = disk.enter(PATH)
    (name,) = disk.names(base)
    return SpooledDestination(disk, name, disk.folder(base, name, create=False))


def test_what_each_process_has_is_counted():
    """Of a killed process and of one that runs, each with what waits there."""
    machine = Machine()
    killed(machine)
    running = process(machine)
    running.put(*lines(3))

    found = destination(machine).processes()

    assert sorted((each.running, each.waiting) for each in found) == [(False, 20), (True, 3)]
    assert all(each.segments and each.size and not each.troubles for each in found)
    assert running.take() == lines(3), "it was only looked at"


@pytest.mark.parametrize("operation", ["open", "read"])
def test_a_segment_that_cannot_be_read_is_reported(operation):
    """The error is among the troubles of its process, and its records are not listed."""
    machine = Machine()
    killed(machine)
    seen = destination(machine)
    machine.fail(operation, error=errno.EIO)

    (found,) = seen.processes()

    assert found.waiting == 0
    assert os.strerror(errno.EIO) in found.troubles[0]
    assert list(seen.items()) == []
    machine.mend()
    assert [item for _, (_, item, _) in seen.items()] == lines(20)


@pytest.mark.parametrize("operation", ["open", "folder"])
def test_what_is_delivered_meanwhile_is_not_reported(operation):
    """A segment or a process that is gone at the second look is no trouble."""
    machine = Machine()
    killed(machine)
    seen = destination(machine)
    machine.fail(operation, error=errno.ENOENT)

    assert [(each.segments, each.waiting, each.troubles) for each in seen.processes()] in (
        [],
        [(0, 0, [])],
    )
    assert list(seen.items()) == []


def test_a_running_process_is_neither_moved_nor_purged():
    """What is in use stays where it is; what is gone cannot be moved."""
    machine = Machine()
    running = process(machine)
    running.put(*lines(3))
    seen = destination(machine)
    (one,) = seen.processes()

    assert not seen.purge(one.name)
    assert not seen.move(one.name, seen._disk.enter("/elsewhere"))
    assert not seen.move("1-0123456789abcdef", seen._disk.enter("/elsewhere"))
    assert running.take() == lines(3)


def test_what_an_ended_process_left_is_moved_and_purged():
    """Moved to another directory it is delivered from there; purged it is gone."""
    machine = Machine()
    killed(machine)
    seen = destination(machine)
    (one,) = seen.processes()
    target = seen._disk.enter("/elsewhere")

    assert seen.move(one.name, target)
    assert seen.processes() == []
    moved = SpooledDestination(seen._disk, "elsewhere", target)
    assert [each.waiting for each in moved.processes()] == [20]
    assert moved.purge(one.name)
    assert moved.processes() == []
    assert recovered(machine)[0] == []


def test_damaged_segments_that_were_never_there():
    """A destination without any has none to list or remove."""
    machine = Machine()
    killed(machine)
    seen = destination(machine)
    seen.clear_damaged_segments()

    assert seen.damaged_segments() == []
    seen.close()
    assert not machine.misuse


def test_a_file_among_the_destinations_is_skipped(tmp_path):
    """On a real disk: only directories are destinations."""
    tmp_path.chmod(0o700)
    (tmp_path / "note.txt").write_text("mine")
    (tmp_path / "honeycomb-1").mkdir(0o700)

    with opened_spool(str(tmp_path)) as found:
        assert [each.name for each in found] == ["honeycomb-1"]


@pytest.mark.parametrize("operation", ["enter", "names", "folder", "open", "usage", "lock"])
@pytest.mark.parametrize("skip", [0, 1])
def test_other_accounts_are_found_if_they_can_be_read(operation, skip):
    """What another key left is found; an error while looking raises nothing."""
    machine = Machine()
    killed(machine)
    own = DestinationDir(SAME_PATH, Lines.identity, machine.process(), ACCOUNT)
    own.open()
    (found,) = own.other_accounts()
    machine.fail(operation, error=errno.EMFILE, skip=skip)

    assert found.account == UNKNOWN_ACCOUNT
    assert found.size > 0
    assert set(own.other_accounts()) <= {found}
    assert not machine.misuse


def test_a_salt_that_another_process_makes_is_waited_for():
    """If the other process never finishes, that is an error which says who holds what."""
    machine = Machine()
    disk, other = machine.process(), machine.process()
    base = disk.enter(PATH)
    other.lock(other.enter(PATH), "salt.lock")

    with pytest.raises(OSError, match=r"another process holds salt\.lock"):
        fingerprint(disk, base, ACCOUNT)
    other.kill()
    assert fingerprint(disk, base, ACCOUNT) == fingerprint(disk, base, ACCOUNT)


def test_a_salt_that_cannot_be_read_is_named():
    """The error names the file."""
    machine = Machine()
    disk = machine.process()
    base = disk.enter(PATH)
    fingerprint(disk, base, ACCOUNT)
    machine.fail("open", error=errno.EIO)

    with pytest.raises(OSError, match="its file salt cannot be read"):
        fingerprint(disk, base, ACCOUNT)


@pytest.mark.parametrize(
    ("error", "refused"), [(errno.ENOSPC, False), (errno.EMFILE, False), (errno.EACCES, True)]
)
def test_a_spool_is_refused_if_it_can_never_be_used(error, refused):
    """An error that can pass lets the handler start; any other is a mistake in the options."""
    machine = Machine()
    machine.fail("enter", error=error)
    spool = DestinationDir(PATH, Lines.identity, machine.process())
    expected = pytest.raises(ConfigurationError, match=f"spool='{PATH}' cannot be used")

    with expected if refused else contextlib.nullcontext():
        spool.check()
