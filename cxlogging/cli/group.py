"""The click group of all commands, each of which is imported when it is called."""

from __future__ import annotations

from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from .. import __version__
from ..errors import nearest
from ..vendors.registry import titles
from .commands import COMMANDS, load
from .shared.exit_codes import ended, guarded
from .shared.wording import examples


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0].lower(), COMMANDS) or f" There are {', '.join(COMMANDS)}."
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, *arguments: Any, **options: Any) -> NoReturn:
        options["standalone_mode"] = False
        ended(lambda: super(LazyGroup, self).main(*arguments, **options))

    def invoke(self, ctx: click.Context) -> Any:
        return guarded(
            lambda: super(LazyGroup, self).invoke(ctx),
            lambda: self.get_command(ctx, ctx.invoked_subcommand or ""),
        )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [
            CompletionItem(name, help=summary)
            for name, summary in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    "cxlogging",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"Logging handlers for {titles()}.",
    epilog=examples("cxlogging demo", "cxlogging tail --local --level warning"),
)
@click.version_option(__version__, "-V", "--version", message="cxlogging %(version)s")
def command() -> None:
    """Run one of the commands."""
