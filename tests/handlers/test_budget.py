"""The budget of a day: it grows, lower levels go first, and processes of a spool share it."""

from __future__ import annotations

import errno
import json
import logging
import os

import pytest

import cxlogging
from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.queue.factory import spool_of
from cxlogging.delivery.queue.shared_count import SharedCount
from cxlogging.handlers.selection.budget import Budget
from cxlogging.handlers.selection.options import budget as parsed
from tests.fakes import Network, delivery

DAY = 86_400
MIDNIGHT = 20_000 * DAY


class Time:
    """The time of day in hours, which is set by hand."""

    def __init__(self, hours: float = 0.0) -> None:
        self.set(hours)

    def set(self, hours: float) -> None:
        self.wall = MIDNIGHT + hours * 3_600
        self.monotonic = 1_000 + hours * 3_600

    @property
    def clocks(self) -> Clocks:
        return Clocks(monotonic=lambda: self.monotonic, wall=lambda: self.wall)


@pytest.fixture
def time():
    return Time()


def a_budget(text: str, time: Time, **options):
    target = delivery(Network(), clock=time.clocks, flush_interval=3_600)
    return Budget(parsed("budget", text), target, **options), target


def sent(budget: Budget, target, level: int, count: int, size: int = 100) -> int:
    """Offer so many items; return how many of them passed."""
    passed = 0
    for _ in range(count):
        if not budget.refuses(level):
            target.lane.queue.put((level, bytes(size), 0))
            passed += 1
    return passed


@pytest.mark.parametrize(
    ("hours", "level", "passed"),
    [
        (0, 10, 70),
        (0, 20, 85),
        (0, 30, 95),
        (0, 29, 95),
        (0, 5, 70),
        (11, 10, 12 * 70),
        (23, 30, 24 * 95),
        (23.9, 30, 24 * 95),
    ],
)
@pytest.mark.parametrize("unit", ["events", "bytes"])
def test_the_allowance_grows_over_the_day(time, unit, hours, level, passed):
    """An hour ahead of the day's part, of which DEBUG may use 70 %, INFO 85, WARNING 95."""
    time.set(hours)
    text = "2400 events/day" if unit == "events" else "240kB/day"
    budget, target = a_budget(text, time)

    assert sent(budget, target, level, 3_000) == passed


def test_the_higher_levels_have_what_is_left(time):
    """When DEBUG has used up its part, INFO still has some, then WARNING, then ERROR."""
    budget, target = a_budget("2400 events/day", time)

    assert [sent(budget, target, level, 200) for level in (10, 20, 30)] == [70, 15, 10]
    assert sent(budget, target, 40, 500) == 500
    assert sent(budget, target, 30, 10) == 0


def test_a_hard_budget_is_for_errors_too(time):
    """With budget_hard ERROR and CRITICAL may use all of the allowance, and no more."""
    budget, target = a_budget("2400 events/day", time, is_hard=True)

    assert [sent(budget, target, level, 200) for level in (30, 40, 50)] == [95, 5, 0]


def test_a_new_day_has_a_new_budget(time):
    """At midnight UTC the count begins again."""
    time.set(23)
    budget, target = a_budget("2400 events/day", time)
    assert sent(budget, target, 20, 3_000) == 24 * 85
    time.set(24)

    assert sent(budget, target, 20, 3_000) == 85


def test_a_clock_that_is_set_back(time):
    """A clock that jumps to another day, back or forth, begins another count."""
    time.set(24 * 300)
    budget, target = a_budget("2400 events/day", time)
    assert sent(budget, target, 20, 100) == 85
    time.set(12)

    assert sent(budget, target, 20, 2_000) == 13 * 85


def test_it_says_so_once_a_day(time, capfd):
    """A worker is woken for one message a day when a record is left out."""
    budget, target = a_budget("24 events/day", time)
    for hours in (0, 1, 2, 24, 25):
        time.set(hours)
        sent(budget, target, 20, 40)
        if budget.due_at <= time.monotonic:
            budget.work(time.monotonic)
    said = capfd.readouterr().err

    assert said.count("is used up") == 2
    assert "the part of budget='24 events/day' for this time of the day (UTC)" in said
    assert "DEBUG first, then INFO, then WARNING; ERROR is sent" in said


def shared(tmp_path, disk: Disk | None = None) -> SharedCount:
    target = delivery(Network())
    target.destination.identity = {"vendor": "lines", "url": "http://127.0.0.1:9"}
    disk = disk or Disk()
    spool = spool_of(target.destination, str(tmp_path / "spool"), target.options, disk)
    return SharedCount(spool, disk)


