"""A configuration of logging on trial: every logger and level, the vendors' rules in memory."""

from __future__ import annotations

import importlib.util
import json
import logging
import logging.handlers
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...captured_events import CapturedEvents, MemoryTransport
from ...delivery import isolation
from ...handlers.handler import ShippingHandler
from ...vendors.emulation.types import StoredEvent
from ..doctor.findings import Finding, fail, skip, warn
from ..doctor.tree import tree
from ..shared.targets import Targets, configuration_of, loggers, targets

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MARK = "cx_check"
"""The field of the records of a trial, which other handlers do not see."""

FORWARDING = (logging.handlers.QueueHandler, logging.handlers.MemoryHandler)
"""Handlers behind which one of this package may be."""

VARIABLE = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|%\([A-Z_]+\)s")

FOREIGN_LOGGERS = {
    "uvicorn": (("uvicorn", "uvicorn.access"), "cxlogging.integrations.uvicorn.log_config"),
    "gunicorn": (
        ("gunicorn.error", "gunicorn.access"),
        "cxlogging.integrations.gunicorn.log_config",
    ),
    "celery": (("celery", "celery.task"), "cxlogging.integrations.celery.setup(app)"),
}
"""Packages whose own loggers do not propagate, or that take handlers from the root logger."""


@dataclass
class ConfigurationTrial:
    """
    The result.

    Attributes:
        findings: Mistakes, each with its fix.
        routes: Logger and level to the vendors that get such a record.
        samples: One event of each vendor, as it would be stored.
    """

    findings: list[Finding] = field(default_factory=list)
    routes: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    samples: dict[str, StoredEvent] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the result for JSON."""
        return {
            "routes": self.routes,
            "events": {name: dict(event.data) for name, event in self.samples.items()},
            "findings": [each.to_json() for each in self.findings],
        }


def run(target: str) -> ConfigurationTrial:
    """
    Apply the configuration *target* in this process, and log one record per logger and level.

    Args:
        target: ``module:NAME``, a Django settings module, or a file.

    Raises:
        click.UsageError: There is no such configuration, or `logging` refuses it.
    """
    isolation.replace_transport(MemoryTransport)
    app, config = configuration_of(target)
    found = targets(app, config)
    trial = ConfigurationTrial()
    trial.findings += _missing(found)
    _log_everywhere(found, trial)
    trial.findings += _refused(trial)
    trial.findings += tree(found.handlers, found.own)
    trial.findings += _literal_variables(found)
    trial.findings += _foreign_loggers(found)
    return trial


def _missing(found: Targets) -> Iterator[Finding]:
    for name, handler in found.handlers.items():
        missing = handler.delivery.destination.missing
        if missing:
            cause = f"{name} has no key or address: it drops every record"
            yield fail("settings", cause, f"Set {missing}.")


def _log_everywhere(found: Targets, trial: ConfigurationTrial) -> None:
    events = CapturedEvents()
    for _, logger in loggers():
        for handler in logger.handlers:
            if not isinstance(handler, (ShippingHandler, *FORWARDING)):
                handler.filters.insert(0, _is_of_application)
    for name, logger in loggers():
        if name in found.own:
            continue
        for level in LEVELS:
            message = f"cxlogging check: {name} at {level}"
            logger.log(getattr(logging, level), message, extra={MARK: f"{name} {level}"})
        trial.routes[name] = {level: [] for level in LEVELS}
    for event in events:
        name, _, level = str(event.data.get(MARK, "")).rpartition(" ")
        if name in trial.routes:
            trial.routes[name][level].append(event.vendor)
            trial.samples.setdefault(event.vendor, event)
    trial.findings += [
        fail(
            "refused", f"a vendor would refuse these records: {each}", "See the handler's options."
        )
        for each in dict.fromkeys(events.refused)
    ]


def _is_of_application(record: logging.LogRecord) -> bool:
    return not hasattr(record, MARK)


def _refused(trial: ConfigurationTrial) -> Iterator[Finding]:
    if not any(vendors for levels in trial.routes.values() for vendors in levels.values()):
        yield fail("routes", "no record reaches a vendor", "Look at the findings below.")


def _literal_variables(found: Targets) -> Iterator[Finding]:
    """Yield the texts of the configuration that look like a variable nobody has replaced."""
    for path, text in _texts((found.document or {}).get("handlers"), "handlers"):
        if match := VARIABLE.search(text):
            yield warn(
                "variables",
                f"{path} has the literal text {match[0]!r}: logging replaces no variables",
                "Leave the argument out: the handler reads its variable. Or use os.environ.",
            )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name in value:
            # A configuration's own mapping converts what is accessed by name.
            yield from _texts(
                dict.get(value, name) if isinstance(value, dict) else value[name], f"{path}.{name}"
            )
    elif isinstance(value, str):
        yield path, value


def _foreign_loggers(found: Targets) -> Iterator[Finding]:
    reached = {
        name
        for name, logger in loggers()
        if any(isinstance(each, ShippingHandler) for each in logger.handlers)
    }
    for package, (names, fix) in FOREIGN_LOGGERS.items():
        if importlib.util.find_spec(package) is None or reached & set(names):
            continue
        if all(_propagates(name, found) for name in names):
            continue
        yield skip(
            package,
            f"installed; its loggers ({', '.join(names)}) do not reach a handler here: if this"
            f" application runs with it, use {fix}",
        )


def _propagates(name: str, found: Targets) -> bool:
    document = found.document if isinstance(found.document, Mapping) else {}
    configured = (document.get("loggers") or {}).get(name)
    return isinstance(configured, Mapping) and configured.get("propagate") is True


def shown(event: StoredEvent) -> str:
    """Return what a vendor gets of a record, as JSON."""
    return json.dumps(dict(event.data), indent=2, default=str, ensure_ascii=False)


def summary(trial: ConfigurationTrial) -> Iterator[str]:
    """Yield a line for each logger: what reaches which vendor."""
    width = max(map(len, trial.routes), default=0)
    for name, levels in trial.routes.items():
        groups: dict[str, list[str]] = {}
        for level, vendors in levels.items():
            groups.setdefault(_counted(vendors), []).append(level)
        parts = [f"{_span(found)} to {vendors}" for vendors, found in groups.items()]
        yield f"{name:<{width}}  {'; '.join(parts)}"


def _counted(vendors: list[str]) -> str:
    counts = Counter(vendors)
    texts = [name if count == 1 else f"{name} {count} times" for name, count in counts.items()]
    return ", ".join(sorted(texts)) or "no vendor"


def _span(levels: list[str]) -> str:
    return levels[0] if len(levels) == 1 else f"{levels[0]}-{levels[-1]}"
