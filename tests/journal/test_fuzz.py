"""Any record through every handler with a spool, and any damage of any of its files."""

from __future__ import annotations

import json
import logging
from typing import NamedTuple

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cxlogging
from cxlogging.delivery.journal.frames import FRAME_BYTES, HEADER_BYTES
from cxlogging.delivery.process.registry import unregister
from tests.journal.bench import lines, process, recovered
from tests.journal.fakedisk import Machine
from tests.journal.fuzz import examples
from tests.odd_values import ODD

MOST_STEPS = 3_000


class Pick(NamedTuple):
    """One of the odd values, created in the test, as printing some of them fails."""

    odd: int


def made(value):
    if isinstance(value, Pick):
        return ODD[value.odd].make()
    if isinstance(value, (list, tuple)):
        return type(value)(map(made, value))
    if isinstance(value, dict):
        return {key: made(each) for key, each in value.items()}
    return value


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=20)
    | st.integers(0, len(ODD) - 1).map(Pick)
)
KEYS = st.text(max_size=8) | st.integers() | st.none() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info"
    " lineno funcName created msecs thread threadName process processName taskName".split()
)

HANDLERS = {
    "coralogix": lambda **more: cxlogging.CoralogixHandler("k", application_name="a", **more),
    "honeycomb": lambda **more: cxlogging.HoneycombHandler("k", dataset="d", **more),
    "betterstack": lambda **more: cxlogging.BetterStackHandler("k", **more),
}


@pytest.mark.parametrize("vendor", HANDLERS)
def test_any_record_reaches_the_spool(tmp_path, vendor):
    """Whatever a record contains, nothing is raised, and a valid item of it is on disk."""
    handler = HANDLERS[vendor](
        url="http://127.0.0.1:9",
        spool=tmp_path / "spool",
        flush_interval=86_400,
        close_timeout=0,
        batch_count=10**6,
    )
    delivery = handler._delivery
    delivery.workers._threads.append(None)  # no thread: what waits stays on disk
    buffer = delivery.lane.queue

    @examples(60)
    @given(
        st.dictionaries(st.text(max_size=9), VALUES, max_size=4),
        st.dictionaries(NAMES, VALUES, max_size=3),
    )
    def check(extra, own):
        record = logging.makeLogRecord({"msg": "a message", **made(extra), **made(own)})
        with delivery.lane.lock:
            assert buffer.take(10, 10**9) == []
        before = handler.stats()
        handler.handle(record)
        after = handler.stats()
        with delivery.lane.lock:
            items = buffer.take(10, 10**9)
            delivery.lane.in_flight.finish(delivery.lane.in_flight.take(items, 0, 0.0))
            delivery.ledger.deliver(len(items))
            buffer.settle(items)

        assert (after.accepted - before.accepted, after.spooled) == (1, 1)
        assert after.dropped == 0
        assert len(items) == 1
        if vendor == "betterstack":
            msgpack.unpackb(items[0][1], strict_map_key=False, timestamp=3)
        else:
            json.loads(items[0][1], parse_constant=pytest.fail)

    check()
    unregister(delivery.workers)


def overwrite(data, start, junk):
    data[start : start + len(junk)] = junk
    return start


def insert(data, start, junk):
    data[start:start] = junk
    return start


def delete(data, start, junk):
    del data[start : start + len(junk)]
    return start


def cut(data, start, junk):
    del data[start:]
    return start


def repeat(data, start, junk):
    data += data[start : start + 60]
    return len(data)


def junk_of(machine):
    """Bytes that look like the format: magic numbers, lengths, complete frames; and any others."""
    whole = b"".join(bytes(node.data) for node in machine.files().values())
    pieces = st.tuples(st.integers(0, max(0, len(whole) - 1)), st.integers(1, 60)).map(
        lambda piece: whole[piece[0] : sum(piece)]
    )
    return pieces | st.binary(min_size=1, max_size=40)


@examples(150)
@given(st.data())
def test_any_damage_of_any_file(data):
    """
    However files are damaged, recovery ends in few steps and delivers no wrong record.

    What precedes the first damage in a segment is delivered, unless it was delivered before.
    """
    machine = Machine()
    dead = process(machine, segment_bytes=data.draw(st.sampled_from([100, 400, 5_000])))
    dead.put(*lines(20))
    settled = set()
    if data.draw(st.booleans()):
        items = dead.journal.take(data.draw(st.integers(1, 9)), 10**6)
        dead.journal.settle(items)
        settled = {item for _, item, _ in items}
    dead.end()
    files = {
        path: node for path, node in machine.files().items() if path.endswith((".seg", ".ack"))
    }
    contents = {path: bytes(node.data) for path, node in files.items()}
    junk = junk_of(machine)
    intact = {path: len(whole) for path, whole in contents.items()}
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(sorted(files)))
        change = data.draw(st.sampled_from([overwrite, insert, delete, cut, repeat]))
        body = files[path].data
        start = data.draw(st.integers(0, len(body)))
        where = change(body, start, data.draw(junk))
        intact[path] = min(intact[path], where)
    before = machine.steps
    found, successor = recovered(machine)

    assert machine.steps - before < MOST_STEPS
    assert set(found) <= set(lines(20))
    expected = set()
    for path, whole in contents.items():
        if path.endswith(".seg") and intact[path] > HEADER_BYTES + FRAME_BYTES:
            count = (intact[path] - HEADER_BYTES) // (FRAME_BYTES + 5)
            first = HEADER_BYTES + FRAME_BYTES
            expected.update(whole[first + n * 25 : first + n * 25 + 5] for n in range(count))
    assert expected - settled <= set(found)
    successor.put(b"next")
    assert successor.drain() == [b"next"]


@examples(100)
@given(st.binary(max_size=400), st.sampled_from(["lock", "00000001.seg", "00000001.ack", "x"]))
def test_any_file_in_the_place_of_another(content, name):
    """Whatever files are in the directory of a dead process, the others are found, and nothing
    hangs.
    """
    machine = Machine()
    dead = process(machine, segment_bytes=200)
    dead.put(*lines(20))
    folder = next(each for each in machine.folders() if "00000001.seg" in each.names)
    dead.disk.write(dead.disk.append(dead.disk.enter("/x"), "y"), content)
    if name in folder.names:
        folder.unlink(name)
    folder.link(name, machine.root.names["x"].names["y"])
    dead.end()
    found, _ = recovered(machine)

    assert set(lines(20)[8:]) <= set(found) <= set(lines(20))
    assert machine.steps < MOST_STEPS
