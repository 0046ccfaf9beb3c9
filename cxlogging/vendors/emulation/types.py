"""What goes in and out of an emulator. Frozen values; nothing here reads a clock or a socket."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

QUERIES = "dataprime"
"""The name of the query API, in faults, keys and the log of requests."""

SEVERITIES = {
    "trace": 1, "silly": 1, "debug": 1,
    "verbose": 2,
    "info": 3, "information": 3, "informational": 3, "notice": 3,
    "warn": 4, "warning": 4,
    "error": 5, "err": 5,
    "fatal": 6, "critical": 6, "crit": 6, "alert": 6, "emerg": 6, "emergency": 6, "panic": 6,
}  # fmt: skip
"""Names of levels, in lower case, and the severity of each: 1 debug to 6 critical."""


ITEM_CHARACTERS = 2_000
"""Of an item that was refused: more of it is not stored."""

MAX_REJECTIONS = 20
"""Refused items of one batch whose rules are kept."""


@dataclass(frozen=True)
class ApiRequest:
    """
    One request as it came.

    Attributes:
        method: In upper case.
        path: As on the wire, percent signs included, without the query string.
        headers: Names in lower case; repeated headers joined by commas.
        body: The bytes on the wire, before any decompression.
        received_ns: When its last byte came, in nanoseconds since 1970.
        item_statuses: For tests, where the answer holds a status for each item: the statuses of
            the valid items, in turn, instead of 202. An item is kept only if its status is 202.
        disconnected: Done once the client has disconnected, for answers that take long.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received_ns: int = 0
    item_statuses: tuple[int, ...] = ()
    disconnected: Future[None] | None = None


@dataclass(frozen=True)
class ApiAnswer:
    """What goes back: a status, headers (names in lower case) and a body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """
    One event as the vendor would keep it.

    Attributes:
        vendor: The vendor's name in the registry.
        time_ns: The event's own time where the vendor can read it, else the time of receipt.
        received_ns: When the request was received.
        level: As the sender named it, in lower case, or as the vendor names its severity; empty
            where there is none.
        severity: 1 debug, 2 verbose, 3 info (also where there is no level), 4 warn, 5 error,
            6 critical.
        message: The text that a reader wants first.
        application: The application, service or dataset that it belongs to; empty where the
            vendor has no such thing.
        subsystem: The part of it that it belongs to; empty where the vendor has no such thing.
        source: The other fields of the envelope (category, computerName, samplerate, ...).
        data: The fields that the sender chose, as JSON values.
        warnings: What the vendor accepts but a careful client would not send.
        size: Bytes of the event in the decompressed body, where these were measured; else of its
            compact JSON.
    """

    vendor: str
    time_ns: int
    received_ns: int
    level: str
    severity: int
    message: str
    application: str
    subsystem: str
    source: Mapping[str, Any]
    data: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    size: int = 0


@dataclass(frozen=True)
class Rule:
    """
    A rule that a vendor has for requests or for their items.

    Attributes:
        text: The rule, in sentences; they say where the vendor does not document it.
        link: The vendor's public document.
        fix: What to do about a request that breaks the rule, in sentences.
    """

    text: str
    link: str
    fix: str


@dataclass(frozen=True)
class Rejection:
    """
    Why a request, or one item of it, was refused.

    Attributes:
        rule: The rule that it breaks.
        item: What breaks it, as JSON, or as the text around the error where that is not JSON;
            empty where the rule is about the request as a whole.
        index: The place of the item in its batch, from 0, where only that item was refused.
        error: The vendor's words for that item.
    """

    rule: Rule
    item: str = ""
    index: int | None = None
    error: str = ""


@dataclass(frozen=True)
class ApiResult:
    """
    The result of a request.

    Attributes:
        answer: What is sent back; its body is empty where there is a stream.
        events: The events to store.
        error: Why the request was refused; empty where it was not.
        raw_bytes: The size of the decompressed body.
        stream: The body of the answer in parts, made on a thread of its own; None where the
            answer has its body.
        rejections: The rule for each refusal: one for a request that was refused as a whole, or
            one for each refused item, at most `MAX_REJECTIONS` of them.
    """

    answer: ApiAnswer
    events: tuple[StoredEvent, ...] = ()
    error: str = ""
    raw_bytes: int = 0
    stream: Iterator[bytes] | None = None
    rejections: tuple[Rejection, ...] = ()


class Refusal(Exception):  # noqa: N818 - it carries an answer; it is not an error of the program
    """
    Stops reading a request.

    Args:
        answer: What is sent back.
        reason: What goes into the log of requests.
        rule: The rule that the request breaks.
        item: What breaks it, as `Rejection` takes it.
    """

    def __init__(self, answer: ApiAnswer, reason: str, rule: Rule, item: str = "") -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason
        self.rejection = Rejection(rule, item)

    def result(self) -> ApiResult:
        """Return the result of the request."""
        return ApiResult(self.answer, error=self.reason, rejections=(self.rejection,))


class Emulator(Protocol):
    """
    One API, with the rules that it enforces: values in, an answer out, no I/O.

    Attributes:
        vendor: The vendor's name in the registry, or `QUERIES`.
        wire_limit: The largest body as sent, in bytes.
        slow: Whether an answer takes long, so that it is made on a thread of its own.
        size_rule: The rule for the size of a body, which `too_large` answers.
        key_headers: The headers that carry a key, in lower case.
    """

    vendor: str
    wire_limit: int
    slow: bool
    size_rule: Rule
    key_headers: tuple[str, ...]

    def claims(self, method: str, path: str) -> bool:
        """Return whether this API answers for *path*, if only with 404 or 405."""
        ...

    def answer(self, request: ApiRequest, keys: AcceptedKeys) -> ApiResult:
        """Answer *request* as the vendor does. Never raises."""
        ...

    def failure(self, status: int) -> ApiAnswer:
        """Return the vendor's answer of *status*, for an injected fault."""
        ...

    def too_large(self) -> ApiAnswer:
        """Return the vendor's answer to a body above its limit."""
        ...


