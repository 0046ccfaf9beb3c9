"""`cxlogging mcp`: logs for coding assistants."""

from __future__ import annotations

import signal
import sys

import click

from ..dataprime import DataPrimeClient, Tier
from ..dataprime.http.endpoint import address
from ..mcp.local import LocalSource
from ..mcp.server import run_stdio
from ..mcp.service import ServiceSource
from ..mcp.source import LogSource
from ..mcp.tools import BUDGET
from ..vendors.registry import QUERIED
from ..wire.settings import endpoint
from .shared import connection_options as connection
from .shared.local_server import address_options, local_url
from .shared.screen import note
from .shared.wording import examples


@click.command(
    "mcp",
    epilog=examples(
        "cxlogging mcp",
        "cxlogging mcp --port 9000",
        "cxlogging mcp --service --domain eu2",
    ),
)
@address_options
@click.option(
    "--service",
    is_flag=True,
    help=f"Read the logs of an account of {QUERIED.title}, with a key that may query.",
)
@click.option(
    "--domain",
    metavar="D",
    help="The domain or region of the account, such as eu2; implies --service.",
)
@connection.tier
@click.option(
    "--max-chars",
    type=click.IntRange(2_000, 200_000),
    default=BUDGET,
    show_default=True,
    metavar="N",
    help="The most characters of an answer.",
)
def command(
    *,
    url: str | None,
    port: int | None,
    service: bool,
    domain: str | None,
    tier: Tier,
    max_chars: int,
) -> None:
    """
    Serve the logs to a coding assistant: MCP on standard input and output.

    An assistant starts this command itself; `docs/mcp.md` has the entries for the common ones. Its
    tools read what the local server, `cxlogging dev`, has received, and change nothing. The local
    server has the same tools at its own address, at /mcp.

    With --service, the key comes from the variables that `cxlogging query` reads.
    """
    if service or domain:
        if url or port:
            raise click.UsageError("--service and --domain need no --url and no --port.")
        source: LogSource = _service(domain, tier)
    elif url and port:
        raise click.UsageError("--url and --port both say where the local server is: pass one.")
    else:
        source = LocalSource(_local_address(url, port))
    if sys.stdin.isatty():
        note("A coding assistant starts this command and speaks MCP with it. Ctrl-C stops it.")
    # A thread of the SDK waits for stdin, and would keep the interpreter from ending.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run_stdio(source, max_chars)


def _service(domain: str | None, tier: Tier) -> ServiceSource:
    client = DataPrimeClient(None, domain, None, timeout=60.0, retry_budget=10.0)
    return ServiceSource(client, f"{QUERIED.title} ({address(domain, None).authority})", tier)


def _local_address(url: str | None, port: int | None) -> str:
    if port:
        return local_url(port)
    found = endpoint(url, None, "")
    return found.origin if found else local_url()
