"""`cxlogging relay`: deliver the messages of a NATS stream, and look after that stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..shared.screen import note
from ..shared.wording import examples
from .init import init
from .rejected import rejected
from .running import configuration, finish, stream_options
from .status import status

if TYPE_CHECKING:
    from ...relay.config import RelayConfig


@click.group(
    "relay",
    invoke_without_command=True,
    epilog=examples(
        "cxlogging relay --config relay.toml",
        "cxlogging relay --nats nats://127.0.0.1:4222/LOGS",
        "cxlogging relay init --replicas 1 --nats nats://127.0.0.1:4222/LOGS",
    ),
)
@stream_options
@click.option("--check", is_flag=True, help="Check the configuration, and exit.")
@click.pass_context
def command(ctx: click.Context, *, check: bool) -> None:
    """
    Deliver the messages of a NATS JetStream stream to their vendors.

    Handlers with spool="nats://…" publish to the stream; only relays have the vendors' keys.
    Any number of relays share the work. `cxlogging relay init` creates what they need on the
    servers. Without a configuration file, the variables of the vendors' handlers are read.

    Runs until SIGTERM or Ctrl-C, then finishes what it holds.
    """
    if ctx.invoked_subcommand is not None:
        if check:
            raise click.UsageError(f"--check is not for {ctx.invoked_subcommand!r}.")
        return
    from ...relay.config import require_destinations

    found = configuration(ctx, delivers=True)
    require_destinations(found)
    if check:
        names = ", ".join(entry.name for entry in found.destinations)
        note(f"{found.address}: the configuration is valid. Destinations: {names}.")
        return
    finish(_run(found))


async def _run(config: RelayConfig) -> None:
    from ...delivery.nats.address import read_login
    from ...relay.log import RelayLog
    from ...relay.service import Relay

    log = RelayLog(config.log_format)
    relay = Relay(config, read_login(), log)
    stop = asyncio.Event()
    with log.with_diagnostics(), _quiet_client(), _stopped_by_signals(stop):
        await relay.run(stop)


@contextlib.contextmanager
def _quiet_client() -> Iterator[None]:
    """Keep the client's own log messages off stderr: the relay's log has what matters of them."""
    client = logging.getLogger("nats")
    handler = logging.NullHandler()
    client.addHandler(handler)
    try:
        yield
    finally:
        client.removeHandler(handler)


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set *stop* at the first SIGINT or SIGTERM; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop_once(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, stop_once) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


for each in (init, status, rejected):
    command.add_command(each)
