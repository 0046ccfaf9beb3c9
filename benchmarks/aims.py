"""
The numbers to reach.

Each is measured for all three vendors, in memory and with the spool; the worst
of the three decides. Where an aim names several peers, the best of them in
each round is what cxlogging is held against. What two processes are compared
by is `steady`: in units of the no-op call of each. Not so where threads are
compared: there the no-op cannot be called in turns with the subject.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import figures
from .figures import (
    DELIVERED,
    IMPORT,
    LONGEST,
    MEAN_CPU,
    MEDIAN_CALL,
    OVER_NO_OP,
    P99_MS,
    WIRE,
    Figure,
    Series,
    joined,
    over,
    steady,
)
from .modes import MAIN_PEERS, WEB
from .startup import PACKAGE
from .subjects import Subject
from .subjects.base import BETTER_STACK, CORALOGIX, HONEYCOMB, VENDORS
from .subjects.floors import floor
from .subjects.holding import HELD
from .subjects.ours import THREE, ours, plain
from .subjects.peers import CORALOGIX_LOGGER, LIBHONEY, LOGTAIL, OPENTELEMETRY, PEERS

P50, ABOVE_P50 = (steady(each, MEDIAN_CALL) for each in (figures.P50, figures.ABOVE_P50))
# Beside threads that compute, the mean of a few no-op calls is chance; their median is not.
MEAN = steady(figures.MEAN, MEDIAN_CALL)
CPU, ABOVE_CPU = (steady(each, MEAN_CPU) for each in (figures.CPU, figures.ABOVE_CPU))
THROUGHPUT = steady(DELIVERED, MEAN_CPU, rate=True)
PLAIN_CPU = figures.CPU

Look = Callable[[str, str, Figure], Series]
"""Takes a mode, a subject's name and a figure."""

Measure = Callable[[Look, Subject], "list[float]"]


@dataclass(frozen=True)
class Aim:
    """
    A number to reach.

    Attributes:
        title: What is compared with what.
        bounds: In memory, and with the spool; None where there is no such number.
        measure: Gives the rounds' values for one of our subjects.
        least: Whether the bound is the least that is wanted, not the most.
        vendors: For whom it is measured.
        fast: Whether with the ``fast`` extra.
        whole: Whether a single lost record misses the aim.
        unit: Of the values; ratios have none.
    """

    title: str
    bounds: tuple[float | None, float | None]
    measure: Measure
    least: bool = False
    vendors: tuple[str, ...] = VENDORS
    fast: bool = True
    whole: bool = False
    unit: str = ""


def _best(look: Look, mode: str, peers: Sequence[Subject], figure: Figure, pick: Any) -> Series:
    return joined([look(mode, each.name, figure) for each in peers], pick)


def _against(mode: str, peers: Sequence[Subject], figure: Figure, pick: Any) -> Measure:
    """Return the measure of *figure* as a ratio to the best of *peers*, round by round."""
    return lambda look, subject: over(
        look(mode, subject.name, figure), _best(look, mode, peers, figure, pick)
    )


def _over_floor(figure: Figure) -> Measure:
    """Return the measure of *figure* as a ratio to that of the leanest pipeline of its kind."""

    def measure(look: Look, subject: Subject) -> list[float]:
        lean = floor(subject.vendor, journal=subject.journal)
        return over(look("burst", subject.name, figure), look("burst", lean.name, figure))

    return measure


def _modes(above: str, below: str, figure: Figure) -> Measure:
    """Return the measure of *figure* in one mode as a ratio to the same in another."""
    return lambda look, subject: over(
        look(above, subject.name, figure), look(below, subject.name, figure)
    )


def _three(look: Look, subject: Subject) -> list[float]:
    three = next(each for each in THREE if each.journal == subject.journal)
    ones = [ours(vendor, journal=subject.journal).name for vendor in VENDORS]
    one = joined([look("three", name, ABOVE_CPU) for name in ones], statistics.mean)
    return over(look("three", three.name, ABOVE_CPU), one)


def _compressing(look: Look, subject: Subject) -> list[float]:
    """Return the CPU over that of the same without compression, as a ratio to Better Stack's."""

    def dearer(vendor: str) -> Series:
        both = look("compression", ours(vendor).name, CPU), look("compression", plain(vendor), CPU)
        return joined(both, lambda pair: pair[0] / pair[1])

    return over(dearer(subject.vendor), dearer(BETTER_STACK))


def _held(figure: Figure) -> Measure:
    """Return the measure of *figure* of records held and discarded, over ordinary ones."""

    def measure(look: Look, subject: Subject) -> list[float]:
        held = HELD[subject.vendor, "discarded"].name
        return over(look("holding", held, figure), look("holding", subject.name, figure))

    return measure


