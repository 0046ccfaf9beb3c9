"""`cxlogging dev`: the local server in the foreground."""

from __future__ import annotations

import gc
import signal
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ...devserver import DevServer, Keys
from ...devserver.query.endpoint import TIMEOUT
from ...vendors.emulation.types import QUERIES
from ...vendors.registry import VENDORS
from ...wire import option_parsers as values
from ..shared.local_server import listening_port
from ..shared.numbers import FiniteRange
from ..shared.wording import examples, in_flags
from .browser import open_page
from .local_fleet import FleetOptions, local_fleet, require_programs
from .printing import EventPrinter
from .welcome import welcome

if TYPE_CHECKING:
    from types import FrameType

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
        "cxlogging dev --open",
        "cxlogging dev --port 0 --quiet",
        "cxlogging dev --db events.db --max-size 1GiB",
        "cxlogging dev --nats",
    ),
)
@listening_port("The port to listen on; 0 picks a free one and prints it.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print the events that arrive.")
@click.option(
    "--variables",
    is_flag=True,
    help="Also print the variables that make the vendors' own clients send here.",
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
    "--nats",
    is_flag=True,
    help="Also run a NATS server and a relay, as for a fleet of machines.",
)
@click.option(
    "--nats-port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port of the NATS server; 0 picks a free one. Default: 4222, or else a free one.",
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
    type=FiniteRange(0.1, 86_400),
    help="Stop a query after this time; a background query may take ten times as long.",
)
def command(
    *,
    port: int,
    opens: bool,
    quiet: bool,
    variables: bool,
    host: str,
    allow_remote: bool,
    path: str | None,
    max_size: int,
    nats: bool,
    nats_port: int | None,
    dataprime: tuple[str, ...],
    query_timeout: float,
    **vendor_options: Any,
) -> None:
    """
    Run a local server that behaves like the vendors.

    It enforces the rules of each vendor's API, so that requests accepted here are accepted there.
    It stores what arrives in a database, shows it on a page, and answers DataPrime queries. Events
    are printed as they arrive; each rejected request is a line on stderr with the reason. Stop it
    with Ctrl-C.

    With --nats, handlers with the printed address as spool= publish to a stream of a NATS server,
    and a relay delivers from there to the local server, as for a fleet of machines.
    """
    if nats_port is not None and not nats:
        raise click.UsageError("--nats-port is the port of the server that --nats starts.")
    keys = {vendor: vendor_options[vendor] for vendor in VENDORS} | {QUERIES: dataprime}
    first = {vendor: given[0] for vendor, given in keys.items() if given}
    fleet = _fleet_options(host, port, nats_port, path, first) if nats else None
    printer = EventPrinter(quiet=quiet)
    accepted = Keys(**{vendor: given or None for vendor, given in keys.items()})
    try:
        server = DevServer(
            port,
            host,
            keys=accepted,
            path=path,
            max_bytes=max_size,
            allow_remote=allow_remote,
            on_request=printer.on_request,
            query_timeout=query_timeout,
        )
    except (ValueError, OSError, sqlite3.Error) as error:
        raise click.ClickException(_error_message(error, host, port)) from None
    _refuse_compressed(server, vendor_options)
    _serve(server, printer, fleet, first.keys(), opens=opens, variables=variables)


def _fleet_options(
    host: str, port: int, nats_port: int | None, path: str | None, keys: Mapping[str, str]
) -> FleetOptions:
    """Return the options of --nats; if *port* is any free one, so is that of the NATS server."""
    if nats_port is None and port == 0:
        nats_port = 0
    return FleetOptions(require_programs(), host, nats_port, path, keys)


def _refuse_compressed(server: DevServer, vendor_options: Mapping[str, Any]) -> None:
    for vendor in VENDORS:
        if vendor_options.get(f"{vendor}_plain_only"):
            server.faults.add(vendor=vendor, compressed=True, status=415)


def _serve(
    server: DevServer,
    printer: EventPrinter,
    fleet: FleetOptions | None,
    keyed: Collection[str],
    *,
    opens: bool,
    variables: bool,
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_interrupt)
    last_event = server.store.last_event
    try:
        server.start()
        with _stream(fleet, server.url, printer) as stream:
            printer.out.write(welcome(server.url, keyed, variables=variables, stream=stream))
            printer.start(server.store, last_event)
            if opens:
                open_page(f"{server.url}/")
            threading.Event().wait()
    except OSError as error:
        raise click.ClickException(_error_message(error, server.host, server.port)) from None
    except KeyboardInterrupt:
        if printer.stop():
            printer.out.write("stopped")
    finally:
        server.stop()
        # A large request may have left millions of objects, which the garbage collector would
        # visit several times before the interpreter ends.
        gc.freeze()


def _stream(
    fleet: FleetOptions | None, url: str, printer: EventPrinter
) -> AbstractContextManager[str]:
    """Return a context with the address of the stream from which a relay delivers, if any."""
    return nullcontext("") if fleet is None else local_fleet(fleet, url, printer.errors.write)


def _raise_interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _error_message(error: Exception, host: str, port: int) -> str:
    if isinstance(error, OSError):
        return f"cannot listen on {host}, port {port}: {error.strerror or error}. Try --port 0."
    if isinstance(error, sqlite3.Error):
        return f"cannot use the database file: {error}."
    return f"{in_flags(str(error), command)}."
