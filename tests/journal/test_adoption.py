"""What a dead process left, in whatever state: intact records are delivered, the rest is
counted.
"""

from __future__ import annotations

import struct
from zlib import crc32

import pytest

from cxlogging.delivery.journal.frames import FILE_MAGIC, HEADER_BYTES, frame
from cxlogging.delivery.journal.rejected import DeadLetterFile
from cxlogging.delivery.journal.segment import DAMAGED, MAX_DAMAGED
from tests.journal.bench import lines, process, recovered
from tests.journal.fakedisk import Machine, Node


def left_behind(count=20, settled=0, **options):
    """Return a machine, and the files of a process that was killed on it, by their names."""
    machine = Machine()
    dead = process(machine, **{"segment_bytes": 200, **options})
    dead.put(*lines(count))
    if settled:
        dead.journal.settle(dead.journal.take(settled, 10**6))
    dead.end()
    found = {path.rsplit("/", 1)[1]: node for path, node in machine.files().items()}
    return machine, found


def folder_of(machine, name):
    return next(folder for folder in machine.folders() if name in folder.names)


def leftovers(machine):
    return [path for path in machine.files() if "about.json" not in path]


@pytest.mark.parametrize("suffix", [".seg", ".ack"])
@pytest.mark.parametrize("flip", [0xFF, 0x01, 0x80])
def test_damage_of_any_byte_of_any_file(suffix, flip):
    """Whichever byte is changed: no wrong record, at most one lost, which is reported, and the
    segment is kept.
    """
    size = len(left_behind(12, settled=4, segment_bytes=999)[1]["00000001" + suffix].data)
    for index in range(size):
        machine, found = left_behind(12, settled=4, segment_bytes=999)
        found["00000001" + suffix].data[index] ^= flip
        items, successor = recovered(machine)
        said = " ".join(successor.said())

        if suffix == ".ack":
            assert items in (lines(12)[4:], lines(12)), index
            assert not said
        else:
            assert items == [item for item in lines(12)[4:] if item in items], index
            assert len(items) >= 7, index
            lost = len(items) == 7
            assert ("damaged" in said or "incomplete" in said) == lost, index
            aside = [path for path in machine.files() if f"/{DAMAGED}/" in path]
            assert len(aside) == ("damaged" in said)
        assert all(f"/{DAMAGED}/" in path for path in leftovers(machine))


def test_a_tail_cut_at_any_byte():
    """A dead process's last segment, truncated anywhere, yields its complete records; truncation is
    reported.
    """
    whole = bytes(left_behind(12, segment_bytes=999)[1]["00000001.seg"].data)
    size = (len(whole) - HEADER_BYTES) // 12
    for cut in range(len(whole) + 1):
        machine, found = left_behind(12, segment_bytes=999)
        del found["00000001.seg"].data[cut:]
        items, successor = recovered(machine)
        complete = max(0, cut - HEADER_BYTES) // size

        assert items == lines(complete), cut
        torn = cut > HEADER_BYTES and (cut - HEADER_BYTES) % size > 0
        assert len(successor.said()) == torn, (cut, successor.said())
        successor.put(b"next")
        assert successor.drain() == [b"next"]
        assert [path for path in machine.files() if DAMAGED in path] == []


def empty(machine, found):
    del found["00000002.seg"].data[:]
    return 1


def garbage(machine, found):
    found["00000002.seg"].data[:] = bytes(range(256)) * 3
    return 1


def missing(machine, found):
    folder_of(machine, "00000002.seg").unlink("00000002.seg")
    return 1


def no_acknowledgements(machine, found):
    folder_of(machine, "00000001.ack").unlink("00000001.ack")
    return 0


def garbage_of_acknowledgements(machine, found):
    found["00000001.ack"].data[:] = bytes(range(256)) * 3
    return 0


def beyond_the_data(machine, found):
    mark = bytes(found["00000001.seg"].data[12:16])
    body = struct.pack("<QQ", HEADER_BYTES, 10**9)
    found["00000003.ack"] = node = Node(is_folder=False)
    node.data += body + struct.pack("<I", crc32(mark + body))
    folder_of(machine, "00000003.seg").link("00000003.ack", node)
    return 2


def of_another_folder(machine, found):
    body = struct.pack("<QQ", HEADER_BYTES, 10**9)
    node = Node(is_folder=False)
    node.data += body + struct.pack("<I", crc32(b"else" + body))
    folder_of(machine, "00000003.seg").link("00000003.ack", node)
    return 0


@pytest.mark.parametrize(
    "spoil",
    [
        empty,
        garbage,
        missing,
        no_acknowledgements,
        garbage_of_acknowledgements,
        beyond_the_data,
        of_another_folder,
    ],
)
def test_files_that_are_not_as_they_were(spoil):
    """Empty, missing and foreign files: all intact records elsewhere are delivered, in order."""
    machine, found = left_behind(30, settled=2)
    segment = 8  # records in each
    lost = spoil(machine, found)
    items, successor = recovered(machine)

    expected = {
        0: lines(30)[2:],
        1: lines(30)[2:segment] + lines(30)[2 * segment :],
        2: lines(30)[2 : 2 * segment] + lines(30)[3 * segment :],
    }[lost]
    if spoil in (no_acknowledgements, garbage_of_acknowledgements):
        expected = lines(30)
    assert items == expected
    assert ("damaged" in " ".join(successor.said())) == (spoil is garbage)
    assert all(f"/{DAMAGED}/" in path for path in leftovers(machine))


