"""
The log call of this checkout against that of another: what a change has cost.

    $ git worktree add /tmp/before main
    $ python -m benchmarks.against /tmp/before

Processes of both take turns. In each the call is timed as `stages` does, beside a handler that
does nothing; the ratio is that of calls in units of that no-op, round by round. "least" is the
ratio of the fastest calls of all rounds: what other programs disturb the least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from .figures import spread
from .processes import ROOT

CODE = """
import json
from benchmarks.stages import NoOp, call, destinations, nanoseconds
from cxlogging.delivery.process.registry import registered
from cxlogging.delivery.worker.pacing import NEVER

made = destinations()
for workers in registered():
    workers.wake_bytes = workers.wake_items = NEVER

def clear():
    for workers in registered():
        workers.lane.queue.settle(workers.lane.queue.take(NEVER, NEVER))

figures = {"no-op": nanoseconds(call(NoOp()))}
for vendor, (_, handler) in made.items():
    figures[vendor] = nanoseconds(call(handler), clear)
print(json.dumps(figures))
"""


def measured(checkout: Path) -> dict[str, float]:
    """Return the nanoseconds of a call in *checkout*, by vendor."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def in_no_ops(figures: dict[str, float], name: str) -> float:
    return figures[name] / figures["no-op"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    rounds = [(measured(options.checkout), measured(ROOT)) for _ in range(options.rounds)]
    print(f"{'':14}{'before ns':>12}{'now ns':>12}{'least':>10}{'ratio':>24}")
    for name in list(rounds[0][0])[1:]:
        before, now = ([pair[at][name] for pair in rounds] for at in (0, 1))
        ratios = [in_no_ops(new, name) / in_no_ops(old, name) for old, new in rounds]
        figures = f"{statistics.median(before):12,.0f}{statistics.median(now):12,.0f}"
        least = min(now) / min(before)
        print(f"{name:14}{figures}{least:10.3f}{spread(ratios, '.3f'):>24}")


if __name__ == "__main__":
    main()
