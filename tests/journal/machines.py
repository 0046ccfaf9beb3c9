"""
The model: a state machine that drives deliveries over real queues, and knows what must come of it.

Processes of one application share a machine that exists in memory; they are killed between any two
operations, their disk fails, their vendor misbehaves. What became of every record is known at every
step.
"""

from __future__ import annotations

import errno

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cxlogging.delivery.journal.frames import HEADER_BYTES, DecodedFrame, frame_at, parse_header
from cxlogging.delivery.process.registry import unregister
from cxlogging.wire.http import Limits, Response
from tests.fakes import Network, broken, timeout
from tests.journal.bench import Carrier, HandClock
from tests.journal.fakedisk import Machine

LIMITS = Limits(
    item_bytes=200, body_bytes=260, wire_bytes=260, batch_count=5, overhead=0, auto=("gzip",)
)
REPORT = b"cxlogging dropped"
MOST_PROCESSES = 3
WRITES = ("write",)
OPENS = ("create", "append", "folder", "enter")
REMOVALS = ("remove", "rename", "names", "remove_folder")
READS = ("open", "read")
WHICH = st.integers(0, MOST_PROCESSES - 1)


class Killed(BaseException):
    """The process has ended here."""


def holds_a_record(segment: bytes) -> bool:
    """Return True if a segment has a whole record."""
    first = frame_at(segment, HEADER_BYTES, parse_header(segment).magic, 0)
    return isinstance(first, DecodedFrame)


def is_poison(item: bytes) -> bool:
    return b"poison" in item


