"""The report shows what ran, what did not, and every number; each case has a test."""

from __future__ import annotations

import re
from pathlib import Path

from . import report
from .report import CASES, Row, page


def test_every_case_has_a_test():
    """Each of the 64 cases of the matrix is marked on a test."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        found |= set(map(int, re.findall(r"mark\.case\((\d+)\)", path.read_text())))

    assert found == set(CASES)


def test_the_page():
    """The page has a line for each test, sums the figures, and names what failed or did not run."""
    sound = Row(1, "Nothing is lost.", ran=2, figures={"logged": 1_000, "delivered": 1_000})
    killed = Row(2, "Killed.", ran=1, figures={"logged": 10, "delivered": 4, "lost": 6})
    broken = Row(3, "Broken.", ran=1, failed=1, exit_seconds=2.04)
    absent = Row(4, "Elsewhere.", reasons={"uwsgi is not installed"})
    text = page([absent, broken, sound, killed])

    assert "3 of 64 cases ran, in 4 variants; failed: 3; not run: 4, 5," in text
    assert "logged 1,010, delivered 1,004" in text
    assert "lost 6 (without a spool, where the process was killed: cases: 2)" in text
    assert "Longest exit 2.0 s" in text
    lines = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    assert lines == [
        "| 1 | Nothing is lost. | passed (2 variants) | 1,000 | 1,000 |  |  |  |  |",
        "| 2 | Killed. | passed | 10 | 4 |  |  | 6 |  |",
        "| 3 | Broken. | **failed** |  |  |  |  |  | 2.0 |",
        "| 4 | Elsewhere. | not run: uwsgi is not installed |  |  |  |  |  |  |",
    ]


def test_a_part_of_the_matrix_is_no_report():
    """Nothing is written where fewer tests than cases were collected."""

    class Session:
        testscollected = 5

    before = report.PAGE.read_bytes() if report.PAGE.exists() else None
    report.pytest_sessionfinish(Session)

    assert (report.PAGE.read_bytes() if report.PAGE.exists() else None) == before
