"""Events in memory, as the vendors would store them; for the pytest plugin."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from .delivery.overview import flush_all
from .vendors.emulation.event_fields import logger_of
from .vendors.emulation.types import AcceptedKeys, ApiRequest, Emulator, StoredEvent
from .vendors.registry import VENDORS
from .wire.destination import Destination
from .wire.http import Request, Response, Secret

FLUSH_SECONDS = 5.0
POLL_SECONDS = 0.01
ACCEPTED = 200

_events: list[StoredEvent] = []
"""All of the process, in the order of their requests."""

_refused: list[str] = []


class MemoryTransport:
    """
    Answers requests by the rules of the vendor, and stores the events of those that it accepts.

    Args:
        destination: Whose requests these are. Those of a destination that no vendor of the
            registry has rules for are accepted and not decoded.
    """

    def __init__(self, destination: Destination) -> None:
        vendor = VENDORS.get(destination.identity.get("vendor", ""))
        self._emulator: Emulator | None = None if vendor is None else vendor.emulator

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        """Return the vendor's answer."""
        del seconds
        if self._emulator is None:
            return Response(ACCEPTED)
        headers = {
            name.lower(): value.reveal() if isinstance(value, Secret) else value
            for name, value in request.headers
        }
        if encoding is not None:
            headers["content-encoding"] = encoding
        received = ApiRequest("POST", request.endpoint.path, headers, request.body, time.time_ns())
        result = self._emulator.answer(received, AcceptedKeys())
        _events.extend(result.events)
        if result.error:
            _refused.append(f"{self._emulator.vendor}: {result.error}")
        return Response(result.answer.status, result.answer.headers, result.answer.body)

    def close(self) -> None:
        """Do nothing."""


class CapturedEvents:
    """
    The events that were logged since this object was created, decoded for each vendor.

    Iterating, counting and every method deliver first what waits. Fields are given by name:
    ``message``, ``level``, ``logger`` or a name in the event; ``user__id`` is ``user.id``, nested
    or flat.
    """

    def __init__(self) -> None:
        flush_all(FLUSH_SECONDS)
        self._start = len(_events)
        self._refused_start = len(_refused)

    def __iter__(self) -> Iterator[StoredEvent]:
        return iter(self._delivered())

    def __len__(self) -> int:
        return len(self._delivered())

    def _delivered(self) -> list[StoredEvent]:
        flush_all(FLUSH_SECONDS)
        return _events[self._start :]

    @property
    def refused(self) -> list[str]:
        """Why requests were refused, in the vendors' words."""
        flush_all(FLUSH_SECONDS)
        return _refused[self._refused_start :]

    def find(self, vendor: str | None = None, **fields: Any) -> list[StoredEvent]:
        """
        Return the events that have these *fields*.

        Args:
            vendor: The vendor's name in lower case, as the local server names it; None for all.
            fields: Values that an event must have, each equal.
        """
        return [
            each
            for each in self
            if (vendor is None or each.vendor == vendor)
            and all(_value(each, name) == value for name, value in fields.items())
        ]

    def wait(
        self, count: int = 1, timeout: float = 5.0, vendor: str | None = None, **fields: Any
    ) -> list[StoredEvent]:
        """
        Wait until *count* events have these fields, as other threads log them; return them.

        Raises:
            AssertionError: There were fewer within *timeout* seconds.
        """
        end = time.monotonic() + timeout
        while len(found := self.find(vendor, **fields)) < count:
            if time.monotonic() > end:
                raise AssertionError(
                    f"{len(found)} of {count} events with {fields or 'any fields'} within"
                    f" {timeout:g} s; logged were: {self._shown()}"
                )
            time.sleep(POLL_SECONDS)
        return found

    def assert_none(self, vendor: str | None = None, **fields: Any) -> None:
        """
        Make sure that no event has these fields.

        Raises:
            AssertionError: One has.
        """
        found = self.find(vendor, **fields)
        if found:
            raise AssertionError(
                f"expected no event with {fields or 'any fields'}, found"
                f" {len(found)}, the first: {found[0].level} {found[0].message!r}"
            )

    def _shown(self) -> str:
        return ", ".join(f"{each.level} {each.message!r}" for each in self) or "nothing"

    def __repr__(self) -> str:
        return f"<CapturedEvents: {self._shown()}>"


def _value(event: StoredEvent, name: str) -> Any:
    if name in {"message", "level"}:
        return getattr(event, name)
    path = name.split("__")
    if path == ["logger"]:
        return logger_of(event.data, event.source.get("category"))
    flat = event.data.get(".".join(path))
    return flat if flat is not None else _nested(event.data, path)


def _nested(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
