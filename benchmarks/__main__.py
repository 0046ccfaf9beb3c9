"""Run the benchmark, or publish a run: ``make bench``, ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import exceptions, run, startup
from .environment import environment
from .modes import MODES, OTHERS, Mode, chosen, matching, participants
from .processes import ROOT, Sink
from .publish import publish
from .report import text
from .stream import stream
from .subjects import SUBJECTS

QUICK_PART = 10
IDLE_SECONDS, QUICK_IDLE_SECONDS = 60.0, 3.0
IMPORT_ROUNDS, QUICK_IMPORT_ROUNDS = 7, 1


def main() -> None:
    options = _options()
    if options.publish:
        for path in publish(json.loads(options.publish.read_text("utf-8")), ROOT):
            print(path.relative_to(ROOT))
    elif options.stages:
        _stages()
    elif options.exceptions:
        exceptions.main()
    elif options.report:
        print(text(json.loads(options.report.read_text("utf-8"))))
    else:
        _measure(options)


def _options() -> Any:
    names = ", ".join([*(mode.name for mode in MODES), *OTHERS])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round, about two minutes")
    parser.add_argument(
        "--mode", action="append", default=[], help=f"{names}, or a pattern such as thr*"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEXT", help="parts of subjects' names"
    )
    parser.add_argument("--records", type=int, help="records per run")
    parser.add_argument("--rounds", type=int, help="rounds per mode")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="print the report of a saved run"
    )
    parser.add_argument(
        "--publish", type=Path, metavar="FILE", help="write a saved run into the documentation"
    )
    parser.add_argument("--stages", action="store_true", help="time the stages of a log call")
    parser.add_argument(
        "--exceptions", action="store_true", help="time exceptions, compared with traceback"
    )
    return parser.parse_args()


def _measure(options: Any) -> None:
    try:
        modes, others = chosen(options.mode, quick=options.quick)
    except ValueError as error:
        sys.exit(f"python -m benchmarks: {error}")
    result: dict[str, Any] = {
        "environment": {**environment(), "quick": options.quick},
        "runs": {},
        "absent": {},
    }
    began = time.monotonic()
    sink = Sink()
    try:
        with stream() as address:
            sink.target["stream"] = address
            _rounds(sink, modes, options, result)
            _others(sink, others, options, result)
    finally:
        sink.end()
        result["environment"]["minutes"] = round((time.monotonic() - began) / 60, 1)
        _keep(result, options)
    _progress("")
    print(text(result))


def _rounds(sink: Sink, modes: list[Mode], options: Any, result: dict[str, Any]) -> None:
    rounds = run.Rounds(sink, _progress)
    result["runs"], result["absent"] = rounds.runs, rounds.absent
    planned = {mode.name: options.rounds or (1 if options.quick else mode.rounds) for mode in modes}
    for number in range(max(planned.values(), default=0)):
        for mode in modes:
            if number < planned[mode.name]:
                count = options.records or (mode.count // (QUICK_PART if options.quick else 1))
                subjects = participants(mode, options.only, quick=options.quick)
                rounds.go(mode, subjects, number, count)
        _keep(result, options)


def _keep(result: dict[str, Any], options: Any) -> None:
    """Save the figures so far, so that an interrupted run keeps its rounds."""
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), "utf-8")


def _others(sink: Sink, others: set[str], options: Any, result: dict[str, Any]) -> None:
    present = [each for each in SUBJECTS if each.name not in result["absent"] and each.fast]
    asked = matching(present, options.only)
    if "import" in others:
        rounds = options.rounds or (QUICK_IMPORT_ROUNDS if options.quick else IMPORT_ROUNDS)
        result["runs"]["import"] = startup.measure(asked, rounds, _progress)
    if "idle" in others:
        seconds = QUICK_IDLE_SECONDS if options.quick else IDLE_SECONDS
        _progress(f"idle, {seconds:g} seconds")
        result["runs"]["idle"] = run.idle(sink, asked, seconds)


def _progress(what: str) -> None:
    """Show the progress on the last line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{what:<78}", end="\n" if not what else "", file=sys.stderr, flush=True)


def _stages() -> None:
    """Time the stages with the ``fast`` extra and without it, each in a process of its own."""
    for more in ([], ["--plain"]):
        command = [sys.executable, "-m", "benchmarks.stages", *more]
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
