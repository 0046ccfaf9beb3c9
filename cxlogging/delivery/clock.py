"""Time and chance, as values that are given to whoever needs them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple


def chance() -> float:
    """Return a number from 0 to 1, from the system's own source."""
    return (int.from_bytes(os.urandom(7), "big") >> 3) / 2**53


class Clock(NamedTuple):
    """
    The clocks, bound when this module is imported.

    As defaults of a class they are out of reach for a test clock that replaces
    the functions of loaded modules: a frozen clock must not stop the worker.

    Attributes:
        monotonic: Seconds that only grow; every wait and deadline uses it.
        wall: Seconds since 1970; for what a person or a vendor reads.
        random: A number from 0 to 1; the application's own generator is left alone, and a
            fork's children do not all choose the same.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    random: Callable[[], float] = chance
