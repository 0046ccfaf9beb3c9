"""
The vendors' doors: protocol rules without sockets, threads or clocks.

A door takes a `Request` and gives a `Reply`: the answer that the vendor would give, and the
events that it would have kept. One file a vendor; none knows another.
"""

from __future__ import annotations

from .betterstack import BetterStackDoor
from .coralogix import CoralogixDoor
from .honeycomb import HoneycombDoor
from .values import QUERIES, VENDORS, Answer, Door, Keys, Reply, Request, StoredEvent

ANSWERING_EACH = frozenset({"honeycomb"})
"""Vendors whose answer holds a status for each event."""

DOORS: tuple[Door, ...] = (CoralogixDoor(), HoneycombDoor(), BetterStackDoor())

__all__ = [
    "ANSWERING_EACH",
    "DOORS",
    "QUERIES",
    "VENDORS",
    "Answer",
    "BetterStackDoor",
    "CoralogixDoor",
    "Door",
    "HoneycombDoor",
    "Keys",
    "Reply",
    "Request",
    "StoredEvent",
]
