"""The endpoints that count events: facets, a histogram, fields, groups, volume."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.scan import Sql
from ..events.facets import MAX_BUCKETS, facet, histogram
from ..events.fields import used_fields
from ..events.filters import EventFilter, UnknownFieldError, expression
from ..events.groups import groups
from ..events.language import language
from ..events.volume import BY, volume, with_held_back
from .answers import json_response
from .context import ApiContext
from .parameters import event_filter, number
from .threads import in_thread

MAX_FACETS = 20
Count = Callable[[sqlite3.Connection, Sql], Mapping[str, Any]]


class StatisticsApi:
    """What the events of a filter have in common."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            Route("/api/facets", self.facets),
            Route("/api/histogram", self.histogram),
            Route("/api/fields", self.fields),
            Route("/api/language", self.language),
            Route("/api/groups", self.groups),
            Route("/api/volume", self.volume),
        ]

    async def facets(self, request: Request) -> Response:
        """Return the values of each `field`; what is filtered by a field does not limit its own."""
        fields = list(dict.fromkeys(request.query_params.getlist("field")))
        if not fields or len(fields) > MAX_FACETS:
            raise HTTPException(400, f"field must be given, at most {MAX_FACETS} times")
        try:
            for field in fields:
                expression(field)
        except UnknownFieldError as error:
            raise HTTPException(400, str(error)) from None
        wanted = event_filter(request)

        def work(left: Future[None]) -> Response:
            conditions = {field: self._context.condition(wanted, left, field) for field in fields}
            with self._context.reader.connection(left) as connection:
                found = {name: facet(connection, name, one) for name, one in conditions.items()}
            return json_response({"facets": found})

        return await in_thread(request, work)

    async def histogram(self, request: Request) -> Response:
        """Return how many events of each severity there are over time."""
        wanted = event_filter(request)
        buckets = number(request, "buckets", 60, MAX_BUCKETS)

        def count(connection: sqlite3.Connection, condition: Sql) -> Mapping[str, Any]:
            return histogram(connection, condition, wanted.start, wanted.end, buckets)

        return await self._counted(request, wanted, count)

    async def fields(self, request: Request) -> Response:
        """Return the fields of the newest events."""

        def count(connection: sqlite3.Connection, condition: Sql) -> Mapping[str, Any]:
            return {"fields": used_fields(connection, condition)}

        return await self._counted(request, event_filter(request), count)

    async def language(self, request: Request) -> Response:
        """Return the commands and functions of DataPrime."""
        del request
        return json_response(language())

    async def groups(self, request: Request) -> Response:
        """Return similar messages together."""
        return await self._counted(request, event_filter(request), groups)

    async def volume(self, request: Request) -> Response:
        """Return which loggers, or lines of code, make the bytes."""
        by = request.query_params.get("by", BY[0])
        if by not in BY:
            raise HTTPException(400, f"by must be one of {', '.join(BY)}")
        wanted = event_filter(request)
        if by == "logger":
            return await self._counted(request, wanted, partial(volume, by=by))
        reported, whole = self._context.reports.call_sites(), wanted == EventFilter()

        def count(connection: sqlite3.Connection, condition: Sql) -> Mapping[str, Any]:
            return with_held_back(volume(connection, condition, by), reported, whole=whole)

        return await self._counted(request, wanted, count)

    async def _counted(self, request: Request, wanted: EventFilter, count: Count) -> Response:
        def work(left: Future[None]) -> Response:
            condition = self._context.condition(wanted, left)
            with self._context.reader.connection(left) as connection:
                return json_response(count(connection, condition))

        return await in_thread(request, work)
