"""All deliveries of the process at once."""

from __future__ import annotations

from collections.abc import Iterator

from .ledger import Stats
from .process.draining import drain
from .process.registry import registered
from .volume import VolumeRow, by_size
from .worker.threads import Workers


def flush_all(timeout: float | None = None) -> bool:
    """
    Flush every handler, side by side; True when all that waited has its outcome.

    Args:
        timeout: Seconds; None waits while vendors keep acknowledging.
    """
    everyone = registered()
    return not everyone or drain(everyone, timeout)


def stats() -> dict[str, Stats]:
    """Return the statistics of every handler, by destination; numbered where a name repeats."""
    return {name: workers.lane.stats() for name, workers in named_workers()}


def volume() -> list[VolumeRow]:
    """
    Return which lines of code have logged how much, to each destination, the most bytes first.

    The counts are those of this process since its handlers were made; in the child of a fork they
    begin at zero.
    """
    rows = [row for name, workers in named_workers() for row in workers.lane.volume.rows(name)]
    return sorted(rows, key=by_size, reverse=True)


def named_workers() -> Iterator[tuple[str, Workers]]:
    """Yield the workers of every handler with the destination's name, as `stats` has it."""
    names: set[str] = set()
    for workers in registered():
        name = workers.lane.destination.name
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name} #{number}", number + 1
        names.add(unique)
        yield unique, workers
