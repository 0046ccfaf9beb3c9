"""A server with what relays need, and a vendor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.backend import Backend
from tests.nats.servers import Node, one_node
from tests.relay.running import backend, init


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[Node]:
    """A server of the test's own."""
    with one_node(tmp_path / "nats") as running:
        yield running


@pytest.fixture
def address(unused_address: str) -> str:
    """The address of a stream of the test's own, ready for relays."""
    init(unused_address)
    return unused_address


@pytest.fixture
def quick(unused_address: str) -> str:
    """A stream whose consumers wait two seconds for an acknowledgement."""
    init(unused_address, ack_wait=2)
    return unused_address


@pytest.fixture
def vendor() -> Iterator[Backend]:
    with backend() as running:
        yield running
