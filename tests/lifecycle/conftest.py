"""
The lifecycle is the same for each queue: a test with `program` runs for all of them.

What is about the answers of a vendor has no meaning for a stream, where a relay gets them:
such a test is `about_a_vendor`. `tests/nats` has its counterparts about servers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxlogging.devserver import DevServer

QUEUES = ("memory", "journal", "nats")

about_a_vendor = pytest.mark.queues("memory", "journal")
"""Marks a test of what the vendor answers, or of the connection to it."""


class TestedQueue:
    """
    A queue, and how what passed it gets to the local server.

    Args:
        name: One of `QUEUES`.
        directory: For a journal.
        address: Of a stream; empty for the others.

    Attributes:
        threads: How many threads of the package run beside an idle worker.
    """

    __test__ = False

    def __init__(self, name: str, directory: Path, address: str) -> None:
        self.name = name
        self.threads = 0 if name == "memory" else 1  # the watcher, or the loop
        self._address = address
        spools = {"memory": {}, "journal": {"spool": str(directory)}, "nats": {"spool": address}}
        self.spool: dict[str, str] = spools[name]

    def deliver(self, server: DevServer) -> None:
        """Do what relays do."""
        if self._address:
            from tests.nats.relaying import relay

            relay(self._address, server)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "queue" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("queues")
        names = marker.args if marker else QUEUES
        # `make test` has the tests of the journal itself, and no time for all of these.
        marks = {"journal": pytest.mark.slow}
        values = [pytest.param(name, marks=marks.get(name, ())) for name in names]
        metafunc.parametrize("queue", values, indirect=True)


@pytest.fixture
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> TestedQueue:
    """Return the queue that the test runs with."""
    address = request.getfixturevalue("address") if request.param == "nats" else ""
    return TestedQueue(request.param, tmp_path / "queue", address)


@pytest.fixture
def program(
    program: Callable[..., Any], queue: TestedQueue, server: DevServer
) -> Callable[..., Any]:
    """
    Run a program as the fixture of all tests does, with the queue; then deliver what it left.

    Handlers that it makes itself use the queue with ``**SPOOL``; ``OURS`` is `TestedQueue.threads`.
    """

    def run(body: str, vendor: str = "betterstack", options: str = "", **others: Any) -> Any:
        given = [options] if options else []
        if "spool=" not in options:
            given += [f"{name}={value!r}" for name, value in queue.spool.items()]
        before = f"SPOOL, OURS = {queue.spool!r}, {queue.threads}\n{others.pop('before', '')}"
        result = program(body, vendor, ", ".join(given), before=before, **others)
        queue.deliver(server)
        return result

    return run
