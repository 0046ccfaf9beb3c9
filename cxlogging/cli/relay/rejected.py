"""`cxlogging relay rejected`: list, resend and remove what no vendor takes."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from ..shared.exit_codes import EMPTY, FAILURE
from ..shared.screen import complain, note, safe, safe_json
from ..shared.wording import examples
from ..spool.items import readable
from .running import FORMAT, configuration, finish, stream_options

if TYPE_CHECKING:
    from ...relay.config import RelayConfig
    from ...relay.dead_letters import DeadLetters, RejectedMessage

PREVIEW_CHARACTERS = 160
MOST_SHOWN = 20
"""Records of one message, as text."""

VENDOR = click.option("--vendor", metavar="VENDOR", help="Only records for this vendor.")
REASON = click.option(
    "--reason", metavar="TEXT", help="Only records whose reason contains this text."
)
LIMIT = click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="At most this many messages."
)
ALL = click.option("--all", "everything", is_flag=True, help="All messages that were rejected.")
NUMBERS = click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[NUMBER]...")


def _choice(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose among rejected messages to *command*."""
    return NUMBERS(VENDOR(REASON(LIMIT(command))))


@click.group(
    "rejected",
    invoke_without_command=True,
    epilog=examples(
        "cxlogging relay rejected --nats nats://127.0.0.1:4222/LOGS",
        "cxlogging relay rejected resend --all",
    ),
)
@stream_options
@VENDOR
@REASON
@LIMIT
@FORMAT
@click.pass_context
def rejected(
    ctx: click.Context,
    *,
    config: str | None,
    stream: str | None,
    vendor: str | None,
    reason: str | None,
    limit: int | None,
    form: str,
) -> None:
    """
    List what no vendor takes, with the reasons.

    Exit codes: 0 done, 1 there is no such stream, 4 nothing was rejected, 5 the servers do not
    answer.
    """
    if ctx.invoked_subcommand is not None:
        return
    found = configuration(ctx, config, stream)
    wanted = _wanted((), vendor, reason)

    async def work(letters: DeadLetters) -> int:
        count = 0
        async for letter in _chosen(letters, wanted, limit):
            count += 1
            _print(letter, form)
        return count

    if not finish(_with_letters(found, work)):
        note("no rejected records")
        raise SystemExit(EMPTY)


def _wanted(
    numbers: tuple[int, ...], vendor: str | None, reason: str | None
) -> Callable[[RejectedMessage], bool]:
    def is_wanted(letter: RejectedMessage) -> bool:
        if numbers and letter.sequence not in numbers:
            return False
        return vendor in {None, letter.vendor} and (reason or "") in letter.reason

    return is_wanted


async def _chosen(
    letters: DeadLetters, wanted: Callable[[RejectedMessage], bool], limit: int | None
) -> AsyncIterator[RejectedMessage]:
    count = 0
    async for letter in letters.read():
        if wanted(letter):
            yield letter
            count += 1
            if count == limit:
                return


async def _with_letters(
    config: RelayConfig, work: Callable[[DeadLetters], Coroutine[Any, Any, int]]
) -> int:
    from ...delivery.nats.address import read_login
    from ...relay.dead_letters import DeadLetters
    from ...relay.link import Link

    link = Link(config.address, read_login(), "cxlogging-relay-rejected")
    try:
        return await work(DeadLetters(link))
    finally:
        await link.close()


