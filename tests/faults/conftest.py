"""Fixtures of the fault matrix: backends, programs, and the figures of each case."""

from __future__ import annotations

import contextlib
import logging
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import cxlogging
from cxlogging.delivery.clock import Clock
from cxlogging.delivery.http.connect import Connector, Resolve
from cxlogging.delivery.http.transport import HttpTransport
from cxlogging.delivery.journal.disk import Disk
from cxlogging.delivery.journal.journal import Journal
from cxlogging.delivery.queue.factory import spool_of
from tests.fakes import hold_back

from .backend import Backend
from .harness import Child, Oracle
from .proxy import FaultProxy
from .spooling import LEFT, QUICK

PLUGIN = "tests.faults.report"


def pytest_collection_modifyitems(config, items):
    """Without the report, only what is quick and needs no other server runs."""
    if config.pluginmanager.has_plugin(PLUGIN):
        return
    left_out = [
        item
        for item in items
        if item.get_closest_marker("long") or item.get_closest_marker("runtimes")
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class Figures:
    """The numbers of one case, for the report."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._counts: dict[str, int] = {}
        self._longest = 0.0
        self._properties = request.node.user_properties
        self._properties.append(("figures", self._counts))

    def add(self, **counts: int) -> None:
        """Add to ``logged``, ``delivered``, ``duplicated``, ``counted`` or ``lost``."""
        for name, count in counts.items():
            self._counts[name] = self._counts.get(name, 0) + count

    def judge(self, promised: Iterable[str], backend: Backend, counted: int = 0) -> Oracle:
        """Return what became of promised records, and add it; *counted* is known to be lost."""
        promised = set(promised)
        oracle = Oracle.judge(promised, backend)
        self.add(
            logged=len(promised),
            delivered=len(promised) - len(oracle.lost),
            duplicated=len(oracle.duplicated),
            counted=counted,
            lost=len(oracle.lost) - counted,
        )
        return oracle

    def exit(self, seconds: float) -> None:
        """Add how long an exit took."""
        self._longest = max(seconds, self._longest)
        self._properties.append(("exit_seconds", self._longest))


@pytest.fixture
def figures(request) -> Figures:
    return Figures(request)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as running:
        yield running


@pytest.fixture
def proxy(backend) -> Iterator[FaultProxy]:
    with FaultProxy(backend.port) as running:
        yield running


@pytest.fixture
def child(backend) -> Iterator[Callable[..., Child]]:
    """Start programs, and see to it that none is left."""
    with contextlib.ExitStack() as stack:

        def start(body: str, options: str = "", url: str | None = None, **more) -> Child:
            return stack.enter_context(Child(body, url or backend.url, options, **more))

        yield start


@pytest.fixture
def spool(tmp_path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spooling(child, spool):
    """Start programs that share a spool."""

    def start(body: str, options: str = QUICK, **more):
        code = LEFT.format(spool=str(spool)) + textwrap.dedent(body)
        return child(code, f"spool={str(spool)!r}, {options}", **more)

    return start


class Shift:
    """A monotonic clock that can be set forward; *random* is what chance always says."""

    def __init__(self, random: float = 0.5) -> None:
        self.by = 0.0
        self.clock = Clock(lambda: time.monotonic() + self.by, random=lambda: random)


class Shop:
    """
    A handler in this process, on a logger of its own, whose records carry ids.

    Args:
        url: Where they go.
        clock: Replaces the clocks of the delivery.
        resolve: Replaces the system's resolver.
        disk: Replaces the file system of the spool.
        options: Of the handler.
    """

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        resolve: Resolve | None = None,
        disk: Disk | None = None,
        **options,
    ) -> None:
        given = {"format": "ndjson", "compression": None, "sequence": True, "retry_initial": 0.01}
        self.handler = cxlogging.BetterStackHandler("canary-token", url=url, **{**given, **options})
        self.delivery = self.handler._delivery
        if clock is not None or resolve is not None or disk is not None:
            lane = self.delivery.lane
            connector = Connector(lane.destination.endpoint, lane.options, resolve)
            lane.replace(
                clock,
                lambda: HttpTransport(connector, (), lane.clock),
                None if disk is None else self._journal(disk),
            )
            self.delivery.workers.reset()
        hold_back(self.delivery)
        self.logger = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - out of the tree
        self.logger.addHandler(self.handler)
        self.promised: list[str] = []

    def _journal(self, disk: Disk):
        options = self.delivery.options
        spool = spool_of(self.delivery.destination, options.spool, options, disk)
        return lambda clock, evicted, lock: Journal(
            spool, options, clock, evicted, lock, disk=disk, segment_bytes=20_000
        )

    def log(self, count: int = 1, level: int = logging.INFO, text: str = "", run: str = "a"):
        """Log *count* more records."""
        for _ in range(count):
            number = len(self.promised)
            self.logger.log(level, "<%s:%d>%s", run, number, text)
            self.promised.append(f"{run}:{number}")

    @property
    def balanced(self) -> bool:
        """Whether every record has its outcome, and all outcomes add up."""
        stats = self.handler.stats()
        return stats.balanced and stats.accepted == len(self.promised)


@pytest.fixture
def shop(backend) -> Iterator[Callable[..., Shop]]:
    """Make handlers to a backend, and give up what they hold in the end."""
    made: list[Shop] = []

    def make(url: str | None = None, **options) -> Shop:
        made.append(Shop(url or backend.url, **options))
        return made[-1]

    yield make
    for each in made:
        each.delivery.workers.abandon()
        each.handler.close()
