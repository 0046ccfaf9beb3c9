"""Where queries go: the options that `query`, `tail` and `audit` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ..dataprime import DataPrimeClient
from ..errors import ConfigurationError
from ..wire.settings import URL_VARIABLE

F = TypeVar("F", bound=Callable[..., Any])
LOCAL_PORT = 8765
VARIABLES = {
    "url": (URL_VARIABLE,),
    "domain": ("CORALOGIX_DOMAIN", "CORALOGIX_REGION", "CX_REGION"),
    "api_key": ("CX_API_KEY", "CORALOGIX_API_KEY"),
}
"""Where the client reads what no option gave: they are named where their values are wrong."""

_OPTIONS = (
    click.option("--local", is_flag=True, help="Ask the local server (cxlogging dev)."),
    click.option(
        "--port",
        type=click.IntRange(1, 65535),
        help=f"Of the local server; implies --local. Default: {LOCAL_PORT}.",
    ),
    click.option(
        "--domain", metavar="D", help="A domain or a region, such as eu2. Else CORALOGIX_DOMAIN."
    ),
    click.option(
        "--url", metavar="URL", help=f"Instead of https://api.<domain>. Else {URL_VARIABLE}."
    ),
)


def options(command: F) -> F:
    """Give *command* the options that say where queries go."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def address(
    *, local: bool, port: int | None, domain: str | None, url: str | None
) -> dict[str, str | None]:
    """Return ``domain`` and ``url`` as the query client takes them."""
    if not (local or port):
        return {"domain": domain, "url": url}
    if domain or url:
        raise click.UsageError("--local and --port stand alone: leave out --domain and --url.")
    return {"domain": None, "url": local_url(port)}


def client(where: Mapping[str, str | None], **options: Any) -> DataPrimeClient:
    """Return a client for what `address` returned."""
    try:
        return DataPrimeClient(None, where["domain"], where["url"], **options)
    except ConfigurationError as error:
        sentence = str(error)
        if sentence.startswith("no "):
            # Neither an address nor a key: who tries this out needs none.
            sentence += " Or ask the local server: --local."
        argument, _, rest = sentence.partition(" ")
        if where.get(argument) is None:
            variables = VARIABLES.get(argument, ())
            set_ones = [name for name in variables if os.environ.get(name)]
            sentence = f"{set_ones[0]} {rest}" if set_ones else sentence
        raise ConfigurationError(sentence) from None


def local_url(port: int | None = None) -> str:
    """Return the local server's address: at *port*, else as ``CXLOGGING_URL`` says."""
    known = os.environ.get(URL_VARIABLE)
    return known if known and port is None else f"http://127.0.0.1:{port or LOCAL_PORT}"
