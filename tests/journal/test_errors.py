"""The disk fails in every way it can: the application is unaffected, and nothing is lost."""

from __future__ import annotations

import errno
import os
import re

import pytest

from tests.fakes import Network
from tests.journal.bench import Carrier, HandClock, lines, process, recovered
from tests.journal.fakedisk import Machine

ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE]
NAMES = [errno.errorcode[error] for error in ERRORS]
INNER = (
    "enter folder names create append open lock write read size is_linked copy replace sync"
    " rename remove remove_folder usage"
).split()


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_a_disk_that_fails_and_returns(error):
    """Records wait in memory, in order, and on disk again once it works; each change is reported
    once.
    """
    machine, time = Machine(), HandClock()
    network = Network(lambda _: 503)
    one = Carrier(network, machine.process(), time, retry_maximum=1)
    for line in lines(20, b"a"):
        one.put(line)
    machine.fail("create", "append", "write", error=error)
    for line in lines(20, b"b"):
        one.put(line)
    for _ in range(30):
        one.step()
        time.pass_by(3)
    failing = one.stats()
    machine.mend()
    for _ in range(30):
        one.step()
        time.pass_by(3)
    for line in lines(20, b"c"):
        one.put(line)
    returned = one.stats()
    network.behaviour = lambda _: 200
    one.work()

    assert network.accepted == [*lines(20, b"a"), *lines(20, b"b"), *lines(20, b"c")]
    assert failing.pending >= 20
    assert failing.spooled <= 20
    assert returned.spooled >= 20
    spoken = [sentence for sentence in one.said if "/spool" in sentence]
    assert len(spoken) == 2, one.said
    assert "records wait in memory" in spoken[0]
    assert "is used again" in spoken[1]
    stats = one.stats()
    assert (stats.accepted, stats.delivered, stats.dropped) == (60, 60, 0)
    assert not machine.misuse


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
@pytest.mark.parametrize("operations", [["write"], ["enter", "create", "folder", "append"]])
def test_a_disk_that_fails_is_said_by_the_log_call_that_finds_it(operations, error):
    """The first log call that meets a failing disk reports it, with cause and remedy; a worker
    calls the callback in its next turn.
    """
    machine = Machine()
    machine.fail(*operations, error=error)
    one = Carrier(Network(lambda _: 503), machine.process(), HandClock())
    one.put(b"a")
    lines_said = list(one.delivery.lane.diagnostics._said.items())
    before = list(one.said)
    one.step()

    assert [kind for kind, _ in lines_said] == ["spool"]
    assert before == []
    (sentence,) = [each for each in one.said if "spool" in each]
    assert f"the spool /spool cannot be written ({os.strerror(error)})" in sentence
    assert re.search(r"until it can: (free|raise|remount|check) ", sentence)


def test_memory_that_is_full_while_the_disk_fails_is_said():
    """If the disk fails and memory is full too, both are reported."""
    machine = Machine()
    one = Carrier(Network(lambda _: 503), machine.process(), HandClock(), buffer_bytes=2**16)
    machine.fail("write", error=errno.EIO)
    for _ in range(100):
        one.put(b"x" * 900)
    one.step()

    assert one.stats().dropped > 0
    assert any(
        "the spool /spool cannot be written, and the buffer of 65536 bytes is full: records are"
        " dropped" in each
        for each in one.said
    )


