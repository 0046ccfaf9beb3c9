"""What the commands of a relay share: options, and how errors of the stream end a command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...delivery.http.interface import TransportError
from ...delivery.nats.address import EXAMPLE, require_client
from ...relay.config import FILE, RelayConfig, load_config
from ..shared.exit_codes import AUTHENTICATION, FAILURE, RETRYABLE
from ..shared.screen import complain

if TYPE_CHECKING:
    from ...relay.link import Link

Result = TypeVar("Result")

_PATH, _ADDRESS = f"{__name__}.config", f"{__name__}.nats"
"""Where a context and those inside it keep the two options."""


def _keep(key: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    """Return what keeps an option under *key*: that of a command replaces that of its group."""

    def keep(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        if value:
            ctx.meta[key] = value

    return keep


_CONFIG = click.option(
    "--config",
    metavar="FILE",
    callback=_keep(_PATH),
    expose_value=False,
    help=f"The configuration. Default: {FILE} in the working directory, if it is there.",
)
_NATS = click.option(
    "--nats",
    "stream",
    metavar="ADDRESS",
    callback=_keep(_ADDRESS),
    expose_value=False,
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
    """Add `--config` and `--nats` to *command*; `configuration` reads them."""
    return _CONFIG(_NATS(command))


def configuration(ctx: click.Context, *, delivers: bool = False) -> RelayConfig:
    """
    Return what the options say: those of the command, or else of the groups in front of it.

    Args:
        ctx: Of the command.
        delivers: The destinations and their keys are needed.

    Raises:
        ConfigurationError: Something is wrong or missing.
    """
    require_client("cxlogging relay")
    return load_config(ctx.meta.get(_PATH), ctx.meta.get(_ADDRESS), delivers=delivers)


@contextlib.asynccontextmanager
async def connected(config: RelayConfig, command: str) -> AsyncIterator[Link]:
    """Give a connection to the stream of *config*, which the servers list under *command*."""
    from ...delivery.nats.address import read_login
    from ...relay.link import Link

    link = Link(config.address, read_login(), f"cxlogging-relay-{command}")
    try:
        yield link
    finally:
        await link.close()


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
