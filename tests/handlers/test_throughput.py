"""ThroughputSampler keeps so many records a second, and of each kind some."""

from __future__ import annotations

import logging
import math
import random
import sys
import threading
import time

import pytest

import cxlogging
from cxlogging import ConfigurationError, ThroughputSampler
from cxlogging.handlers.context import bound
from cxlogging.handlers.selection.throughput import MAX_KEYS


class Simulation:
    """Traffic by keys and second, and a worker that does what is due."""

    def __init__(self, goal: float, seed: int = 16, **options) -> None:
        self.now = 5_000.0
        self.random = random.Random(seed)
        self.sampler = ThroughputSampler(
            goal, chance=self.random.random, clock=lambda: self.now, **options
        )
        self.sampler.attach(lambda: None)
        self.kept: dict[str, int] = {}
        self.weight: dict[str, int] = {}

    def run(self, seconds: int, traffic: dict[str, float]) -> None:
        """Log so many records a second of each name, mixed, in steps of a tenth of a second."""
        for _ in range(seconds * 10):
            step = [name for name, rate in traffic.items() for _ in range(self.poisson(rate / 10))]
            self.random.shuffle(step)
            for name in step:
                self.log(name)
            self.now += 0.1

    def poisson(self, mean: float) -> int:
        if mean > 30:
            return max(round(self.random.gauss(mean, math.sqrt(mean))), 0)
        limit, count, product = math.exp(-mean), 0, self.random.random()
        while product > limit:
            count += 1
            product *= self.random.random()
        return count

    def log(self, name: str) -> None:
        if self.sampler.due_at <= self.now:
            self.sampler.work(self.now)
        rate = self.sampler(a_record(name))
        self.kept[name] = self.kept.get(name, 0) + bool(rate)
        self.weight[name] = self.weight.get(name, 0) + rate


