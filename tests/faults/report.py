"""
The report of the fault matrix: a plugin for the test runner that writes docs/faults.md.

``python -m pytest -p tests.faults.report tests/faults`` runs every case, those that are slow or
need other servers included.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CASES = range(1, 65)
PAGE = Path(__file__).parent.parent.parent / "docs" / "faults.md"
COLUMNS = ("logged", "delivered", "duplicated", "counted", "lost")

HEAD = """\
# The fault matrix

What a network, a vendor, a disk and a process can do to log records, done to cxlogging on purpose:
with real sockets, processes, forks and signals. `make faults` runs it and writes this page.

- **logged**: records whose log call had returned.
- **delivered**: of these, acknowledged by the backend.
- **twice**: acknowledged more than once. Delivery is at least once: where an answer is lost, a
  batch goes again.
- **counted**: not delivered, and said: dropped by the overflow policy, refused by the vendor, or
  left at the exit; `stats()`, `on_drop` or a line on stderr has the number.
- **lost**: neither delivered nor counted.
- **exit**: the longest time from the end of the program's own code to the end of the process,
  in seconds.

"""


@dataclass
class Row:
    """One test function: all its parameters together."""

    number: int
    sentence: str
    ran: int = 0
    failed: int = 0
    reasons: set[str] = field(default_factory=set)
    figures: dict[str, int] = field(default_factory=dict)
    exit_seconds: float | None = None

    @property
    def result(self) -> str:
        if self.failed:
            return "**failed**"
        if not self.ran:
            return f"not run: {'; '.join(sorted(self.reasons))}"
        times = f" ({self.ran} variants)" if self.ran > 1 else ""
        left_out = f"; not run: {'; '.join(sorted(self.reasons))}" if self.reasons else ""
        return f"passed{times}{left_out}"

    def line(self) -> str:
        numbers = [f"{self.figures[each]:,}" if each in self.figures else "" for each in COLUMNS]
        left = "" if self.exit_seconds is None else f"{self.exit_seconds:.1f}"
        return f"| {' | '.join([str(self.number), self.sentence, self.result, *numbers, left])} |"


rows: dict[str, Row] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    marker = item.get_closest_marker("case")
    if marker is not None:
        name = item.nodeid.partition("[")[0]
        sentence = " ".join((item.function.__doc__ or "").split())
        row = rows.setdefault(name, Row(marker.args[0], sentence))
        note(row, report, dict(item.user_properties))
    return report


def note(row: Row, report: pytest.TestReport, properties: dict) -> None:
    """Add what one test has shown to its row."""
    if report.skipped:
        row.reasons.add(str(report.longrepr[2]).removeprefix("Skipped: "))
    elif report.failed:
        row.failed += 1
        row.ran += report.when == "call"
    elif report.when == "call":
        row.ran += 1
        for each, value in properties.get("figures", {}).items():
            row.figures[each] = row.figures.get(each, 0) + value
        seconds = properties.get("exit_seconds")
        if seconds is not None:
            row.exit_seconds = max(row.exit_seconds or 0.0, seconds)


def pytest_sessionfinish(session):
    if session.testscollected >= len(CASES):  # a part of the matrix is no report
        PAGE.write_text(page(list(rows.values())))


def page(shown: list[Row]) -> str:
    """Return the report as a page of the documentation."""
    shown = sorted(shown, key=lambda row: row.number)
    totals: dict[str, int] = defaultdict(int)
    for row in shown:
        for each in COLUMNS:
            totals[each] += row.figures.get(each, 0)
    missing = sorted(set(CASES) - {row.number for row in shown if row.ran})
    failed = sorted({row.number for row in shown if row.failed})
    losing = sorted({row.number for row in shown if row.figures.get("lost")})
    longest = max((row.exit_seconds or 0.0 for row in shown), default=0.0)
    lines = [
        (
            f"Python {platform.python_version()}, {platform.system()}."
            f" {len(CASES) - len(missing)} of {len(CASES)} cases ran, in"
            f" {sum(row.ran for row in shown)} variants; {_listed('failed', failed)};"
            f" {_listed('not run', missing)}."
        ),
        "",
        (
            f"Records logged {totals['logged']:,}, delivered {totals['delivered']:,},"
            f" delivered twice {totals['duplicated']:,}, counted {totals['counted']:,},"
            f" lost {totals['lost']:,}{_where(losing)}. Longest exit {longest:.1f} s."
        ),
        "",
        "| case | what happens | result | logged | delivered | twice | counted | lost | exit |",
        "|--:|---|---|--:|--:|--:|--:|--:|--:|",
        *(row.line() for row in shown),
        "",
    ]
    return HEAD + "\n".join(lines)


def _listed(word: str, numbers: list[int]) -> str:
    return f"{word}: {', '.join(map(str, numbers)) or 'none'}"


def _where(losing: list[int]) -> str:
    if not losing:
        return ""
    return f" (without a spool, where the process was killed: {_listed('cases', losing)})"
