"""The entry that a request gets in the log."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from ...vendors.emulation.types import AcceptedKeys, ApiResult, Emulator
from ...vendors.registry import VENDORS
from ..exchange import Exchange
from ..schema import RequestRecord, to_json
from .bodies import decoded, digest, keep
from .key_masking import masker

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
    raw = decoded(body, encoding)
    mask = masker(exchange.headers, emulator.key_headers, keys)

    def hide(text: str) -> str:
        return mask.blank(text.encode("utf-8", "backslashreplace")).decode("utf-8")

    rejections = [asdict(replace(each, item=hide(each.item))) for each in result.rejections]
    is_delivery = emulator.vendor in VENDORS
    return RequestRecord(
        time_ns=time.time_ns(),
        vendor=emulator.vendor,
        method=exchange.method[:16],
        path=hide(exchange.path),
        status=result.answer.status,
        wire_bytes=len(body),
        raw_bytes=result.raw_bytes,
        events=len(result.events),
        duration_ms=exchange.elapsed_ms(),
        error=hide(result.error),
        content_type=hide(exchange.headers.get("content-type", "")),
        encoding=hide(encoding),
        answer=hide(result.answer.body[:MAX_ANSWER].decode("utf-8", "replace")),
        rule=to_json(rejections) if rejections else "",
        body=keep(body, raw, encoding, mask),
        digest=digest(raw or body, emulator.vendor, exchange.path) if is_delivery else None,
    )
