"""What goes in and out of a door. Frozen values; nothing here reads a clock or a socket."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

VENDORS = ("coralogix", "honeycomb", "betterstack")
QUERIES = "dataprime"
"""The query door's name, in faults, keys and the log of requests."""

SEVERITIES = {
    "trace": 1, "silly": 1, "debug": 1,
    "verbose": 2,
    "info": 3, "information": 3, "informational": 3, "notice": 3,
    "warn": 4, "warning": 4,
    "error": 5, "err": 5,
    "fatal": 6, "critical": 6, "crit": 6, "alert": 6, "emerg": 6, "emergency": 6, "panic": 6,
}  # fmt: skip
"""Names of levels, in lower case, and the severity (1 to 6) that Coralogix gives them."""


@dataclass(frozen=True)
class Request:
    """
    One request as it came.

    Attributes:
        method: In upper case.
        path: As on the wire, percent signs included, without the query string.
        headers: Names in lower case; repeated headers joined by commas.
        body: The bytes on the wire, before any decompression.
        received_ns: When its last byte came, in nanoseconds since 1970.
        item_statuses: Honeycomb only, for tests: statuses that are given to the sound items
            instead of 202, in turn. An item is kept only where the status is 202.
        left: Done once the client has left, for answers that take long.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received_ns: int = 0
    item_statuses: tuple[int, ...] = ()
    left: Future[None] | None = None


@dataclass(frozen=True)
class Answer:
    """What goes back: a status, headers (names in lower case) and a body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """
    One event as the vendor would keep it.

    Attributes:
        vendor: One of `VENDORS`.
        time_ns: The event's own time where the vendor understands it, else that of receipt.
        received_ns: When the request was received.
        level: As the sender named it, in lower case; empty where it named none. Coralogix: the
            name of the severity.
        severity: 1 debug, 2 verbose, 3 info (also where there is no level), 4 warn, 5 error,
            6 critical.
        message: The text that a reader wants first.
        application: Coralogix: applicationName. Honeycomb: the dataset. Else empty.
        subsystem: Coralogix: subsystemName. Honeycomb: `service.name`. Else empty.
        source: What the envelope said beside that (category, computerName, samplerate, ...).
        data: The fields that the sender chose, JSON-able. Coralogix: the object that `text`
            holds, or `{"text": ...}` when it holds plain words.
        warnings: What the vendor takes but a careful client would not send.
        size: Bytes of the event on the wire after decompression, where it is told apart; else
            of its compact JSON.
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
class Reply:
    """
    What comes of a request.

    Attributes:
        answer: With an empty body where there is a stream.
        events: To be kept.
        error: Why it was refused; empty where it was not.
        raw_bytes: Of the body, after inflating.
        stream: The body, made piece by piece on a thread of its own; None for the answer's.
    """

    answer: Answer
    events: tuple[StoredEvent, ...] = ()
    error: str = ""
    raw_bytes: int = 0
    stream: Iterator[bytes] | None = None


class Refusal(Exception):  # noqa: N818 - it carries an answer; it is not a fault of the program
    """Ends the reading of a request: *answer* goes back, *reason* goes into the log."""

    def __init__(self, answer: Answer, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason


class Door(Protocol):
    """One vendor's rules."""

    vendor: str
    wire_limit: int
    slow: bool
    """True where answering takes long: it is done beside the loop that serves."""

    def claims(self, method: str, path: str) -> bool:
        """True when this vendor is to answer for *path*, if only with 404 or 405."""
        ...

    def answer(self, request: Request, keys: Keys) -> Reply:
        """Answer *request* as the vendor does. Never raises."""
        ...

    def failure(self, status: int) -> Answer:
        """The vendor's own words for *status*, for faults that are asked for."""
        ...

    def too_large(self) -> Answer:
        """The vendor's answer to a body above its limit."""
        ...


KeyChoice = str | Iterable[str] | None


class Keys:
    """
    Which keys the doors accept.

    Each argument is a key, several keys, or None: any key that is not empty, sent the vendor's
    way; *dataprime* are the keys that may query. The keys are never shown.
    """

    def __init__(
        self,
        coralogix: KeyChoice = None,
        honeycomb: KeyChoice = None,
        betterstack: KeyChoice = None,
        dataprime: KeyChoice = None,
    ) -> None:
        self._keys = {
            "coralogix": _key_bytes(coralogix),
            "honeycomb": _key_bytes(honeycomb),
            "betterstack": _key_bytes(betterstack),
            QUERIES: _key_bytes(dataprime),
        }

    def accepts(self, vendor: str, key: str) -> bool:
        """True when *vendor* lets *key* in."""
        known = self._keys[vendor]
        if not key:
            return False
        if known is None:
            return True
        offered = key.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(offered, one) for one in known)

    def __repr__(self) -> str:
        rules = (f"{v}={'any' if k is None else f'<{len(k)}>'}" for v, k in self._keys.items())
        return f"Keys({', '.join(rules)})"


def _key_bytes(choice: KeyChoice) -> tuple[bytes, ...] | None:
    if choice is None:
        return None
    chosen = (choice,) if isinstance(choice, str) else tuple(choice)
    return tuple(key.encode("utf-8", "surrogateescape") for key in chosen)


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer <token>`; empty when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def key_fault(key: str, form: str) -> str:
    """Why *key* was not accepted: *form*, which is how to send one, where there is none."""
    return "not an accepted key: this server was started with others" if key else form


def media_type(request: Request) -> str:
    """The content type in lower case, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_answer(status: int, value: object, **headers: str) -> Answer:
    """An answer that carries compact JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status, {"content-type": "application/json", **headers}, body)
