"""The format of segments: what is written is read, and damage is never read as a record."""

from __future__ import annotations

import itertools
import struct
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxlogging.delivery.journal.frames import (
    ACK_BYTES,
    FILE_MAGIC,
    FRAME,
    FRAME_BYTES,
    HEADER_BYTES,
    NUMBERS,
    DecodedFrame,
    acked_ranges,
    frame,
    frame_at,
    frame_bytes,
    header,
    merged,
    pack_ack,
    parse_header,
)
from cxlogging.delivery.journal.reading import SegmentReader
from cxlogging.delivery.journal.segments import SequenceNumbers
from tests.journal.fakedisk import Machine

MAGIC = b"mark"
LEVELS = st.integers(-(2**31), 2**31 - 1)
ITEMS = st.lists(st.tuples(LEVELS, st.binary(max_size=60)), max_size=30)


def segment(items, magic=MAGIC, first=1):
    """Return the bytes of a segment with *items*, which are pairs of level and data."""
    frames = [frame(magic, first + n, level, data) for n, (level, data) in enumerate(items)]
    return header(magic) + b"".join(frames)


def reader(data, settled=(), magic=MAGIC):
    machine = Machine()
    disk = machine.process()
    folder = disk.enter("/x")
    fd = disk.create(folder, "f")
    disk.write(fd, bytes(data))
    return (
        SegmentReader(disk, fd, magic, 0, list(settled)),
        lambda more: disk.write(fd, more),
        machine,
    )


def read(source, count=3, size=10**6):
    found = []
    while items := source.take(count, size, final=True):
        found += items
    return [(level, data) for level, data, _ in found]


@given(ITEMS, st.integers(1, 7), st.integers(1, 200))
def test_what_is_written_is_read(items, count, size):
    """Every item is read back, complete and in order, within both limits of each take."""
    source, _, _ = reader(segment(items))
    found = []
    while taken := source.take(count, size, final=True):
        assert len(taken) <= count
        assert len(taken) == 1 or sum(len(data) + 1 for _, data, _ in taken) <= size
        found += taken

    assert [(level, data) for level, data, _ in found] == items
    assert source.ended
    assert (source.damaged, source.torn) == (0, False)
    assert source.numbers == list(range(1, len(items) + 1))


@given(ITEMS, st.data())
def test_what_is_settled_is_left_out(items, data):
    """Whichever ranges are acknowledged, in whatever order, exactly the others are read."""
    ends = [HEADER_BYTES]
    for _, item in items:
        ends.append(ends[-1] + FRAME_BYTES + len(item))
    settled = data.draw(st.sets(st.integers(0, len(items) - 1)) if items else st.just(set()))
    order = data.draw(st.permutations(sorted(settled)))
    packed = b"".join(pack_ack(MAGIC, ends[n], ends[n + 1]) for n in order)
    source, _, _ = reader(segment(items), acked_ranges(MAGIC, packed))

    assert read(source) == [item for n, item in enumerate(items) if n not in settled]
    assert (source.damaged, source.torn) == (0, False)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_a_growing_segment_is_read_as_it_grows(items, data):
    """Truncated anywhere, a segment yields what is there, and the rest once it is written."""
    whole = segment([(20, item) for item in items])
    cuts = sorted(data.draw(st.sets(st.integers(HEADER_BYTES, len(whole)), max_size=6)))
    source, write, _ = reader(whole[:HEADER_BYTES])
    found = []
    for start, end in zip([HEADER_BYTES, *cuts], [*cuts, len(whole)], strict=True):
        write(whole[start:end])
        found += source.take(100, 10**6, final=False)

    assert [item for _, item, _ in found] == items
    assert source.take(1, 1, final=True) == []
    assert (source.damaged, source.torn, source.ended) == (0, False, True)


def thirty():
    return [(20, b"%02d" % n + b"." * (n % 7)) for n in range(30)]


def test_a_tail_torn_at_any_byte():
    """Of a segment truncated at any byte the complete records are read, and the rest is one torn
    record.
    """
    items = thirty()
    whole = segment(items)
    ends = [HEADER_BYTES]
    for _, item in items:
        ends.append(ends[-1] + FRAME_BYTES + len(item))
    for cut in range(HEADER_BYTES, len(whole) + 1):
        source, _, _ = reader(whole[:cut])
        complete = sum(end <= cut for end in ends) - 1

        assert read(source) == items[:complete], cut
        assert source.torn == (cut not in ends), cut
        assert source.damaged == 0, cut


