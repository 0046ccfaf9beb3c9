"""`cxlogging completion`: the script that makes a shell complete what is typed."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from . import group
from .shared.wording import examples

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_CXLOGGING_COMPLETE"
"""By which the script asks, as click defines it."""


@click.command(
    "completion",
    epilog=examples(
        'eval "$(cxlogging completion bash)"',
        'eval "$(cxlogging completion zsh)"',
        "cxlogging completion fish | source",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def command(shell: str | None) -> None:
    """
    Print the completion script of a SHELL: bash, zsh or fish; else the one of $SHELL.

    The script belongs into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise click.UsageError(
            f"$SHELL is no shell that is known here: name one of {', '.join(SHELLS)}."
        )
    click.echo(kind(group(), {}, "cxlogging", VARIABLE).source())
