"""The endpoints of reports: what applications tell of their handlers."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .answers import json_response
from .context import ApiContext
from .parameters import json_body

BODY_LIMIT = 256 * 1024


class ReportsApi:
    """The last report of each process."""

    def __init__(self, context: ApiContext) -> None:
        self._reports = context.reports

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            Route("/api/reports", self.show, methods=["GET"]),
            Route("/api/reports", self.add, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Return the reports of the last 30 seconds."""
        del request
        return json_response({"reports": self._reports.current()})

    async def add(self, request: Request) -> Response:
        """Keep a report of `cxlogging.report_stats`."""
        try:
            self._reports.add(await json_body(request, BODY_LIMIT))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return json_response({"kept": True})
