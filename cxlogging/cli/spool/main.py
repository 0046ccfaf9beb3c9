"""`cxlogging spool`: see what waits on disk, check it, take it out, send it, throw it away."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import CxLoggingError
from ..shared.exit_codes import EMPTY, FAILURE
from ..shared.screen import complain, is_coloured, note, painted, safe, safe_json
from ..shared.wording import examples
from .items import preview, readable
from .send import Senders, deliver, deliver_again

if TYPE_CHECKING:
    from ...delivery.journal.survey import Owner, Survey

PATH = click.argument("path", type=click.Path(file_okay=False))
TO = click.option(
    "--to",
    "wanted",
    metavar="TEXT",
    default="",
    help="Look only at destinations whose name or address holds this text.",
)
ACCOUNT = click.option(
    "--account",
    metavar="ID",
    default="",
    help="Send what this account logged with the key that is set, although that is another key:"
    ' after a change of keys. `ls` shows the ids; "unknown" is what earlier versions wrote.',
)


@click.group(
    "spool",
    epilog=examples("cxlogging spool ls /var/spool/shop", "cxlogging spool send /var/spool/shop"),
)
def command() -> None:
    """
    Look after a spool: the directory given to handlers as spool=.

    Records of running processes are left to them.
    """


@contextmanager
def _opened(path: str, wanted: str = "") -> Iterator[list[Survey]]:
    from ...delivery.journal.survey import surveyed

    with ExitStack() as stack:
        try:
            surveys = stack.enter_context(surveyed(str(Path(path).absolute())))
        except OSError as error:
            reason = error.strerror or str(error)
            raise CxLoggingError(f"{path} is no spool that can be used: {reason}.") from None
        yield [each for each in surveys if wanted in f"{each.name} {_address(each)}"]


def _address(survey: Survey) -> str:
    identity = survey.identity
    left_out = {"vendor", "url", "account"}
    more = [value for key, value in identity.items() if key not in left_out]
    more.append(f"account {survey.account}")
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each destination.")
def ls(path: str, wanted: str, *, as_json: bool) -> None:
    """Say what waits, by destination and process."""
    with _opened(path, wanted) as surveys:
        for survey in surveys:
            owners = survey.owners()
            rejected = sum(1 for _ in survey.letters())
            if as_json:
                _print_json(survey, owners, rejected)
            else:
                _print_text(survey, owners, rejected)


def _print_json(survey: Survey, owners: list[Owner], rejected: int) -> None:
    facts: dict[str, Any] = {"destination": survey.identity, "rejected": rejected}
    facts["processes"] = [vars(owner) for owner in owners]
    facts["set_aside"] = survey.set_aside()
    click.echo(safe_json(json.dumps(facts)))


def _print_text(survey: Survey, owners: list[Owner], rejected: int) -> None:
    coloured = is_coloured(sys.stdout)
    title = safe(_address(survey))
    waiting = sum(owner.waiting for owner in owners)
    click.echo(painted(title, "bold") if coloured else title)
    click.echo(f"  {waiting} waiting, {rejected} rejected, {len(survey.set_aside())} set aside")
    for owner in owners:
        state = "running" if owner.running else "ended"
        line = f"  {owner.name}  {state}  {owner.waiting} records  {owner.size} bytes"
        click.echo(line + _soundness(owner))


def _soundness(owner: Owner) -> str:
    notes = []
    if owner.damaged:
        notes.append(f"{owner.damaged} damaged stretches")
    if owner.torn:
        notes.append(f"{owner.torn} torn at the end")
    notes += [safe(trouble) for trouble in owner.troubles]
    return f"  ({'; '.join(notes)})" if notes else ""


@command.command(
    "verify",
    epilog=examples(
        "cxlogging spool verify /var/spool/shop",
        "cxlogging spool verify /var/spool/shop --to honeycomb",
    ),
)
@PATH
@TO
def verify(path: str, wanted: str) -> None:
    """Read every record; exit code 1 where something is damaged."""
    sound = True
    with _opened(path, wanted) as surveys:
        for survey in surveys:
            for owner in survey.owners():
                bad = bool(owner.damaged or owner.troubles)
                sound = sound and not bad
                word = "damaged" if bad else "sound"
                line = f"{survey.name}/{owner.name}  {word}  {owner.segments} segments"
                click.echo(f"{line}  {owner.waiting} records{_soundness(owner)}")
    if not sound:
        raise SystemExit(FAILURE)


@command.command(
    "export",
    epilog=examples(
        "cxlogging spool export /var/spool/shop",
        "cxlogging spool export /var/spool/shop --to coralogix",
    ),
)
@PATH
@TO
def export(path: str, wanted: str) -> None:
    """Print what waits as JSON lines; nothing is removed."""
    count = 0
    with _opened(path, wanted) as surveys:
        for survey in surveys:
            for owner, (level, data, _) in survey.items():
                count += 1
                line = {"process": owner, "level": level, "event": readable(data)}
                click.echo(safe_json(json.dumps({"to": survey.identity, **line})))
    if not count:
        note("nothing waits here")
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
    Deliver now what processes that have ended left behind.

    Keys come from the environment, as for the handlers. Where a destination has several accounts,
    what was logged with another key is left where it is, but for --account.
    """
    with _opened(path, wanted) as surveys:
        waiting = [(survey, _waiting(survey)) for survey in surveys if survey.identity]
        if account:
            waiting = [(survey, count) for survey, count in waiting if survey.account == account]
        those = [(survey, count) for survey, count in waiting if count]
        if account and not those:
            complain(f"nothing of account {account} waits here")
            raise SystemExit(EMPTY)
        if not those:
            note("nothing waits here that an ended process left")
        raise SystemExit(deliver(Senders(str(Path(path).absolute()), account), those))


