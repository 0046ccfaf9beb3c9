"""The endpoints of the table of events, and of one event in detail."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.scan import Sql
from ..events.details import event_details
from ..events.filters import EventFilter, joined
from ..events.reader import TooSlowError
from ..events.rows import read_rows, rows_of_ids
from ..events.search_text import DATAPRIME
from .answers import json_response
from .context import ApiContext
from .parameters import MAX_ID, event_filter, number
from .threads import in_thread

MAX_ROWS = 5_000
COUNT_SECONDS = 1.0
"""Time for counting all events of a filter, above which their number is left open."""


class RowsApi:
    """Events as the page lists them."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [Route("/api/rows", self.rows), Route("/api/event/{number}", self.event)]

    async def rows(self, request: Request) -> Response:
        """Return rows of events, newest first, or the table of a query that has no events."""
        wanted = event_filter(request)
        limit = number(request, "limit", 200, MAX_ROWS)
        page: list[Sql] = []
        if (before := number(request, "before", None, MAX_ID)) is not None:
            page.append(("id < ?", (before,)))
        if (after := number(request, "after", None, MAX_ID)) is not None:
            page.append(("id > ?", (after,)))

        def work(left: Future[None]) -> Response:
            answer = self._queried if wanted.kind == DATAPRIME else self._listed
            return json_response(answer(wanted, page, limit, left))

        return await in_thread(request, work)

    def _listed(
        self, wanted: EventFilter, page: list[Sql], limit: int, left: Future[None]
    ) -> dict[str, Any]:
        conditions = wanted.conditions()
        with self._context.reader.connection(left) as connection:
            rows = read_rows(connection, joined([*conditions, *page]), limit)
        return {
            "rows": rows,
            "next_before": rows[-1]["id"] if len(rows) == limit else None,
            "kind": wanted.kind,
            "total": None if page else self._total(conditions, left),
        }

    def _total(self, conditions: list[Sql], left: Future[None]) -> int | None:
        if not conditions:
            return sum(self._context.store.count().values())
        sql, values = joined(conditions)
        try:
            with self._context.reader.connection(left, COUNT_SECONDS) as connection:
                found = connection.execute(f"SELECT COUNT(*) FROM events WHERE {sql}", values)  # noqa: S608 - values are parameters
                total: int = found.fetchone()[0]
        except TooSlowError:
            return None
        return total

    def _queried(
        self, wanted: EventFilter, page: list[Sql], limit: int, left: Future[None]
    ) -> dict[str, Any]:
        condition = joined([*wanted.conditions(), *page])
        found = self._context.queries.run(wanted.text, condition, limit, left, explain=True)
        if found.table is not None:
            columns, rows = found.table
            table = {
                "columns": columns,
                "rows": rows,
                "warnings": found.warnings,
                "truncated": found.cut,
            }
            return {"table": table, "kind": "table"}
        with self._context.reader.connection(left) as connection:
            listed = rows_of_ids(connection, found.ids)
        return {
            "rows": listed,
            "next_before": found.ids[-1] if found.cut and found.live else None,
            "kind": wanted.kind,
            "total": None if found.cut or page else len(listed),
            "warnings": found.warnings,
        }

    async def event(self, request: Request) -> Response:
        """Return one event in detail."""
        text, url = request.path_params["number"], str(request.base_url)
        if not (text.isascii() and text.isdecimal()):
            raise HTTPException(400, "the id of an event is a whole number from 1")

        def work(left: Future[None]) -> Response:
            found = None
            if len(text) < 20 and int(text) <= MAX_ID:
                with self._context.reader.connection(left) as connection:
                    found = event_details(connection, int(text), url)
            if found is None:
                raise HTTPException(404, "no event has this id: it may have been removed")
            return json_response(found)

        return await in_thread(request, work)
