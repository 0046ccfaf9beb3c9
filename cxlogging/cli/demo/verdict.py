"""Did it all arrive: what was logged, by one count, and what arrived, by another."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ...delivery.ledger import Stats
from ...vendors.registry import TITLES


@dataclass(frozen=True)
class Account:
    """
    One vendor's part in the demo.

    Attributes:
        vendor: As the local server names it.
        stats: The handler's own account.
        logged: How often the root logger got each message.
        arrived: How often the local server kept each message.
    """

    vendor: str
    stats: Stats
    logged: Counter[str]
    arrived: Counter[str]

    @property
    def title(self) -> str:
        """The vendor's name."""
        return TITLES[self.vendor]

    @property
    def lost(self) -> int:
        """Records that the handler's account calls lost."""
        return self.stats.rejected + self.stats.dropped + self.stats.abandoned


def complaints(account: Account) -> list[str]:
    """Return a sentence for everything that does not add up; none where all arrived."""
    stats, logged = account.stats, account.logged.total()
    found = []
    if not logged:
        found.append("nothing was logged")
    if not stats.balanced:
        found.append("the ledger does not balance")
    if stats.accepted != logged:
        found.append(f"{logged:,} records logged, but {stats.accepted:,} accepted")
    if stats.delivered != stats.accepted:
        found.append(f"{stats.accepted:,} records accepted, but {stats.delivered:,} delivered")
    found += _differences(account.logged, account.arrived)
    return [f"{account.title}: {each}." for each in found]


def _differences(logged: Counter[str], arrived: Counter[str]) -> list[str]:
    sentences = []
    for what, difference in (
        ("logged, but not arrived", logged - arrived),
        ("arrived more often than logged", arrived - logged),
    ):
        if difference:
            first = ascii(next(iter(difference)))[:120]
            sentences.append(f"{difference.total():,} records {what}, such as {first}")
    return sentences