def test_a_newer_version_is_left_as_it_is():
    """A segment of an unknown version is not touched, is reported once, and blocks nothing."""
    machine, found = left_behind(20)
    head = struct.pack("<8sHH4s", FILE_MAGIC, 99, 0, b"mark")
    node = found["00000002.seg"]
    node.data[:HEADER_BYTES] = head + struct.pack("<I", crc32(head))
    before = bytes(node.data)
    items, successor = recovered(machine)
    for _ in range(3):
        successor.maintain()
        assert successor.drain() == []

    assert items == lines(20)[:8] + lines(20)[16:]
    assert bytes(node.data) == before
    assert node.links == 1
    said = [sentence for sentence in successor.said() if "format 99" in sentence]
    assert len(said) == 1
    items, _ = recovered(machine)
    assert items == []


def test_a_record_that_holds_a_frame():
    """A message that contains bytes of a segment, even of its own header, is one record."""
    machine = Machine()
    dead = process(machine, segment_bytes=10_000)
    dead.put(b"a")
    copy = bytes(next(n for p, n in machine.files().items() if p.endswith(".seg")).data)
    forged = frame(b"forg", 9, 50, b"forged")
    dead.put(copy[:HEADER_BYTES], forged, b"b")
    dead.end()

    assert recovered(machine)[0] == [b"a", copy[:HEADER_BYTES], forged, b"b"]


def test_damaged_segments_are_bounded():
    """The number of damaged segments that are kept is limited."""
    machine = Machine()
    for _ in range(MAX_DAMAGED + 5):
        dead = process(machine, segment_bytes=10_000)
        dead.put(*lines(3))
        node = next(
            n for p, n in machine.files().items() if p.endswith(".seg") and DAMAGED not in p
        )
        node.data[HEADER_BYTES + 25] ^= 1
        dead.end()
        assert len(recovered(machine)[0]) == 2

    assert len(leftovers(machine)) == MAX_DAMAGED


def test_adopted_records_do_not_change_own_counts():
    """Adopted records do not affect the counts of a process's own records."""
    machine, _ = left_behind(20)
    successor = process(machine, segment_bytes=200)
    successor.put(*lines(5, b"own"))
    successor.maintain()
    adopted = successor.journal.adopt(100, 10**6)

    assert len(adopted) == 8
    assert len(successor.journal) == 5
    successor.journal.settle(adopted)
    assert successor.take() == lines(5, b"own")


def test_what_was_refused_is_kept_with_its_reason():
    """Rejected records are kept with time, reason and level; the file is rotated, and bounded."""
    machine = Machine()
    disk = machine.process()
    folder = disk.enter("/spool")
    rejected = DeadLetterFile(disk, max_bytes=1_000)
    for n in range(40):
        rejected.add(folder, (30, b"\xff%03d" % n, 0), f"reason {n}", 1.5)
    letters = list(rejected.letters(folder))

    assert letters[-1].item == b"\xff039"
    assert (letters[-1].reason, letters[-1].level, letters[-1].at) == ("reason 39", 30, 1.5)
    numbers = [int(letter.item[1:]) for letter in letters]
    assert numbers == list(range(40 - len(numbers), 40))
    assert 10 < len(numbers) < 40
    assert all(len(node.data) < 1_200 for node in machine.files().values())
    rejected.clear(folder)
    assert list(rejected.letters(folder)) == []


def test_a_refused_record_after_one_that_was_cut_short():
    """A line that a full disk truncated costs only that record."""
    machine = Machine()
    disk = machine.process()
    folder = disk.enter("/spool")
    rejected = DeadLetterFile(disk)
    rejected.add(folder, (20, b"a", 0), "first", 1.0)
    machine.fail("write", written=11, times=1)
    with pytest.raises(OSError, match="No space left"):
        rejected.add(folder, (20, b"b", 0), "cut", 2.0)
    rejected.add(folder, (20, b"c", 0), "last", 3.0)

    assert [letter.reason for letter in rejected.letters(folder)] == ["first", "last"]


def test_what_lies_behind_folders_with_nothing_to_send():
    """Orphaned directories whose records are all settled are skipped at once: the records behind
    them are found in the same check, before the worker sleeps.
    """
    machine = Machine()
    for _ in range(8):
        settled = process(machine)
        settled.put(*lines(1))
        settled.journal.settle(settled.take_items())
        settled.end()
    left = process(machine)
    left.put(*lines(3))
    left.end()
    successor = process(machine)
    successor.maintain()

    assert [data for _, data, _ in successor.journal.adopt(100, 10**9)] == lines(3)