class Model(RuleBasedStateMachine):
    """Deliveries with a journal, or in memory if not `durable`."""

    durable = True
    overflow = "shed"
    recent_bytes = 120  # of what waits: both ways out of the line are taken

    def __init__(self):
        super().__init__()
        self.machine = Machine()
        self.time = HandClock()
        self.answers: list = []
        self.network = Network(self.answer)
        self.carriers: list[Carrier] = []
        self.made = 0
        self.accepted: dict[bytes, int] = {}  # every item to the number of its producer
        self.maybe: set[bytes] = set()  # the process died in its log call
        self.dropped: set[bytes] = set()
        self.excused: set[bytes] = set()  # they waited in memory when the process died
        self.refused: set[bytes] = set()
        self.again: set[bytes] = set()  # sent once more by right
        self.evicted = 0  # by processes that have ended
        self.rejected = 0
        self.killed = 0
        self.ordered = True
        self.unordered: set[int] = set()

    # What the vendor does

    def answer(self, items: list[bytes]):
        if any(map(is_poison, items)):
            return 400
        answer = self.answers.pop(0) if self.answers else 200
        if answer == 413 and len(items) == 1:
            self.refused.add(items[0])
        if answer == "partly":
            marks = bytes(b".r"[n % 2] for n in range(len(items)))
            self.again.update(items[1::2])
            return Response(299, body=marks)
        if answer == "wait":
            return Response(429, headers={"retry-after": "3"})
        return {"timeout": timeout, "broken": broken}.get(answer, lambda: answer)()

    @rule(
        which=st.lists(
            st.sampled_from([200, 408, 503, 413, 401, "wait", "partly", "timeout", "broken"]),
            min_size=1,
            max_size=3,
        )
    )
    def vendor(self, which):
        self.answers += which

    # What the disk does

    @precondition(lambda self: self.durable)
    @rule(
        names=st.sampled_from([WRITES, OPENS, REMOVALS, READS, (*WRITES, *OPENS)]),
        error=st.sampled_from([errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE]),
        skip=st.integers(0, 6),
        times=st.sampled_from([1, 2, 2**62]),
    )
    def disk_fails(self, names, error, skip, times):
        # What cannot be read now is passed over, and comes later.
        self.ordered &= names is not READS
        self.machine.fail(*names, error=error, skip=skip, times=times)

    @precondition(lambda self: self.durable)
    @rule(written=st.integers(0, 40), skip=st.integers(0, 3))
    def disk_writes_in_part(self, written, skip):
        self.machine.fail("write", written=written, skip=skip, times=1)

    @precondition(lambda self: self.durable)
    @rule(room=st.integers(0, 2_000))
    def disk_fills(self, room):
        self.machine.room = room

    @precondition(lambda self: self.durable)
    @rule()
    def disk_is_mended(self):
        self.machine.mend()

    # What the processes do

    @initialize()
    def first(self):
        self.start()

    @precondition(lambda self: len(self.carriers) < MOST_PROCESSES)
    @rule()
    def start(self):
        self.made += 1
        try:
            carrier = Carrier(
                self.network,
                self.machine.process() if self.durable else None,
                self.time,
                limits=LIMITS,
                segment_bytes=180,
                recent_bytes=self.recent_bytes,
                overflow=self.overflow,
                block_timeout=0,
                spool_bytes=2_500,
                buffer_bytes=4_000,
                close_timeout=0,
                close_maximum=0,
                retry_initial=1,
            )
        except Killed:
            return
        carrier.number = self.made
        carrier.put_count = carrier.reports = 0
        self.carriers.append(carrier)

    def act(self, which, action):
        """Have a process do something; it may be killed meanwhile."""
        if not self.carriers:
            return
        carrier = self.carriers[which % len(self.carriers)]
        before, arrived = len(self.network.requests), len(self.network.accepted)
        try:
            action(carrier)
            # An error on its way out may have taken the place of `Killed`.
            killed = self.durable and carrier.disk.dead
        except Killed:
            killed = True
        if killed:
            for request in self.network.requests[before:]:
                self.again.update(request)
            self.bury(carrier)
        if self.machine.faults or self.machine.room is not None:
            # Their acknowledgements may not be on disk.
            self.again.update(self.network.accepted[arrived:])

    def bury(self, carrier):
        self.killed += 1
        self.carriers.remove(carrier)
        buffer = carrier.delivery.lane.queue
        if self.durable:
            held = b"".join(
                bytes(node.data)
                for path, node in self.machine.files().items()
                if path.endswith(".seg")
            )
            # Unread acknowledgements are sent again; what was nowhere on disk died.
            kept = lambda item: item in held  # noqa: E731
        else:
            kept = lambda item: False  # noqa: E731
        arrived = set(self.network.accepted)
        self.excused.update(
            item
            for item, producer in self.accepted.items()
            if producer == carrier.number and item not in arrived and not kept(item)
        )
        self.note_failures(carrier)
        self.evicted += buffer.evicted
        self.rejected += carrier.stats().rejected
        carrier.vanish()

    def note_failures(self, carrier):
        # Where the disk fails a second time, what waits in memory since the first is behind
        # what was written between.
        said = [
            *carrier.said,
            *(sentence for _, _, sentence in carrier.delivery.lane.queue.notices),
        ]
        if sum("cannot be written" in sentence for sentence in said) > 1:
            self.unordered.add(carrier.number)

    @rule(
        which=WHICH,
        count=st.integers(1, 9),
        size=st.integers(1, 60),
        level=st.sampled_from([10, 20, 30, 40]),
        poison=st.booleans(),
    )
    def put(self, which, count, size, level, poison):
        def action(carrier):
            for n in range(count):
                carrier.put_count += 1
                word = b"poison" if poison and n == count - 1 else b""
                head = b"%03d-%05d%s" % (carrier.number, carrier.put_count, word)
                item = head.ljust(size, b".")
                self.accepted[item] = carrier.number
                self.maybe.add(item)
                before = carrier.stats().dropped - carrier.delivery.lane.queue.evicted
                carrier.put(item, level)
                self.maybe.discard(item)
                if carrier.stats().dropped - carrier.delivery.lane.queue.evicted > before:
                    self.dropped.add(item)

        self.act(which, action)

    @rule(which=WHICH, turns=st.integers(1, 6), patience=st.sampled_from([0.0, 1.0, 20.0, 200.0]))
    def work(self, which, turns, patience):
        self.act(which, lambda carrier: carrier.work(turns, patience))

    @rule(which=WHICH)
    def flush(self, which):
        def action(carrier):
            delivery = carrier.delivery
            mark = delivery.lane.end_position()
            delivery.flush_now()
            carrier.work(30, 2.0)
            if not delivery.outstanding:
                assert delivery.lane.has_passed(mark)

        self.act(which, action)

    @rule(which=WHICH)
    def close(self, which):
        self.act(which, Carrier.close)

    @rule(seconds=st.sampled_from([0.1, 5.0, 11.0, 70.0, 1_000.0]))
    def time_passes(self, seconds):
        self.time.pass_by(seconds)

    @rule(which=WHICH)
    def kill(self, which):
        def action(_):
            raise Killed

        self.act(which, action)

    @precondition(lambda self: self.durable)
    @rule(which=WHICH, steps=st.integers(1, 30), turns=st.integers(1, 5))
    def kill_while_it_works(self, which, steps, turns):
        def action(carrier):
            carrier.put_count += 1
            item = b"%03d-%05d" % (carrier.number, carrier.put_count)
            self.accepted[item] = carrier.number
            self.maybe.add(item)
            left = [steps]

            def watch(*_):
                left[0] -= 1
                if not left[0]:
                    self.machine.watch = None
                    carrier.disk.kill()
                    raise Killed

            self.machine.watch = watch
            before = carrier.stats().dropped - carrier.delivery.lane.queue.evicted
            carrier.put(item)
            self.maybe.discard(item)
            if carrier.stats().dropped - carrier.delivery.lane.queue.evicted > before:
                self.dropped.add(item)
            carrier.work(turns, 20.0)

        try:
            self.act(which, action)
        finally:
            self.machine.watch = None

    # What is always true

    @invariant()
    def the_account_balances(self):
        for carrier in self.carriers:
            stats = carrier.stats()
            assert stats.balanced, stats
            assert stats.pending >= 0, stats
            assert stats.spooled >= 0, stats
            adopted = carrier.delivery.lane.ledger.adopted
            assert stats.accepted == carrier.put_count + adopted, stats
            buffer = carrier.delivery.lane.queue
            assert len(buffer) >= 0

    @invariant()
    def nothing_is_delivered_that_was_not_accepted(self):
        for item in self.network.accepted:
            assert item in self.accepted or item.startswith(REPORT)
            assert not is_poison(item)

    @invariant()
    def no_descriptor_is_used_that_was_closed(self):
        assert not self.machine.misuse

    # What is true in the end

    def teardown(self):
        self.machine.mend()
        self.machine.watch = None
        self.answers.clear()
        self.start() if len(self.carriers) < MOST_PROCESSES else None
        for _ in range(60):
            for carrier in self.carriers:
                carrier.work(40, 200.0)
            self.time.pass_by(61.0)
            for carrier in self.carriers:
                carrier.step()
        try:
            self.check_the_end()
        finally:
            for carrier in self.carriers:
                unregister(carrier.delivery.workers)

    def check_the_end(self):
        evicted = self.evicted + sum(each.delivery.lane.queue.evicted for each in self.carriers)
        for carrier in self.carriers:
            self.note_failures(carrier)
            stats = carrier.stats()
            assert stats.balanced
            assert (stats.pending, stats.spooled) == (0, 0), stats
            if self.overflow != "drop_oldest":
                assert carrier.delivery.lane.queue.bytes_held == 0
        self.nothing_is_delivered_that_was_not_accepted()
        self.no_descriptor_is_used_that_was_closed()
        delivered = [item for item in self.network.accepted if not item.startswith(REPORT)]
        arrived = set(delivered)
        missing = [
            item
            for item in self.accepted
            if item not in arrived
            and not is_poison(item)
            and item not in self.dropped
            and item not in self.excused
            and item not in self.maybe
            and item not in self.refused
        ]
        assert len(missing) <= (evicted if self.overflow == "drop_oldest" else 0), missing
        assert not self.dropped & arrived
        twice = [item for item in arrived if delivered.count(item) > 1]
        assert set(twice) <= self.again, twice
        self.check_order(delivered)
        if self.durable:
            self.check_files()

    def check_order(self, delivered):
        last: dict[int, bytes] = {}
        for item in delivered:
            producer = self.accepted[item]
            if item in self.again or not self.ordered or producer in self.unordered:
                continue
            assert item[:9] > last.get(producer, b"")[:9], (last[producer], item)
            last[producer] = item

    def check_files(self):
        """No segments are left except those that running processes hold."""
        held = {
            id(description.node)
            for carrier in self.carriers
            for description in carrier.disk.open_files.values()
        }
        for path, node in self.machine.files().items():
            # One whose first record is torn and that could not be removed holds nothing, and goes
            # once its process has ended.
            if path.endswith(".seg") and "damaged" not in path and holds_a_record(bytes(node.data)):
                assert id(node) in held, path
