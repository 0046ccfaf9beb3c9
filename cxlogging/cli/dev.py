"""`cxlogging dev`: the local server in the foreground."""

from __future__ import annotations

import gc
import shlex
import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..devserver import DevServer, Keys
from ..devserver.query.endpoint import TIMEOUT
from ..vendors.emulation.types import QUERIES
from ..vendors.registry import VENDORS
from ..wire import option_parsers as values
from ..wire.settings import URL_VARIABLE
from .shared.screen import safe
from .shared.wording import examples, in_flags

if TYPE_CHECKING:
    from types import FrameType

    from ..devserver import RequestRecord

_Command = Callable[..., None]


def _size(ctx: click.Context, param: click.Parameter, value: str) -> Any:
    del ctx
    return values.size()(param.opts[0], value)


def _vendor_options(command: _Command) -> _Command:
    """Add the options that concern one vendor to *command*."""
    for name, vendor in reversed(list(VENDORS.items())):
        profile = vendor.profile
        if profile.compression_undocumented:
            command = click.option(
                f"--{name}-plain-only",
                is_flag=True,
                help=f"Answer compressed requests to the API of {vendor.title} with 415.",
            )(command)
        sentence = f"Accept only this {profile.key_word} for {vendor.title}. May be repeated."
        command = click.option(
            profile.key_option,
            name,
            metavar="K",
            multiple=True,
            help=f"{sentence} Default: any.",
        )(command)
    return command


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
@_vendor_options
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
def command(
    *,
    port: int,
    host: str,
    allow_remote: bool,
    path: str | None,
    max_size: int,
    dataprime: tuple[str, ...],
    query_timeout: float,
    **vendor_options: Any,
) -> None:
    """
    Run a local server that behaves like the vendors.

    It enforces the rules of each vendor's API, so that requests accepted here are accepted there.
    It stores what arrives in a database, shows it on a page, and answers DataPrime queries. Each
    request that is rejected is a line on stderr with the reason. Stop it with Ctrl-C.
    """
    keys = {vendor: vendor_options[vendor] for vendor in VENDORS} | {QUERIES: dataprime}
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
    for vendor in VENDORS:
        if vendor_options.get(f"{vendor}_plain_only"):
            server.faults.add(vendor=vendor, compressed=True, status=415)
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
    blocks: dict[str, Mapping[str, str]] = {"cxlogging, all handlers": {URL_VARIABLE: url}}
    for name, vendor in VENDORS.items():
        blocks.update(vendor.profile.local_variables(url, key(name)))
    lines = [f"cxlogging dev listens on {url}", f"the page: {url}/", ""]
    for title, variables in blocks.items():
        lines.append(f"# {title}")
        lines += [f"export {name}={shlex.quote(held)}" for name, held in variables.items()]
        lines.append("")
    return "\n".join([*lines, "Ctrl-C stops the server."])
