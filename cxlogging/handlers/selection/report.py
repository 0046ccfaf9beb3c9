"""Tells the vendor once a minute what was held back: how much, why, and by which lines of code."""

from __future__ import annotations

import logging
import math
from collections import Counter
from typing import Any

from ...delivery.delivery import Delivery
from ...delivery.ledger import DISCARDED, Ledger
from ...wire.event import Event, SyntheticOrigin

REPORT_SECONDS = 60.0
TOP = 10
"""Call sites that the event names."""


class HeldBackReport:
    """
    Makes an event a minute where records were held back: sampled, limited, over budget, discarded.

    Args:
        delivery: Whose ledger and volume it reads; it sends the event past its queue.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._begin(delivery.ledger)
        delivery.lane.add_event_source(self)

    def _begin(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sent = self._taken = _Counts.nothing()
        self.event_due_at = math.inf

    def note(self) -> None:
        """Have an event sent within a minute: something was held back. For log calls."""
        if self._ledger is not self._delivery.ledger:  # in the child of a fork
            self._begin(self._delivery.ledger)
        if self.event_due_at == math.inf:
            self.event_due_at = self._delivery.lane.clock.monotonic() + REPORT_SECONDS
            self._delivery.wake()

    def take_event(self, now: float) -> Event | None:
        """Return the event that is due at monotonic *now*; `event_sent` follows."""
        if now < self.event_due_at:
            return None
        self.event_due_at = math.inf
        self._taken = _Counts.of(self._delivery)
        fresh = self._taken.since(self._sent)
        return self._event(fresh) if fresh.reasons else None

    def event_sent(self, *, done: bool) -> None:
        """Note whether the vendor took the event; else the next one includes its counts."""
        if done:
            self._sent = self._taken
        else:
            self.event_due_at = self._delivery.lane.clock.monotonic() + REPORT_SECONDS

    def _event(self, fresh: _Counts) -> Event:
        total = fresh.reasons.total()
        levels = {
            logging.getLevelName(level): fresh.levels[level] for level in sorted(fresh.levels)
        }
        listed = ", ".join(f"{reason} {count}" for reason, count in fresh.reasons.most_common())
        sites = [
            {"logger": logger, "file": file, "line": line, "level": level, "count": count}
            for (logger, file, line, level), count in fresh.sites.most_common(TOP)
        ]
        fields: dict[str, Any] = {
            "cx_held_back": total,
            "cx_held_back_by_reason": dict(fresh.reasons),
            "cx_held_back_by_level": levels,
            "cx_held_back_sites": sites,
        }
        message = f"cxlogging held back {total} records ({listed})"
        time_ns = self._delivery.clock.wall_ns()
        return Event(time_ns, logging.INFO, "INFO", message, fields, SyntheticOrigin())


Site = tuple[str, str, int, str]
"""Logger, file, line and level of a call site."""


class _Counts:
    """What was held back so far."""

    def __init__(self, reasons: Counter[str], levels: Counter[int], sites: Counter[Site]) -> None:
        self.reasons = reasons
        self.levels = levels
        self.sites = sites

    @classmethod
    def nothing(cls) -> _Counts:
        return cls(Counter(), Counter(), Counter())

    @classmethod
    def of(cls, delivery: Delivery) -> _Counts:
        ledger, counts = delivery.ledger, cls.nothing()
        tallies = {
            "sampled": ledger.sampled.by_level(),
            "limited": ledger.limited.by_level(),
            "over_budget": ledger.over_budget.by_level(),
            **{f"discarded_{reason}": Counter(ledger.outcomes[reason]) for reason in DISCARDED},
        }
        for reason, by_level in tallies.items():
            counts.reasons[reason] = by_level.total()
            counts.levels.update(by_level)
        for row in delivery.lane.volume.rows(""):
            counts.sites[row.logger, row.file, row.line, row.level] += row.held_back
        return counts

    def since(self, before: _Counts) -> _Counts:
        return _Counts(
            self.reasons - before.reasons, self.levels - before.levels, self.sites - before.sites
        )
