"""Where the tools read logs: the local server, or the service, in the same shapes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..errors import CxLoggingError

LogEvent: TypeAlias = Mapping[str, Any]
"""
An event: a ``Row`` of the local server's API (docs/local-server.md), with `str` ids.

What only `LogSource.event` returns: ``data``, ``traces`` (texts), ``call_site``, ``wire``,
``request``.
"""

ID_FIELDS = ("trace_id", "request_id", "task_id")
"""The ids by which events belong together."""


class ToolError(CxLoggingError):
    """Why a tool has no answer, and what to do: a sentence for the assistant."""


@dataclass(frozen=True)
class Search:
    """
    Which events are wanted.

    Attributes:
        query: Words, or a DataPrime query; empty for all events.
        severity: The least severity, 1 to 6.
        since: The earliest time, in nanoseconds since 1970.
        before: Where an earlier page ended, as `LogSource.cursor` wrote it.
        limit: The most events.
    """

    query: str = ""
    severity: int = 1
    since: int | None = None
    before: str = ""
    limit: int = 20


@dataclass(frozen=True)
class Found:
    """
    What a search found.

    Attributes:
        events: The events, newest first.
        more: Whether there are older ones.
        total: How many there are; None where that is not known.
        table: The rows of a query whose rows are not events, each a dict; None for events.
        notes: What the reader should know, in sentences.
    """

    events: Sequence[LogEvent] = ()
    more: bool = False
    total: int | None = None
    table: Sequence[Mapping[str, Any]] | None = None
    notes: Sequence[str] = field(default_factory=tuple)


class LogSource(ABC):
    """
    A place that has logs. Every method raises a `CxLoggingError` where it has no answer.

    Attributes:
        name: Its name in answers.
        window: The window of a search without a start, in words.
        sample: The most events that `fields` reads, the newest ones.
    """

    name: str
    window: str
    sample: int

    @abstractmethod
    def search(self, search: Search) -> Found:
        """Return the newest events that match."""

    @abstractmethod
    def cursor(self, event: LogEvent) -> str:
        """Return what continues a search after *event*."""

    @abstractmethod
    def event(self, event_id: str) -> LogEvent:
        """Return the whole event with this id."""

    @abstractmethod
    def related(self, event: LogEvent) -> Mapping[str, Sequence[LogEvent]]:
        """Return by name of an id that *event* has the events that share it, in any order."""

    @abstractmethod
    def rejected(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """Return the newest rejected requests, newest first."""

    @abstractmethod
    def fields(self, search: Search) -> Sequence[Mapping[str, Any]]:
        """Return the keypaths of the events that match: path, count, types, examples."""

    @abstractmethod
    def volume(self, by: str, since: int | None) -> Mapping[str, Any]:
        """Return who sent how much: rows of name, vendor, count, bytes and share."""

    @abstractmethod
    def absence(self) -> str:
        """Return why a search may have found nothing: a sentence."""
