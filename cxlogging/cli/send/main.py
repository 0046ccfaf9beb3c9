"""`cxlogging send`: send lines, JSON lines or CSV to a vendor."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from ...delivery.ledger import Stats
from ...errors import ConfigurationError
from ...handlers.handler import ShippingHandler
from ...vendors.profile import CommandOption
from ...vendors.registry import QUERIED, VENDORS, Vendor
from ...wire.settings import URL_VARIABLE, held
from ..shared.exit_codes import FAILURE, PARTIAL, RETRYABLE
from ..shared.local_server import local_url
from ..shared.numbers import FiniteRange
from ..shared.screen import complain, note
from ..shared.wording import examples
from .input import Input, UnreadableError
from .records import RecordFactory
from .run import RecordSource, SendingEnd, drain, exit_code, failures, send, summary
from .timestamps import TimestampParser
from .watch import Watch, delivery_progress

_Command = Callable[..., None]

BLOCK_TIMEOUT = 86_400.0
"""Seconds that reading waits for room in the queue, so that nothing is dropped."""

_DESTINATIONS: Mapping[str, Vendor] = {**VENDORS, "local": QUERIED}
_VENDOR_OPTIONS: list[tuple[Vendor, CommandOption]] = [
    (vendor, option) for vendor in VENDORS.values() for option in vendor.profile.send_options
]


def _vendor_options(command: _Command) -> _Command:
    """Add the options that are arguments of one vendor's handler to *command*."""
    for vendor, each in reversed(_VENDOR_OPTIONS):
        sentence = f"{each.help}, for {vendor.title}."
        command = click.option(f"--{each.name}", metavar="NAME", help=sentence)(command)
    return command


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if not value.partition("=")[1] or value.startswith("="):
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", ctx, param)
    return {name: held for name, _, held in (value.partition("=") for value in values)}


