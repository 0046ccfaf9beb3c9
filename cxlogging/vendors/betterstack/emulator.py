"""
The API of Better Stack: `POST /` with JSON, NDJSON or MessagePack.

Follows https://betterstack.com/docs/logs/ingesting-data/http/logs/. What that page leaves open
is answered strictly: an event above 1 MiB makes the whole request fail (413), a content type that
is not listed is answered 406, and a `dt` in microseconds is not a time.
"""

from __future__ import annotations

from typing import Any

import msgpack

from ..emulation.bodies import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    inflate,
    json_items,
    strict_json,
)
from ..emulation.event_fields import compact, level_of, message_of, shown_item, tidy
from ..emulation.msgpack_bodies import jsonable, packed_size, unpack
from ..emulation.times import fits, rfc3339_ns
from ..emulation.types import (
    AcceptedKeys,
    ApiAnswer,
    ApiRequest,
    ApiResult,
    Refusal,
    Rule,
    StoredEvent,
    bearer,
    key_fault,
    media_type,
)
from . import emulator_rules as rules

WIRE_LIMIT = 20 * 1024 * 1024
"""Bytes of an uncompressed body, and of any body after decompression."""

COMPRESSED_LIMIT = 10 * 1024 * 1024
"""Bytes of a compressed body as sent."""

EVENT_LIMIT = 1024 * 1024
EVENTS_LIMIT = 1_000_000
"""Events of one request: a limit of this server, so that 20 MiB of `{}` stay affordable."""

JSON, NDJSON, MSGPACK = "application/json", "application/x-ndjson", "application/msgpack"

UNAUTHORIZED = "Unauthorized"
UNPARSED = "Couldn't parse JSON content."
TOO_LARGE = "payload reached size limit"

_TEXTS = {402: "Quota exceeded", 403: UNAUTHORIZED, 406: UNPARSED, 413: TOO_LARGE}


class BetterStackEmulator:
    """Better Stack: accepts a request as a whole or not at all, and answers in plain text."""

    vendor = "betterstack"
    wire_limit = WIRE_LIMIT
    slow = False
    size_rule = rules.SIZE
    key_headers: tuple[str, ...] = ("authorization",)

    def claims(self, method: str, path: str) -> bool:
        """Return True for `/`, except for GET and HEAD: the local server shows its page there."""
        return path == "/" and method not in ("GET", "HEAD")

    def answer(self, request: ApiRequest, keys: AcceptedKeys) -> ApiResult:
        """Return 202 without a body, or the vendor's text."""
        try:
            _admit(request)
            if not keys.accepts(self.vendor, bearer(request)):
                form = "Authorization must be: Bearer <source token>"
                raise _refusal(403, key_fault(bearer(request), form), rules.TOKEN)
            raw = _raw(request)
            events = _events(raw, media_type(request), request.received_ns)
        except Refusal as refusal:
            return refusal.result()
        return ApiResult(ApiAnswer(202), events, raw_bytes=len(raw))

    def failure(self, status: int) -> ApiAnswer:
        """Return the vendor's text for *status*, where it has one."""
        return _failure(status)

    def too_large(self) -> ApiAnswer:
        """Return 413."""
        return _failure(413)


EMULATOR = BetterStackEmulator()


def _failure(status: int) -> ApiAnswer:
    text = _TEXTS.get(status, "")
    headers = {"content-type": "text/plain; charset=utf-8"} if text else {}
    return ApiAnswer(status, headers, text.encode())


def _refusal(status: int, reason: str, rule: Rule, item: str = "") -> Refusal:
    return Refusal(_failure(status), reason, rule, item)


def _admit(request: ApiRequest) -> None:
    if request.method != "POST":
        answer = ApiAnswer(405, {"allow": "POST"})
        raise Refusal(answer, f"{request.method} instead of POST", rules.METHOD)


def _raw(request: ApiRequest) -> bytes:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    plain = encoding in ("", "identity")
    if len(request.body) > (WIRE_LIMIT if plain else COMPRESSED_LIMIT):
        raise _refusal(413, "the body is above 20 MiB, or above 10 MiB compressed", rules.SIZE)
    try:
        return inflate(request.body, encoding, allowed=("gzip", "deflate"), limit=WIRE_LIMIT)
    except TooLargeError:
        reason = "the body is above 20 MiB when decompressed"
        raise _refusal(413, reason, rules.SIZE) from None
    except UnknownEncodingError:
        reason = f"Content-Encoding {encoding!r} is not accepted: use gzip or deflate"
        raise _refusal(406, reason, rules.ENCODING) from None
    except MalformedError as error:
        raise _refusal(406, str(error), rules.BODY) from None


