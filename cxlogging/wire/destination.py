"""The contract between a vendor's rules and the delivery that carries its bytes."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from . import settings
from .event import (
    SAMPLE_RATE,
    Event,
    Site,
    nested_error_fields,
    nested_trace,
    present,
    put_sample_rate,
    put_trace,
    rename_reserved,
)
from .http import NOTHING, Endpoint, Limits, Request, Response, Secret, Verdict
from .size_limit import encode
from .verdicts import default_verdict

Writer = Callable[[int, "dict[str, Any]", int, "str | None"], bytes]
"""
Makes one item of a call site's record, in the shortest way there is.

It takes the nanoseconds since 1970, UTC; the message, the fields and the result of
`Destination.error_fields`; how many records this one stands for; and the name of the asyncio
task. It may add to the fields, and changes no value among them. It may raise, and may return more
bytes than one item may have: `Destination.encode` handles both.
"""


class Destination(ABC):
    """
    One place that logs are sent to: how its requests look, and what its answers mean.

    A subclass defines `build_item` and `body`, and whatever else differs from the defaults. Its
    methods take values and return values: no I/O, no clock, no thread, no change of state. They
    are called from several threads at once.

    Args:
        name: Who it is and where, for a person (``"Loki (logs.example.com)"``).
        endpoint: Where requests go: an `Endpoint` or a URL. None where it is not known yet.
        limits: What one request may hold.
        credential: The key or token; None where none is set or needed.
        identity: Who it is, without secrets: the vendor's name, and the arguments that make the
            same items go to the same place. Names the folder of a spool. By default the class's
            name and the URL.
        missing: What must be set before anything can be sent, such as ``"LOKI_TOKEN (or
            token=)"``; empty when nothing is missing.
        warnings: Sentences about settings that contradict each other.

    Raises:
        ConfigurationError: *endpoint* is not a URL that may be sent to.
    """

    content_type = "application/json"
    credential_header = "Authorization"
    """The header of a request that carries the credential."""

    credential_prefix = "Bearer "
    """What the header has before the credential."""

    message_field = "message"
    """The name of the message in `Writer`'s document."""

    cures: Mapping[int, str] = NOTHING
    """What a person can do about a status, by status."""

    envelope: Mapping[str, str] = NOTHING
    """Arguments, without secrets, that are in each request beside the items and `identity`."""

    def __init__(
        self,
        *,
        name: str,
        endpoint: Endpoint | str | None,
        limits: Limits,
        credential: Secret | str | None = None,
        identity: Mapping[str, str] | None = None,
        missing: str = "",
        warnings: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.endpoint = _endpoint(endpoint) if isinstance(endpoint, str) else endpoint
        self.limits = limits
        self.credential = Secret(credential) if isinstance(credential, str) else credential
        if identity is None:
            identity = {"vendor": type(self).__name__.lower(), "url": str(self.endpoint or "")}
        self.identity = identity
        self.missing = missing or ("" if self.endpoint else "an endpoint")
        self.warnings = tuple(warnings)

    reserved_fields = frozenset(
        "message level logger file line function thread process task exception stack_info"
        f" {SAMPLE_RATE}".split()
    )
    """Names in `document` that a field of the application does not replace."""

    @abstractmethod
    def build_item(self, event: Event) -> bytes:
        """Return one item of a batch; may raise, and may return more bytes than the limit."""

    @abstractmethod
    def body(self, items: Sequence[bytes]) -> bytes:
        """Return the body of a request that carries *items*, at least one of them, in order."""

    def document(self, event: Event) -> dict[str, Any]:
        """
        Return *event* as one JSON object, for `build_item`.

        It has the message, the application's fields, the trace, ``cx_sample_rate`` where it stands
        for more than one record, the exception, and where it was logged. A field of the
        application with a reserved name is called ``extra_<name>``.
        """
        fields = rename_reserved(event.fields, self.reserved_fields | {self.message_field})
        document = {self.message_field: event.message, **fields}
        if event.trace is not None:
            put_trace(document, self.trace_fields(*event.trace))
        origin = event.origin
        own = {
            "level": event.level_name,
            "logger": origin.name,
            "file": origin.pathname,
            "line": origin.lineno,
            "function": origin.funcName,
            "thread": origin.threadName,
            "process": origin.process,
            "task": event.task,
        }
        put_sample_rate(document, event.sample_rate)
        return {**document, **self.error_fields(event.error, event.stack), **present(own)}

    def encode(self, event: Event) -> bytes:
        """Return one item of a batch: always, whatever the event holds, within the limit."""
        return encode(self.build_item, event, self.limits.item_bytes)

    def request(self, items: Sequence[bytes]) -> Request:
        """
        Return the request that carries *items*, at least one of them.

        Raises:
            ConfigurationError: Something is `missing`.
        """
        if self.endpoint is None or self.missing:
            raise ConfigurationError(f"{self.name} needs {self.missing}.")
        headers: list[tuple[str, str | Secret]] = [("Content-Type", self.content_type)]
        if self.credential is not None:
            value = self.credential.prefixed(self.credential_prefix)
            headers.append((self.credential_header, value))
        return Request(self.endpoint, tuple(headers), self.body(items))

    def interpret(self, response: Response, count: int) -> Verdict:  # noqa: ARG002
        """Return what the answer to a request of *count* items means: by its status alone."""
        return default_verdict(response, self.cures)

    def through(self, name: str, limits: Limits, identity: Mapping[str, str]) -> Destination:
        """
        Return this destination as one whose items another process sends, which has the key.

        Args:
            name: Who it is and by which way, for a person.
            limits: Of what carries the items there.
            identity: With that way.
        """
        found = copy.copy(self)
        found.name, found.limits, found.identity, found.missing = name, limits, identity, ""
        return found

    def writer(
        self,
        level: int,  # noqa: ARG002 - for those that prepare something
        level_name: str,  # noqa: ARG002
        key: Site,  # noqa: ARG002
        fields: Mapping[str, Any],  # noqa: ARG002
    ) -> Writer | None:
        """
        Return what makes the items of a call site, or None where `encode` has to look at each.

        An item is the same, byte for byte, whichever of the two makes it.

        Args:
            level: The level number of all records of the call site.
            level_name: The level name of all records of the call site.
            key: The call site.
            fields: The names of the fields of all its records, with the values of those that are
                constant. The others are texts, numbers, booleans or None.
        """
        return None

    def flat(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        """
        Return what *fields* with nested values become in an item that `writer` makes.

        That is what `encode` makes of them in an event that has no field of the same name. None
        where `encode` has to look at each event.
        """
        return fields if self.limits.nests else None

    def trace_fields(self, trace_id: str, span_id: str) -> dict[str, str]:
        """Return the fields for the trace and the span in which an event was logged."""
        return nested_trace(trace_id, span_id)

    def error_fields(self, error: dict[str, Any] | None, stack: str | None) -> dict[str, Any]:
        """Return the fields for an exception and for the text of ``stack_info``."""
        return nested_error_fields(error, stack)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _endpoint(url: str) -> Endpoint:
    """Return *url* as an `Endpoint`; https only, except for this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError(f"endpoint takes a URL, not {url!r}.") from None
    path = parts.path or "/"
    path = f"{path}?{parts.query}" if parts.query else path
    return settings.endpoint(f"{parts.scheme}://{parts.netloc}", "", path, source="endpoint")
