"""Copies in memory of what was just written: each item once, at its correct position on disk."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.journal.frames import (
    FRAME_BYTES,
    HEADER_BYTES,
    MAGIC_BYTES,
    DecodedFrame,
    frame_at,
)
from cxlogging.delivery.journal.reading import SegmentStart
from cxlogging.delivery.journal.segment import SEGMENT_SPAN
from tests.journal.bench import BusyDisk, CountingDisk, Process, lines, process
from tests.journal.fakedisk import Machine
from tests.journal.fuzz import examples

SECONDS = 30


def on_fake_disk(machine, position):
    """Return the items at the offset of *position* in the segments of a machine."""
    segments = [node.data for path, node in machine.files().items() if path.endswith(".seg")]
    return [framed(bytes(data), position % SEGMENT_SPAN) for data in segments]


def newest(machine):
    """Return the number of the newest segment, from its name."""
    return max(int(path[-12:-4]) for path in machine.files() if path.endswith(".seg"))


def framed(data, offset):
    mark = data[HEADER_BYTES : HEADER_BYTES + MAGIC_BYTES]
    found = frame_at(data, offset, mark, 0)
    return found.item if isinstance(found, DecodedFrame) else None


def take_checked(one, machine, count=1_000, size=10**9):
    """Take items, and compare each with what is at its position."""
    items = one.journal.take(count, size)
    for _, data, position in items:
        # Position 0: a call within the one that opens the spool waits in memory.
        assert not position or data in on_fake_disk(machine, position)
    return items


def once(disk, moment, action):
    """Have *action* happen at one write only, and not at its own."""

    def happen():
        setattr(disk, moment, lambda: None)
        action()

    setattr(disk, moment, happen)


def test_a_worker_that_keeps_up_reads_nothing_back():
    """Over many segments only the beginnings of files are read."""
    machine = Machine()
    one = Process(CountingDisk(machine), segment_bytes=2_000, recent_bytes=2_500)
    for n in range(50):
        batch = lines(20, b"%03d-" % n)
        one.put(*batch)
        items = take_checked(one, machine)
        while len(items) < 20:  # a take gives items of one segment
            items += take_checked(one, machine)
        assert [data for _, data, _ in items] == batch
        one.journal.settle(items)

    segments = newest(machine)
    assert segments > 10
    assert one.disk.count <= segments * (HEADER_BYTES + MAGIC_BYTES)


def test_what_the_worker_does_not_keep_up_with_is_read():
    """No more is copied than was asked for; the rest is read from the disk, in order."""
    machine = Machine()
    one = Process(CountingDisk(machine), segment_bytes=10**6, recent_bytes=200)
    one.put(*lines(100))

    items = take_checked(one, machine)
    items += take_checked(one, machine)
    assert [data for _, data, _ in items] == lines(100)
    assert not one.journal.take(9, 99)
    assert one.disk.count > 90 * (FRAME_BYTES + 5)


def test_copies_begin_again_with_a_segment():
    """After the worker has fallen behind, the next segment is copied again."""
    machine = Machine()
    one = Process(CountingDisk(machine), segment_bytes=1_000, recent_bytes=500)
    one.put(*lines(60))
    assert [data for _, data, _ in one.take_items()] == lines(60)
    before = one.disk.count
    for item in lines(60, b"x"):
        one.put(item)
        assert one.take() == [item]
    assert one.disk.count > before
    before = one.disk.count
    one.put(b"y")

    assert one.take() == [b"y"]
    assert one.disk.count == before


@pytest.mark.parametrize("moment", ["before", "after"])
def test_copies_begin_again_after_trouble(moment):
    """After a write that failed, and one that was interrupted, the next segment is copied."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=500)

    def interrupted():
        raise KeyboardInterrupt

    one.put(b"first")
    machine.fail("write", times=1)
    one.put(b"in memory")
    machine.mend()
    one.maintain(70.0)
    once(one.disk, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.put(b"interrupted")
    found = one.take()
    for item in lines(40):
        one.put(item)
        found += one.take()

    assert one.journal.spooled == 0
    before = one.disk.count
    one.put(b"copied")
    assert one.take() == [b"copied"]
    assert one.disk.count == before
    written = [b"interrupted"] if moment == "after" else []
    assert sorted(found) == sorted([*lines(40), b"first", b"in memory", *written])


def test_copies_behind_a_call_that_was_interrupted():
    """A number that was drawn and never written is resolved, with copies behind it."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=100)

    def interrupted():
        raise KeyboardInterrupt

    one.put(b"opens the files")
    once(one.disk, "before", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.put(b"interrupted")
    one.put(*lines(20))

    assert one.take() == [b"opens the files", *lines(20)]
    assert len(one.journal) == one.journal.spooled == 0


def test_copies_begin_again_after_a_release():
    """Files that were released just after a segment began leave no stale copies."""
    machine = Machine()
    one = Process(CountingDisk(machine), segment_bytes=60)
    one.put(b"fills a segment, and more")
    one.put(b"fills a segment, and more")
    one.journal.settle(one.journal.take(9, 10**6))
    assert newest(machine) == 2
    one.journal.release()
    one.disk.count = 0
    one.put(b"x", b"y")

    assert one.take() == [b"x", b"y"]
    assert one.disk.count <= HEADER_BYTES + MAGIC_BYTES


def test_a_wrong_start_is_not_used():
    """Copies are taken from where they were announced to begin, or not at all."""
    machine = Machine()
    one = process(machine, segment_bytes=10**6)
    journal = one.journal
    one.put(b"first")
    assert one.take() == [b"first"]
    journal.fold()
    one.put(b"second")
    journal._recent.until = 10**6
    journal._recent.copies.append(SegmentStart(1, 2))
    one.put(b"third")
    found = take_all_checked(one, machine)

    assert [data for _, data, _ in found] == [b"second", b"third"]


def test_a_thread_that_waited_for_the_files():
    """A thread that finds the files open does not trust copies of what others wrote meanwhile."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=10**6)
    journal = one.journal
    one.put(b"first")
    once(one.disk, "before", lambda: one.put(b"inner"))
    one.put(b"outer")
    journal.fold()
    journal._files.open(journal._magic, journal._use)
    one.put(b"last")
    found = take_all_checked(one, machine)

    assert [data for _, data, _ in found] == [b"first", b"inner", b"outer", b"last"]


def test_copies_that_are_out_of_order_are_not_used():
    """A copy that was added too late, or twice, is read from the disk instead."""
    machine = Machine()
    one = process(machine, segment_bytes=10**6)
    one.put(b"first")
    one.put(b"second and longer", b"third")
    line = one.journal._recent.copies
    line[2], line[3] = line[3], line[2]
    found = take_all_checked(one, machine)
    line.append((20, b"third", 3))
    one.put(b"fourth")
    found += take_all_checked(one, machine)

    wanted = [b"first", b"second and longer", b"third", b"fourth"]
    assert [data for _, data, _ in found] == wanted


def test_a_copy_that_comes_after_the_item_was_read():
    """What was read from the disk is not taken again from a late copy."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=10**6)
    one.put(b"first")
    assert one.take() == [b"first"]
    once(one.disk, "before", lambda: one.put(b"inner"))
    one.put(b"outer")
    assert one.take() == [b"inner", b"outer"]
    one.journal._recent.copies.append((20, b"outer", 2))
    one.put(b"last")

    assert one.take() == [b"last"]


@pytest.mark.parametrize("ends", ["at once", "late"])
def test_another_call_at_every_line(ends):
    """At whichever line of a call another thread logs, each item is taken once, and correctly."""
    for line in range(200):
        if not another_call_at(line, ends):
            assert line > 50
            return
    pytest.fail("the call has no end")


def another_call_at(line, ends):
    """Log in another thread at the *line*-th line of a call; return False if it has fewer."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=150)
    over, written = threading.Event(), threading.Event()
    left = [line]

    def stay():
        one.disk.after = lambda: None
        written.set()
        over.wait(SECONDS)

    def log():
        if ends == "late":
            one.disk.after = stay
        one.put(b"other, and longer than what it meets")
        written.set()

    other = threading.Thread(target=log)

    def trace(frame, event, argument):
        if not frame.f_code.co_filename.endswith("journal.py"):
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == -1:
                other.start()
                assert written.wait(SECONDS)
        return trace

    one.put(b"opens the files")
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        one.put(*lines(5))
    finally:
        sys.settrace(before)
    taken = take_all_checked(one, machine)
    over.set()
    if left[0] >= 0:
        return False
    other.join(SECONDS)
    one.put(*lines(3, b"x"))
    for _ in range(3):  # an item that is not there at once
        taken += take_all_checked(one, machine)
    assert sorted(data for _, data, _ in taken) == sorted(
        [
            b"opens the files",
            *lines(5),
            b"other, and longer than what it meets",
            *lines(3, b"x"),
        ]
    )
    return True


def test_a_missing_copy():
    """An item on disk whose copy is missing is read in the end."""
    machine = Machine()
    one = process(machine, segment_bytes=10**6)
    one.put(b"first")
    one.put(b"second")
    one.journal._recent.copies.pop()

    assert one.take() == [b"first"]
    assert one.take() == []
    assert one.take() == [b"second"]


def test_a_removed_segment():
    """Copies of a file that was removed before it was opened do not stay in memory."""
    machine = Machine()
    one = process(machine, segment_bytes=300)
    one.put(*lines(20))
    folder = next(each for each in machine.folders() if "00000001.seg" in each.names)
    folder.unlink("00000001.seg")
    found = one.take()

    assert found == lines(20)[-len(found) :]
    assert found
    assert not one.journal._recent.copies


def test_an_outage_leaves_no_copies():
    """During an outage records are on disk only, and all of them are there."""
    machine = Machine()
    one = Process(CountingDisk(machine), segment_bytes=500)
    wanted = [*lines(30), *lines(30, b"x")]
    one.put(*wanted[:30])
    one.journal.fold()
    one.put(*wanted[30:])
    one.journal.fold()
    before = one.disk.count

    assert [data for _, data, _ in take_all_checked(one, machine)] == wanted
    assert one.disk.count - before >= sum(FRAME_BYTES + len(data) for data in wanted)


def take_all_checked(one, machine):
    return list(itertools.chain.from_iterable(iter(lambda: take_checked(one, machine), [])))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_log_call_within_a_log_call(moment, count):
    """Items of calls that overlap are taken once each, from their correct positions."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=10**6)
    one.put(*lines(3))
    once(one.disk, moment, lambda: one.put(*lines(count, b"longer-")))
    one.put(b"outer")
    one.put(*lines(3, b"x"))

    found = sorted(data for _, data, _ in take_all_checked(one, machine))
    assert found == sorted([*lines(3), *lines(count, b"longer-"), b"outer", *lines(3, b"x")])
    assert len(one.journal) == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_take_within_a_log_call(moment):
    """A worker that takes in the middle of a call takes nothing twice and leaves nothing."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=10**6)
    taken = []
    one.put(b"first")
    once(one.disk, moment, lambda: taken.extend(take_all_checked(one, machine)))
    one.put(b"second")
    one.put(b"third")
    taken += take_all_checked(one, machine)

    assert [data for _, data, _ in taken] == [b"first", b"second", b"third"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_overlap_that_the_worker_sees(moment):
    """If a call ends while another is still running, both items are read, each once."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=10**6)
    taken = []

    def meanwhile():
        one.put(b"inner, and longer")
        taken.extend(take_all_checked(one, machine))

    one.put(b"first")
    once(one.disk, moment, meanwhile)
    one.put(b"outer")
    taken += take_all_checked(one, machine)

    assert sorted(data for _, data, _ in taken) == [b"first", b"inner, and longer", b"outer"]
    assert len(one.journal) == 0


def test_the_order_of_the_disk_is_not_the_order_of_the_ends():
    """If a call writes first and ends last, both items are taken from their correct positions."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=10**6)
    one.put(b"first")
    drawn, written, ended = threading.Event(), threading.Event(), threading.Event()
    taken = []

    def before():  # of the call that draws its number first: it writes second, and ends first
        one.disk.before = lambda: None
        drawn.set()
        written.wait(SECONDS)

    def after():
        one.disk.after = lambda: None
        written.set()
        ended.wait(SECONDS)

    def early():
        one.put(b"drew first, and is longer")
        taken.extend(take_all_checked(one, machine))
        ended.set()

    one.disk.before, one.disk.after = before, after
    thread = threading.Thread(target=early)
    thread.start()
    assert drawn.wait(SECONDS)
    one.put(b"wrote first")
    thread.join(SECONDS)
    taken += take_all_checked(one, machine)

    wanted = [b"drew first, and is longer", b"first", b"wrote first"]
    assert sorted(data for _, data, _ in taken) == wanted


def test_a_call_that_overlaps_a_new_segment():
    """An item of a call between the old segment and the new one is where it was written."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=300)
    fresh = []

    def watch(name, *_):
        if name == "replace" and not fresh:
            fresh.append(True)
            one.put(b"between, and longer")

    machine.watch = watch
    one.put(*lines(40))
    machine.watch = None
    found = [data for _, data, _ in take_all_checked(one, machine)]

    assert fresh
    assert sorted(found) == sorted([*lines(40), b"between, and longer"])


def test_a_call_that_ends_after_a_new_segment_began():
    """An item that was written to the old segment is not taken for one of the new."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=150)
    written, over = threading.Event(), threading.Event()

    def after():
        one.disk.after = lambda: None
        written.set()
        over.wait(SECONDS)

    late = threading.Thread(target=lambda: one.put(b"late, and longer than the others"))

    def watch(name, *_):
        if name == "replace":
            machine.watch, one.disk.after = None, after
            late.start()
            written.wait(SECONDS)

    machine.watch = watch
    one.put(*lines(6))
    assert written.is_set()
    over.set()  # while nobody logs
    late.join(SECONDS)
    one.put(*lines(2, b"x"))
    found = sorted(data for _, data, _ in take_all_checked(one, machine))

    assert found == sorted([*lines(6), b"late, and longer than the others", *lines(2, b"x")])


def test_a_call_that_writes_to_a_new_segment_first():
    """Behind an item of a call that began in the old segment nothing is taken too early."""
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=220)
    drawn, begun, written, over = [threading.Event() for _ in range(4)]

    def before():
        one.disk.before = lambda: None
        drawn.set()
        begun.wait(SECONDS)
        one.disk.after = after

    def after():
        one.disk.after = lambda: None
        written.set()
        over.wait(SECONDS)

    one.put(*lines(3))
    one.disk.before = before
    other = threading.Thread(target=lambda: one.put(b"other, and longer than the others"))
    other.start()
    assert drawn.wait(SECONDS)
    one.put(b"uncopied")
    taken = take_all_checked(one, machine)
    assert newest(machine) == 1
    one.put(b"begins a segment" + b"." * 60)
    assert newest(machine) == 2
    begun.set()
    assert written.wait(SECONDS)
    one.put(*lines(3, b"x"))
    taken += take_all_checked(one, machine)
    over.set()
    other.join(SECONDS)
    taken += take_all_checked(one, machine)

    assert len(taken) == 9
    assert len(one.journal) == 0


def test_failed_writes_end_the_copies():
    """After a write that failed or was torn nothing is taken from a wrong position."""
    machine = Machine()
    one = process(machine, segment_bytes=10**6)
    one.put(*lines(3))
    machine.fail("write", written=7, times=1)
    one.put(b"torn", b"in memory")
    machine.mend()
    one.maintain(70.0)
    one.put(*lines(3, b"x"))

    wanted = sorted([*lines(3), b"torn", b"in memory", *lines(3, b"x")])
    assert sorted(one.drain()) == wanted
    one.maintain()
    assert sum(path.endswith(".seg") for path in machine.files()) == 1


@examples(150)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(1, 30), st.integers(0, 90)),
            st.tuples(st.just("take"), st.integers(1, 20), st.integers(1, 900)),
            st.tuples(st.just("nested"), st.sampled_from(["before", "after"]), st.integers(0, 90)),
            st.tuples(st.just("fold"), st.none(), st.none()),
            st.tuples(st.just("release"), st.none(), st.none()),
        ),
        max_size=30,
    ),
    st.sampled_from([0, 150, 700, 10**6]),
    st.sampled_from([200, 900, 10**6]),
)
def test_whatever_happens(steps, recent_bytes, segment_bytes):
    """In whatever order calls, takes, folds and releases happen, each item is taken once,
    correctly.
    """
    machine = Machine()
    one = Process(BusyDisk(machine), segment_bytes=segment_bytes, recent_bytes=recent_bytes)
    numbers = itertools.count()
    made, taken = [], []

    def put(size):
        made.append(b"%05d" % next(numbers) + b"." * size)
        one.put(made[-1])

    for kind, first, second in steps:
        if kind == "put":
            for _ in range(first):
                put(second)
        elif kind == "take":
            items = take_checked(one, machine, first, second)
            taken += [data for _, data, _ in items]
            one.journal.settle(items)
        elif kind == "nested":
            once(one.disk, first, lambda size=second: put(size))
            put(3)
        elif kind == "fold":
            one.journal.fold()
        else:
            one.journal.release()
    taken += [data for _, data, _ in take_all_checked(one, machine)]

    assert sorted(taken) == sorted(made)
    assert len(one.journal) == one.journal.spooled == 0
    assert one.journal.bytes_in == one.journal.bytes_out


