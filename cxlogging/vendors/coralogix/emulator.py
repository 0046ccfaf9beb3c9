"""
The API of Coralogix: `/logs/v1/bulk`, `/logs/v1/singles`, `/sdk/v1/time`.

Follows https://coralogix.com/docs/integrations/coralogix-endpoints/ and the REST API pages
"/bulk" and "/singles" there. The vendor documents no status codes: 400, 401, 413 and 415 with a
JSON `message`, and accepting a request as a whole or not at all, are choices of this server.
"""

from __future__ import annotations

import json
from typing import Any

from ..emulation.bodies import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    inflate,
    strict_json,
)
from ..emulation.event_fields import shown_item
from ..emulation.types import (
    AcceptedKeys,
    ApiAnswer,
    ApiRequest,
    ApiResult,
    Refusal,
    StoredEvent,
    bearer,
    failure_answer,
    json_answer,
    key_fault,
    media_type,
    refusal,
)
from . import emulator_rules as rules
from .emulator_entries import EntryError, Envelope, read_entry

BULK, SINGLES, TIME = "/logs/v1/bulk", "/logs/v1/singles", "/sdk/v1/time"
BULK_TYPES = ("application/json",)
SINGLES_TYPES = ("application/json", "application/x-ndjson", "")
"""What agents send: Fluent Bit sends lines of JSON with either of the first two."""

BODY_LIMIT = 2_000_000
"""Bytes after decompression. The vendor says 2 MB, without saying which megabyte is meant."""


class CoralogixEmulator:
    """Coralogix, as strict as its documentation allows."""

    vendor = "coralogix"
    wire_limit = BODY_LIMIT
    slow = False
    size_rule = rules.SIZE
    key_headers: tuple[str, ...] = ("authorization",)

    def claims(self, method: str, path: str) -> bool:
        """Return True below `/logs/v1/` and `/sdk/v1/`."""
        del method
        return path.startswith(("/logs/v1/", "/sdk/v1/"))

    def answer(self, request: ApiRequest, keys: AcceptedKeys) -> ApiResult:
        """Return 200 and the events, or the reason of the refusal as a JSON `message`."""
        try:
            _admit(request)
            if request.path == TIME:
                return ApiResult(_time(request))
            if not keys.accepts(self.vendor, bearer(request)):
                form = "Authorization must be: Bearer <Send-Your-Data API key>"
                raise refusal(401, key_fault(bearer(request), form), rules.KEY)
            bulk = request.path == BULK
            taken = BULK_TYPES if bulk else SINGLES_TYPES
            if media_type(request) not in taken:
                message = f"Content-Type must be {' or '.join(filter(None, taken))}"
                raise refusal(415, message, rules.CONTENT_TYPE)
            raw = _raw(request)
            if bulk:
                events = _bulk(_parsed(raw), request.received_ns)
            else:
                events = _singles(_records(raw), request.received_ns)
        except Refusal as refused:
            return refused.result()
        except RecursionError:
            return refusal(400, "nested too deeply", rules.NESTING).result()
        return ApiResult(ApiAnswer(200), events, raw_bytes=len(raw))

    def failure(self, status: int) -> ApiAnswer:
        """Return a JSON `message` for failures, nothing for success."""
        return failure_answer(status) if status >= 400 else ApiAnswer(status)

    def too_large(self) -> ApiAnswer:
        """Return 413."""
        return _too_large().answer


EMULATOR = CoralogixEmulator()


def _too_large() -> Refusal:
    return refusal(413, f"the body is above {BODY_LIMIT} bytes", rules.SIZE)


def _admit(request: ApiRequest) -> None:
    method = {BULK: "POST", SINGLES: "POST", TIME: "GET"}.get(request.path)
    if method is None:
        sentence = "no such path: POST /logs/v1/bulk or /logs/v1/singles"
        raise refusal(404, sentence, rules.ENDPOINTS)
    if request.method != method:
        answer = json_answer(405, {"message": f"use {method}"}, allow=method)
        raise Refusal(answer, f"{request.method} instead of {method}", rules.ENDPOINTS)


