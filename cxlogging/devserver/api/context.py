"""What the endpoints share."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ..engine.scan import Sql
from ..events.filters import EventFilter, joined
from ..events.reader import EventReader
from ..events.rows import among
from ..events.search_text import DATAPRIME
from ..events.selection import EventQueries
from ..faults import FaultPanel
from ..reports import ReportBoard
from ..store import Store


@dataclass(frozen=True)
class ApiContext:
    """
    What the endpoints read and change.

    Attributes:
        store: The events and the log of requests.
        faults: The faults to inject.
        reports: What applications report of their handlers.
        token: What a browser sends with each change.
        reader: Opens connections to the store for questions.
        queries: Runs DataPrime queries.
    """

    store: Store
    faults: FaultPanel
    reports: ReportBoard
    token: str
    reader: EventReader
    queries: EventQueries

    def state(self) -> dict[str, Any]:
        """Return the `faults` and `reports` of the moment, as JSON."""
        return {
            "faults": self.faults.listed(),
            "reports": self.reports.ledgers(),
        }

    def condition(
        self, wanted: EventFilter, left: Future[None] | None = None, without: str = ""
    ) -> Sql:
        """
        Return the condition in SQL that events meet *wanted*; a DataPrime query is run for it.

        Args:
            wanted: The filter.
            left: Completes once the client has left.
            without: A field whose values are not filtered.

        Raises the errors of `EventQueries.ids`.
        """
        conditions = wanted.conditions(without)
        if wanted.kind == DATAPRIME:
            ids = self.queries.ids(wanted.text, self.store.last_event, left)
            conditions.append(among(ids))
        return joined(conditions)
