"""One process's journal: what is put is taken, once, in order, within its bound."""

from __future__ import annotations

import pytest

from cxlogging.delivery.journal.frames import FRAME_BYTES
from cxlogging.delivery.options import OVERFLOW
from tests.journal.bench import BusyDisk, HandClock, Process, lines, process, recovered
from tests.journal.fakedisk import Machine

OUTAGE = 300.0


def paths(machine, suffix=""):
    return [path for path in machine.files() if path.endswith(suffix)]


def test_order_over_many_segments():
    """Records come out once, in order, over many segments, and the files are removed."""
    machine = Machine()
    one = process(machine, segment_bytes=200)
    one.put(*lines(100))

    assert len(paths(machine, ".seg")) > 10
    assert one.drain() == lines(100)
    assert len(paths(machine, ".seg")) == 1
    assert len(one.journal) == one.journal.spooled == one.journal.bytes_held == 0


def test_limits_of_a_take():
    """A take respects count and bytes, and returns one item however large it is."""
    one = process(Machine(), segment_bytes=10_000)
    one.put(b"x" * 50, b"y" * 3_000, b"z" * 50, b"z" * 50)
    taken = [[len(data) for _, data, _ in one.journal.take(9, 100)] for _ in range(4)]

    assert taken == [[50], [3_000], [50], [50]]
    one.put(*lines(10))
    assert [len(one.journal.take(4, 10**6)) for _ in range(4)] == [4, 4, 2, 0]


def test_counts_are_exact():
    """The counts of waiting items and of bytes held, put and taken are exact after every step."""
    one = process(Machine(), segment_bytes=150)
    journal = one.journal
    taken = []
    for n in range(40):
        one.put(b"%05d" % n)
        if n % 3 == 2:
            taken += journal.take(2, 10**6)
        if n % 7 == 6:
            journal.settle(taken[:3])
            del taken[:3]
        size = 5 + FRAME_BYTES
        waiting = len(journal)
        assert waiting == journal.spooled
        assert journal.bytes_in - journal.bytes_out == waiting * size
        assert journal.bytes_held == (waiting + len(taken)) * size


@pytest.mark.parametrize("overflow", OVERFLOW)
def test_overflow(overflow):
    """Near the bound each policy behaves on disk as in memory, and every loss is counted."""
    one = process(
        Machine(),
        segment_bytes=200_000,
        overflow=overflow,
        spool_bytes=200_000,
        block_timeout=0,
    )
    size = 1_000 - FRAME_BYTES
    items = [(10, 20, 30, 40)[n % 4] for n in range(1_000)]
    results = [one.put(b"%04d" % n + b"." * (size - 4), level=level)[0]
               for n, level in enumerate(items)]  # fmt: skip
    journal = one.journal
    kept = [int(data[:4]) for data in one.take()]

    assert journal.bytes_held <= 200_000
    assert len(kept) == results.count(True) - len(one.lost)
    assert kept == sorted(kept)
    if overflow == "drop_oldest":
        assert all(results)
        assert kept[-1] == 999
        assert len(one.lost) == journal.evicted == 1_000 - len(kept)
        assert len(kept) >= 120
    else:
        assert len(kept) == 200
        assert not one.lost
    if overflow == "shed":
        levels = [items[n] for n in kept]
        assert levels[-10:] == [40] * 10
        assert levels[:100] == items[:100]


def test_the_bound_is_shared_with_other_processes():
    """What other processes hold of the spool is not available to this one."""
    machine, time = Machine(), HandClock()
    one = process(machine, spool_bytes=16_000, overflow="drop_newest", time=time)
    two = process(machine, spool_bytes=16_000, overflow="drop_newest", time=time)
    one.put(*[b"x" * 80] * 120)
    two.maintain()
    assert 3_000 < two.journal.bound < 4_500
    two.put(*[b"x" * 80] * 120)
    assert two.journal.bytes_held <= two.journal.bound

    one.put(*[b"x" * 80] * 60)
    assert one.journal.bytes_held + two.journal.bytes_held <= 16_000
    three = process(machine, spool_bytes=16_000, overflow="drop_newest", time=time)
    three.maintain()
    assert three.journal.bound < 500
    one.drain()
    two.maintain()
    assert two.journal.bound > 15_000