def test_processes_of_a_spool_share_it(time, tmp_path):
    """What one process has sent counts for the others, and for those that start later."""
    first, one = a_budget("2400 events/day", time, shared=shared(tmp_path))
    second, two = a_budget("2400 events/day", time, shared=shared(tmp_path))
    assert sent(first, one, 20, 60) == 60
    assert first.due_at <= time.monotonic + 1
    first.work(time.monotonic)
    assert sent(second, two, 20, 5) == 5
    second.work(time.monotonic)

    assert sent(second, two, 20, 100) == 20
    third, three = a_budget("2400 events/day", time, shared=shared(tmp_path))
    assert sent(third, three, 20, 100) == 20
    time.set(24)
    fourth, four = a_budget("2400 events/day", time, shared=shared(tmp_path))
    assert sent(fourth, four, 20, 100) == 85


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_fork_does_not_refill_what_is_shared(time, tmp_path, is_shared):
    """The child of a fork begins with what its parent has sent; without a spool with nothing."""
    count = shared(tmp_path) if is_shared else None
    budget, target = a_budget("2400 events/day", time, shared=count)
    assert sent(budget, target, 20, 60) == 60
    budget.work(time.monotonic)
    assert sent(budget, target, 20, 15) == 15
    target.workers.reset()  # as in the child: another queue

    assert sent(budget, target, 20, 100) == (10 if is_shared else 85)
    if is_shared:
        budget.work(time.monotonic)
        other, two = a_budget("2400 events/day", time, shared=shared(tmp_path))
        assert sent(other, two, 20, 100) == 15  # the parent's last ones are not noted yet


def test_the_count_is_written_at_most_once_a_second(time, tmp_path):
    """An idle process writes nothing, a busy one once a second."""
    budget, target = a_budget("1GB/day", time, shared=shared(tmp_path))
    assert budget.due_at == float("inf")
    sent(budget, target, 20, 3)
    assert budget.due_at == time.monotonic + 1
    time.monotonic += 1
    budget.work(time.monotonic)
    assert budget.due_at == float("inf")
    [path] = tmp_path.glob("spool/*/budget.json")
    assert json.loads(path.read_text()) == {"day": 20_000, "items": 3, "size": 300}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"day": "x"}', b"\xff", b'{"day": 1}'])
def test_a_damaged_count_begins_again(time, tmp_path, content):
    """A file that a power failure has truncated is as none."""
    budget, target = a_budget("2400 events/day", time, shared=shared(tmp_path))
    sent(budget, target, 20, 10)
    budget.work(time.monotonic)
    [path] = tmp_path.glob("spool/*/budget.json")
    path.write_bytes(content)

    other, two = a_budget("2400 events/day", time, shared=shared(tmp_path))
    assert sent(other, two, 20, 100) == 85


class FullDisk(Disk):
    is_full = True

    def create(self, folder: int, name: str) -> int:
        if self.is_full and name.startswith("budget"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().create(folder, name)


def test_a_disk_that_fails(time, tmp_path, capfd):
    """While the count cannot be written the process counts for itself; one message says so."""
    disk = FullDisk()
    budget, target = a_budget("2400 events/day", time, shared=shared(tmp_path, disk))
    assert sent(budget, target, 20, 60) == 60
    for _ in range(3):
        budget.work(time.monotonic)
        time.monotonic += 10
    assert sent(budget, target, 20, 100) == 25
    said = capfd.readouterr().err
    assert said.count("what counts for budget= cannot be noted in the spool (No space left") == 1

    disk.is_full = False
    budget.work(time.monotonic)
    other, two = a_budget("2400 events/day", time, shared=shared(tmp_path))
    assert sent(other, two, 20, 100) == 0


def test_two_at_once_lose_nothing(time, tmp_path):
    """While another process has the lock, the count is added later."""
    budget, target = a_budget("2400 events/day", time, shared=shared(tmp_path))
    sent(budget, target, 20, 10)
    budget.work(time.monotonic)
    [path] = tmp_path.glob("spool/*/budget.lock")
    disk = Disk()
    folder = disk.enter(str(path.parent))
    lock = disk.lock(folder, path.name)
    sent(budget, target, 20, 10)
    budget.work(time.monotonic)
    assert json.loads((path.parent / "budget.json").read_text())["items"] == 10
    disk.close(lock)
    disk.close(folder)
    budget.work(time.monotonic)

    assert json.loads((path.parent / "budget.json").read_text())["items"] == 20


RESTART = """
for number in range(40):
    log.warning("w")
print(handler.stats().accepted, handler.stats().over_budget)
"""


@pytest.mark.slow
def test_a_restart_does_not_refill_it(program, tmp_path):
    """Programs with one spool that run one after another have one budget; without one, each."""
    options = f"budget='200 events/day', spool={str(tmp_path / 'spool')!r}"
    runs = [program(RESTART, options=options) for _ in range(8)]
    accepted = [int(run.out.split()[0]) for run in runs]

    assert [run.code for run in runs] == [0] * 8, runs[0].err
    assert sum(accepted) <= 190
    assert sum(int(run.out.split()[1]) for run in runs) == 320 - sum(accepted)
    again = [program(RESTART, options="budget='200 events/day'") for _ in range(2)]
    assert again[0].out == again[1].out


def test_the_ledger_counts_what_is_over_it(server):
    """What comes after the budget is used up is never accepted; errors are sent."""
    handler = cxlogging.BetterStackHandler("k", url=server.url, budget="30B/day")
    for level in (10, 20, 30, 40, 50):
        handler.handle(logging.LogRecord("shop", level, "/srv/o.py", 7, "hello", None, None))
    assert handler.flush(20)

    stats = handler.stats()
    assert (stats.over_budget, stats.delivered, stats.offered) == (2, 3, 5)
    assert handler.delivery.ledger.over_budget.by_level() == {20: 1, 30: 1}
    handler.close()
