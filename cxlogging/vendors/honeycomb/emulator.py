"""
The API of Honeycomb: `/1/batch/{dataset}`, `/1/events/{dataset}`, `/1/auth`.

Follows https://api-docs.honeycomb.io/api/events and https://docs.honeycomb.io/api/tag/Events;
what they leave open follows Refinery, by the same authors (github.com/honeycombio/refinery).
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import msgpack

from ..emulation.bodies import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    inflate,
    json_items,
    strict_json,
)
from ..emulation.event_fields import shown_item
from ..emulation.msgpack_bodies import jsonable, packed_size, unpack
from ..emulation.types import (
    MAX_REJECTIONS,
    AcceptedKeys,
    ApiAnswer,
    ApiRequest,
    ApiResult,
    Refusal,
    Rejection,
    Rule,
    StoredEvent,
    json_answer,
    key_fault,
    media_type,
)
from . import emulator_rules as rules
from .emulator_items import EMPTY, MALFORMED, TOO_LARGE, ItemResult, read_item

BODY_LIMIT = 5_000_000
"""Bytes after decompression."""

EVENT_LIMIT = 1_000_000
"""Bytes of one item of the array, its envelope included."""

MSGPACK = ("application/msgpack", "application/x-msgpack")
UNKNOWN_KEY = "unknown API key - check your credentials"


class HoneycombEmulator:
    """Honeycomb: one answer per request, with one status per item, in the order of the items."""

    vendor = "honeycomb"
    wire_limit = BODY_LIMIT
    slow = False
    size_rule = rules.BATCH_SIZE
    key_headers: tuple[str, ...] = ("x-honeycomb-team", "x-hny-team")

    def claims(self, method: str, path: str) -> bool:
        """Return True below `/1/`."""
        del method
        return path.startswith("/1/")

    def answer(self, request: ApiRequest, keys: AcceptedKeys) -> ApiResult:
        """Return 200 and the statuses of the items, 202 for a single event, or a refusal of all."""
        try:
            kind, dataset = _admit(request)
            key = request.headers.get("x-honeycomb-team", "").strip()
            if not keys.accepts(self.vendor, key):
                reason = key_fault(key, "X-Honeycomb-Team must hold an API key")
                raise _refusal(401, UNKNOWN_KEY, rules.KEY, reason)
            if kind == "auth":
                return ApiResult(json_answer(200, AUTH))
            raw = _raw(request)
            if kind == "events":
                return _single(raw, request, dataset)
            return _batch(raw, request, dataset)
        except Refusal as refusal:
            return refusal.result()
        except RecursionError:
            return _refusal(400, MALFORMED, rules.NESTING, "nested too deeply").result()

    def failure(self, status: int) -> ApiAnswer:
        """Return the vendor's `error` for *status*, with its rate limit headers for 429."""
        return _failure(status)

    def too_large(self) -> ApiAnswer:
        """Return 400, as the documentation of batches says, rather than 413."""
        return _failure(400, TOO_LARGE)


EMULATOR = HoneycombEmulator()


AUTH = {
    "id": "cxlogging-dev",
    "type": "ingest",
    "api_key_access": {"events": True, "markers": False, "createDatasets": True},
    "team": {"name": "Development", "slug": "development"},
    "environment": {"name": "Local", "slug": "local"},
}
"""The answer of `GET /1/auth` for every key that is accepted."""

_TEXTS = {
    401: UNKNOWN_KEY,
    403: "Event dropped due to administrative throttling",
    429: "Request dropped due to rate limiting.",
}


def _failure(status: int, error: str = "") -> ApiAnswer:
    if not error:
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "failed"
        error = _TEXTS.get(status, phrase)
    if status < 400:
        return ApiAnswer(status)
    answer = json_answer(status, {"error": error})
    if status != 429:
        return answer
    limits = {"ratelimit": "limit=100, remaining=0, reset=2", "ratelimit-policy": "100;w=60"}
    return ApiAnswer(status, {**answer.headers, **limits}, answer.body)


def _refusal(status: int, error: str, rule: Rule, reason: str = "", item: str = "") -> Refusal:
    return Refusal(_failure(status, error), reason or error, rule, item)


_PATHS = "not found: the path is /1/batch/<dataset>, and a slash in a dataset's name is written %2F"


def _admit(request: ApiRequest) -> tuple[str, str]:
    # The path is split before it is unquoted: an escaped slash belongs to the dataset.
    kind, *rest = request.path.removeprefix("/1/").split("/")
    method = "GET" if kind == "auth" else "POST"
    if kind not in ("auth", "batch", "events") or len(rest) != (kind != "auth"):
        error = _PATHS if len(rest) > 1 and kind != "auth" else "not found"
        raise _refusal(404, error, rules.ENDPOINTS)
    if request.method != method:
        answer = _failure(405)
        answer = replace(answer, headers={**answer.headers, "allow": method})
        raise Refusal(answer, f"use {method}", rules.ENDPOINTS)
    dataset = unquote(rest[0]) if rest else ""
    if rest and not 1 <= len(dataset) <= 255:
        error = "a dataset's name has 1 to 255 characters"
        raise _refusal(404 if not dataset else 400, error, rules.DATASET)
    return kind, dataset


