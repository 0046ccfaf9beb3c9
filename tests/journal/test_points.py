"""Processes killed at each step of the journal's work: the next one finds everything."""

from __future__ import annotations

import collections
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cxlogging.delivery.journal import points
from cxlogging.delivery.journal.disk import Disk
from tests.fakes import Network
from tests.journal.bench import Carrier, HandClock

SOURCE = Path(__file__).resolve().parents[2] / "cxlogging" / "delivery" / "journal"


def work(folder, who, count, mode):
    """Log, deliver, and close, as *mode* says."""
    received = (folder / "received").open("a")

    def answer(lines):
        received.write(json.dumps([who, [line.decode() for line in lines]]) + "\n")
        received.flush()
        return 200 if mode != "hold" else 503

    carrier = Carrier(
        Network(answer),
        Disk(),
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


def child(folder, who, count=0, mode="work", fault=""):
    """Do `work` in a process of its own, which may be killed at a point; return how it ended."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            name, _, times = fault.partition(":")
            points._name, points._left[0] = name, int(times or 1)
            work(folder, who, count, mode)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def outcome(folder):
    """Return what was promised, and what was received: how often, and in which requests."""
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


def test_every_point_of_the_code_is_tried():
    """Each named point in the code is one of those below, and each of those is in the code."""
    named = set()
    for path in SOURCE.glob("*.py"):
        named.update(re.findall(r'\bpoint\("(\w+)"\)', path.read_text()))
    assert named == {*WHERE, *IN_HEIRS}


WHERE = {
    "after_folder": "put",
    "after_lock": "put",
    "after_create": "put",
    "after_header": "put",
    "after_replace": "put",
    "after_send_before_commit": "work",
    "after_commit": "work",
    "after_commit_before_unlink": "work",
    "after_unlink_before_ack_unlink": "work",
    "before_owner_unlink": "close",
    "after_owner_unlink": "close",
}
"""Points in the life of a process's own segments, and what it does when it comes by them."""

ONCE = {"after_folder", "after_lock", "before_owner_unlink", "after_owner_unlink"}

IN_HEIRS = (
    "after_adopt",
    "during_recovery",
    "before_estate_unlink",
    "after_estate_unlink",
)
"""Points in taking over what others left; those of segments above are passed there too."""


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", WHERE)
def test_killed_at_a_point_of_its_own_work(tmp_path, name, times):
    """What was promised arrives; twice only a batch that was sent before its outcome was noted."""
    times = 1 if name in ONCE else times
    killed = child(tmp_path, "a", 60, mode=WHERE[name], fault=f"{name}:{times}")
    assert killed == -signal.SIGKILL
    (tmp_path / "received").touch()
    (tmp_path / "promised").touch()
    before = outcome(tmp_path)[2]
    for who in ("b", "c"):
        assert child(tmp_path, who, mode="close") == 0

    promised, received, requests = outcome(tmp_path)
    assert set(promised) <= set(received)
    twice = {item for item, count in received.items() if count > 1}
    allowed = set(before[-1][1]) if name == "after_send_before_commit" else set()
    assert twice == allowed
    assert not [item for item in received if not re.fullmatch(r"a2?-\d{4}", item)]
    assert spool_files(tmp_path) == []
    # The third process had nothing left to do.
    assert not [who for who, _ in requests if who == "c"]


@pytest.mark.parametrize(
    "name",
    [
        *IN_HEIRS,
        "after_send_before_commit",
        "after_commit",
        "after_commit_before_unlink",
        "after_unlink_before_ack_unlink",
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_killed_while_it_takes_over(tmp_path, name, times):
    """Killed in the middle of what a dead process left, its heir's heir delivers the rest."""
    for who in ("a", "a2")[:times]:
        assert child(tmp_path, who, 30, mode="put") == 0
    killed = child(tmp_path, "b", mode="work", fault=f"{name}:{times}")
    assert killed == -signal.SIGKILL
    (tmp_path / "received").touch()
    before = outcome(tmp_path)[2]
    for who in ("c", "d"):
        assert child(tmp_path, who, mode="close") == 0

    promised, received, requests = outcome(tmp_path)
    assert set(promised) == set(received)
    twice = {item for item, count in received.items() if count > 1}
    assert twice == (set(before[-1][1]) if name == "after_send_before_commit" else set())
    assert spool_files(tmp_path) == []
    assert not [who for who, _ in requests if who == "d"]


def test_a_point_is_named_in_the_environment(tmp_path):
    """CXLOGGING_FAULT names the point, and which time; without it nothing happens."""
    code = "from cxlogging.delivery.journal.points import point; [point('x') for _ in range(3)]"
    ends = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "CXLOGGING_FAULT": fault}, check=False
        ).returncode
        for fault in ("", "y", "x:4", "x:3", "x")
    ]
    assert ends == [0, 0, 0, -signal.SIGKILL, -signal.SIGKILL]


def test_killed_twenty_times_in_a_row_during_recovery(tmp_path):
    """Nothing is lost by it, and each kill costs one batch sent twice at most."""
    assert child(tmp_path, "a", 60, mode="put") == 0
    (tmp_path / "received").touch()
    for n in range(20):
        killed = child(tmp_path, f"k{n}", fault=f"during_recovery:{1 + n % 3}")
        assert killed in (-signal.SIGKILL, 0)
    assert child(tmp_path, "z", mode="close") == 0

    promised, received, _ = outcome(tmp_path)
    assert set(promised) == set(received)
    assert sum(received.values()) - len(received) == 0
    assert spool_files(tmp_path) == []


def test_killed_with_a_batch_in_flight_while_the_vendor_is_down(tmp_path):
    """A batch that was sent and not answered is sent again by the next process."""
    assert child(tmp_path, "a", 10, mode="put") == 0
    killed = child(tmp_path, "b", mode="hold", fault="during_recovery:1")
    assert killed == -signal.SIGKILL
    assert child(tmp_path, "c", mode="close") == 0

    promised, received, _ = outcome(tmp_path)
    assert set(promised) == {item for item in received if received[item] == 1}
