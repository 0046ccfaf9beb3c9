"""Faults that tests and people inject: failures of a vendor, a proxy or the network."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, replace
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ..vendors.emulation.types import QUERIES
from ..vendors.registry import VENDORS

RESETS = ("", "before", "after")

MAX_SECONDS = 86_400
"""The longest that a fault can last, unless it is to last until it is cleared."""


@dataclass(frozen=True)
class Fault:
    """
    A fault. Attributes that are set take effect together.

    Attributes:
        vendor: The vendor whose requests fail, or `dataprime` for queries; None for all.
        times: The number of matching requests that fail; None for all until it is cleared.
        seconds: How long it lasts from when it is added; None until it is cleared. Of a fault
            that is set: what is left, rounded up.
        status: The status of the answer; the request is not handled, and nothing is stored.
        retry_after: The value of the header `Retry-After`: seconds or an HTTP date.
        body: The body of the answer with *status*; None for the vendor's own.
        delay: Seconds to wait before anything else happens.
        reset: `before`: the connection is reset, and nothing is stored. `after`: the events are
            stored, then the connection is reset without an answer.
        trickle: Seconds between single bytes of the answer.
        max_body: Bodies with more bytes on the wire get the vendor's answer for too large ones.
            Smaller bodies are handled as usual, and do not count.
        hang: No answer until the client disconnects; nothing is stored.
        items: Statuses of the valid items, in turn, where an answer holds one for each; only items
            with 202 are stored.
        contains: Only requests whose decompressed body contains this text fail.
        compressed: Only requests with a Content-Encoding fail, as with an ingress that refuses
            compressed bodies.
    """

    vendor: str | None = None
    times: int | None = None
    seconds: float | None = None
    status: int | None = None
    retry_after: str | None = None
    body: str | None = None
    delay: float = 0.0
    reset: str = ""
    trickle: float = 0.0
    max_body: int | None = None
    hang: bool = False
    items: tuple[int, ...] = ()
    contains: str = ""
    compressed: bool = False

    def __post_init__(self) -> None:
        known = (*VENDORS, QUERIES)
        if self.vendor is not None and self.vendor not in known:
            raise ValueError(f"vendor must be one of {', '.join(known)}, not {self.vendor!r}")
        if self.reset not in RESETS:
            raise ValueError(f"reset must be 'before' or 'after', not {self.reset!r}")
        if self.times is not None and self.times < 1:
            raise ValueError(
                "times must be at least 1, or None for all requests until the fault is cleared"
            )
        if self.seconds is not None and not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MAX_SECONDS}")
        if not all(200 <= one <= 599 for one in (self.status or 200, *self.items)):
            raise ValueError("status must be between 200 and 599")
        if not (0 <= self.delay <= 3600 and 0 <= self.trickle <= 3600):
            raise ValueError("delay and trickle must be 0 to 3600 seconds")
        if any(character in (self.retry_after or "") for character in "\r\n\0"):
            raise ValueError("retry_after must be one line")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fault:
        """
        Return the fault that *value* describes by the names of the attributes.

        Raises `ValueError` for unknown names and wrong types.
        """
        unknown = sorted(set(value) - set(_TYPES))
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(_TYPES)}")
        given = dict(value)
        if isinstance(given.get("items"), list):
            given["items"] = tuple(given["items"])
        for name, item in given.items():
            if isinstance(item, bool) != (_TYPES[name] == (bool,)) or not isinstance(
                item, _TYPES[name]
            ):
                raise ValueError(f"{name} has the wrong type")
        if not all(type(one) is int for one in given.get("items", ())):
            raise ValueError("items must be a list of statuses")
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """Return the attributes that are set, by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if self._is_set(one)}

    def _is_set(self, one: Field[Any]) -> bool:
        return bool(getattr(self, one.name) != one.default)


def _accepted(hint: Any) -> tuple[type, ...]:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (get_origin(hint) or hint,)
    return (int, *kinds) if float in kinds else kinds


_TYPES = {name: _accepted(hint) for name, hint in get_type_hints(Fault).items()}
"""The types that each attribute accepts from JSON."""


class FaultPanel:
    """
    The faults that are set; a request gets the first one that matches.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._faults: list[tuple[Fault, float]] = []

    def add(self, fault: Fault | None = None, /, **attributes: Any) -> Fault:
        """Add *fault*, or one with these attributes: `add(status=503, times=2)`."""
        chosen = Fault(**attributes) if fault is None else fault
        with self._lock:
            ends_at = math.inf if chosen.seconds is None else self._clock() + chosen.seconds
            self._faults.append((chosen, ends_at))
        return chosen

    def clear(self) -> int:
        """Remove all faults, and return their number."""
        with self._lock:
            self._expire()
            gone = len(self._faults)
            self._faults.clear()
        return gone

    def active(self) -> tuple[Fault, ...]:
        """Return the current faults, with the times and the seconds that each has left."""
        with self._lock:
            now = self._expire()
            return tuple(
                replace(fault, seconds=None if ends_at == math.inf else math.ceil(ends_at - now))
                for fault, ends_at in self._faults
            )

    def _expire(self) -> float:
        """Remove the faults whose time is over; return the time. Called with the lock held."""
        now = self._clock()
        self._faults = [(fault, ends_at) for fault, ends_at in self._faults if now < ends_at]
        return now

    def take(
        self, vendor: str, wire_bytes: int, raw: Callable[[], bytes], *, compressed: bool = False
    ) -> Fault | None:
        """
        Return the fault for this request, or None, and count it down.

        Args:
            vendor: The name of the called API.
            wire_bytes: The size of the body as sent.
            raw: Returns the decompressed body; called only where a fault depends on it.
            compressed: True where the body has a content encoding.
        """
        with self._lock:
            self._expire()
            for n, (fault, _) in enumerate(self._faults):
                if fault.compressed and not compressed:
                    continue
                if _matches(fault, vendor, wire_bytes, raw):
                    self._count_down(n, fault)
                    return fault
        return None

    def _count_down(self, n: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._faults[n]
        elif fault.times is not None:
            self._faults[n] = (replace(fault, times=fault.times - 1), self._faults[n][1])


def _matches(fault: Fault, vendor: str, wire_bytes: int, raw: Callable[[], bytes]) -> bool:
    if fault.vendor not in (None, vendor):
        return False
    if fault.items and not (vendor in VENDORS and VENDORS[vendor].answers_items):
        return False
    if fault.max_body is not None and wire_bytes <= fault.max_body:
        return False
    return not fault.contains or fault.contains.encode("utf-8", "surrogatepass") in raw()
