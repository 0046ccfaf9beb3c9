from __future__ import annotations

import itertools
import logging
import random
import subprocess
import sys

import pytest

from cxlogging.errors import ConfigurationError
from cxlogging.handlers.context import bound
from cxlogging.handlers.selection.options import samplers
from cxlogging.handlers.selection.samplers import FieldSampler, LevelSampler, RandomSampler


def a_record(level: int = 20, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("shop", level, "/srv/o.py", 7, "hello", None, None)
    record.__dict__.update(extra)
    return record


@pytest.mark.parametrize("rate", [2, 3, 10])
def test_one_record_in_so_many_is_kept_and_says_so(rate):
    """With evenly distributed random numbers, one record in the rate is kept."""
    chances = itertools.cycle(each / (rate * 10) for each in range(rate * 10))
    sample = RandomSampler(rate, lambda: next(chances))

    rates = [sample(a_record()) for _ in range(rate * 10)]

    assert set(rates) == {0, rate}
    assert sum(rates) == len(rates)


def test_chance_keeps_as_many_as_it_says():
    """With real random numbers, the kept records stand for about all records."""
    sample = RandomSampler(10, random.Random(4711).random)

    assert 45_000 < sum(sample(a_record()) for _ in range(50_000)) < 55_000


@pytest.mark.parametrize("one", [1, "1"])
def test_a_rate_of_one_samples_nothing(one):
    """sample_rate=1 keeps everything, without a sampler."""
    assert samplers("sample_rate", one) == ()


def test_a_rate_may_be_a_text():
    """A rate may be a string from a configuration file."""
    assert samplers("sample_rate", "7")[0]._rate == 7
    assert isinstance(samplers("sample_rate", 7)[0], RandomSampler)


def test_a_callable_is_a_sampler():
    """A callable is used as it is."""
    own = FieldSampler("trace", 2)

    assert samplers("sample_rate", own) == (own,)


@pytest.mark.parametrize("rate", [0, -1, 1.5, True, False, None, "", "x", "1.5", "-1", "²"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda rate: samplers("sample_rate", rate),
            "sample_rate takes a whole number from 1, or a callable, not",
        ),
        (lambda rate: FieldSampler("f", rate), "rate takes a whole number from 1, not"),
        (lambda rate: LevelSampler({10: rate}), "rates takes a whole number from 1, not"),
    ],
    ids=["sample_rate", "FieldSampler", "LevelSampler"],
)
def test_an_invalid_rate_is_refused(make, words, rate):
    """The error names the argument and what it takes."""
    with pytest.raises(ConfigurationError, match=f"^{words}"):
        make(rate)


def test_records_that_share_a_value_share_their_fate():
    """All records of a trace are kept or dropped together, about one trace in the rate."""
    sample = FieldSampler("trace", 4)

    rates = {trace: {sample(a_record(trace=trace)) for _ in range(3)} for trace in range(400)}

    assert set(map(len, rates.values())) == {1}
    assert 60 < sum(rates[trace] == {4} for trace in rates) < 140
    assert set().union(*rates.values()) == {0, 4}


def test_a_record_without_the_field_is_kept():
    """A record without the field is kept, and stands for itself."""
    assert FieldSampler("trace", 1_000_000)(a_record()) == 1


def test_a_bound_field_decides_too():
    """The field may be bound to the context; an extra takes precedence."""
    sample = FieldSampler("trace", 2)
    kept, left = (
        next(each for each in range(99) if sample(a_record(trace=each)) == rate) for rate in (2, 0)
    )

    with bound(trace=left):
        assert sample(a_record()) == 0
        assert sample(a_record(trace=kept)) == 2


def test_odd_values_decide_too():
    """A lone surrogate, an empty text and 0 are values."""
    sample = FieldSampler("trace", 1)

    assert [sample(a_record(trace=each)) for each in ("\ud800", "", 0, False)] == [1, 1, 1, 1]


DECIDE = """
import logging
from cxlogging.handlers.selection.samplers import FieldSampler
record = logging.LogRecord("", 20, "", 7, "", None, None)
sample = FieldSampler("trace", 3)
for each in range(64):
    record.trace = f"trace-{each}"
    print(sample(record), end="")
"""


def test_every_process_decides_alike():
    """Processes with other hash seeds keep the same traces."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", DECIDE],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    sample = FieldSampler("trace", 3)
    here = "".join(str(sample(a_record(trace=f"trace-{each}"))) for each in range(64))

    assert runs == [here, here]
    assert set(here) == {"0", "3"}


def test_each_level_has_its_rate():
    """A level has the rate of the highest one named below it; below all, everything is kept."""
    sample = LevelSampler({"INFO": 10, logging.WARNING: "2", "ERROR": 1}, chance=lambda: 0.0)

    rates = {level: sample(a_record(level)) for level in (5, 10, 19, 20, 29, 30, 35, 40, 50)}

    assert rates == {5: 1, 10: 1, 19: 1, 20: 10, 29: 10, 30: 2, 35: 2, 40: 1, 50: 1}


def test_a_level_s_rate_is_what_it_keeps():
    """With evenly distributed random numbers, the kept records of each level stand for all."""
    for level, rate in ((20, 10), (30, 2), (40, 1)):
        chances = iter([each / 100 for each in range(100)])
        sample = LevelSampler({20: 10, 30: 2, 40: 1}, chance=lambda chances=chances: next(chances))
        kept = [sample(a_record(level)) for _ in range(100)]
        assert (sum(kept), set(kept) - {0}) == (100, {rate})


@pytest.mark.parametrize("level", ["NOPE", None, 1.5, "info"])
def test_what_is_no_level_is_refused(level):
    """An unknown level is an error that shows it."""
    with pytest.raises(ConfigurationError, match=f"LevelSampler: unknown level {level!r}."):
        LevelSampler({level: 2})
