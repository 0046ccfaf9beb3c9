"""All deliveries of the process at once."""

from __future__ import annotations

from .ledger import Stats
from .process import lifecycle
from .process.draining import drain


def flush_all(timeout: float | None = None) -> bool:
    """
    Flush every handler, side by side; True when all that waited has its outcome.

    Args:
        timeout: Seconds; None waits while vendors keep acknowledging.
    """
    everyone = lifecycle.deliveries()
    return not everyone or drain(everyone, timeout)


def stats() -> dict[str, Stats]:
    """Return the account of every handler, by its destination's name; numbered where it repeats."""
    result: dict[str, Stats] = {}
    for delivery in lifecycle.deliveries():
        name = delivery.destination.name
        unique, number = name, 2
        while unique in result:
            unique, number = f"{name} #{number}", number + 1
        result[unique] = delivery.stats()
    return result
