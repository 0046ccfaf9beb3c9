"""The contract between a vendor's rules and the delivery that carries its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .event import Parts, Site
from .http import Limits, Request, Response, Verdict


class Destination(Protocol):
    """
    A vendor's rules: values in, values out; no I/O, no clock, no thread.

    Attributes:
        name: Who it is and where, for a person (``"Honeycomb (api.honeycomb.io)"``).
        limits: What one request may hold.
        identity: Who it is, without secrets: the vendor's name, and the handler's arguments that
            make the same items go to the same place.
        missing: What must be set before anything can be sent; empty when nothing is.
    """

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def identity(self) -> Mapping[str, str]: ...

    @property
    def missing(self) -> str: ...

    def head(self, level: int, level_name: str, key: Site) -> Any:
        """Return what all events of a call site share, as `encode` takes it."""
        ...

    def encode(self, event: Parts) -> bytes:
        """Return one item of a batch: always, whatever the event holds, within the limit."""
        ...

    def request(self, items: Sequence[bytes]) -> Request:
        """Return the request that carries *items*, at least one of them."""
        ...

    def interpret(self, response: Response, count: int) -> Verdict:
        """Return what the answer to a request of *count* items means."""
        ...
