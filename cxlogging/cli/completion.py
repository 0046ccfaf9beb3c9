"""`cxlogging completion`: the script that enables completion in a shell."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from .shared.wording import examples

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_CXLOGGING_COMPLETE"
"""The variable that asks for completions; click derives it from the name of the program."""


@click.command(
    "completion",
    epilog=examples(
        'eval "$(cxlogging completion bash)"',
        'eval "$(cxlogging completion zsh)"',
        "cxlogging completion fish | source",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def command(ctx: click.Context, shell: str | None) -> None:
    """
    Print the completion script of SHELL, by default of the shell in $SHELL.

    Evaluate the script in ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        given = f"$SHELL is {name!r}, which is not supported" if name else "$SHELL is not set"
        raise click.UsageError(f"{given}: pass one of {', '.join(SHELLS)}.")
    click.echo(kind(ctx.find_root().command, {}, "cxlogging", VARIABLE).source())
