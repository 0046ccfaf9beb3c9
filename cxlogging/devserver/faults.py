"""Trouble on demand: what a vendor, a proxy or a cable may do, asked for by tests and people."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from ..vendors.emulation.types import QUERIES
from ..vendors.registry import VENDORS

RESETS = ("", "before", "after")


@dataclass(frozen=True)
class Fault:
    """
    One kind of trouble. What is not set does not happen; what is set happens together.

    Attributes:
        vendor: Whom it befalls, or `dataprime` for queries; None for any of them.
        times: The next so many matching requests; None until it is cleared.
        status: Answered instead of handling the request; nothing is kept.
        retry_after: The header `Retry-After`, as it stands: seconds or an HTTP date.
        body: Of the answer with *status*; None for the vendor's own words.
        delay: Seconds to wait before anything else happens.
        reset: `before`: the connection is reset, nothing is kept. `after`: the events are
            kept, then it is reset without an answer.
        trickle: Seconds between the single bytes of the answer.
        max_body: Bodies above so many bytes on the wire get the vendor's too-large answer.
            Smaller ones are not touched, and do not count.
        hang: No answer until the client leaves; nothing is kept.
        items: Statuses of the valid items, in turn, where an answer holds one for each; only items
            with 202 are stored.
        contains: Only for requests whose body, inflated, holds this text.
        compressed: Only for requests with a Content-Encoding, as an ingress that does not take
            compressed bodies refuses them.
    """

    vendor: str | None = None
    times: int | None = None
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
            raise ValueError("times must be at least 1, or None: until it is cleared")
        if not all(200 <= one <= 599 for one in (self.status or 200, *self.items)):
            raise ValueError("a status is between 200 and 599")
        if not (0 <= self.delay <= 3600 and 0 <= self.trickle <= 3600):
            raise ValueError("delay and trickle are seconds, from 0 to 3600")
        if any(character in (self.retry_after or "") for character in "\r\n\0"):
            raise ValueError("retry_after must be one line")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fault:
        """
        The fault that *value* describes, with the names of the attributes.

        Raises `ValueError` with a sentence for unknown names and wrong types.
        """
        unknown = sorted(set(value) - set(_TYPES))
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(_TYPES)}")
        given = dict(value)
        if isinstance(given.get("items"), list):
            given["items"] = tuple(given["items"])
        for name, held in given.items():
            if isinstance(held, bool) != (_TYPES[name] == (bool,)) or not isinstance(
                held, _TYPES[name]
            ):
                raise ValueError(f"{name} is of the wrong type")
        if not all(type(one) is int for one in given.get("items", ())):
            raise ValueError("items must be a list of statuses")
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """What is set, by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if self._sets(one)}

    def _sets(self, one: Field[Any]) -> bool:
        return bool(getattr(self, one.name) != one.default)


_NONE = type(None)
_TYPES: dict[str, tuple[type, ...]] = {
    "vendor": (str, _NONE),
    "times": (int, _NONE),
    "status": (int, _NONE),
    "retry_after": (str, _NONE),
    "body": (str, _NONE),
    "delay": (int, float),
    "reset": (str,),
    "trickle": (int, float),
    "max_body": (int, _NONE),
    "hang": (bool,),
    "items": (tuple,),
    "contains": (str,),
    "compressed": (bool,),
}
assert set(_TYPES) == {one.name for one in fields(Fault)}  # noqa: S101 - the two lists are one


class FaultPanel:
    """The faults that are set, in order: the first that matches a request befalls it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault | None = None, /, **attributes: Any) -> Fault:
        """Set *fault*, or one of these attributes: `add(status=503, times=2)`."""
        chosen = Fault(**attributes) if fault is None else fault
        with self._lock:
            self._faults.append(chosen)
        return chosen

    def clear(self) -> int:
        """Take all faults away; how many there were."""
        with self._lock:
            gone = len(self._faults)
            self._faults.clear()
        return gone

    def active(self) -> tuple[Fault, ...]:
        """What is set now, with the times that are left."""
        with self._lock:
            return tuple(self._faults)

    def take(
        self, vendor: str, wire_bytes: int, raw: Callable[[], bytes], *, compressed: bool = False
    ) -> Fault | None:
        """
        The fault that befalls this request, counted down.

        Args:
            vendor: Whose door it came to.
            wire_bytes: Of its body.
            raw: Gives the inflated body; called only where a fault looks into it.
            compressed: True where the body has a content encoding.
        """
        with self._lock:
            for n, fault in enumerate(self._faults):
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
            self._faults[n] = replace(fault, times=fault.times - 1)


def _matches(fault: Fault, vendor: str, wire_bytes: int, raw: Callable[[], bytes]) -> bool:
    if fault.vendor not in (None, vendor):
        return False
    if fault.items and not (vendor in VENDORS and VENDORS[vendor].answers_items):
        return False
    if fault.max_body is not None and wire_bytes <= fault.max_body:
        return False
    return not fault.contains or fault.contains.encode("utf-8", "surrogatepass") in raw()
