"""Fixtures of several test packages: the local server, and programs run as a user runs them."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest

import cxlogging
from cxlogging.delivery.process.registry import registered
from cxlogging.devserver import DevServer
from cxlogging.handlers.handler import ShippingHandler
from tests.fakes import HOLD_BACK

# A shell ignores them for background jobs, and every program that a test starts inherits that.
DEFAULT_ACTIONS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
for number, action in DEFAULT_ACTIONS.items():
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, action)

# Generated examples prove values, not durations: beside other tests any of them may take long.
hypothesis.settings.register_profile(
    "no deadlines", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("no deadlines")

_streams = itertools.count(1)

VENDORS = ("coralogix", "honeycomb", "betterstack")

HANDLERS = {
    "coralogix": "cxlogging.CoralogixHandler(api_key='key', application_name='shop'",
    "honeycomb": "cxlogging.HoneycombHandler(api_key='key', dataset='shop'",
    "betterstack": "cxlogging.BetterStackHandler(source_token='key'",
}

PREAMBLE = """
import logging, os, sys, threading, time
import cxlogging
URL = os.environ["TEST_URL"]
handler = {handler}, url=URL{options})
log = logging.getLogger("shop")
log.setLevel(logging.DEBUG)
log.addHandler(handler)
"""


def make_handler(vendor: str, **options: Any) -> ShippingHandler:
    """Return a handler of *vendor* as programs make it, with these *options*."""
    code = f"{HANDLERS[vendor]}, **options)"
    handler: ShippingHandler = eval(code, {"cxlogging": cxlogging, "options": options})
    return handler


@dataclass(frozen=True)
class ProgramResult:
    """The result of a program."""

    code: int
    out: str
    err: str
    seconds: float


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    """Undo what tests leave in the process: disabled loggers, and fields of an open request."""
    yield
    cxlogging.unbind()
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer() as running:
        yield running


@pytest.fixture
def program(server: DevServer) -> Callable[..., ProgramResult]:
    """Run a program with a handler on the logger ``log``, and return its result."""

    def run(
        body: str,
        vendor: str = "betterstack",
        options: str = "",
        url: str | None = None,
        arguments: tuple[str, ...] = (),
        before: str = "",
    ) -> ProgramResult:
        preamble = PREAMBLE.format(
            handler=HANDLERS[vendor], options=f", {options}" if options else ""
        )
        held = HOLD_BACK if "flush_interval=60" in options else ""
        code = f"{before}\n{preamble}{held}" + textwrap.dedent(body)
        environment = {**os.environ, "TEST_URL": url or server.url}
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, *arguments, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return ProgramResult(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    return run


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run one NATS server for all tests of a module."""
    from tests.nats.servers import one_node

    with one_node(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def unused_address(node: Any) -> str:
    """Return the address of a stream that does not exist."""
    return f"{node.url}/LOGS_{next(_streams)}"


@pytest.fixture
def address(unused_address: str) -> str:
    """Return the address of a new stream."""
    from tests.nats.servers import create_stream

    create_stream(unused_address)
    return unused_address


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Drop what a test leaves waiting, so that its workers do not disturb the next test."""
    yield
    for workers in registered():
        if workers.lane.outstanding:
            workers.abandon()
