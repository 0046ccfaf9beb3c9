"""The entry that a request gets in the log."""

from __future__ import annotations

import time
from dataclasses import asdict

from ...vendors.emulation.types import AcceptedKeys, ApiResult, Emulator
from ...vendors.registry import VENDORS
from ..exchange import Exchange
from ..schema import RequestRecord, to_json
from .bodies import digest, keep
from .secrets import masker

MAX_ANSWER = 4096
"""Bytes of an answer that are kept."""


def record_of(
    emulator: Emulator, exchange: Exchange, body: bytes, result: ApiResult, keys: AcceptedKeys
) -> RequestRecord:
    """
    Return the entry of a request: of its headers only Content-Type and Content-Encoding.

    Keys that were given to the server, or sent in the request's headers, are masked wherever the
    request or its answer quotes them.
    """
    encoding = exchange.headers.get("content-encoding", "")
    mask = masker(exchange.headers, emulator.key_headers, keys)
    rejections = [asdict(each) for each in result.rejections]
    is_delivery = emulator.vendor in VENDORS
    return RequestRecord(
        time_ns=time.time_ns(),
        vendor=emulator.vendor,
        method=exchange.method[:16],
        path=mask(exchange.path),
        status=result.answer.status,
        wire_bytes=len(body),
        raw_bytes=result.raw_bytes,
        events=len(result.events),
        duration_ms=exchange.elapsed_ms(),
        error=mask(result.error),
        content_type=mask(exchange.headers.get("content-type", "")),
        encoding=mask(encoding),
        answer=mask(result.answer.body[:MAX_ANSWER].decode("utf-8", "replace")),
        rule=mask(to_json(rejections)) if rejections else "",
        body=keep(body, encoding, mask),
        digest=digest(body, emulator.vendor, exchange.path) if is_delivery else None,
    )
