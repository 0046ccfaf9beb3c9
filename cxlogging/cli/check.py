"""`cxlogging check`: send one test event with each handler."""

from __future__ import annotations

import json

import click

from ..handlers.check import CheckResult
from .doctor.canary import delivery_finding
from .doctor.findings import Printer
from .shared.exit_codes import AUTHENTICATION, FAILURE, OK
from .shared.targets import APP_HELP, CONFIG_HELP, targets
from .shared.wording import examples


@click.command(
    "check",
    epilog=examples(
        "cxlogging check",
        "cxlogging check --config logging.toml --json",
    ),
)
@click.option("--app", metavar="MODULE:NAME", help=APP_HELP)
@click.option("--config", type=click.Path(dir_okay=False), metavar="FILE", help=CONFIG_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(*, app: str | None, config: str | None, as_json: bool) -> None:
    """
    Send one test event with each handler, and print whether it was accepted.

    Exit codes: 0 all were accepted, 1 at least one was not, 2 no handler is configured, 3 a key
    was refused.
    """
    handlers = targets(app, config).handlers
    if not handlers:
        raise click.UsageError("no handler is configured. `cxlogging doctor` says what to set.")
    printer = Printer()
    results: dict[str, CheckResult] = {}
    refused = False
    for name, handler in handlers.items():
        results[name] = handler.check()
        finding = delivery_finding(f"{name}: {handler.delivery.destination.name}", results[name])
        refused = refused or finding.refused
        if not as_json:
            printer.show(finding)
    if as_json:
        click.echo(json.dumps({name: each._asdict() for name, each in results.items()}, indent=2))
    failed = not all(results.values())
    raise SystemExit(AUTHENTICATION if refused else FAILURE if failed else OK)
