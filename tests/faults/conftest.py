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
from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.http.connect import Connector, Resolve
from cxlogging.delivery.http.transport import HttpTransport
from cxlogging.delivery.journal.disk import Disk
from tests.fakes import HOLD_BACK, hold_back

from .backend import Backend
from .harness import Child, Oracle
from .proxy import FaultProxy
from .spooling import KILLED, LEFT, QUICK, use_disk


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
        """Return the outcome of promised records, and add it; *counted* were reported as lost."""
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
        """Add the duration of an exit."""
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
    """Start programs, and kill those that are left at the end."""
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

    def start(body: str, options: str = QUICK, killed_at: str = "", **more):
        code, place = LEFT.format(spool=str(spool)), str(spool)
        if killed_at:  # nothing is opened in the spool before the disk that kills is in its place
            code += KILLED.format(step=killed_at, spool=place)
            code += HOLD_BACK if "flush_interval=60" in options else ""
            place += ".unused"
        return child(code + textwrap.dedent(body), f"spool={place!r}, {options}", **more)

    return start


class Shift:
    """A monotonic clock that can be set forward; *random* is the value of every random number."""

    def __init__(self, random: float = 0.5) -> None:
        self.by = 0.0
        self.clock = Clocks(lambda: time.monotonic() + self.by, random=lambda: random)


class Shop:
    """
    A handler in this process, on a logger of its own, whose records have ids.

    Args:
        url: Of the vendor.
        clock: Replaces the clocks of the delivery.
        resolve: Replaces the system's resolver.
        disk: Replaces the file system of the spool.
        options: Of the handler.
    """

    def __init__(
        self,
        url: str,
        clock: Clocks | None = None,
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
            lane.replace(clock, lambda: HttpTransport(connector, (), lane.clock))
            if disk is not None:
                use_disk(self.handler, disk, self.delivery.options.spool, segment_bytes=20_000)
            else:
                self.delivery.workers.reset()
        hold_back(self.delivery)
        self.logger = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - out of the tree
        self.logger.addHandler(self.handler)
        self.promised: list[str] = []

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
    """Make handlers to a backend, and drop what they still hold at the end."""
    made: list[Shop] = []

    def make(url: str | None = None, **options) -> Shop:
        made.append(Shop(url or backend.url, **options))
        return made[-1]

    yield make
    for each in made:
        each.delivery.workers.abandon()
        each.handler.close()
