"""The handlers by their vendors' names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...handlers.handler import ShippingHandler
from ...vendors.betterstack.handler import BetterStackHandler
from ...vendors.coralogix.handler import CoralogixHandler
from ...vendors.honeycomb.handler import HoneycombHandler

HANDLERS: Mapping[str, Callable[..., ShippingHandler]] = {
    "coralogix": CoralogixHandler,
    "honeycomb": HoneycombHandler,
    "betterstack": BetterStackHandler,
}
