"""
The command `cxlogging`: one file per command, imported when it is called.

A command `x` is `cxlogging/cli/x.py` with a click command named `command`, and a line below.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import click

COMMANDS = {
    "query": "Print the rows of a query.",
    "tail": "Print logs as they arrive.",
    "send": "Send lines, JSON lines or CSV to a vendor.",
    "audit": "Tell whether all numbered records arrived.",
    "doctor": "Find what stands in the way of records, and what to do about it.",
    "check": "Send one event with each handler.",
    "spool": "Look after records that wait on disk.",
    "demo": "See it work: an application, an outage, and nothing lost.",
    "dev": "Run a local server that behaves like the three vendors.",
    "completion": "Print the completion script of a shell.",
}
SERVING = {"demo", "dev"}
"""Commands that need what the local server needs."""


def main() -> None:
    """Run the command line."""
    arguments = list(getattr(sys, "argv", ()))[1:]
    try:
        import click  # noqa: F401 - to be told at once
    except ModuleNotFoundError:
        _explain("dev" if SERVING.intersection(arguments[:1]) else "cli")
    from .shared.exit_codes import open_streams

    open_streams()
    group()(arguments, prog_name="cxlogging")


def _explain(extra: str = "cli") -> NoReturn:
    sentence = f"The command line needs more packages: pip install 'cxlogging[{extra}]'\n"
    if sys.stderr is not None:
        sys.stderr.write(sentence)
    raise SystemExit(2)


def group() -> click.Group:
    """Return the command with its commands."""
    import click
    from click.shell_completion import CompletionItem

    from .. import __version__
    from ..errors import nearest
    from .shared.exit_codes import ended, guarded
    from .shared.wording import examples

    class Commands(click.Group):
        """Knows its commands by name, and imports the one that is called."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            del ctx
            return list(COMMANDS)

        def main(self, *arguments: Any, **options: Any) -> NoReturn:
            options["standalone_mode"] = False
            ended(lambda: super(Commands, self).main(*arguments, **options))

        def invoke(self, ctx: click.Context) -> Any:
            return guarded(
                lambda: super(Commands, self).invoke(ctx),
                lambda: self.get_command(ctx, ctx.invoked_subcommand or ""),
            )

        def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
            if args[0] not in COMMANDS and not args[0].startswith("-"):
                hint = nearest(args[0].lower(), COMMANDS) or f" There are {', '.join(COMMANDS)}."
                raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx)
            return super().resolve_command(ctx, args)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            del ctx
            return _load(cmd_name) if cmd_name in COMMANDS else None

        def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
            found = [
                CompletionItem(name, help=told)
                for name, told in COMMANDS.items()
                if name.startswith(incomplete)
            ]
            return found + click.Command.shell_complete(self, ctx, incomplete)

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            del ctx
            with formatter.section("Commands"):
                formatter.write_dl(list(COMMANDS.items()))

    @click.group(
        cls=Commands,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=examples("cxlogging demo", "cxlogging tail --local --level warning"),
    )
    @click.version_option(__version__, "-V", "--version", message="cxlogging %(version)s")
    def cxlogging() -> None:
        """Logging handlers for Coralogix, Honeycomb and Better Stack."""

    commands: click.Group = cxlogging
    return commands


def _load(name: str) -> click.Command:
    try:
        command: click.Command = import_module(f".{name}", __name__).command
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cxlogging"):
            raise
        _explain("dev" if name in SERVING else "cli")
    return command
