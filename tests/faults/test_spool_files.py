"""Cases 8 to 10 and 13: files of a spool that are torn, damaged, missing, foreign or too new."""

from __future__ import annotations

import random
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from cxlogging.delivery.journal.frames import FRAME_BYTES, HEADER_BYTES, pack_ack
from cxlogging.delivery.journal.inspection import opened_spool

from .harness import until
from .spooling import nothing_left

RECORDS = 30


@pytest.fixture
def died(spooling, spool) -> list[str]:
    """Leave a spool in which a process was killed with 30 records waiting; their ids."""
    program = spooling(
        f"for n in range({RECORDS}): promise('a', n)\ntime.sleep(60)", "flush_interval=60"
    )
    program.wait_promised(RECORDS)
    return program.kill().promised


@pytest.fixture
def recover(shop, spool, tmp_path, backend):
    """Copy the spool, change its segment, and have another handler deliver what is in it."""
    original = tmp_path / "original"

    def run(change):
        if not original.exists():
            shutil.copytree(spool, original)
        shutil.rmtree(spool)
        shutil.copytree(original, spool)
        (path,) = spool.rglob("*.seg")
        data = change(bytearray(path.read_bytes()))
        if data is not None:
            path.write_bytes(data)
        backend.accepted.clear()
        errors: list[str] = []
        options = {"flush_interval": 0, "on_error": errors.append, "batch_bytes": 4_000}
        one = shop(spool=str(spool), **options)
        until(lambda: not one.delivery.busy)
        one.handler.close()
        until(lambda: not len(one.delivery.workers))
        return set(backend.accepted), errors

    return run


def ends(spool: Path) -> list[int]:
    """Return where each frame of the one segment ends."""
    (path,) = spool.rglob("*.seg")
    data, offset, found = path.read_bytes(), HEADER_BYTES, []
    while offset < len(data):
        offset += FRAME_BYTES + int.from_bytes(data[offset + 4 : offset + 8], "little")
        found.append(offset)
    assert offset == len(data)
    return found


@pytest.mark.case(8)
def test_case_08_a_torn_tail(died, recover, spool, backend, figures):
    """A segment is cut at any byte: exactly the complete records are delivered, one line reports
    the torn one, nothing is raised (here 60 places; each byte in the tests of the journal).
    """
    frames = ends(spool)
    near = [
        end + more for end in (frames[0], frames[12], frames[-2]) for more in (-1, 0, 1, 19, 20)
    ]
    places = {
        *near,
        0,
        1,
        HEADER_BYTES - 1,
        HEADER_BYTES,
        *random.Random(8).sample(range(frames[-1]), 40),
    }
    for place in sorted(places):
        accepted, errors = recover(lambda data: data[:place])  # noqa: B023
        whole = sum(end <= place for end in frames)
        assert accepted == set(died[:whole]), place
        torn = place > HEADER_BYTES and place not in frames
        assert len([e for e in errors if "incomplete" in e]) <= 1
        assert any("incomplete" in each for each in errors) == torn, (place, errors)
        assert nothing_left(spool), place
        figures.add(logged=whole, delivered=whole)


@pytest.mark.case(9)
def test_case_09_a_flipped_byte(died, recover, spool, backend, figures):
    """Any byte of a segment is flipped: all records but the damaged one are delivered, unchanged,
    one line counts the damage, and the segment is set aside (here 60 places; each byte in the tests
    of the journal).
    """
    frames = ends(spool)
    starts = [HEADER_BYTES, *frames]
    inside = [starts[n] + more for n in (0, 15, 29) for more in (0, 5, 9, 13, 17, 21, 300)]
    for place in sorted({0, 9, 13, 20, *inside, *random.Random(9).sample(range(frames[-1]), 35)}):

        def flip(data, place=place):
            data[place] ^= 0xFF
            return data

        accepted, errors = recover(flip)
        hit = sum(end <= place for end in frames) if place >= HEADER_BYTES else None
        expected = {each for n, each in enumerate(died) if n != hit}
        # The length of the last one does not matter: its end is the end of the file.
        assert expected <= accepted <= set(died), place
        if len(accepted) < RECORDS:
            told = [each for each in errors if "damaged" in each or "incomplete" in each]
            assert told, (place, errors)
        # The last frame's end cannot be told from one that was never written.
        if hit is not None and hit < RECORDS - 1:
            assert list(spool.glob("*/damaged/*.seg")), place
        figures.add(logged=RECORDS, delivered=len(accepted), counted=RECORDS - len(accepted))


