"""The ASGI application: the guard first, then an emulator, else the API and the page."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..vendors.emulation.types import ApiAnswer, Emulator, json_answer
from .exchange import Exchange, Receive, Scope, Send

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .guard import Guard
    from .ingest import Ingest


@dataclass(frozen=True)
class DevApp:
    """Decides which requests are served, and by what."""

    guard: Guard
    ingest: Ingest
    emulators: tuple[Emulator, ...]
    inner: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an unexpected exception is printed and answered with 500."""
        exchange = Exchange(scope, receive, send)
        try:
            await self._serve(exchange, scope, receive, send)
        except Exception:
            traceback.print_exc(file=sys.__stderr__)
            await exchange.answer(ApiAnswer(500))

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self.guard.refusal(exchange.method, exchange.path, exchange.headers)
        if refusal:
            return await exchange.answer_early(json_answer(403, {"error": refusal}))
        for emulator in self.emulators:
            if emulator.claims(exchange.method, exchange.path):
                return await self.ingest.serve(emulator, exchange)
        # Route by the path that the guard has checked, not by one that Starlette has decoded.
        scope["path"] = exchange.path
        return await self.inner(scope, receive, send)