@pytest.mark.parametrize("flip", [0xFF, *(1 << bit for bit in range(8))])
def test_damage_of_any_byte(flip):
    """One changed byte costs at most one record, is detected, and never yields a wrong one."""
    items = thirty()
    whole = segment(items)
    for index in range(HEADER_BYTES, len(whole)):
        data = bytearray(whole)
        data[index] ^= flip
        source, _, _ = reader(data)
        found = read(source)

        missing = [item for item in items if item not in found]
        assert [item for item in items if item in found] == found, index
        assert len(missing) <= 1, index
        assert source.damaged + source.torn == len(missing), index


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=12), st.data())
def test_what_comes_after_damage_is_found(items, data):
    """If any range is overwritten by anything, every record outside of it is read."""
    whole = bytearray(segment([(20, item) for item in items]))
    start = data.draw(st.integers(HEADER_BYTES, len(whole) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=80))[: len(whole) - start]
    before = bytes(whole)
    whole[start : start + len(junk)] = junk
    changed = [n for n in range(start, start + len(junk)) if whole[n] != before[n]]
    source, _, _ = reader(whole)
    found = [item for _, item in read(source)]

    position, expected, lost = HEADER_BYTES, [], 0
    for item in items:
        end = position + FRAME_BYTES + len(item)
        if any(position <= n < end for n in changed):
            lost += 1
        else:
            expected.append(item)
        position = end
    assert found == expected
    assert bool(lost) == bool(source.damaged or source.torn)
    assert source.damaged + source.torn <= lost


@given(st.binary(max_size=300), st.sampled_from([MAGIC, b""]))
def test_anything_can_be_read(data, magic):
    """Arbitrary bytes are read to their end, without an exception, in few steps."""
    source, _, machine = reader(data, magic=magic)
    read(source)

    assert source.ended
    assert machine.steps < 30 + 12 * data.count(b"m")


def test_a_frame_inside_of_a_message():
    """A message that contains a frame with another magic number is one message, even next to
    damage.
    """
    forged = frame(b"evil", 7, 50, b"forged")
    whole = bytearray(segment([(20, b"a"), (20, forged), (20, b"b")]))
    source, _, _ = reader(whole)
    assert read(source) == [(20, b"a"), (20, forged), (20, b"b")]

    whole[HEADER_BYTES + FRAME_BYTES + 2] ^= 1  # the mark of the second frame
    source, _, _ = reader(whole)
    assert read(source) == [(20, b"a"), (20, b"b")]
    assert source.damaged == 1


@pytest.mark.parametrize("length", [2**32 - 1, 2**31, 33 * 2**20])
def test_an_impossible_length_allocates_nothing(length):
    """A frame that claims to be gigabytes long is damage: no memory is allocated."""
    lie = FRAME.pack(MAGIC, length, 1, 20, 0)
    source, _, machine = reader(header(MAGIC) + lie + frame(MAGIC, 2, 20, b"next"))
    asked = []
    machine.watch = lambda name, *details: asked.append((name, *details[1:]))
    tracemalloc.start()
    found = read(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == [(20, b"next")]
    assert peak < 2**20
    assert max(size for name, *rest in asked if name == "read" for size in rest) <= 2**20


def test_the_last_frame_of_a_chunk_has_the_length_it_says():
    """Damage that makes the last record longer than the file does not hide later records."""
    item = frame(MAGIC, 1, 20, b"item")
    longer = item[:4] + struct.pack("<I", 50) + item[8:]
    source, write, _ = reader(header(MAGIC) + longer)
    before = source.take(9, 999, final=False)
    write(frame(MAGIC, 2, 20, b"next"))
    after = source.take(9, 999, final=True)

    assert b"next" in [data for _, data, _ in before + after]


def test_an_error_while_reading_on():
    """What was read before an error is returned, and the rest once the error has passed."""
    items = [(20, b"%05d" % n + bytes(1_000)) for n in range(600)]
    source, _, machine = reader(segment(items))
    found, errors = [], 0
    for n in range(20):
        machine.fail("read", skip=n % 3, times=1)
        try:
            found += source.take(10**6, 10**9, final=False)
        except OSError:
            errors += 1

    assert errors
    assert [(level, data) for level, data, _ in found] == items
    assert source.numbers == list(range(1, 601))


def test_a_record_larger_than_what_is_read_at_once():
    """Records larger than the reader's chunk, and ones across its border, are read completely."""
    items = [(20, bytes([65 + n]) * size) for n, size in enumerate((300_000, 10, 262_100, 70, 700))]
    source, _, _ = reader(segment(items))

    assert read(source) == items


@given(st.binary(max_size=40))
def test_a_header_is_known_by_its_checksum(data):
    """Only an intact header has a version; otherwise the magic number is read from the
    first frame.
    """
    found = parse_header(data)
    assert found.version == (1 if data[:HEADER_BYTES] == header(data[12:16]) else 0)


def test_a_damaged_header():
    """Whichever byte of a header is changed, the magic number is found in the first frame."""
    whole = segment([(20, b"x")])
    for index in range(HEADER_BYTES):
        data = bytearray(whole)
        data[index] ^= 0xFF
        assert parse_header(bytes(data[: HEADER_BYTES + 4])) == (0, MAGIC)
    assert parse_header(whole) == (1, MAGIC)
    assert whole.startswith(FILE_MAGIC)


def test_a_file_of_zeros():
    """Zeros that a power failure leaves of a file that was not synced have no magic number and no
    items.
    """
    for size in (0, 1, HEADER_BYTES + 3, HEADER_BYTES + 4, 500):
        head = parse_header(bytes(size)[: HEADER_BYTES + 4])
        source, _, _ = reader(bytes(size), magic=head.magic)
        assert head == (0, b"")
        assert read(source) == []
        assert source.damaged == (size > HEADER_BYTES)


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(1, 999)), max_size=20), st.data())
def test_acknowledgements_survive_damage(starts, data):
    """Whatever is damaged in a file of acknowledgements, only ranges that were written are read."""
    written = [(start, start + size) for start, size in starts]
    packed = bytearray(b"".join(pack_ack(MAGIC, *each) for each in written))
    assert acked_ranges(MAGIC, bytes(packed)) == merged(written)

    if packed:
        index = data.draw(st.integers(0, len(packed) - 1))
        packed[index] ^= data.draw(st.integers(1, 255))
        hit = index // ACK_BYTES
        others = merged([each for n, each in enumerate(written) if n != hit])
        assert acked_ranges(MAGIC, bytes(packed)) == others
    assert acked_ranges(b"else", bytes(packed)) == []


