"""Fixtures of the tests in a real browser: `server`, `browser`, `page` and `sender`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cxlogging.devserver import DevServer

from .driver import MISSING, Page, Sender, start_browser


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer() as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One driver for the tests of a module."""
    if MISSING:
        pytest.skip(MISSING)
    driver = start_browser(str(tmp_path_factory.mktemp("profile")))
    yield driver
    driver.quit()


@pytest.fixture
def page(server: DevServer, browser: Any) -> Iterator[Page]:
    """The page of `server`, not loaded yet; at the end no script may have failed."""
    shown = Page(browser, server.url)
    shown.errors()
    yield shown
    errors = shown.errors()
    shown.close()
    assert errors == []


@pytest.fixture
def sender(server: DevServer) -> Iterator[Callable[..., Sender]]:
    """Make senders to `server`, which are closed at the end."""
    made: list[Sender] = []

    def make(*vendors: str) -> Sender:
        made.append(Sender(server.url, vendors or ("betterstack",)))
        return made[-1]

    yield make
    for one in made:
        one.close()
