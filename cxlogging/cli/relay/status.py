"""`cxlogging relay status`: what waits, what is rejected, and which relays run."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import click

from ..shared.screen import note, safe, safe_json
from ..shared.wording import examples
from .running import FORMAT, configuration, connected, finish, stream_options

if TYPE_CHECKING:
    from ...relay.config import RelayConfig
    from ...relay.status import StreamStatus

EVERY_SECONDS = 1.0
MEASURED_SECONDS = 1.0
"""How long the rate of what comes is measured."""


@click.command(
    "status",
    epilog=examples(
        "cxlogging relay status --nats nats://127.0.0.1:4222/LOGS",
        "cxlogging relay status --config relay.toml --watch",
        "cxlogging relay status --format json",
    ),
)
@stream_options
@click.option(
    "--watch", is_flag=True, help="Show a progress bar until nothing waits in the stream."
)
@FORMAT
@click.pass_context
def status(ctx: click.Context, *, watch: bool, form: str) -> None:
    """
    Show what waits and which relays run.

    Also how old the oldest message is, what comes and is delivered each second, and what was
    rejected.

    Warnings say what should alarm somebody: a stream that is nearly full, messages that no
    consumer has, or rejected records.

    Exit codes: 0 done, 1 there is no such stream, 5 the servers do not answer.
    """
    found = configuration(ctx)
    finish(_watch(found, form) if watch else _once(found, form))


async def _once(config: RelayConfig, form: str) -> None:
    from ...relay.status import read_status

    async with connected(config, "status") as link:
        _print(await read_status(link, MEASURED_SECONDS), form)


async def _watch(config: RelayConfig, form: str) -> None:
    from ...relay.status import read_status
    from ..shared.progress import progress_bar

    async with connected(config, "status") as link:
        found = await read_status(link)
        begun = found.last_sequence - found.messages
        with progress_bar() as bar:
            task = bar.add_task("messages", total=found.messages)
            while found.messages:
                bar.update(
                    task,
                    total=found.last_sequence - begun,
                    completed=found.last_sequence - begun - found.messages,
                    description=f"{found.rate:,.0f} records/s",
                )
                if form == "json":
                    _print(found, form)
                await asyncio.sleep(EVERY_SECONDS)
                found = await read_status(link)
        _print(found, form)


def _print(status: StreamStatus, form: str) -> None:
    if form == "json":
        click.echo(safe_json(json.dumps(status.as_dict())))
        return
    age = (
        "" if status.oldest_seconds is None else f", the oldest {_duration(status.oldest_seconds)}"
    )
    bound = f" of {_size(status.max_bytes)}" if status.max_bytes > 0 else ""
    click.echo(safe(f"{status.stream}  replicas {status.replicas}"))
    click.echo(f"  waiting   {status.messages:,} messages, {_size(status.size)}{bound}{age}")
    for each in status.vendors:
        if each.waiting or each.held:
            click.echo(safe(f"    {each.vendor}  {each.waiting:,} waiting, {each.held:,} held"))
    click.echo(f"  rejected  {status.rejected:,} messages, {_size(status.rejected_bytes)}")
    click.echo(f"  coming    {status.published_per_second:,.0f} messages/s")
    click.echo(f"  relays    {len(status.relays)}, {status.rate:,.0f} records/s delivered")
    for relay in status.relays:
        up = _duration(max(0.0, time.time() - float(relay.get("started", time.time()))))
        counts = f"{relay.get('delivered', 0):,} delivered, {relay.get('rejected', 0):,} rejected"
        where = f"{relay.get('host', '')} pid {relay.get('pid', '')}"
        click.echo(safe(f"    {relay['relay']}  {where}  up {up}  {counts}"))
    for alarm in status.alarms:
        note(f"warning: {alarm}")


def _size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
