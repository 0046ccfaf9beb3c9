"""
A local server that behaves like Coralogix, Honeycomb and Better Stack.

`with DevServer() as server:` listens on a free loopback port; point an application at
`server.url` and ask `server.events("coralogix")` what arrived. Needs the extra `dev`.

Names are loaded when used: a process that answers queries loads no server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "VENDORS": ".doors",
    "DevServer": ".server",
    "Fault": ".faults",
    "FaultPanel": ".faults",
    "Keys": ".doors",
    "RequestRecord": ".schema",
    "Store": ".store",
    "StoredEvent": ".doors",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home, __name__), name)
    globals()[name] = value
    return value
