"""The handlers by their vendors' names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..handlers.handler import ShippingHandler
from ..handlers.vendors import BetterStackHandler, CoralogixHandler, HoneycombHandler

HANDLERS: Mapping[str, Callable[..., ShippingHandler]] = {
    "coralogix": CoralogixHandler,
    "honeycomb": HoneycombHandler,
    "betterstack": BetterStackHandler,
}
