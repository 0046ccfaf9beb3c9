"""The options that say where queries go; `query`, `tail` and `audit` share them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ...dataprime import DataPrimeClient
from ...errors import ConfigurationError
from ...wire.settings import URL_VARIABLE, held
from .local_server import LOCAL_PORT, local_url
from .screen import note

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS = (
    click.option(
        "--local",
        is_flag=True,
        help="Query the local server, `cxlogging dev`, instead of the service.",
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
        help=f"Query this address instead of https://api.<domain>. Default: {URL_VARIABLE}.",
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
    help="The most rows the account may request. Default: 15,000; in the archive 50,000.",
)


def options(command: F) -> F:
    """Add the options that say where queries go to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def address(
    *, local: bool, port: int | None, domain: str | None, url: str | None
) -> dict[str, str | None]:
    """Return the arguments ``domain`` and ``url`` of the query client."""
    if not (local or port):
        return {"domain": domain, "url": url}
    if domain or url:
        raise click.UsageError("--local and --port cannot be combined with --domain or --url.")
    return {"domain": None, "url": local_url(port)}


def client(
    where: Mapping[str, str | None], tier: str, row_limit: int | None, **options: Any
) -> DataPrimeClient:
    """
    Return a query client.

    Args:
        where: What `address` returned.
        tier: The storage tier that is queried.
        row_limit: The account's row limit for *tier*, if it is not the usual one.
        options: Further arguments of the client.
    """
    if row_limit is not None:
        options["row_limits"] = {tier: row_limit}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made = DataPrimeClient(None, where["domain"], where["url"], **options)
    except ConfigurationError as error:
        sentence = str(error)
        if sentence.startswith("no "):
            # No address or no key: without an account there is the local server.
            sentence += " Or ask the local server: --local."
        if where["url"] is not None and where["url"] == held(URL_VARIABLE):
            # --local took the address from the variable.
            sentence = re.sub(r"^url\b", URL_VARIABLE, sentence)
        raise ConfigurationError(sentence) from None
    for each in caught:
        note(str(each.message))
    return made
