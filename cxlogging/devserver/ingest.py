"""Serves one request to an emulated API: its fault, its answer, its events and its log entry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from ..vendors.emulation.bodies import peek, size_up_to
from ..vendors.emulation.types import AcceptedKeys, ApiAnswer, ApiRequest, ApiResult, Emulator
from ..vendors.registry import VENDORS
from .exchange import BodyTimeoutError, BodyTooLargeError, DisconnectedError, Exchange
from .faults import Fault, FaultPanel
from .offload import ThreadOffload
from .schema import RequestRecord
from .store import Store

MAX_BODY = max(vendor.emulator.wire_limit for vendor in VENDORS.values())
"""Bytes of the largest body, as sent, that any API accepts; larger ones are not read."""

SMALL_BODY, FEW_EVENTS = 8 * 1024, 500
"""Decompressed bytes, and events: above these a thread parses the body and stores the events."""

LARGE_BODY = 1024 * 1024
"""Decompressed bytes: of larger bodies, only a few are parsed at the same time."""

NO_FAULT = Fault()


@dataclass
class Ingest:
    """
    Serves the emulated APIs.

    Args:
        store: Takes the events and the request log.
        keys: The keys that are accepted.
        faults: The faults to inject.
        on_request: Called with each request once it is in the log.
        offload: Threads for slow APIs and large bodies.
    """

    store: Store
    keys: AcceptedKeys
    faults: FaultPanel
    on_request: Callable[[RequestRecord], None] = field(default=lambda _: None)
    offload: ThreadOffload = field(default_factory=ThreadOffload)

    async def serve(self, emulator: Emulator, exchange: Exchange) -> None:
        """Answer one request, or inject a fault."""
        try:
            body = await exchange.body(MAX_BODY)
        except BodyTooLargeError:
            answer = emulator.too_large()
            await self._log(emulator, exchange, ApiResult(answer, error=f"above {MAX_BODY} bytes"))
            return await exchange.answer_early(answer)
        except BodyTimeoutError:
            answer = emulator.failure(408)
            await self._log(
                emulator, exchange, ApiResult(answer, error="the body did not arrive in time")
            )
            return await exchange.answer_early(answer)
        except DisconnectedError:
            result = ApiResult(
                ApiAnswer(0), error="the client disconnected before its body was complete"
            )
            return await self._log(emulator, exchange, result)
        fault = self._fault(emulator, exchange, body)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        return await self._handle(emulator, exchange, body, fault)

    def _fault(self, emulator: Emulator, exchange: Exchange, body: bytes) -> Fault:
        # Faults are for deliveries: a client's check of its clock or key must not use them up.
        if exchange.method != "POST":
            return NO_FAULT
        encoding = exchange.headers.get("content-encoding", "")
        fault = self.faults.take(
            emulator.vendor,
            len(body),
            lambda: peek(body, encoding, MAX_BODY),
            compressed=encoding.strip().lower() not in ("", "identity"),
        )
        return fault or NO_FAULT

    async def _handle(
        self, emulator: Emulator, exchange: Exchange, body: bytes, fault: Fault
    ) -> None:
        no_answer = "reset" if fault.reset == "before" else "hang" if fault.hang else ""
        if no_answer:
            await self._log(
                emulator, exchange, ApiResult(ApiAnswer(0), error=f"fault: {no_answer}"), len(body)
            )
            return await (exchange.disconnected() if fault.hang else exchange.reset())
        result = await self._result(emulator, exchange, body, fault)
        if result.stream is not None and (fault.reset or fault.trickle):
            result = await self.offload.whole(result)
        if fault.reset == "after":
            cut = replace(result, answer=ApiAnswer(0), error="fault: reset after storing")
            await self._log(emulator, exchange, cut, len(body))
            return await exchange.reset()
        await self._log(emulator, exchange, result, len(body))
        if fault.trickle:
            return await exchange.trickle(result.answer, fault.trickle)
        if result.stream is not None:
            async with self.offload.parts(result.stream) as parts:
                return await exchange.stream(result.answer, parts)
        return await exchange.answer(result.answer)

    async def _result(
        self, emulator: Emulator, exchange: Exchange, body: bytes, fault: Fault
    ) -> ApiResult:
        if fault.max_body is not None:
            return ApiResult(emulator.too_large(), error=f"fault: above {fault.max_body} bytes")
        if fault.status is not None:
            return ApiResult(_fault_answer(emulator, fault), error=f"fault: status {fault.status}")
        disconnected: Future[None] = Future()
        request = ApiRequest(
            exchange.method, exchange.path, exchange.headers, body, time.time_ns(), fault.items,
            disconnected,
        )  # fmt: skip
        answer = partial(emulator.answer, request, self.keys)
        if not emulator.slow:
            encoding = exchange.headers.get("content-encoding", "")
            return await self._parsed(answer, size_up_to(body, encoding, LARGE_BODY))
        watch = asyncio.ensure_future(exchange.disconnected())
        watch.add_done_callback(
            lambda task: None if task.cancelled() else disconnected.set_result(None)
        )
        try:
            return await self.offload.run(answer)
        finally:
            watch.cancel()

    async def _parsed(self, answer: Callable[[], ApiResult], size: int) -> ApiResult:
        if size <= SMALL_BODY:
            return answer()
        if size <= LARGE_BODY:
            return await self.offload.run_detached(answer)
        return await self.offload.run_queued(answer)

    async def _log(
        self, emulator: Emulator, exchange: Exchange, result: ApiResult, wire_bytes: int = 0
    ) -> None:
        record = RequestRecord(
            time_ns=time.time_ns(),
            vendor=emulator.vendor,
            method=exchange.method[:16],
            path=exchange.path,
            status=result.answer.status,
            wire_bytes=wire_bytes,
            raw_bytes=result.raw_bytes,
            events=len(result.events),
            duration_ms=exchange.elapsed_ms(),
            error=result.error,
        )
        add = partial(self.store.add, result.events, record)
        if len(result.events) > FEW_EVENTS:
            await self.offload.run_detached(add)
        else:
            add()
        # A callback that fails, as with a closed pipe, must not change the answer.
        with suppress(Exception):
            self.on_request(record)


def _fault_answer(emulator: Emulator, fault: Fault) -> ApiAnswer:
    answer = emulator.failure(fault.status or 200)
    headers = dict(answer.headers)
    if fault.retry_after is not None:
        headers["retry-after"] = fault.retry_after
    if fault.body is None:
        return replace(answer, headers=headers)
    headers["content-type"] = "text/plain; charset=utf-8"
    return ApiAnswer(answer.status, headers, fault.body.encode("utf-8", "backslashreplace"))
