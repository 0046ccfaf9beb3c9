"""
Run the benchmark: ``python -m benchmarks [--quick] [--json FILE] [--stages | --exceptions]``.

Needs the ``dev`` and ``fast`` extras, and logtail-python; ``make bench`` has them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import exceptions, report, run
from .subjects import SUBJECTS


def main() -> None:
    options = _options()
    if options.stages:
        _stages()
        return
    if options.exceptions:
        exceptions.main()
        return
    count = options.records or (5_000 if options.quick else 20_000)
    times = options.rounds or (3 if options.quick else 5)
    environment = report.environment(count, times)
    runs = run.rounds(SUBJECTS, count, times, _progress)
    _progress("")
    print(report.text(runs, environment))
    if options.json:
        result = {"environment": environment, "runs": runs}
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer records and rounds")
    parser.add_argument("--records", type=int, help="records a run (20,000; quick 5,000)")
    parser.add_argument("--rounds", type=int, help="rounds (5; quick 3)")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--stages", action="store_true", help="time the stages of a call instead")
    parser.add_argument("--exceptions", action="store_true", help="time exceptions instead")
    return parser.parse_args()


def _progress(text: str) -> None:
    """Show where the run is, on a terminal's last line."""
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="\n" if not text else "", file=sys.stderr, flush=True)


def _stages() -> None:
    """Time the stages with the ``fast`` extra and without it, in a process each."""
    for more in ([], ["--plain"]):
        command = [sys.executable, "-m", "benchmarks.stages", *more]
        subprocess.run(command, cwd=run.ROOT, check=True)


if __name__ == "__main__":
    main()
