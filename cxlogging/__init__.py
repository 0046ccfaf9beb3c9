"""
Ship logging records to Coralogix, Honeycomb and Better Stack.

Importing this package imports nothing else: its names are loaded when used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .delivery.ledger import Stats
    from .delivery.overview import flush_all, stats, volume
    from .delivery.process.sigterm import install_sigterm
    from .delivery.reporting import report_stats
    from .delivery.volume import VolumeRow
    from .errors import ConfigurationError, CxLoggingError
    from .handlers.check import CheckResult
    from .handlers.context import bind, bound, unbind
    from .handlers.holding.decorator import hold
    from .handlers.holding.scope import current_hold
    from .handlers.queueing import ContextQueueHandler
    from .handlers.redaction.filter import RedactFilter
    from .handlers.selection.limiter import SiteLimiter
    from .handlers.selection.samplers import FieldSampler, LevelSampler
    from .handlers.selection.throughput import ThroughputSampler
    from .vendors.betterstack.handler import BetterStackHandler
    from .vendors.coralogix.handler import CoralogixHandler
    from .vendors.honeycomb.handler import HoneycombHandler
    from .vendors.trace_sampler import TraceSampler
    from .wire.sanitizing.special_types import register_type

__version__ = "0.1.0"

__all__ = [
    "BetterStackHandler",
    "CheckResult",
    "ConfigurationError",
    "ContextQueueHandler",
    "CoralogixHandler",
    "CxLoggingError",
    "FieldSampler",
    "HoneycombHandler",
    "LevelSampler",
    "RedactFilter",
    "SiteLimiter",
    "Stats",
    "ThroughputSampler",
    "TraceSampler",
    "VolumeRow",
    "bind",
    "bound",
    "current_hold",
    "flush_all",
    "hold",
    "install_sigterm",
    "register_type",
    "report_stats",
    "stats",
    "unbind",
    "volume",
]

_HOMES = {
    "BetterStackHandler": ".vendors.betterstack.handler",
    "CheckResult": ".handlers.check",
    "ConfigurationError": ".errors",
    "ContextQueueHandler": ".handlers.queueing",
    "CoralogixHandler": ".vendors.coralogix.handler",
    "CxLoggingError": ".errors",
    "FieldSampler": ".handlers.selection.samplers",
    "HoneycombHandler": ".vendors.honeycomb.handler",
    "LevelSampler": ".handlers.selection.samplers",
    "RedactFilter": ".handlers.redaction.filter",
    "SiteLimiter": ".handlers.selection.limiter",
    "Stats": ".delivery.ledger",
    "ThroughputSampler": ".handlers.selection.throughput",
    "TraceSampler": ".vendors.trace_sampler",
    "VolumeRow": ".delivery.volume",
    "bind": ".handlers.context",
    "bound": ".handlers.context",
    "current_hold": ".handlers.holding.scope",
    "flush_all": ".delivery.overview",
    "hold": ".handlers.holding.decorator",
    "install_sigterm": ".delivery.process.sigterm",
    "register_type": ".wire.sanitizing.special_types",
    "report_stats": ".delivery.reporting",
    "stats": ".delivery.overview",
    "unbind": ".handlers.context",
    "volume": ".delivery.overview",
}


def __getattr__(name: str) -> Any:  # `wire.lazy_imports` would be one more import
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
