"""One server for all tests of a process; each test has a stream of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from .servers import Node, create_stream, one_node

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with one_node(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def address(node: Node) -> str:
    """Return the address of a new stream."""
    found = f"{node.url}/LOGS_{next(_numbers)}"
    create_stream(found)
    return found