@pytest.fixture(params=[False, True], ids=["plain", "debugger"])
def count(request):
    """Return how many items a thread logs; a debugger switches threads at every line of the
    journal.
    """
    if not request.param:
        yield 1_500
        return

    def trace(frame, event, argument):
        if "journal" not in frame.f_code.co_filename:
            return None
        time.sleep(0)
        return trace

    before = threading.gettrace()
    threading.settrace(trace)
    yield 150
    threading.settrace(before)


def test_threads(tmp_path, count):
    """While many threads log, each item is taken once, from its correct position."""
    one = Process(Disk(), tmp_path / "spool", segment_bytes=20_000)
    over = threading.Event()
    taken = []

    def log(thread):
        for n in range(count):
            one.put(b"%d-%05d" % (thread, n) + b"." * (n % 50))

    def work():
        last = False
        while not last:
            last = over.is_set()
            with one.lock:
                while items := one.journal.take(100, 10**6):
                    taken.extend(items)
                    check(items)

    def check(items):
        folder = next(each for each in tmp_path.glob("spool/*/*") if each.is_dir())
        path = folder / f"{items[0][2] // SEGMENT_SPAN:08d}.seg"
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
            for _, data, position in items:
                assert framed(content, position % SEGMENT_SPAN) == data
                checked.append(data)

    checked: list[bytes] = []
    worker = threading.Thread(target=work)
    worker.start()
    threads = [threading.Thread(target=log, args=(thread,)) for thread in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS)
    over.set()
    worker.join(SECONDS)

    wanted = {b"%d-%05d" % (thread, n) for thread in range(4) for n in range(count)}
    assert len(taken) == len(wanted)
    assert {data[:7] for _, data, _ in taken} == wanted
    assert len(checked) == len(wanted)
