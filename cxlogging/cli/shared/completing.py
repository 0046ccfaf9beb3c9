"""Completions beside the names of commands, options and their values."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem


def files_after_at(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete ``@FILE``: shells know files, but not behind a sign."""
    del ctx, param
    if not incomplete.startswith("@"):
        return []
    folder, slash, begun = incomplete[1:].rpartition("/")
    try:
        found = sorted(Path(folder + slash or ".").expanduser().iterdir())
    except OSError:
        return []
    return [
        CompletionItem(f"@{folder}{slash}{each.name}{'/' if each.is_dir() else ''}")
        for each in found
        if each.name.startswith(begun) and (begun or not each.name.startswith("."))
    ]
