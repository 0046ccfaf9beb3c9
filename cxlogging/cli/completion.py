"""`cxlogging completion`: the script that makes a shell complete what is typed."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from . import group

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_CXLOGGING_COMPLETE"
"""By which the script asks, as click defines it."""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def command(shell: str | None) -> None:
    """
    Print the completion script of a SHELL: bash, zsh or fish; else the one of $SHELL.

    \b
    bash:  eval "$(cxlogging completion bash)"        in ~/.bashrc
    zsh:   eval "$(cxlogging completion zsh)"         in ~/.zshrc
    fish:  cxlogging completion fish | source         in ~/.config/fish/config.fish
    """  # noqa: D301 - click's mark for lines that stay as they are
    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise click.UsageError(
            f"$SHELL is no shell that is known here: name one of {', '.join(SHELLS)}."
        )
    click.echo(kind(group(), {}, "cxlogging", VARIABLE).source())
