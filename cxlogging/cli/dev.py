"""`cxlogging dev`: the local server in the foreground."""

from __future__ import annotations

import gc
import shlex
import signal
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..devserver import DevServer, Keys
from ..devserver.query.endpoint import TIMEOUT
from ..wire import option_parsers as values
from .shared.screen import safe
from .shared.wording import examples, in_flags

if TYPE_CHECKING:
    from types import FrameType

    from ..devserver import RequestRecord


def _size(ctx: click.Context, param: click.Parameter, value: str) -> Any:
    del ctx
    return values.size()(param.opts[0], value)


@click.command(
    "dev",
    epilog=examples(
        "cxlogging dev --port 0",
        "cxlogging dev --db events.db --max-size 1GiB",
    ),
)
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port to listen on; 0 picks a free one and prints it.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Accept other machines. Anybody who reaches the port can read everything.",
)
@click.option(
    "--db",
    "path",
    metavar="PATH",
    type=click.Path(dir_okay=False),
    help="Store what arrives in this file. Without it, nothing is kept after the end.",
)
@click.option(
    "--max-size",
    metavar="SIZE",
    default="256MiB",
    show_default=True,
    callback=_size,
    help="The size of the database; above it, the oldest events are deleted.",
)
@click.option(
    "--coralogix-key",
    "coralogix",
    metavar="K",
    multiple=True,
    help="Accept only this key for Coralogix. May be repeated. Default: any key.",
)
@click.option(
    "--honeycomb-key",
    "honeycomb",
    metavar="K",
    multiple=True,
    help="Accept only this key for Honeycomb. May be repeated. Default: any key.",
)
@click.option(
    "--betterstack-token",
    "betterstack",
    metavar="K",
    multiple=True,
    help="Accept only this source token for Better Stack. May be repeated. Default: any token.",
)
@click.option(
    "--query-key",
    "dataprime",
    metavar="K",
    multiple=True,
    help="Accept only this key for queries. May be repeated. Default: any key.",
)
@click.option(
    "--query-timeout",
    metavar="SECONDS",
    default=TIMEOUT,
    show_default=True,
    type=click.FloatRange(0.1, 86_400),
    help="Stop a query after this time; a background query may take ten times as long.",
)
@click.option(
    "--coralogix-plain-only",
    "plain_only",
    is_flag=True,
    help="Answer compressed requests to the Coralogix endpoints with 415.",
)
def command(
    *,
    port: int,
    host: str,
    allow_remote: bool,
    path: str | None,
    max_size: int,
    coralogix: tuple[str, ...],
    honeycomb: tuple[str, ...],
    betterstack: tuple[str, ...],
    dataprime: tuple[str, ...],
    query_timeout: float,
    plain_only: bool,
) -> None:
    """
    Run a local server that behaves like Coralogix, Honeycomb and Better Stack.

    It enforces the rules of each vendor's API, so that requests accepted here are accepted there.
    It stores what arrives in a database, shows it on a page, and answers DataPrime queries. Each
    request that is rejected is a line on stderr with the reason. Stop it with Ctrl-C.
    """
    keys = {"coralogix": coralogix, "honeycomb": honeycomb, "betterstack": betterstack}
    keys["dataprime"] = dataprime
    accepted = Keys(**{vendor: given or None for vendor, given in keys.items()})
    try:
        server = DevServer(
            port,
            host,
            keys=accepted,
            path=path,
            max_bytes=max_size,
            allow_remote=allow_remote,
            on_request=_print_rejection,
            query_timeout=query_timeout,
        )
    except (ValueError, OSError, sqlite3.Error) as error:
        raise click.ClickException(_error_message(error, host, port)) from None
    if plain_only:
        server.faults.add(vendor="coralogix", compressed=True, status=415)
    _serve(server, {vendor for vendor, given in keys.items() if given})


def _serve(server: DevServer, keyed: set[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_interrupt)
    try:
        server.start()
        click.echo(_welcome(server.url, keyed))
        threading.Event().wait()
    except OSError as error:
        raise click.ClickException(_error_message(error, server.host, server.port)) from None
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        server.stop()
        # A large request may have left millions of objects, which the garbage collector would
        # visit several times before the interpreter ends.
        gc.freeze()


def _raise_interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def _error_message(error: Exception, host: str, port: int) -> str:
    if isinstance(error, OSError):
        return f"cannot listen on {host}, port {port}: {error.strerror or error}. Try --port 0."
    if isinstance(error, sqlite3.Error):
        return f"cannot use the database file: {error}."
    return f"{in_flags(str(error), command)}."


def _print_rejection(request: RequestRecord) -> None:
    if not request.error:
        return
    outcome = request.status or "no answer"
    line = f"{request.vendor} {request.method} {request.path} -> {outcome}: {request.error}"
    click.echo(safe(line), err=True)


def _welcome(url: str, keyed: set[str]) -> str:
    def key(vendor: str) -> str:
        return "<the key you gave>" if vendor in keyed else "dev"

    # Each block is enough to send here. It names no region or domain, which would lead elsewhere.
    # Variables that only a vendor's SDK reads have their own block.
    blocks = {
        "cxlogging, all handlers": {"CXLOGGING_URL": url},
        "Coralogix": {
            "CORALOGIX_API_KEY": key("coralogix"),
            "CORALOGIX_APPLICATION_NAME": "app",
            "CORALOGIX_SUBSYSTEM_NAME": "local",
            "CORALOGIX_LOG_URL": f"{url}/logs/v1/singles",
        },
        "Coralogix's own SDK, in addition to the block above": {
            "CORALOGIX_TIME_DELTA_URL": f"{url}/sdk/v1/time",
        },
        "Honeycomb": {
            "HONEYCOMB_API_KEY": key("honeycomb"),
            "HONEYCOMB_DATASET": "app",
            "HONEYCOMB_API_ENDPOINT": url,
        },
        "Better Stack": {
            "BETTER_STACK_SOURCE_TOKEN": key("betterstack"),
            "BETTER_STACK_INGESTING_URL": url,
        },
    }
    lines = [f"cxlogging dev listens on {url}", f"the page: {url}/", ""]
    for title, variables in blocks.items():
        lines.append(f"# {title}")
        lines += [f"export {name}={shlex.quote(held)}" for name, held in variables.items()]
        lines.append("")
    return "\n".join([*lines, "Ctrl-C stops the server."])