def test_a_disk_that_comes_and_goes_is_said_once_a_minute():
    """A disk that fails and recovers over and over for ten minutes is reported ten times, and its
    recovery as often; when it stays up, the last report says that it is used again.
    """
    machine, time = Machine(), HandClock()
    one = Carrier(Network(), machine.process(), time)
    for _ in range(100):
        fault = machine.fail("write", error=errno.ENOSPC)
        one.put(b"a")
        one.work()
        machine.faults.remove(fault)
        time.pass_by(6)
        one.step()
        one.put(b"b")
        one.work()

    failing = [each for each in one.said if "cannot be written" in each]
    again = [each for each in one.said if "is used again" in each]
    assert 9 <= len(failing) <= 11
    assert len(again) == len(failing)
    assert one.stats().spooled == 0
    assert one.stats().balanced


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_a_refused_record_that_cannot_be_kept_is_said(error):
    """If rejected records cannot be stored as the disk fails, a diagnostic says so."""
    machine = Machine()
    one = Carrier(Network(lambda _: 400), machine.process(), HandClock())
    one.put(b"a")
    machine.fail("append", error=error)
    one.work()
    one.step()

    assert one.stats().rejected == 1
    assert any(f"cannot be kept in the spool /spool: {os.strerror(error)}" in s for s in one.said)


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_a_disk_that_fails_from_the_start(error):
    """A handler that starts on a failing disk delivers from memory, and uses the disk later."""
    machine, time = Machine(), HandClock()
    faults = machine.fail("enter", "create", "folder", "append", "write", error=error)
    network = Network()
    one = Carrier(network, machine.process(), time)
    for line in lines(10):
        one.put(line)
    one.work()
    faults.times = 0
    time.pass_by(100)
    one.step()
    one.put(b"later")

    assert one.stats().spooled == 1
    one.work()
    assert network.accepted == [*lines(10), b"later"]


@pytest.mark.parametrize("operation", INNER)
@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE], ids=["EIO", "EMFILE"])
def test_no_error_of_any_operation_leaves(operation, error):
    """Whichever operation fails, and when, no exception is raised and every record arrives."""
    for skip in range(0, 40, 3):
        machine, time = Machine(), HandClock()
        before = process(machine, segment_bytes=150, time=time)
        before.put(*lines(9, b"a"))
        before.end()
        network = Network()
        machine.fail(operation, error=error, skip=skip, times=3)
        one = Carrier(
            network, machine.process(), time, segment_bytes=150, durability="system",
            flush_interval=60,
        )  # fmt: skip
        one.delivery.lane.queue._files._syncer.start = lambda: None
        for line in lines(20, b"b"):
            one.put(line)
            time.pass_by(1)
            one.step()
            one.delivery.lane.queue._files._syncer.sync()
        one.close()
        machine.mend()
        for line in lines(5, b"c"):
            one.put(line)
        one.delivery.flush_now()
        for _ in range(4):
            one.work()
            time.pass_by(61)
            one.step()

        expected = [*lines(9, b"a"), *lines(20, b"b"), *lines(5, b"c")]
        twice = operation in {"write", "append", "open", "read"}  # acknowledgements
        found = network.accepted if not twice else dict.fromkeys(network.accepted)
        assert sorted(found) == sorted(expected), skip
        assert one.stats().balanced
        assert one.stats().pending + one.stats().spooled == 0
        assert not machine.misuse


@pytest.mark.parametrize("written", [0, 1, 19, 20, 23])
def test_a_disk_that_fills_in_the_middle_of_a_record(written):
    """A record that was partly written waits in memory, and its neighbours are read."""
    machine = Machine()
    one = process(machine, segment_bytes=10_000)
    one.put(*lines(3))
    machine.fail("write", written=written, times=1)
    one.put(b"short")
    one.maintain()
    one.put(*lines(3, b"later"))

    assert one.drain() == [*lines(3), b"short", *lines(3, b"later")]
    assert one.lost == []
    assert "damaged" not in " ".join(one.said())
    one.journal.release()
    assert not machine.files() or not [p for p in machine.files() if p.endswith(".seg")]