def test_a_level_that_no_frame_holds():
    """A level beyond 32 bits is stored as the nearest that fits."""
    one = process(Machine())
    for level in (2**40, -(2**40), 2**31 - 1, -(2**31)):
        assert one.put(b"x", level=level) == [True]

    levels = [level for level, _, _ in one.take_items()]
    assert levels == [2**31 - 1, -(2**31), 2**31 - 1, -(2**31)]
    assert len(one.journal) == 0


def test_release_and_begin_anew():
    """After a release, the journal leaves no files; the next record opens it again."""
    machine = Machine()
    one = process(machine)
    one.put(*lines(5, b"a"))
    one.journal.release()
    assert one.take() == lines(5, b"a")  # something waits: nothing is released

    one.put(*lines(5, b"b"))
    assert one.drain() == lines(5, b"b")
    one.journal.release()
    assert len(paths(machine, ".seg")) == 1  # five of them were taken, and have no outcome

    before = paths(machine)
    again = process(machine)
    again.put(*lines(3, b"c"))
    assert again.drain() == lines(3, b"c")
    again.journal.release()
    assert not again.disk.open_files
    again.put(*lines(2, b"d"))
    assert again.drain() == lines(2, b"d")
    again.journal.release()
    assert not again.disk.open_files
    assert paths(machine) == before
    assert not machine.misuse


@pytest.mark.parametrize("step", ["remove", "remove_folder", "is_linked", "names"])
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_record_in_the_middle_of_a_release(step, skip):
    """A log call in another thread during a release loses nothing."""
    machine = Machine()
    one = process(machine, segment_bytes=100)
    one.put(*lines(4, b"a"))
    one.drain()
    left = [skip]

    def meanwhile(name, *_):
        if name == step:
            left[0] -= 1
            if left[0] == -1:
                one.put(*lines(3, b"b"))

    machine.watch = meanwhile
    one.journal.release()
    machine.watch = None
    one.put(*lines(3, b"c"))

    waiting = [*(lines(3, b"b") if left[0] < 0 else []), *lines(3, b"c")]
    assert len(one.journal) == len(waiting)
    assert not machine.misuse
    one.end()
    assert recovered(machine)[0] == waiting


def test_a_long_outage_gives_nothing_up():
    """Full segments that wait longer than any grace period, partly read, are not given up."""
    machine = Machine()
    one = process(machine, segment_bytes=400)
    one.put(*lines(100))
    taken = one.journal.take(3, 10**6)
    for _ in range(10):
        one.maintain(OUTAGE / 10)
    one.put(*lines(10, b"later"))
    for _ in range(10):
        one.maintain(OUTAGE / 10)

    assert one.lost == []
    assert len(one.journal) == 107
    one.journal.settle(taken)
    assert one.drain() == [*lines(100)[3:], *lines(10, b"later")]
    assert len(one.journal) == one.journal.bytes_held == 0


def test_a_frame_after_one_that_was_cut_short():
    """A record after a torn one, in a segment that still grows, is delivered and counted."""
    machine = Machine()
    one = process(machine, segment_bytes=10_000)
    one.put(b"first")
    machine.fail("write", times=1, written=FRAME_BYTES + 2)

    def another_thread(name, *details):
        if name == "write" and b"short" in details[1]:
            machine.watch = None
            machine.faults.append(machine.faults.pop())
            one.journal._appender.write(one.journal._fd, b"")  # the short one comes first

    machine.watch = another_thread
    fd = one.journal._fd
    one.put(b"short" * 60)
    one.journal._fd = fd  # a thread that was about to write when the disk failed
    one.put(b"second")
    one.journal._fd = -1
    for _ in range(20):
        one.maintain()
    found = one.drain()

    assert sorted(found) == sorted([b"first", b"second", b"short" * 60])
    assert one.lost == []
    assert len(one.journal) == one.journal.bytes_held == 0


