"""The entry that a request gets in the log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace

from ...vendors.emulation.types import (
    ITEM_CHARACTERS,
    AcceptedKeys,
    ApiResult,
    Emulator,
    Rejection,
)
from ...vendors.registry import VENDORS
from ..exchange import Exchange
from ..schema import RequestRecord, to_json
from .bodies import MAX_BODY, decoded, digest, keep
from .key_masking import masker

MAX_ANSWER = 4096
"""Characters of an answer that are kept."""


def record_of(
    emulator: Emulator, exchange: Exchange, body: bytes, result: ApiResult, keys: AcceptedKeys
) -> RequestRecord:
    """
    Return the entry of a request: of its headers only Content-Type and Content-Encoding.

    Keys that were given to the server, or sent in the request's headers, are blanked wherever the
    request or its answer quotes them. A body that cannot be searched for them is not kept.
    """
    mask = masker(exchange.headers, emulator.key_headers, keys)
    encoding = exchange.headers.get("content-encoding", "")
    is_kept = 0 < len(body) <= MAX_BODY
    raw = decoded(body, encoding) if is_kept or result.rejections else None
    blanked = None if raw is None else mask.blank(raw)

    def hide(text: str) -> str:
        return mask.blank(text.encode("utf-8", "backslashreplace")).decode("utf-8")

    is_safe = raw is not None and blanked == raw
    rejections = [_shown(each, hide, is_safe=is_safe) for each in result.rejections]
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
        answer=hide(result.answer.body.decode("utf-8", "replace"))[:MAX_ANSWER],
        rule=to_json([asdict(each) for each in rejections]) if rejections else "",
        body=keep(body, raw, blanked, encoding) if is_kept and raw and blanked else None,
        digest=digest(raw or body, emulator.vendor, exchange.path) if is_delivery else None,
    )


def _shown(rejection: Rejection, hide: Callable[[str], str], *, is_safe: bool) -> Rejection:
    """Return *rejection* without keys; part of an item may begin or end within one."""
    item = rejection.item
    if not is_safe:
        item = hide(item) if _is_whole(item) else ""
    return replace(rejection, item=item[:ITEM_CHARACTERS])


def _is_whole(item: str) -> bool:
    try:
        json.loads(item)
    except (ValueError, RecursionError):
        return False
    return True
