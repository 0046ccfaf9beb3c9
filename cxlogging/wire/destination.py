"""The contract between a vendor's rules and the delivery that carries its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .event import Event, Site
from .http import Endpoint, Limits, Request, Response, Secret, Verdict

Writer = Callable[[int, "dict[str, Any]", int, "str | None"], bytes]
"""
Makes one item of a call site's record, in the shortest way there is.

It takes the nanoseconds since 1970, UTC; the message and the fields, and what
`Destination.error_fields` gave; how many records this one stands for; and the name of
the asyncio task. It may raise, and may exceed the item's limit:
`Destination.encode` knows what to do then.
"""


class Destination(Protocol):
    """
    A vendor's rules: values in, values out; no I/O, no clock, no thread.

    Attributes:
        name: Who it is and where, for a person (``"Honeycomb (api.honeycomb.io)"``).
        endpoint: Where requests go; None where it is not known yet, which `missing` explains.
        limits: What one request may hold.
        identity: Who it is, without secrets: the vendor's name, and the handler's arguments that
            make the same items go to the same place.
        credential: The key or token of the account that items go to; None where none is set.
        credential_header: The header of a request that carries it.
        warnings: Sentences about settings that contradict each other.
        missing: What must be set before anything can be sent; empty when nothing is.
        message_field: The name that the message has in `Writer`'s document.
    """

    @property
    def name(self) -> str: ...

    @property
    def endpoint(self) -> Endpoint | None: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def identity(self) -> Mapping[str, str]: ...

    @property
    def credential(self) -> Secret | None: ...

    @property
    def credential_header(self) -> str: ...

    @property
    def warnings(self) -> Sequence[str]: ...

    @property
    def missing(self) -> str: ...

    def writer(
        self, level: int, level_name: str, key: Site, fields: Mapping[str, Any]
    ) -> Writer | None:
        """
        Return what makes the items of a call site, or None where `encode` has to look at each.

        An item is the same, byte for byte, whichever of the two makes it.

        Args:
            level: Of all records of the call site.
            level_name: Likewise.
            key: Likewise.
            fields: The names of the fields of all its records, with the values of
                those that are constant. The others are texts, numbers, booleans or None.
        """
        ...

    @property
    def message_field(self) -> str: ...

    def trace(self, trace_id: str, span_id: str) -> dict[str, str]:
        """Return the members for the trace and the span in which an event was logged."""
        ...

    def error_fields(self, error: dict[str, Any] | None, stack: str | None) -> dict[str, Any]:
        """Return the members for what few events have: an exception, the text of a stack."""
        ...

    def encode(self, event: Event) -> bytes:
        """Return one item of a batch: always, whatever the event holds, within the limit."""
        ...

    def request(self, items: Sequence[bytes]) -> Request:
        """Return the request that carries *items*, at least one of them."""
        ...

    def interpret(self, response: Response, count: int) -> Verdict:
        """Return what the answer to a request of *count* items means."""
        ...
