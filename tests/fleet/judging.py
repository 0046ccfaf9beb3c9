"""What has become of all records: the local server's store, and the ledgers of the producers."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ID = re.compile(r"<([\w-]+:\d+)>")


@dataclass(frozen=True)
class Arrived:
    """
    What a local server has stored.

    Attributes:
        counts: How often each record is there, by its id.
        repeated: The requests whose records came again later, by their numbers.
    """

    counts: Counter[str]
    repeated: frozenset[int]

    @classmethod
    def read(cls, path: Path) -> Arrived:
        """Return what is in the database at *path*."""
        counts: Counter[str] = Counter()
        first: dict[str, int] = {}
        repeated = set()
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            for message, request in database.execute(
                "SELECT message, request FROM events ORDER BY id"
            ):
                found = ID.match(message)
                if found is None:
                    continue  # an event of our own, such as one that reports dropped records
                counts[found[1]] += 1
                if first.setdefault(found[1], request) != request:
                    repeated.add(first[found[1]])
        return cls(counts, frozenset(repeated))


@dataclass(frozen=True)
class Outcome:
    """
    The comparison of what was promised with what arrived.

    Attributes:
        logged: Records whose log call had returned.
        arrived: Different ones of these that the vendor has.
        lost: The ids of the others.
        twice: The ids of those that the vendor has more than once.
        batches_twice: From how many requests these were.
        extra: The ids that the vendor has, and nobody had promised.
    """

    logged: int
    arrived: int
    lost: Sequence[str]
    twice: Sequence[str]
    batches_twice: int
    extra: Sequence[str]

    @classmethod
    def judge(cls, promised: Iterable[str], arrived: Arrived) -> Outcome:
        """Return the outcome of the records with the ids *promised*."""
        wanted, counts = dict.fromkeys(promised), arrived.counts
        lost = [each for each in wanted if each not in counts]
        return cls(
            logged=len(wanted),
            arrived=len(wanted) - len(lost),
            lost=lost,
            twice=[each for each, count in counts.items() if count > 1],
            batches_twice=len(arrived.repeated),
            extra=[each for each in counts if each not in wanted],
        )

    def text(self) -> str:
        """Return it in one line."""
        return (
            f"logged {self.logged:,}, arrived {self.arrived:,}, lost {len(self.lost):,}, twice"
            f" {len(self.twice):,} (from {self.batches_twice} requests), not promised"
            f" {len(self.extra):,}"
        )


def ledger_text(name: str, stats: dict[str, Any]) -> str:
    """Return the ledger of a producer in one line."""
    names = ("accepted", "delivered", "rejected", "dropped", "abandoned", "pending", "spooled")
    shown = ", ".join(f"{each} {stats[each]:,}" for each in names if stats[each])
    return (
        f"{name}: {shown}; {'balanced' if stats['balanced'] else 'NOT BALANCED'};"
        f" {stats['retries']:,} retries, longest log call {stats['longest'] * 1e3:.1f} ms"
    )


def assert_ledger(stats: dict[str, Any], logged: int) -> None:
    """Assert that all *logged* records of a producer were acknowledged by the stream."""
    assert stats["balanced"], stats
    assert stats["accepted"] == stats["spooled"] == stats["logged"] == logged, stats
    lost = ("delivered", "rejected", "dropped", "abandoned", "pending")
    assert not any(stats[name] for name in lost), stats
