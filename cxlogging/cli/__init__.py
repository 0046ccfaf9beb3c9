"""The command line `cxlogging`. A command `x` is the module or folder `cxlogging/cli/x`."""

from __future__ import annotations

import sys

from .commands import exit_for_missing_extra


def main() -> None:
    """Run the command line."""
    arguments = list(getattr(sys, "argv", ()))[1:]
    try:
        from .group import command
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cxlogging"):
            raise
        exit_for_missing_extra(arguments[0] if arguments else "")
    from .shared.exit_codes import open_streams

    open_streams()
    command(arguments, prog_name="cxlogging")
