"""Figures, and ratios within a round."""

from __future__ import annotations

import pytest

from benchmarks import figures
from benchmarks.figures import (
    CPU,
    DELIVERED,
    MEAN_CPU,
    MEDIAN_CALL,
    P50,
    Figure,
    joined,
    over,
    series,
    spread,
    steady,
)

HALF = Figure("half", lambda each: each.get("value", 0) / 2 or None)


def rounds(*values):
    return [{"round": number, "value": value} for number, value in enumerate(values)]


def test_a_cell_is_the_median_with_the_least_and_the_most():
    """Three rounds give their median and their span; equal ones give one number."""
    assert HALF.cell(rounds(2, 8, 4)) == "2.0 (1.0-4.0)"
    assert HALF.cell(rounds(2, 2)) == "1.0"
    assert HALF.cell([]) == "-"
    assert spread([1_000, 3_000, 2_000], ",.0f") == "2,000 (1,000-3,000)"


def test_a_round_that_failed_or_lacks_the_figure_is_left_out():
    """A failure is not counted as zero."""
    runs = [*rounds(2, None), {"round": 2, "failed": "ended", "value": 8}]
    runs[1].pop("value")

    assert series(runs, HALF) == {0: 1.0}


def test_a_ratio_is_taken_within_a_round():
    """Rounds that only one side has are not mixed with others."""
    assert over({0: 2.0, 1: 9.0, 2: 6.0}, {0: 1.0, 2: 2.0, 3: 5.0}) == [2.0, 3.0]


def test_the_best_of_several_is_found_round_by_round():
    """Each round has its own best; a subject without figures is ignored."""
    assert joined([{0: 3.0, 1: 1.0}, {0: 2.0, 1: 5.0}, {}], min) == {0: 2.0, 1: 1.0}
    assert joined([{}, {}], min) == {}


def test_figures_come_from_what_a_child_and_the_sink_say():
    """CPU is per record logged, delivery per second until the last answer."""
    each = {"round": 0, "cpu": 0.5, "records": 100_000, "delivered": 90_000, "wall": 2.0}

    assert series([each], CPU) == {0: pytest.approx(5.0)}
    assert series([each], DELIVERED) == {0: 45_000}


def test_a_subject_that_sends_nothing_has_no_delivery():
    """The cell of a baseline is a dash, not a zero."""
    each = {"round": 0, "cpu": 0.5, "records": 10, "delivered": 0, "missing": 0}

    assert series([each], DELIVERED) == series([each], figures.MISSING) == {}


def test_above_no_op_is_measured_against_the_same_process():
    """The call and the CPU of the process's own no-op are subtracted."""
    each = {
        "round": 0,
        "p50_ns": 9_000,
        "base_p50_ns": 6_000,
        "cpu": 0.011,
        "records": 1_000,
        "base_cpu": 8e-6,
    }

    assert series([each], figures.ABOVE_P50) == {0: pytest.approx(3.0)}
    assert series([each], figures.ABOVE_CPU) == {0: pytest.approx(3.0)}


def test_a_machine_that_changes_its_speed_changes_no_ratio():
    """If everything, the no-op included, takes twice as long, the ratios stay the same."""
    quick = {"round": 0, "p50_ns": 9_000, "base_p50_ns": 6_000, "delivered": 80, "wall": 1.0}
    slow = {"round": 0, "p50_ns": 18_000, "base_p50_ns": 12_000, "delivered": 80, "wall": 2.0}
    quick, slow = {**quick, "base_cpu": 7e-6}, {**slow, "base_cpu": 14e-6}

    for figure in (steady(P50, MEDIAN_CALL), steady(DELIVERED, MEAN_CPU, rate=True)):
        assert over(series([quick], figure), series([slow], figure)) == [pytest.approx(1.0)]


def test_what_has_no_no_op_beside_it_has_no_steady_figure():
    """A figure of a process without a no-op is left out instead of used unscaled."""
    assert series([{"round": 0, "p50_ns": 9_000}], steady(P50, MEDIAN_CALL)) == {}
