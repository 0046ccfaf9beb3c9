"""The modes: what each one measures, with which subjects and how many records."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from .application import RECORDS_A_REQUEST
from .subjects import NO_OP, SUBJECTS, Subject
from .subjects.base import BETTER_STACK, VENDORS
from .subjects.baselines import FILE, LISTENER, THREE_NO_OPS
from .subjects.floors import FLOORS
from .subjects.holding import beside
from .subjects.ours import OURS, PLAIN, THREE, ours
from .subjects.peers import (
    CORALOGIX_LOGGER,
    LIBHONEY,
    LOGTAIL,
    OPENTELEMETRY,
    PEERS,
    VENDOR_SDKS,
)
from .workload import SCOPE

MAIN_PEERS = [LOGTAIL, LIBHONEY, CORALOGIX_LOGGER, OPENTELEMETRY]
FAST = [each for each in OURS if each.fast]
MAIN = [NO_OP, *FAST, *MAIN_PEERS]
BESIDE = [NO_OP, FILE, LISTENER, *FAST, *MAIN_PEERS]
"""Measured in processes that do other work beside logging."""

QUICK = [NO_OP, ours(BETTER_STACK), ours(BETTER_STACK, journal=True), LOGTAIL]
"""The subjects with ``--quick``, unless a mode has its own."""

DISTANT_SECONDS = 0.1
PACE = 5_000.0
TURNS = 20
SIZES = (200, 1_000, 10_000, 100_000)
BUSY_SECONDS = 10.0
BUSY = (0, 1, 2, 4)
"""Threads that compute while another logs."""

RATES = (2_000, 10_000)
"""Records a second that a task of an event loop logs."""

WEB = "web"
QUICK_BUSY = 2
THREADS = (1, 2, 4, 8)
ENDS = (min(THREADS), max(THREADS))
"""The fewest and the most threads; in these modes the leanest pipelines are measured too."""


@dataclass(frozen=True)
class Mode:
    """
    One kind of measurement.

    Attributes:
        name: As ``--mode`` takes it.
        title: Description in the report.
        subjects: What is measured.
        count: Records per run.
        rounds: Number of rounds, unless ``--rounds`` is given.
        loop: Name of the loop in `workload`.
        argument: Argument of the loop.
        threads: Threads that log.
        busy: Threads that compute beside the one that logs.
        turns: Portions in which the records are logged; a few go to the no-op before each.
        limit: Seconds after which no further portion begins, so that fewer records are logged.
        delay: Seconds that the sink waits before it answers.
        down: Whether nothing listens at the sink's address.
        quick: The subjects with ``--quick``.
        brief: Whether ``--quick`` without ``--mode`` includes it.
    """

    name: str
    title: str
    subjects: Sequence[Subject]
    count: int
    rounds: int = 3
    loop: str = "burst"
    argument: float = 0
    threads: int = 0
    busy: int = 0
    turns: int = TURNS
    limit: float = math.inf
    delay: float = 0.0
    down: bool = False
    quick: Sequence[Subject] = field(default_factory=lambda: QUICK)
    brief: bool = True


MODES = [
    Mode(
        "burst", "As fast as it goes, from one thread", SUBJECTS, 20_000, rounds=5, quick=SUBJECTS
    ),
    Mode("longest", "A burst of 100,000", [NO_OP, *FAST], 100_000),
    Mode(
        "exceptions",
        "Records with an exception of 7 frames",
        [NO_OP, *FLOORS, *OURS, *PEERS],
        4_000,
        loop="exceptions",
    ),
    Mode("paced", "5,000 records a second", MAIN, 15_000, loop="paced", argument=PACE),
    *(
        Mode(
            f"threads-{each}",
            f"A burst from {each} threads",
            [NO_OP, *FLOORS, *FAST, *MAIN_PEERS] if each in ENDS else MAIN,
            20_000,
            threads=each,
            turns=1,
        )
        for each in THREADS
    ),
    *(
        Mode(
            f"busy-{each}",
            f"As fast as it goes, beside {each or 'no'} thread{'s' * (each != 1)} that compute"
            f"{'s' * (each == 1)}",
            BESIDE,
            20_000,
            busy=each,
            limit=BUSY_SECONDS,
            brief=each == QUICK_BUSY,
        )
        for each in BUSY
    ),
    *(
        Mode(
            f"loop-{each}",
            f"Lag of an event loop, a task of which logs {each:,} records a second",
            BESIDE,
            5 * each,
            loop="heartbeat",
            argument=each,
            turns=1,
            brief=each == max(RATES),
        )
        for each in RATES
    ),
    Mode(
        WEB,
        f"A Flask application under gunicorn that logs {RECORDS_A_REQUEST} records a request",
        BESIDE,
        40_000,
        rounds=5,
    ),
    Mode(
        "compression",
        "A burst of 50,000, compressed and not",
        [NO_OP, *(ours(vendor) for vendor in VENDORS), *PLAIN],
        50_000,
        rounds=5,
        quick=[NO_OP, *(ours(vendor) for vendor in VENDORS), *PLAIN],
        brief=False,
    ),
    Mode(
        "three",
        "Three handlers at once, beside one",
        [NO_OP, THREE_NO_OPS, *FAST, *THREE, VENDOR_SDKS],
        10_000,
        quick=[*FAST[:3], THREE[0], VENDOR_SDKS],
    ),
    Mode(
        "holding",
        f"Records held in scopes of {SCOPE}, and records limited, beside ordinary ones",
        [NO_OP, *(each for vendor in VENDORS for each in beside(vendor))],
        20_000,
        rounds=5,
        quick=[NO_OP, *beside(BETTER_STACK)],
    ),
    Mode("near", "A burst of 100,000, to a sink that answers at once", FAST, 100_000),
    Mode(
        "distant",
        "The same, to a sink that answers 100 ms later",
        FAST,
        100_000,
        delay=DISTANT_SECONDS,
    ),
    Mode(
        "distant-peers",
        "20,000 records, to a sink that answers 100 ms later",
        [*FAST, *MAIN_PEERS],
        20_000,
        delay=DISTANT_SECONDS,
    ),
    Mode(
        "down",
        "100,000 records, and nothing listens at the address",
        [NO_OP, *FLOORS, *FAST, *MAIN_PEERS],
        100_000,
        rounds=2,
        down=True,
    ),
    *(
        Mode(
            f"size-{size}",
            f"Records with {size:,} more letters",
            MAIN,
            min(10_000, 20_000_000 // size),
            rounds=2,
            loop="sized",
            argument=size,
        )
        for size in SIZES
    ),
]
BY_NAME = {each.name: each for each in MODES}
OTHERS = ("import", "idle")
"""Modes that log nothing in a loop: `startup` and `idle` measure them."""


def chosen(patterns: Sequence[str], *, quick: bool = False) -> tuple[list[Mode], set[str]]:
    """
    Return the modes that match *patterns*, and which of the others.

    Without any pattern, all; of a *quick* run those that are brief.

    Raises:
        ValueError: A pattern matches nothing.
    """
    names = [*BY_NAME, *OTHERS]
    unasked = {name for name in names if not quick or name in OTHERS or BY_NAME[name].brief}
    found: set[str] = set() if patterns else unasked
    for pattern in patterns:
        matches = fnmatch.filter(names, pattern)
        if not matches:
            raise ValueError(f"no mode is called {pattern!r}; there are {', '.join(names)}")
        found.update(matches)
    return [each for each in MODES if each.name in found], found & set(OTHERS)


def participants(mode: Mode, only: Sequence[str], *, quick: bool) -> list[Subject]:
    """Return who takes part: those whose names have a text of *only*, and the no-op handler."""
    if only:
        return matching(mode.subjects, only)
    return [each for each in mode.subjects if not quick or each in mode.quick]


def matching(subjects: Sequence[Subject], only: Sequence[str]) -> list[Subject]:
    """Return those of *subjects* whose names have a text of *only*, and the no-op handler."""
    wanted = [text.lower() for text in only]
    return [
        each
        for each in subjects
        if each is NO_OP or not wanted or any(text in each.name.lower() for text in wanted)
    ]


__all__ = ["BY_NAME", "FAST", "MAIN_PEERS", "MODES", "Mode", "chosen", "matching", "participants"]
