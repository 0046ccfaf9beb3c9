"""What a delivery needs of the network, without importing any library for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from ...wire.http import Request, Response, Verdict
from ..queue.queue import Item, ItemOrigin


class TransportError(Exception):
    """
    No answer came.

    Attributes:
        cure: What a person can do about it; empty if unknown.
        timed_out: It was connected, but the deadline passed: a smaller request may succeed.
    """

    def __init__(self, reason: str, cure: str = "", *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.cure = cure
        self.timed_out = timed_out


class Transport(Protocol):
    """What a delivery needs of the network."""

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        """
        Return the answer to *request*, whose body is already in *encoding*.

        Raises:
            TransportError: There was none within *seconds*.
        """
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class ItemTransport(ABC):
    """What a delivery needs of a network that takes items as they are, as a stream does."""

    @abstractmethod
    def origin(self, number: int) -> ItemOrigin:
        """Return the origin of an item in memory with this *number*; one below 0 has none."""

    @abstractmethod
    def publish(
        self, items: Sequence[Item], origins: Sequence[ItemOrigin], seconds: float
    ) -> tuple[Verdict, int]:
        """
        Publish *items*; return what became of them, and the bytes that were taken.

        Args:
            items: At least one.
            origins: Of each of them.
            seconds: It takes at most so long.

        Raises:
            TransportError: Nothing is known of any item.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open; do not wait for it."""
