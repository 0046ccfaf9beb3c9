"""The numbers to reach: what counts as reached."""

from __future__ import annotations

import pytest

from benchmarks.aims import AIMS
from benchmarks.outcomes import outcomes
from benchmarks.subjects.floors import floor
from benchmarks.subjects.ours import ours
from benchmarks.subjects.peers import LIBHONEY, LOGTAIL

from .runs import a_round, result

CALL = next(aim for aim in AIMS if aim.title == "p50 of the call, over logtail and libhoney")
WHOLE = next(aim for aim in AIMS if aim.whole and "best of these four" in aim.title)
IMPORT = next(aim for aim in AIMS if aim.title.startswith("import cxlogging"))


def outcome(aim, runs, *, journal=False):
    found = outcomes(runs, [aim])
    return next(each for each in found if each.journal == journal)


def burst(**subjects):
    """Return the runs of a burst in which all are equal but *subjects*, by vendor or peer."""
    runs = result()["runs"]
    for name, values in subjects.items():
        runs["burst"][name] = [a_round(at, **values) for at in range(3)]
    return runs


def test_an_aim_is_reached_at_its_bound():
    """A quarter of the call time of both peers reaches the aim, for all three vendors."""
    runs = burst(**{LOGTAIL.name: {"call_us": 40}, LIBHONEY.name: {"call_us": 50}})

    found = outcome(CALL, runs)
    assert (found.median, found.reached) == (pytest.approx(0.25), True)


def test_the_worst_vendor_decides():
    """An aim is missed if one vendor misses it, and that vendor is named."""
    slow = ours("Honeycomb").name
    runs = burst(
        **{LOGTAIL.name: {"call_us": 50}, LIBHONEY.name: {"call_us": 50}, slow: {"call_us": 20}}
    )

    found = outcome(CALL, runs)
    assert (found.vendor, found.median, found.reached) == ("Honeycomb", pytest.approx(0.4), False)


def test_the_floor_shows_what_is_reachable():
    """Each number is shown with that of the leanest pipeline of the same vendor and kind."""
    lean = floor("Coralogix").name
    runs = burst(
        **{LOGTAIL.name: {"call_us": 50}, LIBHONEY.name: {"call_us": 50}, lean: {"call_us": 8}}
    )

    assert outcome(CALL, runs).floor == pytest.approx(0.16)
    assert outcome(CALL, runs, journal=True).floor == pytest.approx(0.2)


def test_the_best_peer_is_the_measure():
    """Slower peers than the best one do not change the outcome."""
    runs = burst(**{LOGTAIL.name: {"call_us": 400}, LIBHONEY.name: {"call_us": 20}})

    assert outcome(CALL, runs).median == 0.5


def test_memory_and_the_spool_are_judged_apart():
    """A slow spool does not change the outcome in memory."""
    slow = ours("Coralogix", journal=True).name
    runs = burst(
        **{LOGTAIL.name: {"call_us": 50}, LIBHONEY.name: {"call_us": 50}, slow: {"call_us": 30}}
    )

    assert outcome(CALL, runs).reached is True
    assert outcome(CALL, runs, journal=True).reached is False


def test_a_lost_record_misses_the_aim_however_fast():
    """One lost record of one vendor misses the aim."""
    names = [ours(vendor).name for vendor in ("Coralogix", "Honeycomb", "Better Stack")]
    fast = {name: {"per_second": 900_000} for name in names}

    assert outcome(WHOLE, burst(**fast)).reached is True
    lossy = {**fast, names[2]: {"per_second": 900_000, "missing": 1}}
    found = outcome(WHOLE, burst(**lossy))
    assert (found.lost, found.reached) == (3, False)


def test_what_was_not_measured_is_neither_reached_nor_missed():
    """Without the figures of the peers there is no outcome."""
    runs = burst()
    del runs["burst"][LOGTAIL.name], runs["burst"][LIBHONEY.name]

    found = outcome(CALL, runs)
    assert (found.median, found.reached) == (None, None)


def test_an_aim_without_a_number_for_the_spool_has_no_outcome_there():
    """The import is the same with a spool and without."""
    assert [each.journal for each in outcomes(result()["runs"], [IMPORT])] == [False]
    assert outcome(IMPORT, result()["runs"]).median == pytest.approx(9.0)


@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: aim.title)
def test_every_aim_is_decided_by_a_whole_run(aim):
    """No aim needs a mode, a subject or a figure that a run does not have."""
    runs = result()["runs"]
    for vendor in ("Honeycomb", "Better Stack"):
        runs["import"][ours(vendor).name] = runs["import"]["import cxlogging"]

    for each in outcomes(runs, [aim]):
        assert each.reached is not None