def _itself(mode: str, figure: Figure) -> Measure:
    return lambda look, subject: list(look(mode, subject.name, figure).values())


def _import_of(name: str) -> Measure:
    return lambda look, subject: list(look("import", name, IMPORT).values())  # noqa: ARG005


def _over_memory(mode: str, figure: Figure) -> Measure:
    """Return the measure of *figure* as a ratio to that of the same vendor in memory."""
    return lambda look, subject: over(
        look(mode, subject.name, figure), look(mode, ours(subject.vendor).name, figure)
    )


BESIDE = {"busy-1": "one thread that computes", "busy-2": "two threads that compute"}
STACKS = [each for each in PEERS if each.stacks]
VENDOR_PEERS = [LOGTAIL, LIBHONEY, CORALOGIX_LOGGER]

AIMS = [
    Aim("p50 of the call above no-op, over the floor's", (1.5, 1.5), _over_floor(ABOVE_P50)),
    Aim(
        "p50 of the call, over logtail and libhoney",
        (0.25, 0.25),
        _against("burst", [LOGTAIL, LIBHONEY], P50, min),
    ),
    Aim(
        "p50 of the call, over coralogix_logger and OpenTelemetry",
        (0.5, 0.5),
        _against("burst", [CORALOGIX_LOGGER, OPENTELEMETRY], P50, min),
    ),
    Aim("CPU per record, over these four", (0.2, 0.25), _against("burst", MAIN_PEERS, CPU, min)),
    Aim(
        "CPU per record above no-op, over these four",
        (0.2, 0.25),
        _against("burst", MAIN_PEERS, ABOVE_CPU, min),
    ),
    Aim(
        "delivered per second, over the best of these four, zero lost",
        (4, 3),
        _against("burst", MAIN_PEERS, THROUGHPUT, max),
        least=True,
        whole=True,
    ),
    Aim(
        "delivered per second, over the floor's",
        (0.75, 0.75),
        _over_floor(THROUGHPUT),
        least=True,
    ),
    Aim(
        "p50 of a call with exc_info, over any peer that sends the stack",
        (0.1, 0.125),
        _against("exceptions", STACKS, P50, min),
    ),
    Aim(
        "CPU per record with exc_info, over any peer that sends the stack",
        (0.1, 0.125),
        _against("exceptions", STACKS, CPU, min),
    ),
    Aim(
        "delivered per second to a sink 100 ms away, over a near one",
        (0.8, 0.8),
        _modes("distant", "near", THROUGHPUT),
        least=True,
        whole=True,
    ),
    Aim(
        "bytes per record on the wire",
        (35, 35),
        _itself("burst", WIRE),
        vendors=(HONEYCOMB, BETTER_STACK, CORALOGIX),
        unit="B",
    ),
    Aim(
        "what compression makes of the CPU per record, Coralogix over Better Stack",
        (1.05, None),  # no more than there; a twentieth is chance
        _compressing,
        vendors=(CORALOGIX,),
    ),
    Aim(
        "standard library only: delivered per second, over the best vendor SDK",
        (3, 2.5),
        _against("burst", VENDOR_PEERS, THROUGHPUT, max),
        least=True,
        fast=False,
        whole=True,
    ),
    Aim(
        "CPU per record, 8 threads over 1",
        (1.3, 1.3),
        _modes("threads-8", "threads-1", PLAIN_CPU),
    ),
    Aim("CPU above no-op, three vendors over one", (3, 3), _three, vendors=VENDORS[:1]),
    Aim(
        "import cxlogging, above import logging",
        (15, None),
        _import_of(PACKAGE),
        vendors=VENDORS[:1],
        unit="ms",
    ),
    *(
        Aim(
            f"mean of a call beside {what}, over in memory",
            (None, 1.5),
            _over_memory(mode, MEAN),
        )
        for mode, what in BESIDE.items()
    ),
    *(
        Aim(f"p99 of a call beside {what}", (None, 0.25), _itself(mode, P99_MS), unit="ms")
        for mode, what in BESIDE.items()
    ),
    Aim(
        "requests a second of a web application, over those with a no-op handler",
        (0.85, 0.78),
        _itself(WEB, OVER_NO_OP),
        least=True,
    ),
    Aim(
        "CPU per record above no-op, held and discarded, over a sent one",
        (1, None),
        _held(ABOVE_CPU),
    ),
    Aim("longest call in a burst of 100,000", (10, 10), _itself("longest", LONGEST), unit="ms"),
]
