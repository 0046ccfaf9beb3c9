"""
A local server that behaves like Coralogix, Honeycomb and Better Stack.

`with DevServer() as server:` listens on a free loopback port; point an application at
`server.url` and ask `server.events("coralogix")` what arrived. Needs the extra `dev`.
"""

from __future__ import annotations

from .doors import VENDORS, Keys, StoredEvent
from .faults import Fault, FaultPanel
from .schema import RequestRecord
from .server import DevServer
from .store import Store

__all__ = [
    "VENDORS",
    "DevServer",
    "Fault",
    "FaultPanel",
    "Keys",
    "RequestRecord",
    "Store",
    "StoredEvent",
]