def a_record(name: str, level: int = 20, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord(name, level, "/srv/o.py", 7, "hello", None, None)
    record.__dict__.update(extra)
    return record


TRAFFIC = {"hot": 700.0, "warm": 70.0, "mild": 7.0, "cold": 0.7}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_minutes_are_near_the_goal(seed):
    """
    Over ten minutes and three orders of magnitude between keys, the goal is met within 5 %.

    The rarest keys are kept whole, and what is kept stands for everything.
    """
    simulation = Simulation(goal=50, seed=seed)
    simulation.run(600, TRAFFIC)

    kept = sum(simulation.kept.values())
    assert abs(kept - 50 * 600) < 0.05 * 50 * 600, kept
    assert simulation.kept["cold"] == simulation.weight["cold"]
    for name, rate in TRAFFIC.items():
        assert abs(simulation.weight[name] - rate * 600) < 0.15 * rate * 600, name


@pytest.mark.slow
def test_traffic_that_changes_is_near_the_goal():
    """A rush of ten times the traffic, and its end, leave the ten minutes within 15 %."""
    simulation = Simulation(goal=50)
    rush = {name: rate * 10 for name, rate in TRAFFIC.items()}
    simulation.run(200, TRAFFIC)
    simulation.run(60, rush)
    simulation.run(340, TRAFFIC)

    kept = sum(simulation.kept.values())
    assert abs(kept - 50 * 600) < 0.15 * 50 * 600, kept


def test_below_the_goal_everything_is_kept():
    """Where there are fewer records than the goal, none is left out."""
    simulation = Simulation(goal=100)
    simulation.run(60, {"a": 40, "b": 20})

    assert simulation.kept == simulation.weight
    assert sum(simulation.kept.values()) > 3_000


def test_the_first_second_is_limited_too():
    """Before any interval is over, a flood is limited: rates are computed early."""
    simulation = Simulation(goal=10)
    simulation.run(2, {"a": 5_000})

    assert sum(simulation.kept.values()) < 400
    assert 7_000 < sum(simulation.weight.values()) < 13_000


def test_a_burst_wakes_the_worker():
    """Twice the usual number of records calls for a worker before the interval is over."""
    woken = []
    simulation = Simulation(goal=10)
    simulation.run(20, {"a": 5})
    assert simulation.sampler.due_at > simulation.now
    simulation.sampler.attach(lambda: woken.append(simulation.now))
    for _ in range(500):
        simulation.sampler(a_record("a"))

    assert woken == [simulation.now]
    assert simulation.sampler.due_at < simulation.now
    simulation.sampler.work(simulation.now)
    assert simulation.sampler.due_at > simulation.now


def test_an_average_begins_with_the_first_count():
    """A first count and a burst are the average; other intervals are a half of it."""
    simulation = Simulation(goal=10)

    def interval(**counts: int) -> dict[str, float]:
        for name, count in counts.items():
            for _ in range(count):
                simulation.sampler(a_record(name))
        simulation.now += 15
        simulation.sampler.work(simulation.now)
        averages = simulation.sampler._averages.items()
        return {name: round(rate * 15, 9) for (_, name), rate in averages}

    assert interval(a=60) == {"a": 60}
    assert interval(a=100) == {"a": 80}
    assert interval(a=80, b=40) == {"a": 80, "b": 40}
    assert interval(a=80) == {"a": 80, "b": 20}
    for _ in range(250):
        simulation.sampler(a_record("a"))
    simulation.sampler.work(simulation.now)
    assert interval(a=750) == {"a": 1_000}


def test_nothing_is_due_without_records():
    """An idle sampler asks for no work."""
    simulation = Simulation(goal=10)
    assert simulation.sampler.due_at == math.inf
    simulation.sampler.work(simulation.now)
    simulation.sampler(a_record("a"))
    assert simulation.sampler.due_at == simulation.now + 15
    simulation.now += 15
    simulation.sampler.work(simulation.now)
    assert simulation.sampler.due_at == math.inf


def test_keys_beyond_the_first_share_one():
    """Any number of values takes the memory of 501, and the others are limited together."""
    simulation = Simulation(goal=10, key=["user"])
    sampler = simulation.sampler
    for _ in range(3):
        for number in range(3_000):
            sampler(a_record("a", user=number))
        simulation.now += 15
        sampler.work(simulation.now)

    assert len(sampler._keys) <= MAX_KEYS + 1
    assert sum(bool(sampler(a_record("a", user=number))) for number in range(3_000)) < 1_000


def test_a_key_that_comes_no_more_is_forgotten():
    """The state of a key goes after some intervals without records."""
    simulation = Simulation(goal=10)
    simulation.run(16, {"gone": 3, "stays": 3})
    simulation.run(300, {"stays": 3})

    assert {name for _, name in simulation.sampler._keys} == {"stays"}


@pytest.mark.parametrize("key", [("user", "levelname"), ["user", "levelname"], "user, levelname"])
def test_keys_are_attributes_extras_or_bound_fields(key):
    """Names of a key may be those of attributes, extras and bound fields, also in one string."""
    sampler = ThroughputSampler(10, key=key)
    sampler(a_record("a", user="ada"))
    with bound(user="bob"):
        sampler(a_record("a", 40))
    sampler(a_record("a", user=["unhashable"]))

    assert [*sampler._keys] == [("ada", "INFO"), ("bob", "ERROR"), ("['unhashable']", "INFO")]


def test_a_key_may_be_a_callable():
    """A callable returns the key; what it returns is kept short."""
    sampler = ThroughputSampler(10, key=lambda record: record.getMessage() * 1_000)
    sampler(a_record("a"))

    assert [*sampler._keys] == [("hello" * 40)]


def test_a_fork_s_child_counts_anew():
    """The counts of the parent are not the child's; the rates stay."""
    simulation = Simulation(goal=10)
    simulation.run(32, {"a": 500})
    rate = simulation.sampler._keys["INFO", "a"].rate
    simulation.sampler.reset_after_fork()

    assert rate > 20
    assert simulation.sampler.due_at == math.inf
    assert simulation.sampler._keys["INFO", "a"].rate == rate
    assert simulation.sampler._keys["INFO", "a"].seen == 0


def test_threads_and_the_worker_at_once():
    """Log calls of eight threads beside the computation of rates lose no key and raise nothing."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    simulation, failures = Simulation(goal=50), []
    sampler = simulation.sampler

    def log(number: int) -> None:
        try:
            for count in range(2_000):
                sampler(a_record(f"{number}-{count % 100}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            simulation.now += 15
            sampler.work(simulation.now)
    finally:
        sys.setswitchinterval(interval)

    assert failures == []
    assert len(sampler._keys) <= MAX_KEYS + 8


@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
def test_a_handler_s_worker_computes_the_rates(server, tmp_path, spooled):
    """Behind a real handler a flood is sampled soon, and what arrives says for how many it is."""
    handler = cxlogging.CoralogixHandler(
        "k",
        url=server.url,
        sample_rate=ThroughputSampler(20),
        spool=tmp_path / "spool" if spooled else None,
    )
    end = time.monotonic() + 20
    while not handler.stats().sampled > 1_000:
        assert time.monotonic() < end
        for _ in range(100):
            handler.handle(a_record("a"))
    assert handler.flush(20)

    stats = handler.stats()
    assert stats.delivered == stats.accepted == stats.offered - stats.sampled
    assert max(event["data"].get("cx_sample_rate", 1) for event in server.events()) > 1
    handler.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"goal": 0}, "goal takes a number above 0, not 0"),
        ({"goal": "x"}, "goal takes a number above 0, not 'x'"),
        ({"goal": 1, "interval": 0.5}, "interval takes a number from 1, not 0.5"),
        ({"goal": 1, "key": ()}, r"key takes names of fields, or a callable, not \(\)"),
        ({"goal": 1, "key": [1]}, r"key takes names of fields, or a callable, not \[1\]"),
        ({"goal": 1, "key": 7}, "key takes names of fields, or a callable, not 7"),
    ],
)
def test_an_impossible_argument(arguments, words):
    """The error names the argument and what it takes."""
    with pytest.raises(ConfigurationError, match=f"^{words}"):
        ThroughputSampler(**arguments)


def test_texts_are_numbers():
    """Numbers may be strings from a configuration file."""
    sampler = ThroughputSampler("100", interval="15")

    assert (sampler._goal, sampler._interval) == (100, 15)
