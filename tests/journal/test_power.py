"""The power fails: of what was written since the last sync, anything may be missing."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.journal.bench import lines, process, recovered
from tests.journal.fakedisk import Machine
from tests.journal.fuzz import examples


def system(machine, **options):
    one = process(machine, durability="system", flush_interval=1, **options)
    one.journal._files._syncer.start = lambda: None  # the test says when it is synced
    return one


def sync(one):
    one.journal._files._syncer.sync()


def steps(machine):
    nodes = [*machine.files().values(), *machine.folders()]
    return sum(len(node.pending) for node in nodes)


def test_what_was_synced_survives_every_loss():
    """After a sync, whichever of the later writes reach the disk, nothing that was synced is
    missing.
    """
    machine = Machine()
    one = system(machine, segment_bytes=150)
    one.put(*lines(8, b"synced"))
    sync(one)
    one.put(*lines(3, b"later"))
    pending = steps(machine)

    assert 3 <= pending <= 12
    for choice in itertools.product([True, False], repeat=pending):
        chosen = iter(choice)
        found, _ = recovered(machine.after_power_loss(lambda chosen=chosen: next(chosen)))
        assert set(lines(8, b"synced")) <= set(found)
        assert set(found) <= {*lines(8, b"synced"), *lines(3, b"later")}
        assert len(found) == len(set(found))
        assert [item for item in found if item in lines(8, b"synced")] == lines(8, b"synced")


def test_any_suffix_may_be_missing():
    """If the disk has what was written up to some moment, what was synced is there."""
    machine = Machine()
    one = system(machine, segment_bytes=150)
    one.put(*lines(2, b"synced"))
    sync(one)
    one.put(*lines(30, b"later"))
    pending = steps(machine)
    for kept in range(pending + 1):
        left = itertools.count()
        image = machine.after_power_loss(lambda left=left, kept=kept: next(left) < kept)
        found, _ = recovered(image)
        assert found[:2] == lines(2, b"synced")


@examples(120)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_a_delivery_at_work(seed, kept):
    """
    Whenever the power fails during delivery, nothing synced and undelivered is lost.

    What was delivered may arrive again, as its acknowledgement may be missing.
    """
    chance = random.Random(seed)
    machine = Machine()
    one = system(machine, segment_bytes=chance.choice([100, 200, 1_000]))
    put, synced, delivered = [], set(), set()
    for _ in range(chance.randrange(60)):
        what = chance.random()
        if what < 0.6:
            put.append(b"%05d" % len(put))
            one.put(put[-1])
        elif what < 0.75:
            sync(one)
            synced.update(put)
        elif what < 0.95:
            taken = one.journal.take(chance.randint(1, 5), 10**6)
            one.journal.settle(taken)
            delivered.update(data for _, data, _ in taken)
        else:
            one.maintain()
    image = machine.after_power_loss(lambda: chance.random() < kept)
    found, _ = recovered(image)

    assert synced - delivered <= set(found)
    assert set(found) <= set(put)
    assert len(found) == len(set(found))


@examples(60)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_without_syncs_recovery_never_fails(seed, kept):
    """With durability "process", a power failure may cost records, and nothing else."""
    chance = random.Random(seed)
    machine = Machine()
    one = process(machine, segment_bytes=150)
    one.put(*lines(20))
    one.journal.settle(one.journal.take(7, 10**6))
    image = machine.after_power_loss(lambda: chance.random() < kept)
    found, successor = recovered(image)

    assert set(found) <= set(lines(20))
    successor.put(b"next")
    assert successor.drain() == [b"next"]


def test_the_thread_that_syncs(tmp_path):
    """With durability "system" a thread syncs what is written, and ends with the journal."""
    from cxlogging.delivery.clock import Clocks
    from cxlogging.delivery.journal.disk import Disk
    from tests.delivery.test_delivery import wait_until as until
    from tests.journal.bench import HandClock, Process

    class Watched(Disk):
        synced = 0

        def sync(self, fd):
            super().sync(fd)
            self.synced += 1

    disk, time = Watched(), HandClock()
    time.clock = Clocks()
    before = len(list(Path("/proc/self/task").iterdir()))
    one = Process(
        disk, tmp_path / "spool", time=time, durability="system", flush_interval=0.01,
        segment_bytes=300,
    )  # fmt: skip
    one.put(*lines(50))
    until(lambda: disk.synced >= 3)
    assert not one.said()
    one.drain()
    one.journal.release()
    until(lambda: len(list(Path("/proc/self/task").iterdir())) == before)
