"""The endpoints of the faults to inject, and of what applications report meanwhile."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..faults import Fault
from .answers import json_response
from .context import ApiContext
from .parameters import json_body

REPORT_LIMIT = 2**20
"""Bytes of a report."""


class FaultsApi:
    """The faults that are set, and the last report of each process."""

    def __init__(self, context: ApiContext) -> None:
        self._faults, self._reports = context.faults, context.reports

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            Route("/api/faults", self.show, methods=["GET"]),
            Route("/api/faults", self.add, methods=["POST"]),
            Route("/api/faults/clear", self.clear, methods=["POST"]),
            Route("/api/reports", self.reports, methods=["GET"]),
            Route("/api/reports", self.report, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Return the current faults."""
        del request
        return json_response({"faults": self._faults.listed()})

    async def add(self, request: Request) -> Response:
        """Add a fault, described by the attributes of `Fault`."""
        body = await json_body(request)
        try:
            fault = self._faults.add(Fault.from_json(body))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return json_response({"fault": fault.to_json()})

    async def clear(self, request: Request) -> Response:
        """Remove all faults, or the one that `id` names."""
        named = (await json_body(request)).get("id")
        if named is not None and type(named) is not int:
            raise HTTPException(400, "id must be the number of a fault")
        return json_response({"cleared": self._faults.clear(named)})

    async def reports(self, request: Request) -> Response:
        """Return the reports of the last 30 seconds."""
        del request
        return json_response({"reports": self._reports.current()})

    async def report(self, request: Request) -> Response:
        """Keep a report of `cxlogging.report_stats`."""
        try:
            self._reports.add(await json_body(request, REPORT_LIMIT))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return json_response({"kept": True})