@click.command(
    "send",
    epilog=examples(
        *(vendor.profile.send_example for vendor in VENDORS.values()),
    ),
)
@click.argument("files", nargs=-1, type=click.Path())
@click.option(
    "--to", type=click.Choice(list(_DESTINATIONS)), required=True, help="The vendor to send to."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="The port of the local server, for --to local.",
)
@click.option("--url", metavar="URL", help="Send to this address instead of the vendor's.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "lines", "jsonl", "csv"]),
    default="auto",
    show_default=True,
    help="The format of the input; auto detects JSON by the line, CSV by the file's name.",
)
@click.option(
    "--time-field",
    "time_field",
    metavar="NAME",
    help="Take the time from this field of JSON or CSV.",
)
@click.option(
    "--level-field",
    "level_field",
    metavar="NAME",
    help="Take the level from this field of JSON or CSV.",
)
@click.option(
    "--message-field",
    "message_field",
    metavar="NAME",
    help="Take the message from this field of JSON or CSV.",
)
@click.option(
    "--utc", is_flag=True, help="Treat times without a zone as UTC instead of local time."
)
@click.option(
    "--follow",
    "-f",
    is_flag=True,
    help="Wait for more lines at the end of a file, as tail -F does.",
)
@click.option(
    "--rate", type=FiniteRange(min=0.001), metavar="N", help="Send at most N records a second."
)
@click.option(
    "--skip", type=click.IntRange(0), default=0, metavar="N", help="Skip the first N records."
)
@_vendor_options
@click.option(
    "--logger",
    default="cxlogging.send",
    metavar="NAME",
    show_default=True,
    help="The logger's name for records that have none.",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="Add this field to every record. May be repeated.",
)
@click.option(
    "--sequence", is_flag=True, help="Number the records, so that cxlogging audit can check them."
)
@click.option(
    "--no-redact",
    is_flag=True,
    help="Do not redact the values of fields that are named like secrets.",
)
@click.option(
    "--buffer",
    default="16MiB",
    metavar="SIZE",
    show_default=True,
    help="Keep at most this much in memory.",
)
@click.option(
    "--spool",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Keep unsent records in this directory.",
)
@click.option(
    "--wait",
    type=FiniteRange(0),
    default=60.0,
    show_default=True,
    metavar="S",
    help="At the end, give up after S seconds without an acknowledgement.",
)
@click.option("--quiet", "-q", is_flag=True, help="Do not print progress and statistics.")
@click.option("--json", "as_json", is_flag=True, help="Print the statistics as JSON on stdout.")
def command(
    *,
    files: tuple[str, ...],
    form: str,
    time_field: str | None,
    level_field: str | None,
    message_field: str | None,
    utc: bool,
    follow: bool,
    rate: float | None,
    skip: int,
    logger: str,
    wait: float,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """
    Send FILES, or standard input, to a vendor or to the local server.

    Compressed input (gzip, zstd) is detected, and so are times and levels: by their format in
    text, by the common field names in JSON and CSV. While the destination is slow or down, reading
    waits, and nothing is dropped. Ctrl-C stops reading, and prints how to continue.
    """
    handler = _handler(options)
    timestamps = TimestampParser(utc=utc, now=time.time)
    factory = RecordFactory(timestamps, logger, time_field, level_field, message_field)
    form = _form(form, files, follow=follow)
    source = RecordSource(Input(files, follow=follow), factory, form)
    end = _deliver(source, handler, skip=skip, rate=rate, wait=wait, quiet=quiet)
    handler.close()
    stats = handler.stats()
    _print_statistics(source, stats, as_json=as_json, quiet=quiet)
    if end.interrupted and not end.refused and not follow:
        note(f"to continue from here, repeat the command with --skip {source.count}")
    for error_text in filter(None, (end.refused, end.unreadable)):
        complain(error_text)
    code = exit_code(stats, end)
    if quiet and not as_json and code in {FAILURE, PARTIAL, RETRYABLE}:
        for sentence in failures(stats):
            note(sentence)
    raise SystemExit(code)


def _deliver(
    source: RecordSource,
    handler: ShippingHandler,
    *,
    skip: int,
    rate: float | None,
    wait: float,
    quiet: bool,
) -> SendingEnd:
    """Send all records, and wait for their delivery, until one of the reasons to end."""
    interrupted, unreadable = False, ""
    files = source.input
    with delivery_progress(files.size, lambda: files.position, wanted=not quiet) as show:
        watch = Watch(handler.stats, show)
        try:
            with watch:
                try:
                    send(source, handler, skip=skip, rate=rate)
                except UnreadableError as error:
                    unreadable = str(error)
                drain(handler, wait, lambda: watch.refused)
        except KeyboardInterrupt:
            interrupted = True
            handler.flush(None if not watch.refused else 0.0)
    return SendingEnd(interrupted, watch.refused, unreadable)


def _print_statistics(source: RecordSource, stats: Stats, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        document = {"read": source.count, **stats._asdict()}
        document["lost_by_level"] = {
            f"{outcome} {logging.getLevelName(level)}": count
            for (outcome, level), count in stats.lost_by_level.items()
        }
        click.echo(json.dumps(document))
    if not quiet:
        for sentence in summary(stats, source):
            note(sentence)


def _form(form: str, files: tuple[str, ...], *, follow: bool) -> str:
    tables = [name.lower().endswith((".csv", ".csv.gz", ".csv.zst")) for name in files]
    if form == "auto" and any(tables):
        if not all(tables):
            raise click.UsageError("CSV files and other files need separate commands.")
        form = "csv"
    if form == "csv" and follow:
        raise click.UsageError("--follow does not support CSV.")
    return form


def _handler(options: dict[str, Any]) -> ShippingHandler:
    to: str = options["to"]
    arguments: dict[str, Any] = {
        "overflow": "block",
        "block_timeout": BLOCK_TIMEOUT,
        "buffer_bytes": options["buffer"],
        "fields": options["fields"],
        "url": options["url"],
    }
    if to == "local":
        # The handler reads the variable itself, so that its errors name it.
        is_set = options["port"] is None and held(URL_VARIABLE)
        arguments["url"] = options["url"] or (None if is_set else local_url(options["port"]))
    elif options["port"] is not None:
        raise click.UsageError("--port needs --to local.")
    for vendor, option in _VENDOR_OPTIONS:
        if options[option.name] is not None:
            if _DESTINATIONS[to] is not vendor:
                raise click.UsageError(f"--{option.name} needs --to {vendor.name}.")
            arguments[option.argument] = options[option.name]
    if options["no_redact"]:
        arguments["redact"] = None
    optional = {"sequence": options["sequence"] or None, "spool": options["spool"]}
    arguments |= {name: value for name, value in optional.items() if value is not None}
    handler = _DESTINATIONS[to].make_handler(**arguments)
    if handler.stats().state == "off":
        cure = handler.check().cure
        raise ConfigurationError(f"{cure} Or send to the local server: --to local.")
    return handler
