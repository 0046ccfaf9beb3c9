"""
What an exception costs: its text, and a whole call with ``exc_info``, against `traceback`.

Both sides are measured in turn, round by round, in one process that is warm.
The other side of a whole call is the same handler, whose stack text is made by
`traceback.format_exception`.
"""

from __future__ import annotations

import logging
import platform
import statistics
import timeit
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType

from .stages import NOWHERE, quiet
from .subjects.baselines import NoOp

ROUNDS = 15
LOOPS = 50
BEST_OF = 5
"""Of a round, so that it is not decided by what else the machine does."""

FRAMES = 7

Work = Callable[[], object]
Text = Callable[[BaseException, TracebackType | None], str]


def order(number: int) -> float:
    return cart({"number": number})


def cart(order: dict[str, int]) -> float:
    return sum(price(each) for each in order.values())


def price(number: int) -> float:
    return discounted(
        number,
        of=number * 2,
    )


def discounted(number: int, of: int) -> float:
    return rate(number) * of


def rate(number: int) -> float:
    return 1 + table(number)["rate"] / number


def table(number: int) -> dict[str, float]:
    return {"rate": number / (number - number)}


def raised() -> ZeroDivisionError:
    """Return an exception of `FRAMES` frames."""
    try:
        order(7)
    except ZeroDivisionError as error:
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        assert len(traceback.extract_tb(trace)) == FRAMES, traceback.format_tb(trace)
        return error.with_traceback(trace)
    raise AssertionError


def standard(error: BaseException, trace: TracebackType | None) -> str:
    """Return the text as the standard library makes it."""
    return "".join(traceback.format_exception(type(error), error, trace))


def in_turn(works: Sequence[Work], after: Work = lambda: None) -> list[list[float]]:
    """Return the seconds of a call of each, measured in turn; *after* clears up, untimed."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, seconds in zip(works, times, strict=True):
            seconds.append(min(timeit.repeat(work, number=LOOPS, repeat=BEST_OF)) / LOOPS)
            after()
    return times


def texts(error: BaseException) -> tuple[Work, Work]:
    """Return both ways to the text of *error*."""
    from cxlogging.handlers.exceptions.tracebacks import format_exception

    trace = error.__traceback__
    if format_exception(error, trace) != standard(error, trace):
        raise AssertionError("the texts differ")
    return lambda: standard(error, trace), lambda: format_exception(error, trace)


def calls(error: BaseException) -> tuple[Sequence[Work], Work]:
    """Return both ways of a call that logs *error*, one for no handler's work; what clears up."""
    from cxlogging import CoralogixHandler
    from cxlogging.delivery.process.registry import registered
    from cxlogging.handlers.exceptions import fields as failures
    from cxlogging.handlers.exceptions import tracebacks

    handler = CoralogixHandler("k", url=NOWHERE)
    clears = [quiet(each) for each in registered()]

    def call_of(name: str, handler: logging.Handler, make: Text = standard) -> Work:
        logger = logging.getLogger(f"benchmarks.{name}")
        logger.propagate = False
        logger.addHandler(handler)

        def call() -> None:
            failures.format_exception = make  # type: ignore[assignment]
            logger.error("order %d failed", 7, exc_info=error)

        return call

    works = (
        call_of("standard", handler),
        call_of("kept", handler, tracebacks.format_exception),
        call_of("nothing", NoOp()),
    )
    return works, lambda: [clear() for clear in clears]


def said(name: str, old: Sequence[float], new: Sequence[float]) -> str:
    """Return a line: the medians in microseconds, and the ratio of the rounds."""
    ratios = [before / after for before, after in zip(old, new, strict=True)]
    return (
        f"  {name:<34}{statistics.median(old) * 1e6:10.1f}{statistics.median(new) * 1e6:12.1f}"
        f"{statistics.median(ratios):9.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
    )


def main() -> None:
    error = raised()
    print(f"\nPython {platform.python_version()}, an exception of {FRAMES} frames, microseconds")
    print(f"  {'':<34}{'traceback':>10}{'cxlogging':>12}{'ratio':>9}")
    print(said("its text", *in_turn(texts(error))))
    works, clear = calls(error)
    old, new, nothing = in_turn(works, clear)
    print(said("a call with exc_info", old, new))
    handlers = [[a - b for a, b in zip(each, nothing, strict=True)] for each in (old, new)]
    print(said("the handler's share of it", *handlers))


if __name__ == "__main__":
    main()
