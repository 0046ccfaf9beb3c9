"""The findings of the doctor, and how they are printed."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import click

from ..shared.screen import is_coloured, painted, safe, symbol


class Status(enum.Enum):
    """The result of one examination."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


MARKS = {
    Status.OK: ("✓", "green"),
    Status.WARN: ("!", "yellow"),
    Status.FAIL: ("✗", "red"),
    Status.SKIP: ("-", "dim"),
}


@dataclass(frozen=True)
class Finding:
    """
    The result of one examination, and what to do about it.

    Attributes:
        name: What was examined.
        status: The result.
        detail: What was found; contains no secrets.
        cause: What is wrong.
        cure: How to fix it.
        about: The handler that was examined, if it was one.
        refused: True if a vendor refuses the key.
    """

    name: str
    status: Status
    detail: str = ""
    cause: str = ""
    cure: str = ""
    about: str = ""
    refused: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        found = asdict(self)
        del found["refused"]
        return {**found, "status": self.status.value}


def ok(name: str, detail: str = "", about: str = "") -> Finding:
    """Return the finding that something is right."""
    return Finding(name, Status.OK, detail, about=about)


def skip(name: str, detail: str, about: str = "") -> Finding:
    """Return the finding that something was not examined, and why."""
    return Finding(name, Status.SKIP, detail, about=about)


def warn(name: str, cause: str, cure: str, *, detail: str = "", about: str = "") -> Finding:
    """Return the finding that something may be wrong."""
    return Finding(name, Status.WARN, detail, cause, cure, about)


def fail(name: str, cause: str, cure: str, *, detail: str = "", about: str = "") -> Finding:
    """Return the finding that something is wrong."""
    return Finding(name, Status.FAIL, detail, cause, cure, about)


def took(seconds: float) -> str:
    """Return a duration as ``"85 ms"`` or ``"1.2 s"``."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.0f} ms"


class Printer:
    """Prints findings as they come, grouped by handler."""

    def __init__(self) -> None:
        self._about: str | None = None
        self._coloured = is_coloured(sys.stdout)

    def show(self, finding: Finding) -> None:
        """Print a finding."""
        if finding.about != self._about:
            self._about = finding.about
            click.echo(f"\n{self._paint(safe(finding.about or 'this program'), 'bold')}")
        sign, colour = MARKS[finding.status]
        sign = symbol(sign, {"✓": "+", "✗": "x"}.get(sign, sign))
        detail = f"  {safe(finding.detail)}" if finding.detail else ""
        click.echo(f"  {self._paint(sign, colour)} {finding.name}{detail}")
        if finding.cause:
            click.echo(f"      {safe(finding.cause)}")
        if finding.cure:
            click.echo(f"      {self._paint(symbol('→', '->'), colour)} {safe(finding.cure)}")

    def _paint(self, text: str, style: str) -> str:
        return painted(text, style) if self._coloured else text

    def conclude(self, findings: Iterable[Finding]) -> None:
        """Print the number of findings of each status."""
        statuses = [each.status for each in findings]
        parts = (
            f"{statuses.count(status)} {status.value}" for status in Status if status in statuses
        )
        click.echo(f"\n{', '.join(parts)}")