ODDITIES = {
    "an empty file": (lambda data: b"", set(), 0),
    "garbage": (lambda data: random.Random(1).randbytes(50_000), set(), 1),
    "zeros": (lambda data: bytes(50_000), set(), 1),
    "garbage in front": (lambda data: b"garbage" * 99 + data, "some", 1),
    "twice the same": (lambda data: data + data[HEADER_BYTES:], "all", 0),
}


@pytest.mark.case(10)
@pytest.mark.parametrize("kind", ODDITIES)
def test_case_10_strange_files(died, recover, spool, backend, figures, kind):
    """An empty file, garbage, zeros: the handler starts, delivers what there is, and says so
    once.
    """
    change, expected, lines = ODDITIES[kind]
    accepted, errors = recover(change)

    assert accepted <= set(died)
    if expected == "all":
        assert accepted == set(died)
    elif expected != "some":
        assert accepted == expected
    assert len([each for each in errors if "damaged" in each]) <= max(lines, 1)
    assert not list(spool.glob("*/*/*.seg")) or list(spool.glob("*/damaged/*.seg"))
    counted = RECORDS - len(accepted)
    figures.add(logged=RECORDS, delivered=len(accepted), counted=counted)


@pytest.mark.case(10)
@pytest.mark.parametrize("kind", ["missing", "ahead", "torn", "of others"])
def test_case_10_acknowledgements(died, recover, spool, backend, figures, kind):
    """Acknowledgement files that are missing, torn, foreign, or beyond the end of the data:
    everything that waits is delivered.
    """

    def change(data):
        (path,) = spool.rglob("*.seg")
        settled = path.with_suffix(".ack")
        mark, end = bytes(data[12:16]), len(data)
        if kind == "ahead":
            settled.write_bytes(pack_ack(mark, end + 100, end + 9_000))
        elif kind == "torn":
            settled.write_bytes(pack_ack(mark, HEADER_BYTES, end)[:-5])
        elif kind == "of others":
            settled.write_bytes(pack_ack(b"else", HEADER_BYTES, end))
        return data

    accepted, _ = recover(change)
    assert accepted == set(died)
    assert nothing_left(spool)
    figures.add(logged=RECORDS, delivered=RECORDS)


@pytest.mark.slow
@pytest.mark.case(10)
def test_case_10_a_segment_in_the_middle_is_gone(spooling, backend, spool, figures):
    """The second of three segments is missing: the others are delivered, and the gap shows in the
    numbers of their ids.
    """
    program = spooling(
        "for n in range(1_000): log.info('<a:%d> %s', n, 'x' * 10_000)\n"
        "os.write(PROMISES, b'a:0\\n')\ntime.sleep(60)",
        "flush_interval=600, batch_count=1000000, batch_bytes='10MiB'",
    )
    program.wait_promised(1)
    program.kill()
    segments = sorted(spool.rglob("*.seg"))
    assert len(segments) == 3
    waiting = _waiting(spool)
    segments[1].unlink()
    left = _waiting(spool)
    after = spooling("promise('next', 0)\nwait_until(lambda: not left())").wait()

    assert (after.code, after.err) == (0, "")
    accepted = {each for each in backend.accepted if each.startswith("a:")}
    assert len(accepted) == left < waiting
    numbers = [int(each.partition(":")[2]) for each in sorted(accepted, key=lambda e: int(e[2:]))]
    gap = next(n for n, number in enumerate(numbers) if n != number)
    assert numbers == [*range(gap), *range(1_000 - (left - gap), 1_000)]
    figures.add(logged=1_000, delivered=left, counted=1_000 - left)


def _waiting(spool: Path) -> int:
    with opened_spool(str(spool)) as destinations:
        return sum(each.waiting for one in destinations for each in one.processes())


@pytest.mark.case(13)
def test_case_13_a_newer_format(died, recover, spool, backend, figures):
    """A segment of a newer version (99) is left untouched, byte by byte, and one line says so."""
    kept = {}

    def newer(data):
        data[8:10] = struct.pack("<H", 99)
        data[16:20] = struct.pack("<I", zlib.crc32(data[:16]))
        kept["data"] = bytes(data)
        return data

    accepted, errors = recover(newer)
    (path,) = spool.rglob("*.seg")

    assert accepted == set()
    assert path.read_bytes() == kept["data"]
    assert [each for each in errors if "left as it is" in each and "format 99" in each]
    assert len(errors) == 1
    figures.add(logged=RECORDS, delivered=0, counted=RECORDS)