def _time(request: ApiRequest) -> ApiAnswer:
    # The vendor's SDKs divide by 10^4 and take the result for milliseconds.
    ticks = request.received_ns // 100
    return ApiAnswer(200, {"content-type": "application/json"}, str(ticks).encode())


def _raw(request: ApiRequest) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    if len(request.body) > BODY_LIMIT:
        raise _too_large()
    try:
        return inflate(request.body, encoding, allowed=("gzip",), limit=BODY_LIMIT)
    except TooLargeError:
        raise _too_large() from None
    except UnknownEncodingError:
        sentence = f"Content-Encoding {encoding!r} is not accepted: use gzip"
        raise refusal(415, sentence, rules.ENCODING) from None
    except MalformedError as error:
        raise refusal(400, str(error), rules.JSON) from None


def _parsed(raw: bytes) -> Any:
    try:
        return strict_json(raw)
    except MalformedError as error:
        raise refusal(400, str(error), rules.JSON, error.excerpt) from None


def _bulk(value: Any, received_ns: int) -> tuple[StoredEvent, ...]:
    if not isinstance(value, dict):
        sentence = "the body must be an object; an array belongs to /logs/v1/singles"
        raise refusal(400, sentence, rules.BULK_BODY, shown_item(value))
    application = _required(value, "applicationName")
    subsystem = _required(value, "subsystemName")
    entries = value.get("logEntries")
    if not isinstance(entries, list) or not entries:
        sentence = "logEntries must be an array of at least one entry"
        raise refusal(400, sentence, rules.BULK_BODY, shown_item(value))
    outer = {"computerName": value["computerName"]} if "computerName" in value else {}
    envelope = Envelope(application, subsystem, received_ns, outer)
    return tuple(_read(one, f"logEntries[{n}]", envelope, one) for n, one in enumerate(entries))


def _read(entry: Any, where: str, envelope: Envelope, given: object) -> StoredEvent:
    """Return the event in *entry*; a refusal shows *given*, which is the entry as it was sent."""
    try:
        return read_entry(entry, where, envelope)
    except EntryError as error:
        raise refusal(400, str(error), error.rule, shown_item(given)) from None


def _records(raw: bytes) -> list[Any]:
    """Return the elements of an array, or one object a line, whatever the content type says."""
    if not raw.strip():
        raise refusal(400, "the body is empty", rules.SINGLES_BODY)
    if not raw.lstrip().startswith(b"{"):
        value = _parsed(raw)
        if not isinstance(value, list):
            sentence = "the body must be an array of objects, or one object a line"
            raise refusal(400, sentence, rules.SINGLES_BODY, shown_item(value))
        return value
    records: list[Any] = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            if line.strip():
                records.append(strict_json(line))
        except MalformedError as error:
            if not records:
                # One object may be written on several lines.
                return [_parsed(raw)]
            message = f"line {number}: {error}"
            raise refusal(400, message, rules.JSON, error.excerpt) from None
    return records


def _singles(records: list[Any], received_ns: int) -> tuple[StoredEvent, ...]:
    events = []
    for n, entry in enumerate(records):
        where = f"[{n}]"
        if not isinstance(entry, dict):
            sentence = f"{where} must be an object"
            raise refusal(400, sentence, rules.SINGLES_BODY, shown_item(entry))
        if "logEntries" in entry:
            sentence = f"{where} has logEntries: such an object belongs to {BULK}"
            raise refusal(400, sentence, rules.SINGLES_BODY, shown_item(entry))
        envelope = Envelope(
            _required(entry, "applicationName", where),
            _required(entry, "subsystemName", where),
            received_ns,
        )
        lenient = {"severity": 3, **entry}
        if isinstance(entry.get("text"), dict):
            lenient["text"] = json.dumps(entry["text"])
        events.append(_read(lenient, where, envelope, entry))
    return tuple(events)


def _required(value: dict[str, Any], name: str, where: str = "") -> str:
    held = value.get(name)
    if not isinstance(held, str):
        place = f"{where}.{name}" if where else name
        sentence = f"{place} is required and must be a string"
        raise refusal(400, sentence, rules.NAMES, shown_item(value))
    return held
