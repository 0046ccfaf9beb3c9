"""A handler of each vendor, in memory and with a spool, that ships to a local server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cxlogging.delivery.ledger import Stats
from cxlogging.devserver import DevServer
from cxlogging.handlers.handler import ShippingHandler
from tests.conftest import VENDORS, make_handler

SECONDS = 30.0
LEVELS = "level='INFO', held_level='DEBUG'"


@dataclass(frozen=True)
class Shop:
    """An application: its logger, its handler, and the server that it ships to."""

    server: DevServer
    handler: ShippingHandler
    log: logging.Logger

    def shipped(self) -> list[str]:
        """Return the messages that the vendor has, in order."""
        assert self.handler.flush(SECONDS), self.handler.stats()
        return [event["message"] for event in self.server.events()]

    @property
    def stats(self) -> Stats:
        return self.handler.stats()

    def outcomes(self) -> tuple[int, int, int]:
        """Return how many records were accepted, discarded, and are held; the ledger balances."""
        stats = self.stats
        assert stats.balanced, stats
        assert sum(stats.discarded_by_reason.values()) == stats.discarded
        return stats.accepted, stats.discarded, stats.held


@pytest.fixture(scope="module")
def running() -> Iterator[DevServer]:
    with DevServer() as server:
        yield server


@pytest.fixture
def server(running: DevServer) -> DevServer:
    running.clear()
    return running


MakeHandler = Callable[..., ShippingHandler]


@pytest.fixture
def make(server: DevServer) -> Iterator[MakeHandler]:
    """Makes handlers that ship to the server, in order."""
    made: list[ShippingHandler] = []

    def handler(vendor: str = "honeycomb", **options: Any) -> ShippingHandler:
        levels = {"level": "INFO", "held_level": "DEBUG"}
        given = {**levels, "concurrency": 1, "url": server.url, **options}
        made.append(make_handler(vendor, **given))
        return made[-1]

    yield handler
    for each in made:
        each.close()


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.disabled = False  # as a dictConfig of another test may have done
    yield logger
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture
def attach(server: DevServer, make: MakeHandler, log: logging.Logger) -> Callable[..., Shop]:
    """Attaches a handler with these options to the logger."""

    def attached(vendor: str = "honeycomb", **options: Any) -> Shop:
        handler = make(vendor, **options)
        log.addHandler(handler)
        return Shop(server, handler, log)

    return attached


@pytest.fixture(params=["memory", "spool"])
def waiting(request, tmp_path) -> dict[str, str]:
    """The option that says where records wait."""
    return {"spool": str(tmp_path / "spool")} if request.param == "spool" else {}


@pytest.fixture
def options(waiting: dict[str, str]) -> str:
    """Options for a program: both levels, and where records wait."""
    return ", ".join([LEVELS, *(f"{name}={value!r}" for name, value in waiting.items())])


@pytest.fixture(params=VENDORS)
def shop(request, waiting: dict[str, str], attach: Callable[..., Shop]) -> Shop:
    return attach(request.param, **waiting)
