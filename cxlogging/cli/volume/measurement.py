"""The volume of call sites, wherever it was measured, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

GB = 1_000_000_000
DAY = 86_400


class SiteVolume(NamedTuple):
    """
    How much one call site has logged.

    Attributes:
        sender: Where the events come from, by name: the vendor and, where they are known, the
            application and subsystem, or the process and destination.
        logger: The name of the logger; empty where it is not known, like all texts here.
        file: The source file: its path, or its name alone.
        line: The line number; 0 where it is not known.
        function: The name of the function.
        level: The name of the level.
        events: The number of events.
        bytes: Their bytes before compression.
        share: Its part of the bytes of the vendor, from 0 to 1; of the destination, in the counts
            of processes.
        held_back: Records that were left out; None where that is not known.
    """

    sender: Mapping[str, str]
    logger: str
    file: str
    line: int
    function: str
    level: str
    events: int
    bytes: int
    share: float
    held_back: int | None = None

    @property
    def place(self) -> str:
        """The call site, as ``file.py:12 function``; empty where it is not known."""
        if not self.file:
            return ""
        name = self.file.replace("\\", "/").rpartition("/")[2]
        return f"{name}:{self.line} {self.function}".rstrip()

    def document(self, price: float | None) -> dict[str, Any]:
        """Return the row as a JSON object; with its cost if there is a *price* per GB."""
        values = self._asdict()
        found = {**values.pop("sender"), **values}
        if self.held_back is None:
            del found["held_back"]
        return found if price is None else {**found, "cost": cost(self.bytes, price)}


class Measurement(NamedTuple):
    """
    What was measured.

    Attributes:
        what: What was counted, in words.
        rows: The largest call sites, most bytes first.
        events: All events that were counted.
        bytes: Their bytes.
        seconds: The period in which they were logged; None where it is not known.
        caveats: Sentences about what the numbers do not say.
        is_partial: Whether some call sites may be missing.
    """

    what: str
    rows: Sequence[SiteVolume]
    events: int
    bytes: int
    seconds: float | None
    caveats: tuple[str, ...] = ()
    is_partial: bool = False


def cost(size: int, price: float) -> float:
    """Return the cost of *size* bytes at *price* per GB."""
    return size / GB * price


def cost_sentence(measured: Measurement, price: float) -> str:
    """Return what all of it costs, and what a day costs where the period is known."""
    whole = f"At {price:g} per GB (10^9 bytes) all of it costs {money(cost(measured.bytes, price))}"
    if measured.seconds is None:
        return f"{whole}; the period is not known, so there is no rate per day."
    if measured.seconds < 1:
        return f"{whole}; less than a second was measured, too little for a rate per day."
    daily = cost(measured.bytes, price) * DAY / measured.seconds
    return f"{whole}: {money(daily)} per day at this rate, measured over {span(measured.seconds)}."


def money(amount: float) -> str:
    """Return an amount with two decimal places, or four where it is small."""
    if 0 < amount < 0.0001:
        return "< 0.0001"
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def span(seconds: float) -> str:
    """Return a duration in words."""
    for unit, size in (("days", DAY), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
