"""A server with what relays need, and a vendor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.backend import Backend
from tests.nats.servers import Node, one_node
from tests.relay.running import backend, init

NUMBERS = itertools.count(1)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A server of the test's own."""
    with one_node(tmp_path / "nats") as running:
        yield running


@pytest.fixture(scope="module")
def shared_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with one_node(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def address(shared_node: Node) -> str:
    """The address of a stream of the test's own, ready for relays."""
    place = f"{shared_node.url}/LOGS{next(NUMBERS)}"
    init(place)
    return place


@pytest.fixture
def quick(shared_node: Node) -> str:
    """A stream whose consumers wait two seconds for an acknowledgement."""
    place = f"{shared_node.url}/QUICK{next(NUMBERS)}"
    init(place, ack_wait=2)
    return place


@pytest.fixture
def vendor() -> Iterator[Backend]:
    with backend() as running:
        yield running
