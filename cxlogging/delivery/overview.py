"""All deliveries of the process at once."""

from __future__ import annotations

from .ledger import Stats
from .process.draining import drain
from .process.registry import registered


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
    result: dict[str, Stats] = {}
    for workers in registered():
        name = workers.lane.destination.name
        unique, number = name, 2
        while unique in result:
            unique, number = f"{name} #{number}", number + 1
        result[unique] = workers.lane.stats()
    return result