def _raw(request: ApiRequest) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    if len(request.body) > BODY_LIMIT:
        raise _refusal(400, TOO_LARGE, rules.BATCH_SIZE)
    try:
        raw = inflate(request.body, encoding, allowed=("gzip", "zstd"), limit=BODY_LIMIT)
    except TooLargeError:
        raise _refusal(400, TOO_LARGE, rules.BATCH_SIZE) from None
    except UnknownEncodingError:
        reason = f"Content-Encoding {encoding!r} is not accepted: use gzip or zstd"
        raise _refusal(400, MALFORMED, rules.ENCODING, reason) from None
    except MalformedError as error:
        raise _refusal(400, MALFORMED, rules.BODY, str(error)) from None
    if not raw:
        raise _refusal(400, EMPTY, rules.ONE_OR_MORE)
    return raw


def _batch(raw: bytes, request: ApiRequest, dataset: str) -> ApiResult:
    packed = media_type(request) in MSGPACK
    elements = _elements(raw, packed=packed)
    if not elements:
        raise _refusal(400, EMPTY, rules.ONE_OR_MORE)
    lint = () if packed or media_type(request) == "application/json" else (_NO_TYPE,)
    statuses: list[dict[str, Any]] = []
    events: list[StoredEvent] = []
    rejections: list[Rejection] = []
    for n, (value, size) in enumerate(elements):
        item = ItemResult(None, TOO_LARGE, rules.EVENT_SIZE)
        if size <= EVENT_LIMIT:
            item = read_item(value, size, request, dataset, packed=packed)
        statuses.append(_status(item, n, request.item_statuses))
        if item.error and len(rejections) < MAX_REJECTIONS:
            rejections.append(Rejection(item.rule, _shown(value, packed=packed), n, item.error))
        if item.event is not None and statuses[-1]["status"] == 202:
            events.append(item.with_lint(lint))
    refused = [one["error"] for one in statuses if one["status"] != 202]
    error = f"{len(refused)} of {len(statuses)} items: {refused[0]}" if refused else ""
    answer = json_answer(200, statuses)
    return ApiResult(answer, tuple(events), error, len(raw), rejections=tuple(rejections))


def _shown(value: Any, *, packed: bool) -> str:
    try:
        return shown_item(jsonable(value, {}) if packed else value)
    except RecursionError:
        return ""


_NO_TYPE = "Content-Type should be application/json or application/msgpack"


def _status(item: ItemResult, n: int, asked: tuple[int, ...]) -> dict[str, Any]:
    if item.error:
        return {"status": 400, "error": item.error}
    status = asked[n % len(asked)] if asked else 202
    return {"status": 202} if status == 202 else {"status": status, "error": _phrase(status)}


def _phrase(status: int) -> str:
    return _TEXTS.get(status) or (MALFORMED if status == 400 else "Event dropped.")


def _elements(raw: bytes, *, packed: bool) -> list[tuple[Any, int]]:
    # Only a body above one event's limit can hold an event above it: the others are not measured.
    large = len(raw) > EVENT_LIMIT
    try:
        if not packed and large:
            return json_items(raw)
        values = unpack(raw) if packed else strict_json(raw)
        _check(values, packed=packed)
        return [(one, packed_size(one) if large else 0) for one in values]
    except MalformedError as error:
        raise _refusal(400, MALFORMED, rules.BODY, str(error), error.excerpt) from None


def _check(values: Any, *, packed: bool) -> None:
    if not isinstance(values, list):
        raise MalformedError("not an array")
    if not packed:
        return
    # Refinery decodes the whole batch into typed values, so one such time makes all of it fail.
    for one in values:
        time = one.get("time") if isinstance(one, dict) else None
        if time is not None and not isinstance(time, msgpack.Timestamp):
            reason = "in MessagePack, time must be the timestamp extension"
            item = _shown(one, packed=True)
            raise _refusal(400, MALFORMED, rules.MSGPACK_TIME, reason, item)


def _single(raw: bytes, request: ApiRequest, dataset: str) -> ApiResult:
    packed = media_type(request) in MSGPACK
    try:
        data = unpack(raw) if packed else strict_json(raw)
    except MalformedError as error:
        raise _refusal(400, MALFORMED, rules.BODY, str(error), error.excerpt) from None
    if len(raw) > EVENT_LIMIT:
        raise _refusal(400, TOO_LARGE, rules.EVENT_SIZE, item=_shown(data, packed=packed))
    value = {"data": data}
    if time := request.headers.get("x-honeycomb-event-time"):
        value["time"] = time
    rate = request.headers.get("x-honeycomb-samplerate", "")
    if rate.isascii() and rate.isdecimal():
        value["samplerate"] = int(rate[:20])
    item = read_item(value, len(raw), request, dataset, packed=packed)
    if item.event is None:
        raise _refusal(400, item.error, item.rule, item=_shown(data, packed=packed))
    return ApiResult(ApiAnswer(202), (item.event,), raw_bytes=len(raw))
