"""A server with what relays need, and a vendor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.backend import Backend
from tests.nats.servers import Node, one_node
from tests.relay.running import backend, init


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with one_node(tmp_path / "nats") as running:
        yield running


@pytest.fixture
def address(node: Node) -> str:
    """The address of a stream that is ready for relays."""
    place = f"{node.url}/LOGS"
    init(place)
    return place


@pytest.fixture
def vendor() -> Iterator[Backend]:
    with backend() as running:
        yield running