def test_what_was_deleted_is_given_up():
    """If the spool is removed, its records are counted as lost, and logging goes on."""
    machine = Machine()
    one = process(machine, segment_bytes=400, spool_bytes=4_000, overflow="drop_newest")
    one.put(*lines(100))
    machine.remove_tree("/spool")
    for _ in range(12):
        one.maintain()
        one.take()

    assert "was removed" in " ".join(one.said())
    assert len(one.journal) == 0
    assert len(one.lost) == 100
    one.maintain()
    assert one.journal.bytes_held == 0
    assert one.put(*lines(100, b"b")) == [True] * 100
    assert one.drain() == lines(100, b"b")
    assert not machine.misuse


def test_a_process_that_only_looks_notices_a_removal():
    """A process that has logged nothing reports that the spool was removed, and finds what others
    leave in the new one.
    """
    machine = Machine()
    one = process(machine)
    one.maintain()
    machine.remove_tree("/spool")
    one.maintain()
    other = process(machine)
    other.put(*lines(5))
    other.end()

    assert "was moved away or removed: a new one is made at its path" in " ".join(one.said())
    one.maintain()
    assert one.drain() == lines(5)
    one.journal.release()
    assert not one.disk.open_files
    assert not machine.misuse


def test_a_segment_that_was_deleted_is_noticed():
    """If only the growing segment is removed, a new one is begun."""
    machine = Machine()
    one = process(machine, segment_bytes=10_000)
    one.put(*lines(3))
    for folder in machine.folders():
        for name in [name for name in folder.names if name.endswith(".seg")]:
            folder.unlink(name)
    one.maintain()
    one.put(*lines(5, b"b"))
    found = one.drain()
    for _ in range(12):
        one.maintain()
        found += one.take()

    assert found == lines(5, b"b")
    assert len(one.lost) == 3
    assert len(one.journal) == 0


def test_eviction_from_the_memory_fallback():
    """What "drop_oldest" evicts from the memory fallback counts once, and makes room."""
    machine = Machine()
    one = process(machine, overflow="drop_oldest", buffer_bytes=2_000, spool_bytes=10**6)
    machine.fail("create", "write")
    one.put(*lines(100))
    journal = one.journal
    kept = len(journal)

    assert journal.evicted == len(one.lost) == 100 - kept
    assert journal.bytes_in - journal.bytes_out == kept * (5 + FRAME_BYTES)
    machine.mend()
    assert one.drain() == lines(100)[-kept:]
    assert journal.bytes_held == 0


def test_an_interrupted_append():
    """On KeyboardInterrupt before or after a write, the exception propagates, the counts stay
    exact, and all numbers drawn have left the queue: a flush that waits for them ends.
    """
    for when in ("before", "after"):
        machine = Machine()
        one = Process(BusyDisk(machine))
        one.put(b"a")

        def interrupt():
            raise KeyboardInterrupt

        setattr(one.disk, when, interrupt)
        with pytest.raises(KeyboardInterrupt):
            one.put(b"b")
        delattr(one.disk, when)
        one.put(b"c")
        found = one.drain()

        assert found == ([b"a", b"c"] if when == "before" else [b"a", b"b", b"c"])
        assert len(one.journal) == 0
        assert len(found) + one.journal.evicted == one.journal.items_in == 3
        one.maintain()
        assert one.journal.bytes_held == 0


@pytest.mark.parametrize("operation", ["create", "folder", "enter", "lock", "write", "replace"])
def test_a_signal_handler_that_logs_while_files_are_opened(operation):
    """A log call during opening or rotating waits for nothing and loses nothing."""
    machine = Machine()
    one = process(machine, segment_bytes=100)
    depth = [0]

    def handler(name, *_):
        if name == operation and not depth[0]:
            depth[0] += 1
            one.put(b"signal")
            depth[0] -= 1

    machine.watch = handler
    one.put(*lines(12))
    machine.watch = None
    found = one.drain()

    assert [item for item in found if item != b"signal"] == lines(12)
    assert found.count(b"signal") >= (operation != "replace")
    assert len(one.journal) == one.journal.bytes_held == 0
    assert not machine.misuse
