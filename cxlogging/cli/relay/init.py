"""`cxlogging relay init`: create or compare what relays need on the servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ...wire.option_parsers import size
from ..shared.exit_codes import FAILURE
from ..shared.screen import note, safe, safe_json
from ..shared.wording import examples
from .running import FORMAT, configuration, connected, finish, stream_options

if TYPE_CHECKING:
    from ...relay.config import RelayConfig
    from ...relay.setup import SetupChange, Sizes


def _size(_: click.Context, param: click.Parameter, value: str | None) -> int | None:
    return None if value is None else int(size()(max(param.opts, key=len), value))


@click.command(
    "init",
    epilog=examples(
        "cxlogging relay init --nats nats://h1:4222,h2:4222,h3:4222/LOGS --max-bytes 20GiB",
        "cxlogging relay init --nats nats://127.0.0.1:4222/LOGS --replicas 1",
    ),
)
@stream_options
@click.option(
    "--replicas",
    type=click.IntRange(1, 5),
    help="On how many servers everything is stored; 1 for a single server. Default: 3.",
)
@click.option(
    "--max-bytes",
    metavar="SIZE",
    callback=_size,
    help="The bound of the stream, below the storage of the servers. Default: 4GiB.",
)
@click.option(
    "--rejected-bytes",
    metavar="SIZE",
    callback=_size,
    help="The bound of the stream of rejected records. Default: 1/16 of the stream's.",
)
@FORMAT
@click.pass_context
def init(
    ctx: click.Context,
    *,
    replicas: int | None,
    max_bytes: int | None,
    rejected_bytes: int | None,
    form: str,
) -> None:
    """
    Create or compare what relays need.

    That is streams, consumers and buckets. What is there already is changed only where relays
    need it to be otherwise, and its sizes only where an option asks for it: the command can be
    run again at any time. It refuses servers older than 2.10.27.

    Exit codes: 0 done, 1 something cannot be changed, 5 the servers do not answer.
    """
    from ...relay.setup import Sizes

    found = configuration(ctx)
    changes, alarms = finish(_init(found, Sizes(replicas, max_bytes, rejected_bytes)))
    if form == "json":
        parts = [change._asdict() for change in changes]
        click.echo(safe_json(json.dumps({"parts": parts, "alarms": alarms})))
    else:
        for change in changes:
            click.echo(safe(_line(change)))
        for alarm in alarms:
            note(f"warning: {alarm}")
    if any(change.done == "differs" for change in changes):
        raise SystemExit(FAILURE)


def _line(change: SetupChange) -> str:
    details = f": {'; '.join(change.details)}" if change.details else ""
    return f"{change.done:<9}  {change.part}{details}"


async def _init(config: RelayConfig, sizes: Sizes) -> tuple[list[SetupChange], list[str]]:
    from ...relay.setup import Setup
    from ...relay.status import read_status

    async with connected(config, "init") as link:
        changes = await Setup(link, config, sizes).run()
        return changes, (await read_status(link)).alarms
