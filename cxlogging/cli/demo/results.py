"""What was logged and what arrived, counted independently, and how the two differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ...delivery.ledger import Stats
from ...vendors.registry import TITLES


@dataclass(frozen=True)
class VendorResult:
    """
    The result of the demo for one vendor.

    Attributes:
        vendor: The vendor's name in the local server.
        stats: The statistics of the vendor's handler.
        logged: How often the root logger got each message.
        arrived: How often the local server stored each message.
    """

    vendor: str
    stats: Stats
    logged: Counter[str]
    arrived: Counter[str]

    @property
    def title(self) -> str:
        """The vendor's name for people."""
        return TITLES[self.vendor]

    @property
    def lost(self) -> int:
        """How many records are lost according to the handler."""
        return self.stats.rejected + self.stats.dropped + self.stats.abandoned


def differences(result: VendorResult) -> list[str]:
    """Return a sentence for each number that does not match; none if every record arrived."""
    stats, logged = result.stats, result.logged.total()
    found = []
    if not logged:
        found.append("nothing was logged")
    if not stats.balanced:
        found.append("the ledger does not balance")
    if stats.accepted != logged:
        found.append(f"{logged:,} records logged, but {stats.accepted:,} accepted")
    if stats.delivered != stats.accepted:
        found.append(f"{stats.accepted:,} records accepted, but {stats.delivered:,} delivered")
    for what, difference in (
        ("logged, but not arrived", result.logged - result.arrived),
        ("arrived more often than logged", result.arrived - result.logged),
    ):
        if difference:
            first = ascii(next(iter(difference)))[:120]
            found.append(f"{difference.total():,} records {what}, such as {first}")
    return [f"{result.title}: {each}." for each in found]


def query_differences(results: list[VendorResult], rows: dict[str, dict[str, int]]) -> list[str]:
    """Return a sentence for each vendor for which a query counts other records than were logged."""
    found = []
    for result in results:
        records, logged = rows.get(result.vendor, {}).get("records", 0), result.logged.total()
        if records != logged:
            found.append(
                f"{result.title}: {logged:,} records logged, but {records:,} queried back."
            )
    return found
