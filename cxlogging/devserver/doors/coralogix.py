"""
The door of Coralogix: `/logs/v1/bulk`, `/logs/v1/singles`, `/sdk/v1/time`.

Follows https://coralogix.com/docs/integrations/coralogix-endpoints/ and the REST API pages
"/bulk" and "/singles" there. The vendor documents no status codes: 400, 401, 413 and 415 with a
JSON `message`, and all or nothing for a request, are choices of this server.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from .bodies import MalformedError, TooLargeError, UnknownEncodingError, inflate, strict_json
from .fields import message_of, tidy
from .times import fits
from .values import (
    Answer,
    Keys,
    Refusal,
    Reply,
    Request,
    StoredEvent,
    bearer,
    json_answer,
    media_type,
)

BULK, SINGLES, TIME = "/logs/v1/bulk", "/logs/v1/singles", "/sdk/v1/time"
BODY_LIMIT = 2_000_000
"""Bytes after inflating. The vendor says 2 MB and leaves open which megabyte and of what."""

LEVELS = {1: "debug", 2: "verbose", 3: "info", 4: "warn", 5: "error", 6: "critical"}
STRINGS = ("className", "methodName", "threadId", "category", "computerName")

_HI_RES = re.compile(r"[0-9]{13}|[0-9]{16}|[0-9]{19}")


class CoralogixDoor:
    """Coralogix, as strict as its pages allow to be."""

    vendor = "coralogix"
    wire_limit = BODY_LIMIT

    def claims(self, method: str, path: str) -> bool:
        """True below `/logs/v1/` and `/sdk/v1/`."""
        del method
        return path.startswith(("/logs/v1/", "/sdk/v1/"))

    def answer(self, request: Request, keys: Keys) -> Reply:
        """200 and the events, or the reason of the refusal as a JSON `message`."""
        try:
            _admit(request)
            if request.path == TIME:
                return Reply(_time(request))
            if not keys.accepts(self.vendor, bearer(request)):
                raise _refusal(401, "Authorization must be: Bearer <Send-Your-Data API key>")
            if media_type(request) != "application/json":
                raise _refusal(415, "Content-Type must be application/json")
            raw = _raw(request)
            read = _bulk if request.path == BULK else _singles
            events = read(_parsed(raw), request.received_ns)
        except Refusal as refusal:
            return Reply(refusal.answer, error=refusal.reason)
        except RecursionError:
            return Reply(_failure(400, "nested too deeply"), error="nested too deeply")
        return Reply(Answer(200), events, raw_bytes=len(raw))

    def failure(self, status: int) -> Answer:
        """A JSON `message` for failures, nothing for success."""
        return _failure(status) if status >= 400 else Answer(status)

    def too_large(self) -> Answer:
        """413."""
        return _too_large().answer


def _failure(status: int, message: str = "") -> Answer:
    if not message:
        message = HTTPStatus(status).phrase if status in set(HTTPStatus) else "failed"
    return json_answer(status, {"message": message})


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(_failure(status, message), message)


def _too_large() -> Refusal:
    return _refusal(413, f"the body is above {BODY_LIMIT} bytes")


def _admit(request: Request) -> None:
    method = {BULK: "POST", SINGLES: "POST", TIME: "GET"}.get(request.path)
    if method is None:
        raise _refusal(404, "no such path: POST /logs/v1/bulk or /logs/v1/singles")
    if request.method != method:
        answer = json_answer(405, {"message": f"use {method}"}, allow=method)
        raise Refusal(answer, f"{request.method} where {method} is due")


def _time(request: Request) -> Answer:
    # The vendor's SDKs divide by 10^4 and take the result for milliseconds.
    ticks = request.received_ns // 100
    return Answer(200, {"content-type": "application/json"}, str(ticks).encode())


def _raw(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    if len(request.body) > BODY_LIMIT:
        raise _too_large()
    try:
        return inflate(request.body, encoding, allowed=("gzip",), limit=BODY_LIMIT)
    except TooLargeError:
        raise _too_large() from None
    except UnknownEncodingError:
        raise _refusal(415, f"Content-Encoding {encoding!r} is not taken; gzip is") from None
    except MalformedError as error:
        raise _refusal(400, str(error)) from None


def _parsed(raw: bytes) -> Any:
    try:
        return strict_json(raw)
    except MalformedError as error:
        raise _refusal(400, str(error)) from None


def _bulk(value: Any, received_ns: int) -> tuple[StoredEvent, ...]:
    if not isinstance(value, dict):
        raise _refusal(400, "the body must be an object; an array belongs to /logs/v1/singles")
    application = _required(value, "applicationName")
    subsystem = _required(value, "subsystemName")
    entries = value.get("logEntries")
    if not isinstance(entries, list) or not entries:
        raise _refusal(400, "logEntries must be an array of at least one entry")
    outer = {"computerName": value["computerName"]} if "computerName" in value else {}
    return tuple(
        _event(entry, f"logEntries[{n}]", outer, application, subsystem, received_ns)
        for n, entry in enumerate(entries)
    )


def _singles(value: Any, received_ns: int) -> tuple[StoredEvent, ...]:
    if not isinstance(value, list):
        raise _refusal(400, "the body must be an array; an object belongs to /logs/v1/bulk")
    events = []
    for n, entry in enumerate(value):
        where = f"[{n}]"
        if not isinstance(entry, dict):
            raise _refusal(400, f"{where} must be an object")
        application = _required(entry, "applicationName", where)
        subsystem = _required(entry, "subsystemName", where)
        lenient = {"severity": 3, **entry}
        if isinstance(entry.get("text"), dict):
            lenient["text"] = json.dumps(entry["text"])
        events.append(_event(lenient, where, {}, application, subsystem, received_ns))
    return tuple(events)


def _required(value: dict[str, Any], name: str, where: str = "") -> str:
    held = value.get(name)
    if not isinstance(held, str):
        place = f"{where}.{name}" if where else name
        raise _refusal(400, f"{place} is required and must be a string")
    return held


def _event(
    entry: Any,
    where: str,
    outer: dict[str, Any],
    application: str,
    subsystem: str,
    received_ns: int,
) -> StoredEvent:
    if not isinstance(entry, dict):
        raise _refusal(400, f"{where} must be an object")
    severity = _severity(entry.get("severity"), where)
    text = entry.get("text")
    if not isinstance(text, str):
        raise _refusal(400, f"{where}.text must be a string: escape the JSON")
    lint = [*_lint_of(entry, text), *_lint_of_names(application, subsystem)]
    time_ns = _time_ns(entry, where, received_ns)
    inner = _object_in(text)
    data, odd = tidy({"text": text} if inner is None else inner)
    own = {"text", "severity", "applicationName", "subsystemName"}
    source, odd_source = tidy({**outer, **{k: v for k, v in entry.items() if k not in own}})
    return StoredEvent(
        vendor="coralogix",
        time_ns=time_ns,
        received_ns=received_ns,
        level=LEVELS[severity],
        severity=severity,
        message=message_of(inner) if inner else text,
        application=application,
        subsystem=subsystem,
        source=source,
        data=data,
        warnings=tuple(dict.fromkeys((*lint, *odd, *odd_source))),
        size=len(text.encode("utf-8", "surrogatepass")),
    )


def _severity(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 6:
        raise _refusal(400, f"{where}.severity must be an integer from 1 (debug) to 6 (critical)")
    return value


def _time_ns(entry: dict[str, Any], where: str, received_ns: int) -> int:
    stamp = entry.get("timestamp")
    hi_res = entry.get("hiResTimestamp")
    from_stamp = None if "timestamp" not in entry else _from_number(stamp, where)
    from_hi_res = None if "hiResTimestamp" not in entry else _from_digits(hi_res, where)
    if from_hi_res is not None:
        return from_hi_res
    return received_ns if from_stamp is None else from_stamp


def _from_number(stamp: Any, where: str) -> int:
    if isinstance(stamp, bool) or not isinstance(stamp, (int, float)):
        raise _refusal(400, f"{where}.timestamp must be a number")
    if 10**11 <= stamp < 10**14:
        # A double holds such milliseconds to about a quarter of a microsecond.
        return round(stamp * 1000) * 1000
    if 10**14 <= stamp < 10**17:
        return round(stamp) * 1000
    raise _refusal(400, f"{where}.timestamp is neither milliseconds nor microseconds since 1970")


def _from_digits(hi_res: Any, where: str) -> int:
    if not isinstance(hi_res, str) or not _HI_RES.fullmatch(hi_res):
        raise _refusal(400, f"{where}.hiResTimestamp must be a string of 13, 16 or 19 digits")
    nanoseconds = int(hi_res.ljust(19, "0"))
    if not fits(nanoseconds):
        raise _refusal(400, f"{where}.hiResTimestamp is beyond the year 2262")
    return nanoseconds


def _lint_of(entry: dict[str, Any], text: str) -> list[str]:
    lint = [f"{name} should be a string" for name in STRINGS if _is_odd(entry, name)]
    if not text:
        lint.append("text is empty")
    if "timestamp" in entry and "hiResTimestamp" in entry:
        lint.append("both timestamp and hiResTimestamp: hiResTimestamp is used")
    return lint


def _lint_of_names(application: str, subsystem: str) -> list[str]:
    named = (("applicationName", application), ("subsystemName", subsystem))
    return [f"{name} is empty" for name, value in named if not value]


def _is_odd(entry: dict[str, Any], name: str) -> bool:
    return name in entry and not isinstance(entry[name], str)


def _object_in(text: str) -> dict[str, Any] | None:
    """The object that *text* is as JSON, as the vendor unfolds it; None for plain words."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = strict_json(text.encode("utf-8", "surrogatepass"))
    except MalformedError:
        return None
    return value if isinstance(value, dict) else None
