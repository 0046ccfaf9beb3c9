"""Where queries go: the options that `query`, `tail` and `audit` share."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ...dataprime import DataPrimeClient
from ...errors import ConfigurationError
from ...wire.settings import URL_VARIABLE, held
from .screen import note

F = TypeVar("F", bound=Callable[..., Any])
LOCAL_PORT = 8765
_OPTIONS = (
    click.option(
        "--local",
        is_flag=True,
        help="Ask the local server, `cxlogging dev`, instead of the service.",
    ),
    click.option(
        "--port",
        type=click.IntRange(1, 65535),
        metavar="N",
        help=f"The port of the local server; implies --local. Default: {LOCAL_PORT}.",
    ),
    click.option(
        "--domain",
        metavar="D",
        help="The domain or region of the account, such as eu2. Default: CORALOGIX_DOMAIN.",
    ),
    click.option(
        "--url",
        metavar="URL",
        help=f"Ask this address instead of https://api.<domain>. Default: {URL_VARIABLE}.",
    ),
)


tier = click.option(
    "--tier",
    type=click.Choice(["frequent", "archive"]),
    default="frequent",
    show_default=True,
    help="The storage tier to read: frequent search, or the archive.",
)
row_limit = click.option(
    "--row-limit",
    type=click.IntRange(1),
    metavar="N",
    help="The most rows that the account may ask for. Default: 15,000, in the archive 50,000.",
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


def client(
    where: Mapping[str, str | None], tier: str, row_limit: int | None, **options: Any
) -> DataPrimeClient:
    """Return a client for what `address` returned; *row_limit* is the account's for *tier*."""
    if row_limit is not None:
        options["row_limits"] = {tier: row_limit}
    try:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            made = DataPrimeClient(None, where["domain"], where["url"], **options)
    except ConfigurationError as error:
        sentence = str(error)
        if sentence.startswith("no "):
            # Neither an address nor a key: who tries this out needs none.
            sentence += " Or ask the local server: --local."
        if where["url"] is not None and where["url"] == held(URL_VARIABLE):
            # With --local the address came from the variable.
            sentence = re.sub(r"^url\b", URL_VARIABLE, sentence)
        raise ConfigurationError(sentence) from None
    for each in found:
        note(str(each.message))
    return made


def local_url(port: int | None = None) -> str:
    """Return the local server's address: at *port*, else as ``CXLOGGING_URL`` says."""
    known = held(URL_VARIABLE)
    return known if known and port is None else f"http://127.0.0.1:{port or LOCAL_PORT}"
