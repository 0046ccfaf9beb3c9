"""The endpoints that export, import and clear what the store has."""

from __future__ import annotations

import tempfile
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..guard import IMPORT, SECURITY_HEADERS
from ..store import CLEARED, Store
from ..transfer.event_lines import MAX_BYTES, ImportTooLargeError, LineError, read_lines
from ..transfer.export import packed
from .answers import json_response
from .context import ApiContext
from .parameters import event_filter, json_body
from .threads import in_thread

IN_MEMORY = 4 * 1024 * 1024
"""Bytes of an import that are not written to a temporary file."""

FILE_NAME = "cxlogging-events.jsonl.gz"


class TransferApi:
    """Events as a file, and an empty store."""

    def __init__(self, context: ApiContext) -> None:
        self._context, self._store = context, context.store

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [
            Route("/api/export", self.export),
            Route(IMPORT, self.take, methods=["POST"]),
            Route("/api/clear", self.clear, methods=["POST"]),
        ]

    async def export(self, request: Request) -> Response:
        """Return the events of a filter as lines of JSON, with gzip, in the order of arrival."""
        wanted, last = event_filter(request), self._store.last_event
        condition = await in_thread(request, lambda left: self._context.condition(wanted, left))
        headers = {
            **SECURITY_HEADERS,
            "content-type": "application/gzip",
            "content-disposition": f'attachment; filename="{FILE_NAME}"',
        }
        return StreamingResponse(packed(self._context.reader, condition, last), 200, headers)

    async def take(self, request: Request) -> Response:
        """Import such lines, compressed or not: all of them, or none where one is invalid."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            size = 0
            async for part in request.stream():
                size += len(part)
                if size > MAX_BYTES:
                    raise HTTPException(413, f"the import is larger than {MAX_BYTES >> 20} MiB")
                file.write(part)
            try:
                imported = await run_in_threadpool(_import, self._store, file)
            except LineError as error:
                return json_response({"error": str(error), "line": error.number}, 400)
            except ImportTooLargeError as error:
                raise HTTPException(413, f"the import has {error}: split the file") from None
        return json_response({"imported": imported})

    async def clear(self, request: Request) -> Response:
        """Remove `what`: all (events and requests, the default), events, or requests."""
        what = (await json_body(request)).get("what", "all")
        if what not in CLEARED:
            raise HTTPException(400, f"what must be one of {', '.join(CLEARED)}")
        gone = await run_in_threadpool(self._store.clear, what)
        return json_response({"cleared": gone["events"], **gone})


def _import(store: Store, file: IO[bytes]) -> int:
    count = sum(1 for _ in read_lines(file))  # so that an invalid line changes nothing
    store.add(read_lines(file))
    return count
