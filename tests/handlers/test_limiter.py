"""The limit of call sites: the first records of each period, then one in so many."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque

import pytest

from cxlogging import ConfigurationError, SiteLimiter
from cxlogging.handlers.selection.limiter import MAX_SITES


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def a_record(line: int = 7, level: int = 20, name: str = "shop") -> logging.LogRecord:
    return logging.LogRecord(name, level, "/srv/o.py", line, "hello", None, None)


def test_the_first_ones_then_one_in_so_many(clock):
    """By default: 100 of a call site and second, then one in 100, which stands for 100."""
    limiter = SiteLimiter(clock=clock)
    rates = [limiter(a_record()) for _ in range(1_100)]

    assert rates[:100] == [1] * 100
    assert [place for place, rate in enumerate(rates) if rate == 100] == [*range(199, 1_100, 100)]
    assert sum(rates) == 1_100


def test_none_then(clock):
    """With then=0 nothing follows the first ones."""
    limiter = SiteLimiter(3, then=0, clock=clock)

    assert [limiter(a_record()) for _ in range(6)] == [1, 1, 1, 0, 0, 0]


def test_none_first(clock):
    """With first=0 it is one in so many from the beginning; with then=1 all that follow."""
    assert [SiteLimiter(0, 2, clock=clock)(a_record()) for _ in range(2)] == [0, 0]
    limiter = SiteLimiter(0, 2, clock=clock)
    assert [limiter(a_record()) for _ in range(4)] == [0, 2, 0, 2]
    limiter = SiteLimiter(1, 1, clock=clock)
    assert [limiter(a_record()) for _ in range(4)] == [1, 1, 1, 1]


def test_each_period_begins_anew(clock):
    """The next second, or period, has its own first ones."""
    limiter = SiteLimiter(2, then=0, per=10, clock=clock)

    assert [limiter(a_record()) for _ in range(3)] == [1, 1, 0]
    clock.now += 5
    assert limiter(a_record()) == 0
    clock.now += 5
    assert [limiter(a_record()) for _ in range(3)] == [1, 1, 0]


def test_what_follows_is_counted_over_periods(clock):
    """In many periods just above the limit, the kept records still stand for all of them."""
    limiter = SiteLimiter(10, then=10, clock=clock)
    total = 0
    for _ in range(100):
        total += sum(limiter(a_record()) for _ in range(13))
        clock.now += 1

    assert total == 1_300


def test_a_call_site_is_logger_line_and_level(clock):
    """Each logger, line and level has a limit of its own; ERROR and above have none."""
    limiter = SiteLimiter(1, then=0, clock=clock)
    sites = [a_record(), a_record(line=8), a_record(level=10), a_record(name="shop.db")]

    assert [limiter(each) for each in sites] == [1, 1, 1, 1]
    assert [limiter(each) for each in sites] == [0, 0, 0, 0]
    assert [limiter(a_record(level=level)) for level in (40, 40, 50, 50, 99)] == [1] * 5


def test_there_is_an_end_to_the_sites(clock):
    """Beyond 4,096 call sites of one second, the others share one; the next second has room."""
    limiter = SiteLimiter(2, then=0, clock=clock)
    for line in range(MAX_SITES):
        assert limiter(a_record(line)) == 1

    assert [limiter(a_record(-line)) for line in range(1, 6)] == [1, 1, 0, 0, 0]
    assert limiter(a_record(0)) == 1
    clock.now += 1
    assert [limiter(a_record(-line)) for line in range(1, 6)] == [1] * 5
    assert len(limiter._sites) <= MAX_SITES


def test_a_site_that_is_busy_keeps_its_count_when_others_go(clock):
    """When idle call sites give way to new ones, the busy ones are not counted anew."""
    limiter = SiteLimiter(2, then=0, clock=clock)
    for line in range(MAX_SITES):
        limiter(a_record(line))
    clock.now += 1
    assert [limiter(a_record(1)) for _ in range(3)] == [1, 1, 0]
    for line in range(MAX_SITES, MAX_SITES + 100):
        limiter(a_record(line))

    assert limiter(a_record(1)) == 0


def test_threads_share_the_limit(clock):
    """Eight threads that change places at any moment pass exactly the first ones of a period."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    limiter = SiteLimiter(100, then=50, clock=clock)
    try:
        for _ in range(3):
            clock.now += 1
            passed: deque[int] = deque()
            log = lambda add=passed.append: [add(limiter(a_record())) for _ in range(500)]  # noqa: E731
            threads = [threading.Thread(target=log) for _ in range(8)]
            limiter(a_record())  # begins the period
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert passed.count(1) == 99
            assert 3_850 <= sum(passed) <= 4_050
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"first": -1}, "first takes a whole number from 0, not -1"),
        ({"first": 1.5}, "first takes a whole number from 0, not 1.5"),
        ({"then": "x"}, "then takes a whole number from 0, not 'x'"),
        ({"then": True}, "then takes a whole number from 0, not True"),
        ({"per": 0}, "per takes a number above 0, not 0"),
        ({"per": "soon"}, "per takes a number above 0, not 'soon'"),
        ({"per": float("nan")}, "per takes a number above 0, not nan"),
    ],
)
def test_an_impossible_limit(arguments, words):
    """The error names the argument and what it takes."""
    with pytest.raises(ConfigurationError, match=f"^{words}"):
        SiteLimiter(**arguments)


def test_texts_are_numbers(clock):
    """The arguments may be strings from a configuration file."""
    limiter = SiteLimiter("2", "3", "0.5", clock=clock)

    assert [limiter(a_record()) for _ in range(5)] == [1, 1, 0, 0, 3]
    clock.now += 0.5
    assert limiter(a_record()) == 1
