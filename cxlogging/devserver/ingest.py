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
from ..vendors.emulation.types import (
    AcceptedKeys,
    ApiAnswer,
    ApiRequest,
    ApiResult,
    Emulator,
    Refusal,
    Rule,
)
from ..vendors.registry import VENDORS
from .exchange import BODY_TIMEOUT, BodyTimeoutError, BodyTooLargeError, DisconnectedError, Exchange
from .faults import Fault, FaultPanel
from .offload import ThreadOffload
from .requestlog.record import record_of
from .schema import RequestRecord
from .store import Store

MAX_BODY = max(vendor.emulator.wire_limit for vendor in VENDORS.values())
"""Bytes of the largest body, as sent, that any API accepts; larger ones are not read."""

SMALL_BODY, FEW_EVENTS = 8 * 1024, 500
"""Decompressed bytes, and events: above these a thread parses the body and stores the events."""

LARGE_BODY = 1024 * 1024
"""Decompressed bytes: of larger bodies, only a few are parsed at the same time."""

NO_FAULT = Fault()

BODY_IN_TIME = Rule(
    f"The whole body of a request arrives within {BODY_TIMEOUT:g} seconds: a limit of this server.",
    "https://www.rfc-editor.org/rfc/rfc9110.html#name-408-request-timeout",
    "Send the body without pauses, and its length as Content-Length says.",
)


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
            return await self._refuse(
                emulator, exchange, emulator.too_large(), f"above {MAX_BODY} bytes",
                emulator.size_rule,
            )  # fmt: skip
        except BodyTimeoutError:
            return await self._refuse(
                emulator, exchange, emulator.failure(408), "the body did not arrive in time",
                BODY_IN_TIME,
            )  # fmt: skip
        except DisconnectedError:
            result = ApiResult(
                ApiAnswer(0), error="the client disconnected before its body was complete"
            )
            return await self._log(emulator, exchange, result)
        fault = self._fault(emulator, exchange, body)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        return await self._handle(emulator, exchange, body, fault)

    async def _refuse(
        self, emulator: Emulator, exchange: Exchange, answer: ApiAnswer, reason: str, rule: Rule
    ) -> None:
        """Refuse a request whose body was not read."""
        await self._log(emulator, exchange, Refusal(answer, reason, rule).result())
        await exchange.answer_early(answer)

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
            result = ApiResult(ApiAnswer(0), error=f"fault: {no_answer}")
            await self._log(emulator, exchange, result, body)
            return await (exchange.disconnected() if fault.hang else exchange.reset())
        result = await self._result(emulator, exchange, body, fault)
        if result.stream is not None and (fault.reset or fault.trickle):
            result = await self.offload.whole(result)
        if fault.reset == "after":
            cut = replace(result, answer=ApiAnswer(0), error="fault: reset after storing")
            await self._log(emulator, exchange, cut, body)
            return await exchange.reset()
        await self._log(emulator, exchange, result, body)
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
        self, emulator: Emulator, exchange: Exchange, result: ApiResult, body: bytes = b""
    ) -> None:
        def store() -> RequestRecord:
            record = record_of(emulator, exchange, body, result, self.keys)
            self.store.add(result.events, record)
            return record

        is_large = len(result.events) > FEW_EVENTS or max(len(body), result.raw_bytes) > SMALL_BODY
        record = await self.offload.run_detached(store) if is_large else store()
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
