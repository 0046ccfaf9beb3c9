"""What a handler has the workers of its delivery do, beside sending records."""

from __future__ import annotations

from typing import Protocol

from ..wire.event import Event


class Chore(Protocol):
    """Something that is due from time to time, and is too much for a log call."""

    @property
    def due_at(self) -> float:
        """Monotonic seconds; infinite where nothing is to be done."""

    def work(self, now: float) -> None:
        """Do it, at monotonic *now*: when it is due, and at the end of the process."""

    def reset_after_fork(self) -> None:
        """Start afresh in the child of a fork, which nothing may delay."""


class EventSource(Protocol):
    """Sends the vendor events about this package, past the queue: they are not records."""

    @property
    def event_due_at(self) -> float:
        """Monotonic seconds; infinite where there is no event."""

    def take_event(self, now: float) -> Event | None:
        """Return the event that is due at monotonic *now*, or None. Under the delivery's lock."""

    def event_sent(self, *, done: bool) -> None:
        """Note whether the vendor took the event. Under the delivery's lock."""
