"""The option ``--param``: values for the names in braces in a query."""

from __future__ import annotations

import json
from typing import Any

import click


def _values(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, Any] | None:
    del context
    found: dict[str, Any] = {}
    for each in given:
        name, sign, text = each.partition("=")
        if not sign or not name.rstrip(":").isidentifier():
            raise click.BadParameter(f"{each!r} is not NAME=TEXT or NAME:=JSON.", param=parameter)
        if name.endswith(":"):
            try:
                found[name[:-1]] = json.loads(text)
            except ValueError:
                raise click.BadParameter(
                    f"{text!r} is not JSON: for a text write {name[:-1]}=...", param=parameter
                ) from None
        else:
            found[name] = text
    return found or None


parameters = click.option(
    "--param",
    "params",
    multiple=True,
    callback=_values,
    metavar="NAME=TEXT",
    help="Put TEXT, quoted, in the place of {NAME} in the query; NAME:=JSON for a number or list.",
)
