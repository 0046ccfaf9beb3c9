"""
The events that a query selects, by their ids.

A query whose commands only leave events out, or order them, has events as its rows: their ids are
enough for the page. The rows of any other query are a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from ..engine.answer import EngineAnswer
from ..engine.row import QueryRow
from ..engine.scan import Sql

CHUNK = 1_000
"""Ids, or rows of a table, of one frame."""

TABLE_CHARACTERS = 8 * 1024 * 1024
"""Characters of the rows of a table, as JSON, after which it is cut."""

FREE = ("filter", "block", "find", "wildfind", "lucene")
"""Commands that decide on each event alone."""

SELECTING = (*FREE, "limit", "orderby", "dedupeby")
"""Commands whose rows are events as they were stored."""


@dataclass(frozen=True)
class EventsWanted:
    """
    Which events of a query are wanted.

    Attributes:
        condition: A condition in SQL which events must meet as well, and its values.
        selection: True for the events that reach the first command whose rows are no events;
            False for the query as a whole, of which the rows may be a table.
        explain: True for warnings about unknown fields where nothing is found, for which the whole
            store is read.
    """

    condition: Sql
    selection: bool = False
    explain: bool = False

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> EventsWanted:
        """Return it from its fields as JSON."""
        sql, values = held["condition"]
        return cls((sql, tuple(values)), held["selection"], held["explain"])


def event_frames(answer: EngineAnswer, wanted: EventsWanted) -> Iterator[Any]:
    """
    Yield what the query selects.

    First ``{"table", "live", "ordered"}``: whether the rows are a table, whether each event is
    decided on alone (so that new ones can be added to what was found before), and whether the query
    orders them itself. Then lists of ids, or of rows as ``[data as JSON, time, severity]``, and
    ``{"cut": true}`` where a table is too large.
    """
    if not wanted.explain:
        answer.unknown = lambda *_: ()
    steps = answer.plan.steps
    events = list(takewhile(lambda step: step.command.name in SELECTING, steps))
    table = len(events) < len(steps) and not wanted.selection
    free = all(step.command.name in FREE for step in events)
    ordered = answer.plan.by_time or any(step.command.name == "orderby" for step in events)
    yield {"table": table, "live": free and not table and not ordered, "ordered": ordered}
    scan = answer.plan.scan_filter
    scan = replace(scan, conditions=(wanted.condition, *scan.conditions))
    if table:
        answer.plan = replace(answer.plan, scan_filter=scan)
        yield from _table(answer)
    else:
        scan = replace(scan, by_arrival=not ordered, columns=scan.columns | {"id"})
        answer.plan = replace(answer.plan, scan_filter=scan, steps=events)
        yield from _ids(answer)


def _ids(answer: EngineAnswer) -> Iterator[list[int]]:
    chunk: list[int] = []
    for number in answer.each(_id):
        chunk.append(number)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _id(row: QueryRow) -> int:
    assert row.record is not None  # noqa: S101 - no command before has made another row
    number: int = row.record[3]
    return number


def _table(answer: EngineAnswer) -> Iterator[Any]:
    left = TABLE_CHARACTERS
    for batch in answer.batches():
        rows = []
        for document in batch:
            metadata = {one["key"]: one["value"] for one in document["metadata"]}
            left -= len(document["userData"])
            if left < 0:
                break
            rows.append([document["userData"], metadata.get("timestamp"), metadata.get("severity")])
        yield rows
        if left < 0:
            yield {"cut": True}
            return


def table_of(rows: list[Any]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns of a table, and its rows, from the rows that `event_frames` yields."""
    documents = [_document(*row) for row in rows]
    columns = list(dict.fromkeys(name for one in documents for name in one))
    return columns, [[one.get(name) for name in columns] for one in documents]


def _document(data: str, time: str | None, severity: str | None) -> dict[str, Any]:
    held = json.loads(data)
    metadata = {} if time is None else {"$m.timestamp": time, "$m.severity": severity}
    return {**metadata, **(held if isinstance(held, dict) else {"$d": held})}