def _waiting(survey: Survey) -> int:
    return sum(owner.waiting for owner in survey.owners() if not owner.running)


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
@click.option("--send", "again", is_flag=True, help="Send the refused records again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, with the whole event.")
def rejected(path: str, wanted: str, account: str, *, again: bool, as_json: bool) -> None:
    """Show what vendors refused, and why."""
    with _opened(path, wanted) as surveys:
        if again:
            raise SystemExit(deliver_again(Senders(str(Path(path).absolute()), account), surveys))
        count = 0
        for survey in surveys:
            for letter in survey.letters():
                count += 1
                if as_json:
                    facts = {"at": letter.at, "reason": letter.reason, "level": letter.level}
                    line = {"to": survey.identity, **facts, "event": readable(letter.item)}
                    click.echo(safe_json(json.dumps(line)))
                else:
                    click.echo(preview(letter, survey.identity.get("vendor", survey.name)))
    if not count:
        note("nothing was rejected")
        raise SystemExit(EMPTY)


@command.command(
    "purge",
    epilog=examples(
        "cxlogging spool purge /var/spool/shop --only rejected",
        "cxlogging spool purge /var/spool/shop --to honeycomb --yes",
    ),
)
@PATH
@TO
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--only",
    type=click.Choice(["waiting", "rejected", "damaged"]),
    help="Throw away this part alone.",
)
def purge(path: str, wanted: str, *, yes: bool, only: str | None) -> None:
    """Throw away what ended processes left behind, what was rejected, and what is damaged."""
    with _opened(path, wanted) as surveys:
        owners = [(survey, owner) for survey in surveys for owner in survey.owners()]
        ended = [(survey, owner) for survey, owner in owners if not owner.running]
        waiting = sum(owner.waiting for _, owner in ended)
        letters = sum(1 for survey in surveys for _ in survey.letters())
        aside = sum(len(survey.set_aside()) for survey in surveys)
        counts = {"waiting": waiting, "rejected": letters, "damaged": aside}
        parts = [f"{n} {part}" for part, n in counts.items() if only in {None, part}]
        if not yes and not click.confirm(f"Throw away {', '.join(parts)} for ever?", err=True):
            complain("nothing was thrown away")
            raise SystemExit(FAILURE)
        if only in {None, "waiting"}:
            for survey, owner in ended:
                survey.purge(owner.name)
        for survey in surveys:
            if only in {None, "rejected"}:
                survey.clear_letters()
            if only in {None, "damaged"}:
                survey.clear_set_aside()
        click.echo(f"thrown away: {', '.join(parts)}")