KeyChoice = str | Iterable[str] | None


class AcceptedKeys:
    """
    Which keys the local server accepts.

    Args:
        keys: By vendor's name (or `QUERIES`, for keys that may query) a key, several keys, or
            None: any key that is not empty. A vendor that is not named accepts any key.
    """

    def __init__(self, **keys: KeyChoice) -> None:
        self._keys = {name: _key_bytes(choice) for name, choice in keys.items()}

    def accepts(self, vendor: str, key: str) -> bool:
        """Return whether *vendor* accepts *key*."""
        known = self._keys.get(vendor)
        if not key:
            return False
        if known is None:
            return True
        offered = key.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(offered, one) for one in known)

    def known(self) -> Iterator[str]:
        """Yield the keys that were given, to mask them where they are quoted."""
        for keys in self._keys.values():
            yield from (key.decode("utf-8", "surrogateescape") for key in keys or ())

    def __repr__(self) -> str:
        rules = (f"{v}={'any' if k is None else f'<{len(k)}>'}" for v, k in self._keys.items())
        return f"Keys({', '.join(rules)})"


def _key_bytes(choice: KeyChoice) -> tuple[bytes, ...] | None:
    if choice is None:
        return None
    chosen = (choice,) if isinstance(choice, str) else tuple(choice)
    return tuple(key.encode("utf-8", "surrogateescape") for key in chosen)


def bearer(request: ApiRequest) -> str:
    """Return the token of `Authorization: Bearer <token>`; empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def key_fault(key: str, form: str) -> str:
    """Return why *key* was not accepted: where there is none, *form*, which is how to send one."""
    return "not an accepted key: this server was started with others" if key else form


def media_type(request: ApiRequest) -> str:
    """Return the content type in lower case, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_answer(status: int, value: object, **headers: str) -> ApiAnswer:
    """Return an answer that carries compact JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return ApiAnswer(status, {"content-type": "application/json", **headers}, body)


def failure_answer(status: int, message: str = "") -> ApiAnswer:
    """Return an answer whose JSON says why a request failed; the status says it by default."""
    if not message:
        message = HTTPStatus(status).phrase if status in set(HTTPStatus) else "failed"
    return json_answer(status, {"message": message})


def refusal(status: int, message: str, rule: Rule, item: str = "") -> Refusal:
    """Return what stops reading a request with the `failure_answer`."""
    return Refusal(failure_answer(status, message), message, rule, item)
