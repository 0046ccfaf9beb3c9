"""The cost of an import beyond ``import logging``, each in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .processes import ROOT
from .subjects import NO_OP, Subject

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
PACKAGE = "import cxlogging"
CODE = """
import logging, time
started = time.perf_counter_ns()
{load}
print(time.perf_counter_ns() - started)
"""


def statements(subjects: Sequence[Subject]) -> dict[str, str]:
    """Return the import statements by their names in the report."""
    wanted = {
        each.load: each.name for each in reversed(subjects) if each.load and each is not NO_OP
    }
    named = {name: load for load, name in reversed(wanted.items())}
    return {PACKAGE: PACKAGE, **named}


def measure(
    subjects: Sequence[Subject], rounds: int, progress: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """Return the nanoseconds of each import; a round before the first fills the caches."""
    found: dict[str, list[dict[str, Any]]] = {}
    # Installed packages come with bytecode; this one has to keep its own, or it is compiled anew.
    kept = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
    for number in range(-1, rounds):
        for name, load in statements(subjects).items():
            progress(f"round {number + 1}, import: {name}")
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", CODE.format(load=load)],
                cwd=ROOT,
                env=kept,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0 and number >= 0:
                took = int(done.stdout.split()[-1])
                found.setdefault(name, []).append({"round": number, "import_ns": took})
    return found
