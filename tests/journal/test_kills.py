"""Processes killed at each step of the journal's work: the next one delivers everything."""

from __future__ import annotations

import collections
import json
import os
import re
import signal

import pytest

from tests.fakes import Network
from tests.journal.bench import Carrier, HandClock
from tests.journal.killing import ORPHANS, OWN_SEGMENTS, KillingDisk

ONCE = {"after_folder", "after_lock", "before_folder_removal", "after_own_unlock"}


def work(folder, who, count, mode, step):
    """Log, deliver, and close, depending on *mode*; be killed at *step*."""
    received = (folder / "received").open("a")

    def answer(lines):
        received.write(json.dumps([who, [line.decode() for line in lines]]) + "\n")
        received.flush()
        return 200 if mode != "hold" else 503

    carrier = Carrier(
        Network(answer),
        KillingDisk(step),
        HandClock(),
        path=folder / "spool",
        segment_bytes=300,
        batch_count=4,
    )
    promised = (folder / "promised").open("a")
    for n in range(count):
        carrier.put(b"%s-%04d" % (who.encode(), n))
        promised.write(f"{who}-{n:04d}\n")
        promised.flush()
    if mode != "put":
        carrier.work(300)
    if mode == "close":
        carrier.close()
        carrier.delivery.lane.queue.release()


def child(folder, who, count=0, mode="work", step=""):
    """Run `work` in a process of its own; return its exit code, negative for a signal."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work(folder, who, count, mode, step)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def outcome(folder):
    """Return what was promised, how often each record arrived, and the requests."""
    promised = (folder / "promised").read_text().split()
    requests = [json.loads(line) for line in (folder / "received").read_text().splitlines()]
    received = collections.Counter(item for _, items in requests for item in items)
    return promised, received, requests


def spool_files(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in (folder / "spool").rglob("*")
        if path.is_file() and path.name not in {"about.json", "salt"}
    )


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", OWN_SEGMENTS)
def test_killed_during_its_own_work(tmp_path, name, times):
    """What was promised arrives; only a batch that was sent and not yet acknowledged
    arrives twice.
    """
    times = 1 if name in ONCE else times
    killed = child(tmp_path, "a", 60, mode=OWN_SEGMENTS[name], step=f"{name}:{times}")
    assert killed == -signal.SIGKILL
    (tmp_path / "received").touch()
    (tmp_path / "promised").touch()
    before = outcome(tmp_path)[2]
    for who in ("b", "c"):
        assert child(tmp_path, who, mode="close") == 0

    promised, received, requests = outcome(tmp_path)
    assert set(promised) <= set(received)
    twice = {item for item, count in received.items() if count > 1}
    allowed = set(before[-1][1]) if name == "before_ack" else set()
    assert twice == allowed
    assert not [item for item in received if not re.fullmatch(r"a2?-\d{4}", item)]
    assert spool_files(tmp_path) == []
    # The third process had nothing left to do.
    assert not [who for who, _ in requests if who == "c"]


@pytest.mark.parametrize(
    "name",
    [
        *ORPHANS,
        "before_ack",
        "after_ack",
        "before_segment_removal",
        "after_segment_removal",
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_killed_while_it_delivers_orphaned_records(tmp_path, name, times):
    """When the process that delivers a dead one's records is killed too, the next delivers the
    rest.
    """
    for who in ("a", "a2")[:times]:
        assert child(tmp_path, who, 30, mode="put") == 0
    killed = child(tmp_path, "b", mode="work", step=f"{name}:{times}")
    assert killed == -signal.SIGKILL
    (tmp_path / "received").touch()
    before = outcome(tmp_path)[2]
    for who in ("c", "d"):
        assert child(tmp_path, who, mode="close") == 0

    promised, received, requests = outcome(tmp_path)
    assert set(promised) == set(received)
    twice = {item for item, count in received.items() if count > 1}
    assert twice == (set(before[-1][1]) if name == "before_ack" else set())
    assert spool_files(tmp_path) == []
    assert not [who for who, _ in requests if who == "d"]


def test_killed_twenty_times_in_a_row_during_recovery(tmp_path):
    """Nothing is lost, and each kill costs at most one batch that is sent twice."""
    assert child(tmp_path, "a", 60, mode="put") == 0
    (tmp_path / "received").touch()
    for n in range(20):
        killed = child(tmp_path, f"k{n}", step=f"during_recovery:{1 + n % 3}")
        assert killed in (-signal.SIGKILL, 0)
    assert child(tmp_path, "z", mode="close") == 0

    promised, received, _ = outcome(tmp_path)
    assert set(promised) == set(received)
    assert sum(received.values()) - len(received) == 0
    assert spool_files(tmp_path) == []


def test_killed_with_a_batch_in_flight_while_the_vendor_is_down(tmp_path):
    """A batch that was sent and not answered is sent again by the next process."""
    assert child(tmp_path, "a", 10, mode="put") == 0
    killed = child(tmp_path, "b", mode="hold", step="during_recovery:1")
    assert killed == -signal.SIGKILL
    assert child(tmp_path, "c", mode="close") == 0

    promised, received, _ = outcome(tmp_path)
    assert set(promised) == {item for item in received if received[item] == 1}
