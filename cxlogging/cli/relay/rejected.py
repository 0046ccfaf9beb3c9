"""`cxlogging relay rejected`: list, resend and remove what no vendor takes."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..shared.exit_codes import EMPTY, FAILURE
from ..shared.screen import complain, note, safe, safe_json
from ..shared.wording import examples
from ..spool.items import readable
from .running import FORMAT, configuration, connected, finish, stream_options

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


class Choice(NamedTuple):
    """
    Which of the rejected messages; what is not given leaves none out.

    Attributes:
        numbers: Those of the list.
        vendor: Whose they are.
        reason: A part of their reason.
        limit: At most so many.
    """

    numbers: tuple[int, ...] = ()
    vendor: str | None = None
    reason: str | None = None
    limit: int | None = None

    async def read(self, letters: DeadLetters) -> AsyncIterator[RejectedMessage]:
        """Yield the messages, oldest first."""
        count = 0
        async for letter in letters.read():
            if self._fits(letter):
                yield letter
                count += 1
                if count == self.limit:
                    return

    def _fits(self, letter: RejectedMessage) -> bool:
        if self.numbers and letter.sequence not in self.numbers:
            return False
        return self.vendor in {None, letter.vendor} and (self.reason or "") in letter.reason


def _chosen(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose among rejected messages to *command*, as its ``choice``."""

    @functools.wraps(command)
    def with_choice(
        *args: Any,
        numbers: tuple[int, ...],
        vendor: str | None,
        reason: str | None,
        limit: int | None,
        everything: bool,
        **others: Any,
    ) -> None:
        if not (numbers or vendor or reason or everything):
            raise click.UsageError("nothing says which: pass numbers, --vendor, --reason or --all.")
        command(*args, choice=Choice(numbers, vendor, reason, limit), **others)

    return NUMBERS(VENDOR(REASON(LIMIT(ALL(with_choice)))))


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

    async def show(_: DeadLetters, letter: RejectedMessage) -> None:
        _print(letter, form)

    _act(ctx, Choice((), vendor, reason, limit), show, "no rejected records")


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
    choice: Choice,
    act: Callable[[DeadLetters, RejectedMessage], Awaitable[None]],
    nothing: str = "no rejected records that fit",
) -> int:
    """Do *act* with each message of *choice*; return how many there were, or exit with none."""
    count = finish(_act_on_all(configuration(ctx), choice, act))
    if not count:
        note(nothing)
        raise SystemExit(EMPTY)
    return count


async def _act_on_all(
    config: RelayConfig,
    choice: Choice,
    act: Callable[[DeadLetters, RejectedMessage], Awaitable[None]],
) -> int:
    from ...relay.dead_letters import DeadLetters

    count = 0
    async with connected(config, "rejected") as link:
        letters = DeadLetters(link)
        async for letter in choice.read(letters):
            await act(letters, letter)
            count += 1
    return count


@rejected.command(
    "resend",
    epilog=examples(
        "cxlogging relay rejected resend --all",
        "cxlogging relay rejected resend 17 18 --nats nats://127.0.0.1:4222/LOGS",
        "cxlogging relay rejected resend --reason 'no [[destination]]'",
    ),
)
@stream_options
@_chosen
@click.pass_context
def resend(ctx: click.Context, *, choice: Choice) -> None:
    """
    Put rejected messages back into the stream.

    The NUMBERs are those of the list. A message leaves the list once the stream has it.
    """
    count = _act(ctx, choice, lambda letters, letter: letters.resend(letter))
    click.echo(f"sent again: {count}")


@rejected.command(
    "purge",
    epilog=examples(
        "cxlogging relay rejected purge --all --yes",
        "cxlogging relay rejected purge 17 18",
    ),
)
@stream_options
@_chosen
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def purge(ctx: click.Context, *, choice: Choice, yes: bool) -> None:
    """Remove rejected messages for good."""
    if not yes and not click.confirm("Permanently remove rejected records?", err=True):
        complain("nothing was removed")
        raise SystemExit(FAILURE)
    count = _act(ctx, choice, lambda letters, letter: letters.remove(letter))
    click.echo(f"removed: {count}")
