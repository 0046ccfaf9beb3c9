"""`cxlogging doctor`: find out why records do not arrive, and how to fix it."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import click

from ... import __version__
from ...vendors.registry import VENDORS
from ..shared.exit_codes import AUTHENTICATION, FAILURE, OK
from ..shared.numbers import FiniteRange
from ..shared.targets import APP_HELP, CONFIG_HELP, Targets, targets
from ..shared.wording import examples
from .canary import canary
from .findings import Finding, Printer, Status, fail, ok, warn
from .network import network
from .relayed import relayed
from .settings import settings
from .stream import stream, stream_of, vendor_of
from .tree import tree

EXTRAS = {
    "fast": ("msgspec", "isal"),
    "cli": ("click", "rich"),
    "dev": ("flask", "starlette", "uvicorn"),
    "mcp": ("mcp", "jsonschema"),
    "nats": ("nats-py",),
}


@click.command(
    "doctor",
    epilog=examples(
        "cxlogging doctor",
        "cxlogging doctor --app shop.settings:LOGGING",
        "cxlogging doctor --config logging.yaml --offline",
    ),
)
@click.option("--app", metavar="MODULE:NAME", help=APP_HELP)
@click.option("--config", type=click.Path(dir_okay=False), metavar="FILE", help=CONFIG_HELP)
@click.option(
    "--limit",
    type=FiniteRange(0.1),
    default=5.0,
    show_default=True,
    metavar="S",
    help="Give up each network step after S seconds.",
)
@click.option(
    "--wait",
    type=FiniteRange(0),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Wait up to S seconds until a relay has delivered the test event, or a query finds it.",
)
@click.option("--no-send", is_flag=True, help="Do not send test events.")
@click.option("--offline", is_flag=True, help="Do not use the network.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(
    *,
    app: str | None,
    config: str | None,
    limit: float,
    wait: float,
    no_send: bool,
    offline: bool,
    as_json: bool,
) -> None:
    """
    Examine the handlers of an application, of a file, or of the environment.

    Checks their settings and connections, and sends one event with each. Where queries are
    possible (with CX_API_KEY, or at the local server), it queries for that event. For each problem
    it prints the cause and how to fix it. For handlers that publish to a NATS stream, it checks the
    servers, the stream and its relays, and follows the event until a relay has delivered it.

    Exit codes: 0 no problem, 1 a problem, 3 a key or a login was refused.
    """
    examined = targets(app, config)
    printer = None if as_json else Printer()
    found: list[Finding] = []
    send = not (no_send or offline)
    for finding in _findings(examined, limit, wait, send=send, offline=offline):
        found.append(finding)
        if printer is not None:
            printer.show(finding)
            sys.stdout.flush()
    failed = [each for each in found if each.status is Status.FAIL]
    if printer is None:
        document = {"ok": not failed, "findings": [each.to_json() for each in found]}
        click.echo(json.dumps(document, indent=2))
    else:
        printer.conclude(found)
    refused = any(each.refused for each in failed)
    raise SystemExit(AUTHENTICATION if refused else FAILURE if failed else OK)


def _findings(
    examined: Targets, limit: float, wait: float, *, send: bool, offline: bool
) -> Iterator[Finding]:
    yield from _runtime()
    if examined.configured:
        yield from tree(examined.handlers, examined.own)
    elif not examined.handlers:
        names = ", ".join(vendor.profile.shown_first for vendor in VENDORS.values())
        yield fail(
            "handlers",
            "no handler is configured by the environment",
            f"Set {names} or CXLOGGING_URL, or pass --app or --config.",
        )
    for name, handler in examined.handlers.items():
        about = f"{name}: {handler.delivery.destination.name}"
        yield from settings(about, handler)
        address = stream_of(handler)
        if not offline:
            if address:
                yield from stream(about, address, vendor_of(handler), limit)
            else:
                yield from network(about, handler, limit)
        if send and address:
            yield from relayed(about, handler, address, wait)
        elif send:
            yield from canary(about, handler, wait)


def _runtime() -> Iterator[Finding]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield ok("versions", f"cxlogging {__version__}, {python}, {platform.platform(terse=True)}")
    extras = [name for name, needed in EXTRAS.items() if all(map(_installed, needed))]
    yield ok("extras", ", ".join(extras))
    if sys.__stderr__ is None:
        yield warn(
            "stderr",
            "this process has no stderr, so that diagnostics of the handlers are lost",
            "Pass on_error= to the handlers.",
        )


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
