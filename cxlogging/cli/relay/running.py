"""What the commands of a relay share: options, and how errors of the stream end a command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from ...delivery.http.interface import TransportError
from ...delivery.nats.address import EXAMPLE, require_client
from ...relay.config import FILE, RelayConfig, load_config
from ..shared.exit_codes import AUTHENTICATION, FAILURE, RETRYABLE
from ..shared.screen import complain

Result = TypeVar("Result")

_CONFIG = click.option(
    "--config",
    metavar="FILE",
    help=f"The configuration. Default: {FILE} in the working directory, if it is there.",
)
_NATS = click.option(
    "--nats",
    "stream",
    metavar="ADDRESS",
    help=f"The servers and the stream, such as {EXAMPLE}, in place of the file's.",
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The format of the output: text for people, or JSON.",
)


def stream_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--config` and `--nats` to *command*."""
    return _CONFIG(_NATS(command))


def configuration(
    ctx: click.Context, config: str | None, stream: str | None, *, delivers: bool = False
) -> RelayConfig:
    """
    Return what the options say, or those of `cxlogging relay` in front of the command.

    Args:
        ctx: Of the command.
        config: The option ``--config``.
        stream: The option ``--nats``.
        delivers: The destinations and their keys are needed.

    Raises:
        ConfigurationError: Something is wrong or missing.
    """
    outer = ctx.parent.params if ctx.parent is not None else {}
    require_client("cxlogging relay")
    path, address = config or outer.get("config"), stream or outer.get("stream")
    return load_config(path, address, delivers=delivers)


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what *work* returns; exit with a sentence where the stream cannot be used."""
    try:
        return asyncio.run(work)
    except TransportError as error:
        reason = str(error)
        complain(f"{reason}{'' if reason.endswith('.') else '.'} {error.cure}".rstrip())
        if "refused the login" in reason:
            raise SystemExit(AUTHENTICATION) from None
        passes = not (getattr(error, "needs_fix", False) or getattr(error, "code", 0) in FIXED)
        raise SystemExit(RETRYABLE if passes else FAILURE) from None


FIXED = frozenset({10059, 10060})
"""JetStream's numbers for what stays wrong until somebody changes something."""
