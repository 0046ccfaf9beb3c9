"""The delivery with each queue against a model, in whatever order things happen."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.journal.fuzz import examples
from tests.journal.machines import Model


class JournalShed(Model):
    pass


class JournalRead(Model):
    """Everything is read back from the disk."""

    recent_bytes = 0


class JournalCopied(Model):
    """Everything that can be is taken from memory."""

    recent_bytes = 10**6


class JournalOldest(Model):
    overflow = "drop_oldest"


class JournalBlock(Model):
    overflow = "block"


class MemoryShed(Model):
    durable = False


class MemoryOldest(Model):
    durable = False
    overflow = "drop_oldest"


@pytest.mark.parametrize(
    "model",
    [
        JournalShed,
        JournalRead,
        JournalCopied,
        JournalOldest,
        JournalBlock,
        MemoryShed,
        MemoryOldest,
    ],
)
def test_every_record_has_its_outcome(model):
    """
    Whatever happens, the ledger balances at every step and nothing is lost in the end.

    What happens: logging, answers of every kind, errors of every disk operation, processes killed
    between any two of them, new processes, closing, time.
    """
    run_state_machine_as_test(model, settings=examples(40, stateful_step_count=30, database=None))


def test_a_segment_with_a_torn_record_goes_with_its_process():
    """What a write in part has left holds no record, and the next process removes it."""
    state = JournalOldest()
    state.first()
    state.disk_writes_in_part(skip=2, written=0)
    state.put(count=2, level=10, poison=False, size=1, which=0)
    state.time_passes(seconds=11.0)
    state.disk_writes_in_part(skip=3, written=1)
    state.close(which=0)
    state.put(count=1, level=10, poison=False, size=1, which=0)
    torn = [path for path in state.machine.files() if path.endswith("2.seg")]
    state.kill(which=0)
    state.teardown()

    assert torn
    assert torn[0] not in state.machine.files()
