"""What a delivery needs of the network, without importing any library for it."""

from __future__ import annotations

from typing import Protocol

from ...wire.http import Request, Response


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
