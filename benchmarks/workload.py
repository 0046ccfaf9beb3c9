"""
What is logged: one message with three extras, in a few shapes.

Each loop takes the ids of its records and returns the nanoseconds of each
call, but `heartbeat` those by which an event loop was late. Ids stand in the
message, because not every peer sends the extras.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any

ID = "bench_id"
WARM_UP = -1
"""The id of records that are not counted."""

WARM_UP_RECORDS = 200

MESSAGE = "order %d shipped"
USERS = [f"{name}{number}@example.org" for number in range(10) for name in ("ada", "alan", "joe")]
FRAMES = 7
"""Of a traceback: the loop, and six functions below it."""

BEAT = 0.001
"""Seconds between two beats of `heartbeat`, and between two portions of its records."""

SCOPE = 10
"""Records that a scope of `scoped` holds: those of a request."""

Loop = Callable[[logging.Logger, Sequence[int]], "array[int]"]


def extras(number: int) -> dict[str, Any]:
    """Return the extras of record *number*."""
    return {ID: number, "user": USERS[number % 30], "elapsed": (number % 4_096) / 16}


def warm_up(logger: logging.Logger, count: int) -> None:
    """Log *count* records that are not measured."""
    for _ in range(count):
        logger.info(MESSAGE, WARM_UP, extra=extras(WARM_UP))


def burst(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
    """Log as fast as possible."""
    info, clock = logger.info, time.perf_counter_ns
    times = array("q", bytes(8 * len(numbers)))
    for at, number in enumerate(numbers):
        more = extras(number)
        started = clock()
        info(MESSAGE, number, extra=more)
        times[at] = clock() - started
    return times


def paced(rate: float) -> Loop:
    """Return a loop that logs *rate* records a second, each at its time."""

    def loop(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
        info, clock = logger.info, time.perf_counter_ns
        times = array("q", bytes(8 * len(numbers)))
        begin, gap = clock(), 1e9 / rate
        for at, number in enumerate(numbers):
            more = extras(number)
            early = begin + at * gap - clock()
            if early > 0:
                time.sleep(early / 1e9)
            started = clock()
            info(MESSAGE, number, extra=more)
            times[at] = clock() - started
        return times

    return loop


def sized(size: int) -> Loop:
    """Return a loop whose records have one more extra, of *size* letters."""
    words = random.Random(7).choices([f"{n:x}" for n in range(4_000, 9_000, 7)], k=size // 3 + 20)
    text = " ".join(words)

    def loop(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
        info, clock = logger.info, time.perf_counter_ns
        times = array("q", bytes(8 * len(numbers)))
        for at, number in enumerate(numbers):
            begin = number % 60
            more = {**extras(number), "body": text[begin : begin + size]}
            started = clock()
            info(MESSAGE, number, extra=more)
            times[at] = clock() - started
        return times

    return loop


def exceptions(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
    """Log records with an exception whose traceback has FRAMES frames."""
    error, clock = logger.error, time.perf_counter_ns
    times = array("q", bytes(8 * len(numbers)))
    for at, number in enumerate(numbers):
        more = extras(number)
        try:
            _ship(number)
        except ValueError:
            started = clock()
            error(MESSAGE, number, exc_info=True, extra=more)
            times[at] = clock() - started
    return times


def _ship(number: int) -> int:
    return _pack(number)


def _pack(number: int) -> int:
    return _reserve(number, 1)


def _reserve(number: int, pieces: int) -> int:
    return _take(number) - pieces


def _take(number: int) -> int:
    return _find(f"order {number}")


def _find(what: str) -> int:
    return _read(what)


def _read(what: str) -> int:
    raise ValueError(f"no stock for {what}")


def heartbeat(rate: float) -> Loop:
    """Return a loop that logs *rate* records a second in a task of an event loop."""

    def loop(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
        return asyncio.run(_late(logger, numbers, rate))

    return loop


async def _late(logger: logging.Logger, numbers: Sequence[int], rate: float) -> array[int]:
    """Log *numbers*, and return how late each beat of another task was."""
    lags, info, clock = array("q"), logger.info, time.perf_counter

    async def beats() -> None:
        while True:
            due = clock() + BEAT
            await asyncio.sleep(BEAT)
            lags.append(int((clock() - due) * 1e9))

    beating = asyncio.create_task(beats())
    begin, portion = clock(), max(1, int(rate * BEAT))
    for at in range(0, len(numbers), portion):
        await asyncio.sleep(begin + at / rate - clock())
        for number in numbers[at : at + portion]:
            info(MESSAGE, number, extra=extras(number))
    await asyncio.sleep(2 * BEAT)
    beating.cancel()
    return lags


def scoped(loop: Loop, end: str) -> Loop:
    """Return a loop that logs in scopes of SCOPE records, all "discarded" or "released"."""
    from cxlogging import hold

    def shared(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
        times = array("q")
        for at in range(0, len(numbers), SCOPE):
            with hold() as held:
                times.extend(loop(logger, numbers[at : at + SCOPE]))
                if end == "released":
                    held.release()
        return times

    return shared


def threaded(loop: Loop, threads: int) -> Loop:
    """Return a loop that shares the records among *threads* threads."""

    def shared(logger: logging.Logger, numbers: Sequence[int]) -> array[int]:
        ready = threading.Barrier(threads)
        results: list[Iterable[int]] = []

        def part(at: int) -> None:
            ready.wait()
            results.append(loop(logger, numbers[at::threads]))

        workers = [threading.Thread(target=part, args=(at,)) for at in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        return array("q", (time for times in results for time in times))

    return shared
