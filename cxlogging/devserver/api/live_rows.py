"""The rows of a filter as they arrive, for one client."""

from __future__ import annotations

import json
import time
from concurrent.futures import Future
from typing import Any

from starlette.requests import Request

from ..events.filters import EventFilter, joined
from ..events.reader import TooSlowError
from ..events.rows import among, read_rows
from ..events.search_text import DATAPRIME
from ..events.selection import SelectionError
from ..query.pool import BusyError
from ..requestlog.log import REJECTED
from .context import ApiContext
from .threads import in_thread

BATCH = 1_000
"""Rows of one message."""

QUERY_INTERVAL = 1.0
"""Seconds between two runs of a DataPrime query for new events."""

QUERY_EVENTS = 10_000
"""Events of one run."""


class LiveRows:
    """
    What changed since the last time, for one client.

    Args:
        context: The store, and what reads it.
        request: The client's request, of which the connection ends with the client.
        wanted: Which events the client wants.
        after: The id of the last event that it has; None for new events alone.
    """

    def __init__(
        self, context: ApiContext, request: Request, wanted: EventFilter, after: int | None
    ) -> None:
        self._context, self._request, self._wanted = context, request, wanted
        store = context.store
        # An id that this store has not given yet is one of another store.
        is_known = after is not None and after <= store.last_event
        self._last = store.last_event if after is None else after if is_known else 0
        # A client that has nothing, or has newer events, does not need the last clearing.
        is_current = not after or after > store.cleared_until
        self._cleared = store.cleared_until if is_current else 0
        self._sent: dict[str, Any] = {}
        self._next_query = 0.0
        self._live = True

    async def check(self) -> None:
        """Raise the errors of a wrong query before the stream begins."""
        if self._wanted.kind != DATAPRIME:
            return

        def run(left: Future[None]) -> None:
            found = self._context.queries.run(self._wanted.text, ("id < 0", ()), 1, left)
            self._live = found.live

        await in_thread(self._request, run)

    def hello(self) -> str:
        """Return the first message, which tells this store from others."""
        return _message("hello", {"store": self._context.store.identity})

    async def changes(self) -> list[str]:
        """Return messages about what changed since the last time; empty where nothing did."""
        store, messages = self._context.store, list[str]()
        if store.cleared_until > self._cleared:
            self._cleared = store.cleared_until
            messages.append(_message("cleared", {}))
        counts = store.count()
        if store.last_event > self._last or counts != self._sent.get("counts"):
            messages += await self._new_rows(counts)
        requests = (store.last_request, store.requests_cleared_until)
        if requests != self._sent.get("requests"):
            self._sent["requests"] = requests
            rejected = await in_thread(self._request, self._rejected)
            messages.append(
                _message("requests", {"last": store.last_request, "rejected": rejected})
            )
        state = self._context.state()
        if state != self._sent.get("state"):
            self._sent["state"] = state
            messages.append(_message("state", state))
        return messages

    async def _new_rows(self, counts: dict[str, int]) -> list[str]:
        if self._wanted.kind == DATAPRIME and time.monotonic() < self._next_query:
            return []
        self._next_query = time.monotonic() + QUERY_INTERVAL
        newest = self._context.store.last_event
        try:
            message, last = await in_thread(
                self._request, lambda left: self._batch(newest, counts, left)
            )
        except (BusyError, TooSlowError):
            return []
        except SelectionError:
            # It would fail again: the client goes on without new rows.
            self._live = False
            return []
        if self._context.store.cleared_until > self._cleared:
            # These rows may be newer than the clearing, of which the client does not know yet.
            return []
        if last < newest:
            self._next_query = 0.0
        self._last = last
        self._sent["counts"] = counts
        return [message]

    def _batch(self, newest: int, counts: dict[str, int], left: Future[None]) -> tuple[str, int]:
        rows, last = self._read(newest, left)
        content = {"rows": rows, "counts": counts, "sizes": self._context.store.sizes()}
        return _message("rows", content, last), last

    def _read(self, newest: int, left: Future[None]) -> tuple[list[dict[str, Any]], int]:
        """Return the next rows, oldest first, and the id up to which nothing is missing."""
        if newest <= self._last or not self._live:
            return [], max(newest, self._last)
        if self._wanted.kind == DATAPRIME:
            newest = min(newest, self._last + QUERY_EVENTS)
        page = ("id > ? AND id <= ?", (self._last, newest))
        condition = joined([*self._wanted.conditions(), page])
        if self._wanted.kind == DATAPRIME:
            found = self._context.queries.run(self._wanted.text, condition, QUERY_EVENTS, left)
            ids = sorted(found.ids)[:BATCH]
            condition, newest = among(ids), ids[-1] if len(ids) == BATCH else newest
        with self._context.reader.connection(left) as connection:
            rows = read_rows(connection, condition, BATCH, newest_first=False)
        return rows, min(newest, rows[-1]["id"]) if len(rows) == BATCH else newest

    def _rejected(self, left: Future[None]) -> int:
        with self._context.reader.connection(left) as connection:
            number: int = connection.execute(
                f"SELECT COUNT(*) FROM requests WHERE {REJECTED}"  # noqa: S608 - a constant
            ).fetchone()[0]
        return number


def _message(kind: str, content: dict[str, Any], number: int | None = None) -> str:
    head = f"event: {kind}\n" + ("" if number is None else f"id: {number}\n")
    return f"{head}data: {json.dumps(content, separators=(',', ':'))}\n\n"
