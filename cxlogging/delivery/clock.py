"""Clocks and randomness, passed to whatever needs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from ..wire import system_clock


def random_unit() -> float:
    """Return a number from 0 to 1, from the system's own source of randomness."""
    return (int.from_bytes(os.urandom(7), "big") >> 3) / 2**53


class Clocks(NamedTuple):
    """
    The system's clocks, even where a test has frozen those of the module ``time``.

    Attributes:
        monotonic: Seconds that only grow; every wait and deadline uses it.
        wall: Seconds since 1970, for what a person or a vendor reads.
        random: A number from 0 to 1; the application's own generator is left alone, and a
            fork's children do not all choose the same.
    """

    monotonic: Callable[[], float] = system_clock.monotonic
    wall: Callable[[], float] = system_clock.wall
    random: Callable[[], float] = random_unit

    def wall_ns(self) -> int:
        """Return nanoseconds since 1970, in whole microseconds, for an event made here."""
        return int(self.wall() * 1e6) * 1000
