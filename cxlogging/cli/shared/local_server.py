"""Where the local server is, or is to be: its options, and its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ...wire.settings import URL_VARIABLE, held

F = TypeVar("F", bound=Callable[..., Any])
LOCAL_PORT = 8765


def local_url(port: int | None = None) -> str:
    """Return the address of the local server: at *port*, or else from ``CXLOGGING_URL``."""
    configured = held(URL_VARIABLE)
    return configured if configured and port is None else f"http://127.0.0.1:{port or LOCAL_PORT}"


def address_options(command: F) -> F:
    """Add the options of a command that asks a local server: ``--port`` and ``--url``."""
    command = click.option(
        "--url",
        metavar="URL",
        help=f"The address of the local server, instead of --port. Default: {URL_VARIABLE}.",
    )(command)
    return click.option(
        "--port",
        type=click.IntRange(1, 65535),
        metavar="N",
        help=f"The port of the local server on this machine. Default: {LOCAL_PORT}.",
    )(command)


def listening_port(sentence: str) -> Callable[[F], F]:
    """Return the option of a command that starts a local server; *sentence* is its help."""
    return click.option(
        "--port",
        default=LOCAL_PORT,
        show_default=True,
        type=click.IntRange(0, 65535),
        metavar="N",
        help=sentence,
    )
