"""The events that a DataPrime query selects, found by the processes in which queries run."""

from __future__ import annotations

import json
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ...dataprime.errors import caret
from ..engine.errors import line_and_column
from ..engine.scan import Sql
from ..query.event_ids import EventsWanted, table_of
from ..query.pool import QueryPool
from ..query.request_body import QueryRequest
from ..query.run import QueryRun, QueryTask
from ..query.worker import EVENTS
from .search_text import runnable

ALL_EVENTS = 10_000_000
"""More ids than a store can hold."""

KEPT_QUERIES = 16
KEPT_SECONDS = 60.0
"""How long what a query selected is kept, as `now()` in a query changes."""

QUOTES = "To search for these words, put them in quotes."


class SelectionError(Exception):
    """
    A query that cannot be answered.

    Attributes:
        position: Where in the text it is wrong, in characters from its start; None where the query
            failed while it ran.
        caret: The line of the text, and a caret below the position.
        hint: What to do instead; may be empty.
    """

    def __init__(
        self, reason: str, position: int | None = None, caret: str = "", hint: str = ""
    ) -> None:
        super().__init__(reason)
        self.position, self.caret, self.hint = position, caret, hint


@dataclass
class Selected:
    """
    What a query selected.

    Attributes:
        ids: Ids of events, where its rows are events.
        table: Its columns and rows, where they are not.
        live: Whether it decides on each event alone, so that new ones can be added.
        ordered: Whether the query orders its rows itself.
        cut: Whether rows were left out.
        warnings: What the user should know, one sentence each.
    """

    ids: list[int] = field(default_factory=list)
    table: tuple[list[str], list[list[Any]]] | None = None
    live: bool = False
    ordered: bool = False
    cut: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass
class _KeptSelection:
    """The ids that a query selected among the events up to the one with the id `last`."""

    ids: array[int]
    last: int
    live: bool
    until: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class EventQueries:
    """
    Runs queries for the page.

    Args:
        pool: The processes in which they run.
        seconds: Time for a query.
    """

    def __init__(self, pool: QueryPool, seconds: float) -> None:
        self._pool, self._seconds = pool, seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _KeptSelection] = OrderedDict()

    def run(
        self,
        text: str,
        condition: Sql,
        maximum: int,
        left: Future[None] | None = None,
        *,
        explain: bool = False,
    ) -> Selected:
        """
        Return the newest events of the query *text*, or its table.

        Args:
            text: The query; a source, and ``filter``, may be left out.
            condition: A condition in SQL that events must meet as well.
            maximum: The largest number of events or rows.
            left: Completes once the client has left, which ends the query.
            explain: True for warnings about unknown fields where nothing is found.

        Raises:
            SelectionError: The query is wrong, or failed.
            BusyError: Too many queries run already.
        """
        return self._run(text, EventsWanted(condition, explain=explain), maximum, left)

    def ids(self, text: str, last: int, left: Future[None] | None = None) -> array[int]:
        """
        Return the ids of all events with ids up to *last* that the query *text* selects.

        A query that groups selects the events that it groups. What was found is kept for a while,
        and only newer events are read then. Raises the errors of `run`.
        """
        kept = self._of(text)
        with kept.lock:
            is_stale = not kept.live and kept.last < last
            if is_stale or kept.until < time.monotonic():
                kept.ids, kept.last = array("q"), -1
                kept.until = time.monotonic() + KEPT_SECONDS
            if kept.last < last:
                condition = ("id > ? AND id <= ?", (kept.last, last))
                found = self._run(text, EventsWanted(condition, selection=True), ALL_EVENTS, left)
                kept.ids = kept.ids + array("q", found.ids)
                kept.last, kept.live = last, found.live
            return kept.ids

    def _of(self, text: str) -> _KeptSelection:
        with self._lock:
            kept = self._kept.setdefault(text, _KeptSelection(array("q"), -1, live=True, until=0.0))
            self._kept.move_to_end(text)
            if len(self._kept) > KEPT_QUERIES:
                self._kept.popitem(last=False)
            return kept

    def _run(
        self, text: str, wanted: EventsWanted, maximum: int, left: Future[None] | None
    ) -> Selected:
        query = runnable(text)
        request = QueryRequest(
            query=query.text,
            lucene=False,
            start=None,
            end=None,
            now=time.time_ns(),
            dataset="logs",
            max_rows=maximum + 1,
            limit_is_explicit=True,
            strict=False,
        )
        task = QueryTask(EVENTS, request, self._seconds, events=wanted)
        try:
            run = self._pool.run(task, left)
        except OSError as error:
            raise SelectionError(f"no process can be started for the query: {error}") from None
        if not run.wait_compiled():
            raise _refused(run, text, query.shift)
        try:
            found = _collected(run, maximum)
        finally:
            run.close()
        if run.reason:
            raise SelectionError(run.reason)
        found.warnings = [sentence for warning in run.warnings for sentence in _sentences(warning)]
        return found


def _collected(run: QueryRun, maximum: int) -> Selected:
    found, rows = Selected(), list[Any]()
    is_table = False
    for part in run:
        held = json.loads(part)
        if isinstance(held, dict):
            is_table = held.get("table", is_table)
            found.live = held.get("live", found.live)
            found.ordered = held.get("ordered", found.ordered)
            found.cut = held.get("cut", found.cut)
        elif is_table:
            rows += held
        else:
            found.ids += held
    found.cut = found.cut or len(rows) > maximum or len(found.ids) > maximum
    del found.ids[maximum:]
    if is_table:
        found.table = table_of(rows[:maximum])
    return found


def _refused(run: QueryRun, text: str, shift: int) -> SelectionError:
    error = run.compile_error
    if error is None:
        return SelectionError(run.reason)
    position = min(max(0, error.offset - shift), len(text))
    shown = caret(text, *line_and_column(text, position))
    looks_like_words = not any(mark in text for mark in "|$=<>")
    return SelectionError(error.reason, position, shown, QUOTES if looks_like_words else "")


def _sentences(warning: Any) -> Iterator[str]:
    """Yield the sentences in a warning of the query API."""
    for content in warning.values():
        if sentence := content.get("warningMessage"):
            yield sentence
        elif limit := content.get("aggregationBucketsLimit"):
            yield f"only the first {limit} groups are shown"
