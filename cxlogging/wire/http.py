"""Requests, answers, and what an answer means: values that do not change."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

NOTHING: Mapping[Any, Any] = MappingProxyType({})
INTEGERS = range(-(2**63), 2**63)
"""The integers that every encoding can hold."""


class Secret:
    """
    A key or token whose value is shown nowhere but in the request that needs it.

    Its ``repr`` and ``str`` are masked, and it cannot be pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself, for the one place that writes it to a socket."""
        return self._value

    def prefixed(self, prefix: str) -> Secret:
        """Return a secret of *prefix* and this value, such as the value of a header."""
        return Secret(f"{prefix}{self._value}")

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(****)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


class Endpoint(NamedTuple):
    """
    Where requests go.

    Attributes:
        scheme: ``"https"``, or ``"http"`` for loopback.
        host: Name or address, without brackets.
        port: TCP port.
        path: Absolute path, percent-encoded.
        source: The argument or the variable that named the host; empty for a default.
    """

    scheme: str
    host: str
    port: int
    path: str
    source: str = ""

    @property
    def authority(self) -> str:
        """The host as a ``Host`` header names it, with the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as the handlers' ``url`` takes them."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


class Limits(NamedTuple):
    """
    What one request to a vendor may hold.

    Attributes:
        item_bytes: Largest encoded event, in bytes.
        body_bytes: Largest body before compression.
        wire_bytes: Largest body as sent.
        batch_count: Most events in a request.
        overhead: Bytes that the body has beyond its items and one byte between each two.
        auto: Encodings that ``compression="auto"`` may choose, best first.
        tried: Encodings that it may try, best first, after the vendor has accepted an
            uncompressed request: for an API that does not document what it accepts.
        accepted: Encodings that may be chosen by name.
        nests: Whether a field may hold an object or an array.
        integers: The integers that the vendor keeps exactly.
    """

    item_bytes: int
    body_bytes: int
    wire_bytes: int
    batch_count: int
    overhead: int
    auto: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ("gzip",)
    nests: bool = True
    integers: range = INTEGERS


def joined(begin: bytes, items: Sequence[bytes], separator: bytes, end: bytes) -> bytes:
    """
    Return the body of a request: *items*, with *separator* between each two of them.

    They are copied once: another copy of so many bytes would cost more than the joining.
    """
    if not items:
        return begin + end
    parts = list(items)
    parts[0] = begin + parts[0]
    parts[-1] += end
    return separator.join(parts)


class Request(NamedTuple):
    """A POST request: *body* is not compressed yet; header values may be secrets."""

    endpoint: Endpoint
    headers: tuple[tuple[str, str | Secret], ...]
    body: bytes

    def head(self, more: Sequence[tuple[str, str]] = ()) -> bytes:
        """Return the request line and the headers, secrets included, with *more* headers."""
        headers = (
            ("Host", self.endpoint.authority),
            ("Accept-Encoding", "identity"),
            ("Content-Length", str(len(self.body))),
            *self.headers,
            *more,
        )
        lines = [f"POST {self.endpoint.path} HTTP/1.1"]
        for name, value in headers:
            lines.append(f"{name}: {value.reveal() if isinstance(value, Secret) else value}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def __repr__(self) -> str:
        return f"Request(endpoint={self.endpoint!r})"


class Response(NamedTuple):
    """
    An answer: *headers* have lower-case names, *body* holds at most 256 KiB.

    *complete* is False where the vendor sent more than that.
    """

    status: int
    headers: Mapping[str, str] = NOTHING
    body: bytes = b""
    complete: bool = True


class Action(enum.Enum):
    """What to do with the items of a request after its answer."""

    DELIVERED = "delivered"
    RETRY = "retry"
    """Send the same items again later, in the same order."""
    SPLIT = "split"
    """Send the same items again at once, in two halves."""
    ISOLATE = "isolate"
    """One item may be invalid: halve the batch until that item is alone, then reject it."""
    REFUSED = "refused"
    """The vendor will never accept these items: reject them."""
    HOLD = "hold"
    """Nothing is accepted until the configuration is fixed: keep everything, probe slowly."""


class Verdict(NamedTuple):
    """
    The meaning of an answer.

    Attributes:
        action: What happens to every item that *items* does not name.
        reason: The vendor's words, or our own; secrets in them are masked before they are shown.
        items: Exceptions by position: `Action.RETRY` or `Action.REFUSED`, and the reason.
        cure: What a person can do about it.
        wait: Seconds to wait as the vendor asks in a header or body of its own. The standard
            header ``Retry-After`` takes precedence.
        failed: With `Action.DELIVERED`: how many of the items that *items* does not name the
            vendor did not accept, where the answer does not say which. The delivery then sends
            each of these items in a request of its own, so that each one gets its own answer;
            a single item that failed is rejected. Items that were accepted the first time
            arrive twice.
    """

    action: Action
    reason: str = ""
    items: Mapping[int, tuple[Action, str]] = NOTHING
    cure: str = ""
    wait: float | None = None
    failed: int = 0
