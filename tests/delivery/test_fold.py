"""In an outage, what waits in memory is compressed (folded), and unchanged when it is sent."""

from __future__ import annotations

import _thread
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.options import Options
from cxlogging.delivery.queue.folding import Folded
from cxlogging.delivery.queue.memory import FOLD_BYTES, ITEM_OVERHEAD, MOST_FOLD_BYTES, MemoryQueue
from cxlogging.delivery.worker.in_flight import Batch
from cxlogging.delivery.worker.pacing import FIRST_BATCH, NEVER, Pace
from cxlogging.wire.http import Limits
from tests.fakes import LIMITS, Network, broken, delivery

ITEMS = st.tuples(st.integers(-(2**62), 2**62), st.binary(max_size=300), st.integers(0, 2**62))
ROOMY = Limits(10_000, 2**20, 2**20, 10_000, 0, auto=())


def buffer(**options) -> MemoryQueue:
    return MemoryQueue(Options.parse(options), Clocks(), lambda level: None, _thread.RLock())


@given(st.lists(ITEMS, min_size=1, max_size=50))
def test_items_are_the_same_again(items):
    """Folded items are the same, and in the same order, after unfolding."""
    folded = Folded(items)

    assert len(folded) == len(items)
    assert folded.items() == items


def test_a_level_that_no_machine_word_holds():
    """A level that needs more than 64 bits is folded as the nearest one that fits."""
    items = [(10**30, b"x", 0), (-(10**30), b"y", 0)]

    assert [level for level, _, _ in Folded(items).items()] == [2**63 - 1, -(2**63)]


@given(st.data())
def test_folding_changes_nothing_but_the_size(data):
    """Put, take, fold and settle in any order: items leave the queue in the order of their put."""
    line = buffer(buffer_bytes=2**30, overflow="drop_newest")
    came, taken = 0, 0
    for action in data.draw(st.lists(st.sampled_from(["put", "fold", "take"]), max_size=20)):
        if action == "put":
            for _ in range(300):
                assert line.put((came % 7, b"%06d" % came + b"x" * 500, 0))
                came += 1
        elif action == "fold":
            line.fold()
        else:
            items = line.take(data.draw(st.integers(1, 700)), NEVER)
            assert items == [
                (n % 7, b"%06d" % n + b"x" * 500, 0) for n in range(taken, taken + len(items))
            ]
            taken += len(items)
            line.settle(items)
        assert len(line) == came - taken

    rest = line.take(NEVER, NEVER)
    line.settle(rest)
    assert len(rest) == came - taken
    assert (line.bytes_held, len(line), line.bytes_in) == (0, 0, line.bytes_out)


def test_folding_makes_room():
    """Folded records count with the bytes that they take when folded."""
    line = buffer(buffer_bytes=2**20, overflow="drop_newest")
    count = 0
    while line.put((20, b"order %06d placed, thank you" % count, 0)):
        count += 1
    full = line.bytes_held
    while line.fold():
        pass

    assert line.bytes_held < full / 5
    assert line.put((20, b"one more", 0))
    assert len(line) == count + 1


def test_where_much_waits_more_is_folded_at_once():
    """
    The longer the queue, the more is folded at once: a fold takes its time beside a busy
    application.
    """
    line = buffer(buffer_bytes=2**30, overflow="drop_newest")
    sizes = []
    for held in (FOLD_BYTES, 4 * 2**20, 16 * 2**20, 64 * 2**20):
        while line.bytes_held < held:
            line.put((20, bytes(1_000), 0))
        waiting = line.bytes_held
        line.fold()
        sizes.append(waiting - line.bytes_held)
        line.settle(line.take(NEVER, NEVER))

    assert FOLD_BYTES * 0.9 < sizes[0] < FOLD_BYTES * 1.1
    assert sizes[0] < sizes[1] < sizes[2]
    assert MOST_FOLD_BYTES * 0.9 < sizes[2] < MOST_FOLD_BYTES * 1.1
    assert MOST_FOLD_BYTES * 0.9 < sizes[3] < MOST_FOLD_BYTES * 1.1


def test_a_batch_of_many_pieces_is_folded_whole():
    """What is compressed in several pieces is unchanged after unfolding."""
    items = [(n, bytes([n % 251]) * 700_000, n) for n in range(7)]

    assert Folded(items).items() == items


def test_a_little_is_not_folded():
    """A few items are not worth a fold, and stay as they are."""
    line = buffer()
    line.put((20, b"x", 0))

    assert not line.fold()
    assert line.take(1, NEVER) == [(20, b"x", 0)]


