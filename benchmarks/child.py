"""
One measurement in a process of its own: log, wait until all has arrived, print the figures.

Called by `run`, as ``python -m benchmarks.child NAME URL COUNT MODE``. In mode
``calls`` each call is timed; in mode ``total`` nothing stands in the loop but
the call, for CPU and throughput.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from array import array
from pathlib import Path
from typing import Any

from .sink import ID, WARM_UP
from .subjects import BY_NAME, Opened, hide_fast

MESSAGE = "order %d shipped"
WARM_UP_RECORDS = 200


def log_timed(logger: logging.Logger, count: int) -> array[int]:
    """Log *count* records; return the nanoseconds that each call took."""
    info, clock = logger.info, time.perf_counter_ns
    times = array("q", bytes(8 * count))
    for number in range(count):
        started = clock()
        info(MESSAGE, number, extra={ID: number, "user": "ada@example.org", "elapsed": 0.25})
        times[number] = clock() - started
    return times


def log(logger: logging.Logger, count: int) -> None:
    """Log *count* records."""
    info = logger.info
    for number in range(count):
        info(MESSAGE, number, extra={ID: number, "user": "ada@example.org", "elapsed": 0.25})


def open_logger(opened: Opened) -> logging.Logger:
    """Return a logger that has the handler, and nothing else."""
    logger = logging.getLogger("benchmarks")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(opened[0])
    return logger


def warm_up(logger: logging.Logger, wait: Any) -> float:
    """Log some records that are not measured; return the seconds that the first call took."""
    extra = {ID: WARM_UP, "user": "ada@example.org", "elapsed": 0.25}
    started = time.perf_counter()
    logger.info(MESSAGE, WARM_UP, extra=extra)
    first = time.perf_counter() - started
    for _ in range(WARM_UP_RECORDS - 1):
        logger.info(MESSAGE, WARM_UP, extra=extra)
    wait()
    return first


def measure(opened: Opened, count: int, mode: str) -> dict[str, Any]:
    """Return the figures of one run; seconds, but nanoseconds where a name says so."""
    wait = opened[1]
    logger = open_logger(opened)
    first = warm_up(logger, wait)
    start_cpu = time.process_time()
    started_ns = time.monotonic_ns()
    if mode == "calls":
        times = sorted(log_timed(logger, count))
        figures: dict[str, Any] = {
            "p50_ns": times[count // 2],
            "p99_ns": times[count * 99 // 100],
            "max_ns": times[-1],
        }
    else:
        log(logger, count)
        logged_ns = time.monotonic_ns()
        wait()
        figures = {"cpu": time.process_time() - start_cpu, "logged_ns": logged_ns}
    wait()
    return {
        **figures,
        "first_call": first,
        "start_cpu": start_cpu,
        "started_ns": started_ns,
        "waited_ns": time.monotonic_ns(),
        "peak_bytes": peak_bytes(),
    }


def peak_bytes() -> int | None:
    """Return the most memory that this process ever had, where the system tells."""
    # getrusage would count the parent's memory too, from before this program was loaded.
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    name, url, count, mode = sys.argv[1:]
    subject = BY_NAME[name]
    if not subject.fast:
        hide_fast()
    print(json.dumps(measure(subject.open(url), int(count), mode)))


if __name__ == "__main__":
    main()
