"""`cxlogging spool`: list, verify, export, send and remove the records in a spool."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...delivery.nats.address import is_stream
from ...errors import CxLoggingError
from ...vendors.registry import EXAMPLE
from ...wire.masking import without_bare_user
from ..shared.exit_codes import EMPTY, FAILURE
from ..shared.screen import complain, is_coloured, note, painted, safe, safe_json
from ..shared.wording import examples
from .items import preview, readable
from .send import Senders, deliver, deliver_again

if TYPE_CHECKING:
    from ...delivery.journal.inspection import ProcessSummary, SpooledDestination


class SpoolPath(click.Path):
    """The directory of a spool; a stream has commands of its own."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if is_stream(value):
            self.fail(
                f"{without_bare_user(value)} is a stream, and these commands are for directories:"
                " use `cxlogging relay status` and `cxlogging relay rejected`. For what waits on"
                " this machine, give the directory of spool_local=.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


PATH = click.argument("path", type=SpoolPath(file_okay=False))
TO = click.option(
    "--to",
    "wanted",
    metavar="TEXT",
    default="",
    help="Only destinations whose name or URL contains this text.",
)
ACCOUNT = click.option(
    "--account",
    metavar="ID",
    default="",
    help="Send the records of this account with the current key, although they were logged with"
    ' another one: for use after a change of keys. `spool ls` shows the ids; "unknown" stands for'
    " records of earlier versions, which stored no account.",
)


@click.group(
    "spool",
    epilog=examples("cxlogging spool ls /var/spool/shop", "cxlogging spool send /var/spool/shop"),
)
def command() -> None:
    """
    Inspect and maintain a spool: the directory that handlers are given as spool=.

    Records of running processes are not touched: those processes deliver them.
    """


@contextmanager
def _opened(path: str, wanted: str = "") -> Iterator[list[SpooledDestination]]:
    from ...delivery.journal.inspection import opened_spool

    with ExitStack() as stack:
        try:
            destinations = stack.enter_context(opened_spool(str(Path(path).absolute())))
        except OSError as error:
            reason = error.strerror or str(error)
            raise CxLoggingError(f"{path} cannot be used as a spool: {reason}.") from None
        yield [each for each in destinations if wanted in f"{each.name} {_title(each)}"]


def _title(destination: SpooledDestination) -> str:
    identity = destination.identity
    shown = {"vendor", "url", "account"}
    more = [value for key, value in identity.items() if key not in shown]
    more.append(f"account {destination.account}")
    return " ".join([identity.get("vendor", "unknown"), identity.get("url", ""), *more])


@command.command(
    "ls",
    epilog=examples(
        "cxlogging spool ls /var/spool/shop",
        "cxlogging spool ls /var/spool/shop --json",
    ),
)
@PATH
@TO
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per destination.")
def ls(path: str, wanted: str, *, as_json: bool) -> None:
    """List the records that wait, by destination and process."""
    with _opened(path, wanted) as destinations:
        for destination in destinations:
            processes = destination.processes()
            rejected = sum(1 for _ in destination.letters())
            if as_json:
                _print_json(destination, processes, rejected)
            else:
                _print_text(destination, processes, rejected)


def _print_json(
    destination: SpooledDestination, processes: list[ProcessSummary], rejected: int
) -> None:
    facts: dict[str, Any] = {"destination": destination.identity, "rejected": rejected}
    facts["processes"] = [vars(process) for process in processes]
    facts["set_aside"] = destination.damaged_segments()
    click.echo(safe_json(json.dumps(facts)))


def _print_text(
    destination: SpooledDestination, processes: list[ProcessSummary], rejected: int
) -> None:
    coloured = is_coloured(sys.stdout)
    title = safe(_title(destination))
    waiting = sum(process.waiting for process in processes)
    damaged = len(destination.damaged_segments())
    click.echo(painted(title, "bold") if coloured else title)
    click.echo(f"  {waiting} waiting, {rejected} rejected, {damaged} damaged segments")
    for process in processes:
        state = "running" if process.running else "ended"
        line = f"  {process.name}  {state}  {process.waiting} records  {process.size} bytes"
        click.echo(line + _problems(process))


def _problems(process: ProcessSummary) -> str:
    notes = []
    if process.damaged:
        notes.append(f"{process.damaged} damaged ranges")
    if process.torn:
        notes.append(f"{process.torn} with an incomplete last record")
    notes += [safe(trouble) for trouble in process.troubles]
    return f"  ({'; '.join(notes)})" if notes else ""


@command.command(
    "verify",
    epilog=examples(
        "cxlogging spool verify /var/spool/shop",
        f"cxlogging spool verify /var/spool/shop --to {EXAMPLE}",
    ),
)
@PATH
@TO
def verify(path: str, wanted: str) -> None:
    """Read every record; the exit code is 1 if anything is damaged."""
    intact = True
    with _opened(path, wanted) as destinations:
        for destination in destinations:
            for process in destination.processes():
                damaged = bool(process.damaged or process.troubles)
                intact = intact and not damaged
                word = "damaged" if damaged else "intact"
                line = f"{destination.name}/{process.name}  {word}  {process.segments} segments"
                click.echo(f"{line}  {process.waiting} records{_problems(process)}")
    if not intact:
        raise SystemExit(FAILURE)


@command.command(
    "export",
    epilog=examples(
        "cxlogging spool export /var/spool/shop",
        f"cxlogging spool export /var/spool/shop --to {EXAMPLE}",
    ),
)
@PATH
@TO
def export(path: str, wanted: str) -> None:
    """Print the waiting records as JSON lines; nothing is removed."""
    count = 0
    with _opened(path, wanted) as destinations:
        for destination in destinations:
            for process, (level, data, _) in destination.items():
                count += 1
                line = {"process": process, "level": level, "event": readable(data)}
                click.echo(safe_json(json.dumps({"to": destination.identity, **line})))
    if not count:
        note("no records are waiting")
        raise SystemExit(EMPTY)


@command.command(
    "send",
    epilog=examples(
        "cxlogging spool send /var/spool/shop",
        "cxlogging spool send /var/spool/shop --to eu2",
    ),
)
@PATH
@TO
@ACCOUNT
def send(path: str, wanted: str, account: str) -> None:
    """
    Deliver now the records that ended processes left behind.

    Keys come from the environment, as for the handlers. If a destination has several accounts,
    records that were logged with another key stay where they are, unless --account selects them.
    """
    with _opened(path, wanted) as destinations:
        waiting = [
            (destination, count)
            for destination in destinations
            if destination.identity and account in {"", destination.account}
            if (count := _orphaned(destination))
        ]
        if account and not waiting:
            complain(f"no records of account {account} are waiting")
            raise SystemExit(EMPTY)
        if not waiting:
            note("no records of ended processes are waiting")
        raise SystemExit(deliver(Senders(str(Path(path).absolute()), account), waiting))


def _orphaned(destination: SpooledDestination) -> int:
    return sum(each.waiting for each in destination.processes() if not each.running)


@command.command(
    "rejected",
    epilog=examples(
        "cxlogging spool rejected /var/spool/shop",
        "cxlogging spool rejected /var/spool/shop --send",
    ),
)
@PATH
@TO
@ACCOUNT
@click.option("--send", "again", is_flag=True, help="Send the rejected records again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines with the complete events.")
def rejected(path: str, wanted: str, account: str, *, again: bool, as_json: bool) -> None:
    """Show the records that vendors rejected, with the reasons."""
    with _opened(path, wanted) as destinations:
        if again:
            raise SystemExit(
                deliver_again(Senders(str(Path(path).absolute()), account), destinations)
            )
        count = 0
        for destination in destinations:
            for letter in destination.letters():
                count += 1
                if as_json:
                    facts = {"at": letter.at, "reason": letter.reason, "level": letter.level}
                    line = {"to": destination.identity, **facts, "event": readable(letter.item)}
                    click.echo(safe_json(json.dumps(line)))
                else:
                    vendor = destination.identity.get("vendor", destination.name)
                    click.echo(preview(letter, vendor))
    if not count:
        note("no rejected records")
        raise SystemExit(EMPTY)


@command.command(
    "purge",
    epilog=examples(
        "cxlogging spool purge /var/spool/shop --only rejected",
        f"cxlogging spool purge /var/spool/shop --to {EXAMPLE} --yes",
    ),
)
@PATH
@TO
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--only",
    type=click.Choice(["waiting", "rejected", "damaged"]),
    help="Remove only this part.",
)
def purge(path: str, wanted: str, *, yes: bool, only: str | None) -> None:
    """Remove records of ended processes, rejected records, and damaged segments."""
    with _opened(path, wanted) as destinations:
        ended = [
            (destination, process)
            for destination in destinations
            for process in destination.processes()
            if not process.running
        ]
        waiting = sum(process.waiting for _, process in ended)
        rejected = sum(1 for destination in destinations for _ in destination.letters())
        damaged = sum(len(destination.damaged_segments()) for destination in destinations)
        counts = {"waiting": waiting, "rejected": rejected, "damaged": damaged}
        parts = [f"{n} {part}" for part, n in counts.items() if only in {None, part}]
        if not yes and not click.confirm(f"Permanently remove {', '.join(parts)}?", err=True):
            complain("nothing was removed")
            raise SystemExit(FAILURE)
        if only in {None, "waiting"}:
            for destination, process in ended:
                destination.purge(process.name)
        for destination in destinations:
            if only in {None, "rejected"}:
                destination.clear_letters()
            if only in {None, "damaged"}:
                destination.clear_damaged_segments()
        click.echo(f"removed: {', '.join(parts)}")