def test_the_oldest_gives_way_also_when_it_is_folded():
    """With drop_oldest the oldest items are evicted, a folded piece as a whole."""
    given_up: list[int] = []
    line = MemoryQueue(
        Options.parse({"buffer_bytes": FOLD_BYTES * 4, "overflow": "drop_oldest"}),
        Clocks(),
        given_up.append,
        _thread.RLock(),
    )
    size = 1_000
    number = 0
    while line.bytes_held + size + ITEM_OVERHEAD <= line.bound:
        line.put((number, bytes([number % 251]) * size, 0))
        number += 1
    line.fold()
    while not given_up:
        assert line.put((number, bytes(size), 0))
        number += 1

    assert line.bytes_held <= line.bound
    assert given_up == list(range(len(given_up)))
    assert [level for level, _, _ in line.take(1, NEVER)] == [len(given_up)]


def test_a_folded_batch_goes_again_whole():
    """A batch that waits to be sent again is folded once, and sent unchanged."""
    items = [(20, b"%d" % n, n + 1) for n in range(100)]
    batch = Batch(0, items)

    assert batch.fold()
    assert not batch.fold()
    assert len(batch) == 100
    assert batch.unfold() == batch.items == items


def wait_until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def fill(target, count: int) -> list[bytes]:
    lines = [b"order %06d placed by customer %d, thank you" % (n, n % 97) for n in range(count)]
    for line in lines:
        target.put(20, line)
    return lines


@pytest.mark.parametrize("outage", ["refused", "silent"])
def test_an_outage_folds_the_line(outage):
    """If a vendor refuses, or does not answer at all, what waits shrinks, and arrives later."""
    over = threading.Event()

    def answer(lines):
        if over.is_set():
            return 200
        if outage == "silent":
            over.wait(60)
        return broken()

    network = Network(answer)
    target = delivery(network, ROOMY, concurrency=1, retry_initial=0.05, retry_maximum=0.05)
    lines = fill(target, 100)
    wait_until(
        lambda: target.stats().pending and (network.requests or target.lane.in_flight.requests)
    )
    raw = 0

    def shrunk() -> bool:
        nonlocal raw
        lines.extend(fill(target, 500))
        raw = target.lane.queue.bytes_in
        return target.lane.queue.bytes_held < raw / 2

    wait_until(shrunk)
    over.set()

    assert target.flush(60)
    assert sorted(network.accepted) == sorted(lines)
    assert target.stats().balanced
    assert target.lane.queue.bytes_held == 0


def test_the_first_batches_are_small():
    """Until the vendor has answered, little is in flight; good answers let batches grow quickly."""
    limits = Limits(10_000, 10 * 2**20, 10 * 2**20, 10_000, 0, auto=())
    pace = Pace(Options.parse({}), limits)
    sizes = [pace.batch_bytes]
    for _ in range(7):
        pace.delivered(0.01)
        sizes.append(pace.batch_bytes)

    assert sizes[0] == FIRST_BATCH
    assert sizes[1] == 4 * FIRST_BATCH + 1
    assert sizes[-1] == pace.max_bytes
    pace.failed(0.0, None, 0.5)
    assert pace.batch_bytes == FIRST_BATCH


def test_a_size_that_was_asked_for_is_kept():
    """With batch_bytes given, batches have that size from the first one on."""
    limits = Limits(10_000, 10 * 2**20, 10 * 2**20, 10_000, 0, auto=())
    pace = Pace(Options.parse({"batch_bytes": "4MiB"}), limits)

    assert pace.batch_bytes == 4 * 2**20
    pace.failed(0.0, None, 0.5)
    assert pace.batch_bytes == 4 * 2**20


def test_a_first_batch_is_not_kept_waiting():
    """A full batch is sent at once, also while batches are still small."""
    limits = Limits(10_000, 10 * 2**20, 10 * 2**20, 10_000, 0, auto=())
    pace = Pace(Options.parse({"flush_interval": 60}), limits)

    pace.flush(0.0, 1)
    assert pace.due(0.0, 10, FIRST_BATCH - 1, 1) > 0
    assert pace.due(0.0, 10, FIRST_BATCH, 1) == 0


def test_small_limits_stay():
    """The first batch does not exceed a smaller limit of the vendor."""
    assert Pace(Options.parse({}), LIMITS).batch_bytes == 10_000
