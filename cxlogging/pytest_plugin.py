"""
For pytest: an application's tests send nothing to a vendor, and can see what would be sent.

Every handler that is created during the run gives its requests to the vendors' rules in memory.
``--cxlogging-send`` sends them instead. Processes that a test starts are told by
``CXLOGGING_DISABLED=1`` to count records only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .delivery import isolation

if TYPE_CHECKING:
    from .captured_events import CapturedEvents
    from .devserver import DevServer

SEND = "--cxlogging-send"
FLUSH_SECONDS = 1.0
"""How long a failed test waits for what it has logged."""

NOWHERE = "http://127.0.0.1:9"
"""A loopback address: handlers without a key use a placeholder."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cxlogging-send``."""
    parser.getgroup("cxlogging").addoption(
        SEND,
        action="store_true",
        help="let cxlogging's handlers send records to the vendors; else they stay in memory",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep records in memory from here on."""
    if config.getoption(SEND):
        return
    changes = config.stash[_CHANGES] = pytest.MonkeyPatch()
    changes.setenv(isolation.DISABLED_VARIABLE, "1")
    if "CXLOGGING_URL" not in os.environ:
        changes.setenv("CXLOGGING_URL", NOWHERE)
    isolation.replace_transport(_capture)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave everything as it was."""
    changes = config.stash.get(_CHANGES, None)
    if changes is not None:
        isolation.replace_transport(None)
        changes.undo()


_CHANGES = pytest.StashKey[pytest.MonkeyPatch]()


def _capture(destination: Any) -> Any:
    from .captured_events import MemoryTransport

    return MemoryTransport(destination)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say so where records are sent."""
    if config.getoption(SEND):
        return f"cxlogging: handlers send records to the vendors ({SEND})"
    return None


@pytest.fixture
def cxlogging_events(pytestconfig: pytest.Config) -> CapturedEvents:
    """The events that this test has logged, decoded as the vendor sees them."""
    if pytestconfig.getoption(SEND):
        pytest.fail(f"cxlogging_events needs records in memory: leave {SEND} out.", pytrace=False)
    from .captured_events import CapturedEvents

    return CapturedEvents()


@pytest.fixture
def cxlogging_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DevServer]:
    """
    Run the local server, and send to it what handlers created in this test are given.

    Needs the extra ``dev``. ``CXLOGGING_URL`` has its address, for started processes too.
    """
    from .devserver import DevServer

    replaced = isolation.replacement
    with DevServer() as server:
        monkeypatch.setenv("CXLOGGING_URL", server.url)
        monkeypatch.delenv(isolation.DISABLED_VARIABLE, raising=False)
        isolation.replace_transport(None)
        try:
            yield server
        finally:
            isolation.replace_transport(replaced)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Add to the report of a failed test what was logged and not delivered."""
    del item
    if call.when == "setup":
        _before.counts = _undelivered()
    outcome: Any = yield
    report = outcome.get_result()
    if report.failed and report.when == "call":
        lines = [
            f"{name}: {count} {what}{f' ({reason})' if reason else ''}"
            for (name, what), (count, reason) in _undelivered(FLUSH_SECONDS).items()
            if count > _before.counts.get((name, what), (0, ""))[0]
        ]
        if lines:
            report.sections.append(("cxlogging: logged, not delivered", "\n".join(lines)))


class _Before:
    counts: dict[tuple[str, str], tuple[int, str]] = {}  # noqa: RUF012 - replaced, never changed


_before = _Before()


def _undelivered(flush_seconds: float = 0.0) -> dict[tuple[str, str], tuple[int, str]]:
    """Return the counts of all handlers so far; nothing is imported where there is none."""
    overview: Any = sys.modules.get("cxlogging.delivery.overview")
    if overview is None:
        return {}
    if flush_seconds:
        overview.flush_all(flush_seconds)
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for name, stats in overview.stats().items():
        for what in ("rejected", "dropped", "abandoned", "pending"):
            count = int(getattr(stats, what))
            if count:
                found[name, what] = (count, stats.last_error or "")
    return found
