"""The server and the streams of tests/nats."""

from __future__ import annotations

from tests.nats.conftest import address, node

__all__ = ["address", "node"]
