"""One request to an API: its fault, its reply, its place in the store, its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from ..vendors.emulation.bodies import peek, size_up_to
from ..vendors.emulation.types import ApiAnswer, ApiRequest, ApiResult, Emulator, Keys
from ..vendors.registry import VENDORS
from .exchange import BodyTimeoutError, BodyTooLargeError, DisconnectedError, Exchange
from .faults import Fault, FaultPanel
from .offload import Beside
from .schema import RequestRecord
from .store import Store

BIGGEST_BODY = max(vendor.emulator.wire_limit for vendor in VENDORS.values())
"""Bytes of the largest body, as sent, that any API accepts. Above, nothing is read."""

SMALL_BODY, FEW_EVENTS = 8 * 1024, 500
"""Bytes after inflating, and events: what is above is read and kept on a thread of its own."""

LARGE_BODY = 1024 * 1024
"""Bytes after inflating: of bodies above, few are read at a time, and only they wait for it."""

NO_FAULT = Fault()


@dataclass
class Ingest:
    """
    Serves the APIs.

    Args:
        store: Takes the events and the log.
        keys: Which keys are accepted.
        faults: What is to go wrong.
        on_request: Told of each request, after it is in the log.
        beside: Where slow APIs work, and large bodies are read and kept.
    """

    store: Store
    keys: Keys
    faults: FaultPanel
    on_request: Callable[[RequestRecord], None] = field(default=lambda _: None)
    beside: Beside = field(default_factory=Beside)

    async def serve(self, emulator: Emulator, exchange: Exchange) -> None:
        """Answer one request, or do to it what the fault says."""
        try:
            body = await exchange.body(BIGGEST_BODY)
        except BodyTooLargeError:
            answer = emulator.too_large()
            await self._log(
                emulator, exchange, ApiResult(answer, error=f"above {BIGGEST_BODY} bytes")
            )
            return await exchange.answer_early(answer)
        except BodyTimeoutError:
            answer = emulator.failure(408)
            await self._log(
                emulator, exchange, ApiResult(answer, error="the body did not come in time")
            )
            return await exchange.answer_early(answer)
        except DisconnectedError:
            left = ApiResult(ApiAnswer(0), error="the client left before its body was complete")
            return await self._log(emulator, exchange, left)
        fault = self._fault(emulator, exchange, body)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        return await self._handle(emulator, exchange, body, fault)

    def _fault(self, emulator: Emulator, exchange: Exchange, body: bytes) -> Fault:
        # Only what delivers is disturbed: a client's clock or key check must not use faults up.
        if exchange.method != "POST":
            return NO_FAULT
        encoding = exchange.headers.get("content-encoding", "")
        taken = self.faults.take(
            emulator.vendor,
            len(body),
            lambda: peek(body, encoding, BIGGEST_BODY),
            compressed=encoding.strip().lower() not in ("", "identity"),
        )
        return taken or NO_FAULT

    async def _handle(
        self, emulator: Emulator, exchange: Exchange, body: bytes, fault: Fault
    ) -> None:
        silent = "reset" if fault.reset == "before" else "hang" if fault.hang else ""
        if silent:
            await self._log(
                emulator, exchange, ApiResult(ApiAnswer(0), error=f"fault: {silent}"), len(body)
            )
            return await (exchange.until_left() if fault.hang else exchange.reset())
        reply = await self._reply(emulator, exchange, body, fault)
        if reply.stream is not None and (fault.reset or fault.trickle):
            reply = await self.beside.whole(reply)
        if fault.reset == "after":
            cut = replace(reply, answer=ApiAnswer(0), error="fault: reset after storing")
            await self._log(emulator, exchange, cut, len(body))
            return await exchange.reset()
        await self._log(emulator, exchange, reply, len(body))
        if fault.trickle:
            return await exchange.trickle(reply.answer, fault.trickle)
        if reply.stream is not None:
            async with self.beside.parts(reply.stream) as parts:
                return await exchange.stream(reply.answer, parts)
        return await exchange.answer(reply.answer)

    async def _reply(
        self, emulator: Emulator, exchange: Exchange, body: bytes, fault: Fault
    ) -> ApiResult:
        if fault.max_body is not None:
            return ApiResult(emulator.too_large(), error=f"fault: above {fault.max_body} bytes")
        if fault.status is not None:
            return ApiResult(_asked(emulator, fault), error=f"fault: status {fault.status}")
        left: Future[None] = Future()
        request = ApiRequest(
            exchange.method, exchange.path, exchange.headers, body, time.time_ns(), fault.items,
            left,
        )  # fmt: skip
        answer = partial(emulator.answer, request, self.keys)
        if not emulator.slow:
            encoding = exchange.headers.get("content-encoding", "")
            return await self._read(answer, size_up_to(body, encoding, LARGE_BODY))
        watch = asyncio.ensure_future(exchange.until_left())
        watch.add_done_callback(lambda task: None if task.cancelled() else left.set_result(None))
        try:
            return await self.beside.run(answer)
        finally:
            watch.cancel()

    async def _read(self, answer: Callable[[], ApiResult], size: int) -> ApiResult:
        if size <= SMALL_BODY:
            return answer()
        if size <= LARGE_BODY:
            return await self.beside.run_detached(answer)
        return await self.beside.run_queued(answer)

    async def _log(
        self, emulator: Emulator, exchange: Exchange, reply: ApiResult, wire_bytes: int = 0
    ) -> None:
        record = RequestRecord(
            time_ns=time.time_ns(),
            vendor=emulator.vendor,
            method=exchange.method[:16],
            path=exchange.path,
            status=reply.answer.status,
            wire_bytes=wire_bytes,
            raw_bytes=reply.raw_bytes,
            events=len(reply.events),
            duration_ms=exchange.elapsed_ms(),
            error=reply.error,
        )
        add = partial(self.store.add, reply.events, record)
        if len(reply.events) > FEW_EVENTS:
            await self.beside.run_detached(add)
        else:
            add()
        # A listener that fails (a closed pipe) must not change what the client gets.
        with suppress(Exception):
            self.on_request(record)


def _asked(emulator: Emulator, fault: Fault) -> ApiAnswer:
    answer = emulator.failure(fault.status or 200)
    headers = dict(answer.headers)
    if fault.retry_after is not None:
        headers["retry-after"] = fault.retry_after
    if fault.body is None:
        return replace(answer, headers=headers)
    headers["content-type"] = "text/plain; charset=utf-8"
    return ApiAnswer(answer.status, headers, fault.body.encode("utf-8", "backslashreplace"))
