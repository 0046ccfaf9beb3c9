"""A store with events, and queries over it, without a server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cxlogging.devserver import Store, StoredEvent
from cxlogging.devserver.engine import Plan, Settings, compile_query
from cxlogging.devserver.engine.row import QueryRow
from cxlogging.devserver.engine.scan import Scan
from cxlogging.devserver.query.labels import (
    LABEL_CONDITIONS,
    LABEL_READERS,
    LABELS,
    LUCENE_FIELDS,
    labels,
)

NOW = 1_737_331_200_000_000_000  # 2025-01-20T00:00:00Z


def event(data, number=0, **more):
    values = {
        "vendor": "coralogix", "time_ns": NOW - number, "received_ns": NOW, "level": "info",
        "severity": 3, "message": "", "application": "shop", "subsystem": "web", "source": {},
        "data": data,
    }  # fmt: skip
    return StoredEvent(**{**values, **more})


class Bench:
    """Compiles and runs queries over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.scan = self.fresh()

    def fresh(self, stopped: Callable[[], bool] = lambda: False) -> Scan:
        self.scan = Scan(self.store.path, lambda record: labels(*record[5:9]), stopped)
        return self.scan

    def fill(self, *documents: dict[str, Any], **more: Any) -> None:
        """Store an event for each document, the first one as the newest."""
        self.store.add(event(one, n, **more) for n, one in enumerate(documents))

    def plan(self, query: str, *, lucene: bool = False, **settings: Any) -> Plan:
        chosen = Settings(
            **{
                "now": NOW, "labels": LABELS, "label_readers": LABEL_READERS,
                "lucene_fields": LUCENE_FIELDS, **settings,
            }
        )  # fmt: skip
        return compile_query(query, chosen, LABEL_CONDITIONS, lucene=lucene)

    def stream(self, query: str, **settings: Any) -> Iterator[QueryRow]:
        return self.plan(query, **settings).rows(self.fresh())

    def rows(self, query: str, **settings: Any) -> list[dict[str, Any]]:
        """Return the documents of the rows, with their data decoded."""
        found = []
        for row in itertools.islice(self.stream(query, **settings), 20_000):
            document = row.document()
            found.append({**document, "userData": json.loads(document["userData"])})
        return found

    def data(self, query: str, **settings: Any) -> list[Any]:
        """Return the data of the rows."""
        return [row["userData"] for row in self.rows(query, **settings)]

    def value(self, expression: str, document: dict[str, Any] | None = None) -> Any:
        """Return the value of *expression* for one log."""
        self.store.clear()
        self.fill(document or {})
        (row,) = self.data(f"choose {expression} as value")
        return row["value"]


@pytest.fixture(scope="session")
def _store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def bench(_store: Store) -> Bench:
    _store.clear()
    return Bench(_store)