def _print(letter: RejectedMessage, form: str) -> None:
    content = letter.content
    items = () if content is None else content.items
    if form == "json":
        facts = {"number": letter.sequence, "at": letter.at, "vendor": letter.vendor}
        events = [{"level": item.level, "event": readable(item.data)} for item in items]
        identity = {} if content is None else dict(content.identity)
        line = {**facts, "reason": letter.reason, "to": identity, "events": events}
        click.echo(safe_json(json.dumps(line)))
        return
    for item in items[:MOST_SHOWN]:
        event = json.dumps(readable(item.data), ensure_ascii=False)
        if len(event) > PREVIEW_CHARACTERS:
            event = f"{event[: PREVIEW_CHARACTERS - 1]}…"
        level = logging.getLevelName(item.level)
        parts = (str(letter.sequence), letter.at, letter.vendor, level, letter.reason, event)
        click.echo(safe("  ".join(parts)))
    if len(items) > MOST_SHOWN:
        click.echo(safe(f"{letter.sequence}  and {len(items) - MOST_SHOWN} more records"))
    if content is None:
        size = f"{len(letter.payload)} bytes"
        click.echo(safe("  ".join((str(letter.sequence), letter.at, letter.reason, size))))


def _act(
    ctx: click.Context,
    config: str | None,
    stream: str | None,
    chosen: tuple[tuple[int, ...], str | None, str | None, int | None],
    act: Callable[[DeadLetters, RejectedMessage], Awaitable[None]],
) -> int:
    """Do *act* with each message that is *chosen*; return how many there were."""
    outer = ctx.parent.parent if ctx.parent is not None else None
    mine = ctx.parent.params if ctx.parent is not None else {}
    above = outer.params if outer is not None else {}
    path = config or mine.get("config") or above.get("config")
    address = stream or mine.get("stream") or above.get("stream")
    found = configuration(ctx, path, address)
    numbers, vendor, reason, limit = chosen

    async def work(letters: DeadLetters) -> int:
        count = 0
        async for letter in _chosen(letters, _wanted(numbers, vendor, reason), limit):
            await act(letters, letter)
            count += 1
        return count

    count = finish(_with_letters(found, work))
    if not count:
        note("no rejected records that fit")
        raise SystemExit(EMPTY)
    return count


def _require_choice(
    numbers: tuple[int, ...], vendor: str | None, reason: str | None, *, everything: bool
) -> None:
    if not (numbers or vendor or reason or everything):
        raise click.UsageError("nothing says which: pass numbers, --vendor, --reason or --all.")


@rejected.command(
    "resend",
    epilog=examples(
        "cxlogging relay rejected resend --all",
        "cxlogging relay rejected resend 17 18 --nats nats://127.0.0.1:4222/LOGS",
        "cxlogging relay rejected resend --reason 'no [[destination]]'",
    ),
)
@stream_options
@_choice
@ALL
@click.pass_context
def resend(
    ctx: click.Context,
    *,
    config: str | None,
    stream: str | None,
    numbers: tuple[int, ...],
    vendor: str | None,
    reason: str | None,
    limit: int | None,
    everything: bool,
) -> None:
    """
    Put rejected messages back into the stream.

    The NUMBERs are those of the list. A message leaves the list once the stream has it.
    """
    _require_choice(numbers, vendor, reason, everything=everything)
    chosen = (numbers, vendor, reason, limit)
    count = _act(ctx, config, stream, chosen, lambda letters, letter: letters.resend(letter))
    click.echo(f"sent again: {count}")


@rejected.command(
    "purge",
    epilog=examples(
        "cxlogging relay rejected purge --all --yes",
        "cxlogging relay rejected purge 17 18",
    ),
)
@stream_options
@_choice
@ALL
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def purge(
    ctx: click.Context,
    *,
    config: str | None,
    stream: str | None,
    numbers: tuple[int, ...],
    vendor: str | None,
    reason: str | None,
    limit: int | None,
    everything: bool,
    yes: bool,
) -> None:
    """Remove rejected messages for good."""
    _require_choice(numbers, vendor, reason, everything=everything)
    if not yes and not click.confirm("Permanently remove rejected records?", err=True):
        complain("nothing was removed")
        raise SystemExit(FAILURE)
    chosen = (numbers, vendor, reason, limit)
    count = _act(ctx, config, stream, chosen, lambda letters, letter: letters.remove(letter))
    click.echo(f"removed: {count}")
