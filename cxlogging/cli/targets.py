"""The handlers that a command is about: of an application, of a file, or of the environment."""

from __future__ import annotations

import importlib
import json
import logging
import logging.config
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..destinations import betterstack, coralogix, honeycomb
from ..handlers.handler import ShippingHandler
from ..wire.settings import URL_VARIABLE, held
from .vendors import HANDLERS

Vendor = tuple[Callable[..., ShippingHandler], Mapping[str, tuple[str, ...]], tuple[str, ...]]
VENDORS: Mapping[str, Vendor] = {
    "coralogix": (HANDLERS["coralogix"], coralogix.VARIABLES, ("api_key", "domain")),
    "honeycomb": (HANDLERS["honeycomb"], honeycomb.VARIABLES, ("api_key",)),
    "betterstack": (
        HANDLERS["betterstack"],
        betterstack.VARIABLES,
        ("source_token", "ingesting_host"),
    ),
}
"""The handler, its variables, and the arguments that show that it is wanted."""


@dataclass(frozen=True)
class Targets:
    """
    Handlers to look at.

    Attributes:
        handlers: By a name for people.
        configured: True where an application's own logging is set up, so that the tree tells.
        own: Names of loggers that were there before it.
    """

    handlers: Mapping[str, ShippingHandler]
    configured: bool
    own: frozenset[str] = frozenset()


def targets(app: str | None, config: str | None) -> Targets:
    """Return the handlers of *app* or *config*, else those that the environment configures."""
    if app is None and config is None:
        return Targets(dict(_of_environment()), configured=False)
    if app is not None and config is not None:
        raise click.UsageError("--app and --config say the same: pass one.")
    own = frozenset(logging.Logger.manager.loggerDict)
    if app is not None:
        _run(app)
    else:
        _configure(_document(config or ""))
    return Targets(_named(attached()), configured=True, own=own)


def attached() -> list[ShippingHandler]:
    """Return the handlers of ours that stand at loggers, each once."""
    found: dict[int, ShippingHandler] = {}
    for _, logger in loggers():
        for handler in logger.handlers:
            if isinstance(handler, ShippingHandler):
                found.setdefault(id(handler), handler)
    return list(found.values())


def loggers() -> Iterator[tuple[str, logging.Logger]]:
    """Yield every logger by its name, the root first."""
    yield "root", logging.getLogger()
    for name, logger in sorted(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            yield name, logger


def _of_environment() -> Iterator[tuple[str, ShippingHandler]]:
    wanted = [
        vendor
        for vendor, (_, variables, needed) in VENDORS.items()
        if any(held(name) for argument in needed for name in variables[argument])
    ]
    if not wanted and held(URL_VARIABLE):
        wanted = ["coralogix"]  # the local server takes any; it has a query door for this one
    for vendor in wanted:
        yield vendor, VENDORS[vendor][0]()


def _named(handlers: list[ShippingHandler]) -> dict[str, ShippingHandler]:
    named: dict[str, ShippingHandler] = {}
    for handler in handlers:
        kinds = (name for name, (kind, *_) in VENDORS.items() if type(handler) is kind)
        name = handler.name or next(kinds, type(handler).__name__)
        unique, number = name, 2
        while unique in named:
            unique, number = f"{name} #{number}", number + 1
        named[unique] = handler
    return named


def _run(target: str) -> None:
    """Set up logging as an application does: call, or apply, what ``module:name`` names."""
    module, _, name = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        value: Any = importlib.import_module(module)
        for step in filter(None, name.split(".")):
            value = getattr(value, step)
        if isinstance(value, Mapping):
            _configure(value)
        elif name and callable(value):
            value()
    except click.ClickException:
        raise
    except Exception as error:
        raise click.UsageError(f"--app {target}: {_reason(error)}") from None


def _configure(document: Mapping[str, Any]) -> None:
    try:
        logging.config.dictConfig(dict(document))
    except Exception as error:
        raise click.UsageError(f"logging refuses this configuration: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """Return what *error* says, and what it was raised from: logging hides the reason there."""
    said = [f"{type(error).__name__}: {error}"]
    while (cause := error.__cause__) is not None:
        said.append(str(cause))
        error = cause
    return ": ".join(said)


def _document(name: str) -> Mapping[str, Any]:
    path = Path(name)
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            value = json.loads(text)
        elif path.suffix == ".toml":
            value = _toml(text)
        else:
            raise click.UsageError(f"--config takes a .json or .toml file, not {path.name!r}.")
    except OSError as error:
        raise click.UsageError(f"cannot read {name!r}: {error.strerror}.") from None
    except ValueError as error:
        raise click.UsageError(f"{path.name} cannot be read: {error}") from None
    for key in ("logging", "LOGGING"):
        if isinstance(value, dict) and "version" not in value and key in value:
            value = value[key]
    if not isinstance(value, dict):
        raise click.UsageError(f"{path.name} holds no table for logging.config.dictConfig.")
    return value


def _toml(text: str) -> Any:
    try:
        library = importlib.import_module("tomllib")
    except ModuleNotFoundError:
        raise click.UsageError("TOML is read by Python 3.11 and newer: use a .json file.") from None
    return library.loads(text)
