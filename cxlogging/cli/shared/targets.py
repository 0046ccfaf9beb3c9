"""The handlers that a command examines: of an application, a file, or the environment."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import logging.config
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ...handlers.handler import ShippingHandler
from ...vendors.registry import QUERIED, VENDORS
from ...wire.settings import URL_VARIABLE, held

APP_HELP = "Configure logging as the application does: import a callable or a dict."
CONFIG_HELP = "Configure logging from this .json, .toml, .yaml or .ini file."


@dataclass(frozen=True)
class Targets:
    """
    The handlers that a command examines.

    Attributes:
        handlers: The handlers by name.
        configured: True if the application's logging was configured, with its loggers.
        own: The names of loggers that existed before that.
        document: The configuration that was applied; None if it is not known.
    """

    handlers: Mapping[str, ShippingHandler]
    configured: bool
    own: frozenset[str] = frozenset()
    document: Mapping[str, Any] | None = None


def targets(app: str | None, config: str | None) -> Targets:
    """Return the handlers of *app* or *config*, or else those that the environment configures."""
    if app is None and config is None:
        return Targets(dict(_of_environment()), configured=False)
    if app is not None and config is not None:
        raise click.UsageError("--app and --config both configure logging: pass one.")
    own = frozenset(logging.Logger.manager.loggerDict)
    document = _run(app) if app is not None else _configure_from(Path(config or ""))
    return Targets(_named(attached()), configured=True, own=own, document=document)


def configuration_of(target: str) -> tuple[str | None, str | None]:
    """Return *target* as ``--app`` or ``--config`` takes it, the other one None."""
    suffix = Path(target).suffix.lower()
    is_file = ":" not in target and (suffix in _PARSERS or suffix in _INI)
    return (None, target) if is_file else (target, None)


def attached() -> list[ShippingHandler]:
    """Return the handlers of cxlogging that are attached to loggers, each once."""
    found: dict[int, ShippingHandler] = {}
    for _, logger in loggers():
        for handler in logger.handlers:
            if isinstance(handler, ShippingHandler):
                found.setdefault(id(handler), handler)
    return list(found.values())


def loggers() -> Iterator[tuple[str, logging.Logger]]:
    """Yield every logger with its name, the root logger first."""
    yield "root", logging.getLogger()
    for name, logger in sorted(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            yield name, logger


def _of_environment() -> Iterator[tuple[str, ShippingHandler]]:
    wanted = [
        vendor
        for vendor in VENDORS.values()
        if any(
            held(name)
            for argument in vendor.profile.required
            for name in vendor.profile.variables[argument]
        )
    ]
    if not wanted and held(URL_VARIABLE):
        wanted = [QUERIED]  # the local server accepts all, and answers queries as this one does
    for vendor in wanted:
        yield vendor.name, vendor.make_handler()


def _named(handlers: list[ShippingHandler]) -> dict[str, ShippingHandler]:
    named: dict[str, ShippingHandler] = {}
    for handler in handlers:
        kinds = (each.name for each in VENDORS.values() if type(handler) is each.handler)
        name = handler.name or next(kinds, type(handler).__name__)
        unique, number = name, 2
        while unique in named:
            unique, number = f"{name} #{number}", number + 1
        named[unique] = handler
    return named


def _run(target: str) -> Mapping[str, Any] | None:
    """
    Configure logging with what ``module:name`` names: a callable, or a dict.

    A Django settings module without a name is applied as Django does. Return the configuration,
    if there is one to see.
    """
    module, _, name = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        value: Any = importlib.import_module(module)
        for step in filter(None, name.split(".")):
            value = getattr(value, step)
        if not name and isinstance(getattr(value, "LOGGING", None), Mapping):
            _configure_django(value)
            value = value.LOGGING
        elif isinstance(value, Mapping):
            _configure(value)
        elif name and callable(value):
            value()
    except click.ClickException:
        raise
    except Exception as error:
        raise click.UsageError(f"--app {target}: {_reason(error)}") from None
    return value if isinstance(value, Mapping) else None


def _configure_django(settings: Any) -> None:
    """Apply Django's own configuration first, as `django.setup` does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings.__name__)
    try:
        from django.utils.log import DEFAULT_LOGGING  # type: ignore[import-untyped,unused-ignore]
    except ModuleNotFoundError:
        DEFAULT_LOGGING = None  # noqa: N806 - Django's name
    if DEFAULT_LOGGING is not None and getattr(settings, "LOGGING_CONFIG", True) is not None:
        _configure(DEFAULT_LOGGING)
    _configure(settings.LOGGING)


def _configure(document: Mapping[str, Any]) -> None:
    try:
        logging.config.dictConfig(dict(document))
    except Exception as error:
        raise click.UsageError(f"logging rejects this configuration: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """Return the messages of *error* and its causes, among which logging hides the reason."""
    messages = [f"{type(error).__name__}: {error}"]
    while (cause := error.__cause__) is not None:
        messages.append(str(cause))
        error = cause
    return ": ".join(messages)


def _document(path: Path) -> Mapping[str, Any]:
    try:
        value = _PARSERS[path.suffix.lower()](path.read_text("utf-8"))
    except OSError as error:
        raise click.UsageError(f"cannot read {str(path)!r}: {error.strerror}.") from None
    except ValueError as error:
        raise click.UsageError(f"{path.name} cannot be read: {error}") from None
    for key in ("logging", "LOGGING"):
        if isinstance(value, dict) and "version" not in value and key in value:
            value = value[key]
    if not isinstance(value, dict):
        raise click.UsageError(
            f"{path.name} does not contain a table for logging.config.dictConfig."
        )
    return value


def _toml(text: str) -> Any:
    for name in ("tomllib", "tomli"):
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name).loads(text)
    raise click.UsageError("TOML needs Python 3.11 or a package: pip install tomli")


def _yaml(text: str) -> Any:
    try:
        library = importlib.import_module("yaml")
    except ModuleNotFoundError:
        raise click.UsageError("YAML needs a package: pip install pyyaml") from None
    try:
        return library.safe_load(text)
    except library.YAMLError as error:
        raise ValueError(error) from None


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": _toml,
    ".yaml": _yaml,
    ".yml": _yaml,
}
_INI = frozenset({".ini", ".cfg", ".conf"})
"""Endings of files for `logging.config.fileConfig`."""


def _configure_from(path: Path) -> Mapping[str, Any] | None:
    suffix = path.suffix.lower()
    if suffix in _PARSERS:
        document = _document(path)
        _configure(document)
        return document
    if suffix not in _INI:
        known = ", ".join([*_PARSERS, *sorted(_INI)])
        raise click.UsageError(f"--config takes a file with the ending {known}, not {path.name!r}.")
    try:
        path.read_text("utf-8")
        logging.config.fileConfig(path, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot read {str(path)!r}: {error.strerror}.") from None
    except Exception as error:
        raise click.UsageError(f"logging rejects {path.name}: {_reason(error)}") from None
    return None