def test_an_acknowledgement_written_in_part():
    """If one was truncated and written again, all are read."""
    packed = [pack_ack(MAGIC, n * 10, n * 10 + 5) for n in range(3)]
    for cut in range(ACK_BYTES):
        whole = packed[0] + packed[1][:cut] + packed[1] + packed[2]
        assert acked_ranges(MAGIC, whole) == [(0, 5), (10, 15), (20, 25)]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_merged_ranges_cover_the_same(pairs):
    """Merged ranges are in order, do not touch, and cover what the given ones do."""
    given_ranges = [(min(pair), max(pair) + 1) for pair in pairs]
    found = merged(given_ranges)

    assert all(left[1] < right[0] for left, right in itertools.pairwise(found))
    covered = {n for start, end in found for n in range(start, end)}
    assert covered == {n for start, end in given_ranges for n in range(start, end)}


def test_the_size_of_frames():
    """The size of frames on disk is computed exactly."""
    items = [(20, b"abc", 0), (30, b"", 0)]
    packed = b"".join(frame(MAGIC, 1, level, data) for level, data, _ in items)
    assert frame_bytes(items) == len(packed)
    assert isinstance(frame_at(packed, 0, MAGIC, 0), DecodedFrame)


@given(st.data(), st.sampled_from([1, NUMBERS - 5, NUMBERS * 3 - 2]))
def test_numbers_seen_in_any_order(data, first):
    """Numbers seen, given up and resolved in any order, even across 2**32, are counted once."""
    count = data.draw(st.integers(1, 30))
    numbers = SequenceNumbers()
    numbers.next = first
    left = list(range(first, first + count))
    done = set()
    while left:
        size = data.draw(st.integers(1, len(left)))
        chosen = data.draw(st.permutations(left))[:size]
        if data.draw(st.booleans()):
            numbers.see([number % NUMBERS for number in chosen])
        else:
            for number in chosen:
                numbers.resolve(number)
        done.update(chosen)
        left = [number for number in left if number not in done]
        assert numbers.resolved == len(done)
        assert all(numbers.was_seen(number) for number in done)
        assert not any(numbers.was_seen(number) for number in left)
        assert numbers.next == min(left, default=first + count)
    assert not numbers._ahead


@example([6, 6, 6, 9])
@given(st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_a_number_counts_once(seen):
    """A number that was given up and is seen after all, or twice, is counted once."""
    numbers, at_once = SequenceNumbers(), SequenceNumbers()
    numbers.give_up(5)
    at_once.give_up(5)
    for number in seen:
        numbers.see([number])
    at_once.see(seen)

    assert (at_once.next, at_once.resolved) == (numbers.next, numbers.resolved)
    assert all(at_once.was_seen(n) == numbers.was_seen(n) for n in range(25))
    assert numbers.resolved == len({*range(1, 6), *seen})
    assert not [number for number in numbers._ahead if number < numbers.next]