def test_too_many_files_at_a_rotation():
    """If no new segment can be opened, the present one grows, and nothing waits in memory."""
    machine = Machine()
    one = process(machine, segment_bytes=100)
    one.put(*lines(3))
    machine.fail("create", error=errno.EMFILE)
    before = len([path for path in machine.files() if path.endswith(".seg")])
    one.put(*lines(50, b"more"))

    assert len([path for path in machine.files() if path.endswith(".seg")]) == before
    assert one.journal.spooled == 53
    machine.mend()
    one.put(*lines(20, b"then"))
    assert len([path for path in machine.files() if path.endswith(".seg")]) > before
    assert one.drain() == [*lines(3), *lines(50, b"more"), *lines(20, b"then")]


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_acknowledgements_that_cannot_be_written(error):
    """What was delivered stays delivered for this process; the next one may send it again."""
    machine = Machine()
    one = process(machine, segment_bytes=10_000)
    one.put(*lines(10))
    machine.fail("append", error=error)
    first = one.journal.take(4, 10**6)
    one.journal.settle(first)
    assert one.take() == lines(10)[4:]
    machine.mend()
    second = one.journal.take(4, 10**6)
    assert second == []
    one.end()

    assert recovered(machine)[0] == lines(10)


def test_acknowledgements_that_are_written_in_part():
    """An acknowledgement that a full disk truncated is completed with the next one."""
    for written in range(20):
        machine = Machine()
        one = process(machine, segment_bytes=10_000)
        one.put(*lines(10))
        taken = one.journal.take(10, 10**6)
        machine.fail("write", written=written, times=1)
        one.journal.settle(taken[:3])
        one.journal.settle(taken[3:5])
        one.end()

        assert recovered(machine)[0] == lines(10)[5:]


def test_draining_makes_room_on_a_full_disk():
    """On a full disk delivery goes on; each delivered segment makes room, which is used."""
    machine, time = Machine(), HandClock()
    machine.room = 3_000
    network = Network()
    one = Carrier(network, machine.process(), time, segment_bytes=1_000, batch_count=10)
    for line in lines(200):
        one.put(line)
    full = one.stats()
    one.work(400, 1.0)
    freed, machine.room = machine.room, 100_000
    time.pass_by(100)
    one.step()
    one.put(b"last")

    assert full.pending > 0
    assert full.spooled > 80
    assert freed > 1_500
    assert one.stats().spooled == 1
    one.work()
    assert network.accepted == [*lines(200), b"last"]


def test_a_removal_that_fails_is_tried_again():
    """A segment that cannot be removed is reported once, and removed when it can be."""
    machine = Machine()
    one = process(machine, segment_bytes=100)
    one.put(*lines(20))
    machine.fail("remove", error=errno.EROFS)
    assert one.drain() == lines(20)
    assert len([path for path in machine.files() if path.endswith(".seg")]) > 4
    machine.mend()
    one.maintain()
    one.maintain()

    assert len([path for path in machine.files() if path.endswith(".seg")]) == 1
    assert "cannot be removed" in " ".join(one.said())


@pytest.mark.parametrize("skip", range(6))
def test_a_read_that_fails_loses_nothing(skip):
    """An error while segments are read, this process's or others', costs no record."""
    machine = Machine()
    dead = process(machine, segment_bytes=150)
    dead.put(*lines(20, b"a"))
    dead.end()
    one = process(machine, segment_bytes=150)
    one.put(*lines(20, b"b"))
    machine.fail("read", "open", "size", skip=skip, times=2)
    found = [*one.drain(3), *one.drain(3), *one.drain(3)]

    assert sorted(found) == sorted([*lines(20, b"a"), *lines(20, b"b")])
    assert one.lost == []


def test_a_worker_does_not_spin_for_what_was_deleted():
    """While deleted records are waited for, the worker checks a few times a second, and
    then stops.
    """
    machine, time = Machine(), HandClock()
    one = Carrier(Network(), machine.process(), time)
    for line in lines(5):
        one.put(line)
    machine.remove_tree("/spool")
    turns = 0
    while one.delivery.busy:
        time.pass_by(one.step())
        turns += 1
        assert turns < 4_000

    stats = one.stats()
    assert stats.balanced
    assert stats.dropped == 5
    assert time.now < 1_000 + 200