def _events(raw: bytes, kind: str, received_ns: int) -> tuple[StoredEvent, ...]:
    if kind not in (JSON, NDJSON, MSGPACK):
        reason = f"Content-Type must be {JSON}, {NDJSON} or {MSGPACK}"
        raise _refusal(406, reason, rules.CONTENT_TYPE)
    try:
        elements = _elements(raw, kind)
        if len(elements) > EVENTS_LIMIT:
            reason = f"more than {EVENTS_LIMIT} events in one request"
            raise _refusal(413, reason, rules.COUNT)
        large = next((one for one, size in elements if size > EVENT_LIMIT), None)
        if large is not None:
            raise _refusal(413, "an event is above 1 MiB", rules.EVENT_SIZE, _shown(large))
        return tuple(
            _event(one, size, received_ns, packed=kind == MSGPACK) for one, size in elements
        )
    except MalformedError as error:
        raise _refusal(406, str(error), rules.BODY, error.excerpt) from None
    except RecursionError as error:
        raise _refusal(406, str(error), rules.BODY) from None


def _shown(value: Any) -> str:
    return shown_item(jsonable(value, {}))


def _elements(raw: bytes, kind: str) -> list[tuple[Any, int]]:
    if kind == NDJSON:
        lines = [line for line in raw.split(b"\n") if line.strip()]
        if not lines:
            raise MalformedError("the body is empty")
        return [(_object(strict_json(line)), len(line)) for line in lines]
    # Only a body above one event's limit can hold an event above it: the others are not measured.
    large = len(raw) > EVENT_LIMIT
    if kind == JSON and large and raw.lstrip().startswith(b"["):
        return [(_object(value), size) for value, size in json_items(raw)]
    value = unpack(raw) if kind == MSGPACK else strict_json(raw)
    if isinstance(value, dict):
        return [(value, len(raw))]
    if not isinstance(value, list):
        raise _not_an_object("neither an object nor an array", value)
    return [(_object(one), packed_size(one) if large else 0) for one in value]


def _object(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _not_an_object("an event must be an object", value)
    return value


def _not_an_object(reason: str, value: Any) -> Refusal:
    return _refusal(406, reason, rules.EVENT, _shown(value))


def _event(value: dict[Any, Any], size: int, received_ns: int, *, packed: bool) -> StoredEvent:
    found: dict[str, None] = {}
    time_ns = parse_dt(value["dt"], found) if "dt" in value else received_ns
    data, odd = tidy(jsonable(value, found) if packed else value)
    if time_ns is None and not isinstance(data["dt"], str):
        data = {**data, "dt": compact(data["dt"])}
    level, severity = level_of(data)
    return StoredEvent(
        vendor="betterstack",
        time_ns=received_ns if time_ns is None else time_ns,
        received_ns=received_ns,
        level=level,
        severity=severity,
        message=message_of(data),
        application="",
        subsystem="",
        source={},
        data=data,
        warnings=tuple(dict.fromkeys((*found, *odd))),
        size=size or len(compact(data)),
    )


def parse_dt(value: Any, found: dict[str, None]) -> int | None:
    """
    Return the nanoseconds since 1970 of the field `dt`.

    Where it is not a time, return None, and add the reason to *found*.

    Whole seconds, milliseconds or nanoseconds by their size, RFC 3339 with `T` or a space, and
    the timestamp extension of MessagePack.
    """
    parsed: int | None = None
    if isinstance(value, msgpack.Timestamp):
        parsed = value.to_unix_nano()
    elif isinstance(value, str):
        parsed = rfc3339_ns(value, relaxed=True)
    elif isinstance(value, int) and not isinstance(value, bool):
        parsed = _from_number(value)
    if parsed is None or not fits(parsed):
        found[f"dt {compact(value)[:60]} is not a time: the time of receipt is used"] = None
        return None
    return parsed


def _from_number(value: int) -> int | None:
    if 0 <= value < 10**11:
        return value * 1_000_000_000
    if 10**11 <= value < 10**14:
        return value * 1_000_000
    return value if 10**17 <= value < 2**63 else None
