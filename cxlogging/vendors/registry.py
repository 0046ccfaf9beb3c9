"""Every vendor, one line each."""

from __future__ import annotations

from .betterstack.emulator import BetterStackDoor
from .coralogix.emulator import CoralogixDoor
from .emulation.types import Door
from .honeycomb.emulator import HoneycombDoor

ANSWERING_EACH = frozenset({"honeycomb"})
"""Vendors whose answer holds a status for each event."""

DOORS: tuple[Door, ...] = (CoralogixDoor(), HoneycombDoor(), BetterStackDoor())
