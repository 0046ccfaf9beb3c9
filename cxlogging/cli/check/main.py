"""`cxlogging check`: one event with each handler, or a configuration without sending."""

from __future__ import annotations

import json

import click

from ...handlers.check import CheckResult
from ..doctor.canary import delivery_finding
from ..doctor.findings import Printer, Status
from ..shared.exit_codes import AUTHENTICATION, FAILURE, OK
from ..shared.screen import safe
from ..shared.targets import APP_HELP, CONFIG_HELP, targets
from ..shared.wording import examples


@click.command(
    "check",
    epilog=examples(
        "cxlogging check",
        "cxlogging check shop.settings:LOGGING",
        "cxlogging check logging.yaml --json",
    ),
)
@click.argument("target", required=False)
@click.option("--app", metavar="MODULE:NAME", help=APP_HELP)
@click.option("--config", type=click.Path(dir_okay=False), metavar="FILE", help=CONFIG_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(*, target: str | None, app: str | None, config: str | None, as_json: bool) -> None:
    """
    Send one event with each handler, and print whether it was accepted.

    With a TARGET nothing is sent: the configuration is applied in this process, one record is
    logged per logger and level, and you see which vendor gets what, and common mistakes with
    their fix. TARGET is MODULE:NAME (a dict or a function), a Django settings module, or a
    .json, .toml, .yaml or .ini file.

    Exit codes: 0 all were accepted, or no mistake; 1 one was not, or a mistake; 3 a key is refused;
    2 there is no handler, or no such configuration.
    """
    if target is not None:
        if app is not None or config is not None:
            raise click.UsageError("pass a TARGET, or --app or --config, but not both.")
        raise SystemExit(_try(target, as_json=as_json))
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


def _try(target: str, *, as_json: bool) -> int:
    """Print what becomes of the records of a configuration; return the exit code."""
    from .trial import run, shown, summary

    trial = run(target)
    mistakes = [each for each in trial.findings if each.status in {Status.WARN, Status.FAIL}]
    if as_json:
        click.echo(json.dumps(trial.to_json(), indent=2, default=str))
        return FAILURE if mistakes else OK
    click.echo("Which vendor gets the records of which logger:")
    for line in summary(trial):
        click.echo(f"  {safe(line)}")
    for vendor, event in trial.samples.items():
        click.echo(f"\n{vendor} gets, for example:")
        for line in shown(event).splitlines():
            click.echo(f"  {safe(line)}")
    printer = Printer()
    for each in trial.findings:
        printer.show(each)
    printer.conclude(trial.findings)
    return FAILURE if mistakes else OK
