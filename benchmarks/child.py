"""
One measurement in a process of its own: ``python -m benchmarks.child JSON``.

The argument says who is measured and how. The process talks with `run` in
lines of JSON: it says ``ready`` when the warm-up has been flushed, logs when it
is told to go, says ``flushed``, and prints its figures when it is told that
all has arrived. It ends by ``os._exit``: how peers behave at exit is not
what is measured here.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import workload
from .computing import computing
from .subjects import BY_NAME, Subject, Target, hide_fast
from .subjects.baselines import NoOp

BASE_RECORDS = 1_000
"""Logged to a handler that does nothing, in all turns together."""


def main() -> None:
    spec = json.loads(sys.argv[1])
    # What peers print, such as warnings about a server that is down, is not part of the protocol.
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=protocol, flush=True)

    def pause(word: str, **more: int) -> None:
        say({"at": word, **more})
        if not sys.stdin.readline():
            os._exit(1)

    try:
        say(_measure(spec, pause))
    except ImportError as error:
        say({"absent": str(error)})
    except Exception as error:
        say({"failed": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _measure(spec: dict[str, Any], pause: Callable[..., None]) -> dict[str, Any]:
    subject = BY_NAME[spec["subject"]]
    if not subject.fast:
        hide_fast()
    base_bytes = peak_bytes()
    logger, flush = attached(subject, Target(**spec["target"]))
    if spec["seconds"]:
        return _idle(logger, flush, spec["seconds"], pause)
    if not spec["down"]:
        workload.warm_up(logger, workload.WARM_UP_RECORDS)
        flush()
    pause("ready")
    return {"base_bytes": base_bytes, **_logged(logger, flush, spec, pause)}


def new_logger(name: str, handlers: Sequence[logging.Handler]) -> logging.Logger:
    """Return a logger with these *handlers* only."""
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    for handler in handlers:
        logger.addHandler(handler)
    return logger


def attached(subject: Subject, target: Target) -> tuple[logging.Logger, Callable[[], None]]:
    """Return a logger with the handlers of the subject only, and a function that flushes them."""
    pairs = subject.open(target)
    logger = new_logger("benchmarks", [handler for handler, _ in pairs])

    def flush() -> None:
        for _, wait in pairs:
            wait()

    return logger, flush


@dataclass
class _Took:
    """The times of the loop, and of the no-op handler in turns with it."""

    times: array[int] = field(default_factory=lambda: array("q"))
    base_times: array[int] = field(default_factory=lambda: array("q"))
    base_cpu: float = 0.0
    records: int = 0
    base_records: int = 0


def _loop(spec: dict[str, Any]) -> workload.Loop:
    loop: Any = getattr(workload, spec["loop"])
    if spec["argument"]:
        loop = loop(spec["argument"])
    scope = BY_NAME[spec["subject"]].scope
    made: workload.Loop = workload.scoped(loop, scope) if scope else loop
    return workload.threaded(made, spec["threads"]) if spec["threads"] else made


def _logged(
    logger: logging.Logger,
    flush: Callable[[], None],
    spec: dict[str, Any],
    pause: Callable[..., None],
) -> dict[str, Any]:
    """Return the figures of the loop; seconds, but nanoseconds where a name says so."""
    base = new_logger("benchmarks.base", [NoOp()])
    with computing(spec["busy"]) as computed:
        start_cpu, started_ns = time.process_time() - computed(), time.monotonic_ns()
        took = _in_turn(_loop(spec), logger, base, spec)
        logged_ns, logged_cpu = time.monotonic_ns(), time.process_time() - computed()
        flushed_ns = logged_ns
        if not spec["down"]:
            flush()
            flushed_ns = time.monotonic_ns()
            pause("flushed", records=took.records)
        end_cpu = time.process_time() - computed()
    return {
        **calls(took.times),
        "records": took.records,
        "cpu": end_cpu - start_cpu - took.base_cpu,
        "call_cpu": logged_cpu - start_cpu - took.base_cpu,
        "base_p50_ns": calls(took.base_times)["p50_ns"],
        "base_cpu": took.base_cpu / took.base_records,
        "start_cpu": start_cpu,
        "started_ns": started_ns,
        "logged_ns": logged_ns,
        "flushed_ns": flushed_ns,
        "peak_bytes": peak_bytes(),
    }


def _in_turn(
    loop: workload.Loop, logger: logging.Logger, base: logging.Logger, spec: dict[str, Any]
) -> _Took:
    """
    Log the records in turns, and before each turn some to *base*, whose handler does nothing.

    "Above no-op" is a small difference of larger numbers, and the speed of a
    machine drifts within a run: so both are measured over the same stretch of time.
    """
    # CPU of several threads is that of the process, which is at rest before the first turn alone.
    cpu = time.process_time if spec["threads"] else time.thread_time
    turns, numbers, took = spec["turns"], range(spec["count"]), _Took()
    size = -(-len(numbers) // turns)
    began = time.monotonic()
    for begin in range(0, len(numbers), size):
        turn = numbers[begin : begin + size]
        plain, before = turn[: BASE_RECORDS // turns], cpu()
        took.base_times.extend(loop(base, plain))
        took.base_cpu += cpu() - before
        took.base_records += len(plain)
        took.times.extend(loop(logger, turn))
        took.records += len(turn)
        if time.monotonic() - began > spec["limit"]:
            break
    return took


def calls(times: Sequence[int]) -> dict[str, float]:
    """Return the figures of *times* in nanoseconds."""
    ordered = sorted(times)
    return {
        "mean_ns": sum(ordered) / len(ordered),
        "p50_ns": ordered[len(ordered) // 2],
        "p99_ns": ordered[len(ordered) * 99 // 100],
        "max_ns": ordered[-1],
    }


def _idle(
    logger: logging.Logger,
    flush: Callable[[], None],
    seconds: float,
    pause: Callable[..., None],
) -> dict[str, Any]:
    """Return the context switches and the CPU of *seconds* in which nothing is logged."""
    workload.warm_up(logger, workload.WARM_UP_RECORDS)
    flush()
    pause("ready")
    before, cpu = _switches(), time.process_time()
    time.sleep(seconds)
    after, spent = _switches(), time.process_time() - cpu
    switched = sum(after[thread] - before.get(thread, 0) for thread in after)
    return {"switches": switched, "cpu": spent, "seconds": seconds, "threads": len(after)}


def _switches() -> dict[str, int]:
    """Return the context switches so far, per thread where the system reports them."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"all": used.ru_nvcsw + used.ru_nivcsw}
    found = {}
    for task in tasks.iterdir():
        lines = (task / "status").read_text(encoding="utf-8").splitlines()
        counts = [line.split()[1] for line in lines if "ctxt_switches:" in line]
        found[task.name] = sum(map(int, counts))
    return found


def peak_bytes() -> int | None:
    """Return the peak memory of this process, where the system reports it."""
    # getrusage would count the parent's memory too, from before this program was loaded.
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
