"""
A local server that behaves like the vendors.

`with DevServer() as server:` listens on a free loopback port; point an application at
`server.url` and ask `server.events()` what arrived. Needs the extra `dev`.

Names are loaded when used: a process that answers queries loads no server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.lazy_imports import exports

if TYPE_CHECKING:
    from ..vendors.emulation.types import StoredEvent
    from .faults import Fault, FaultPanel
    from .keys import VENDORS, Keys
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
    "VENDORS": ".keys",
    "DevServer": ".server",
    "Fault": ".faults",
    "FaultPanel": ".faults",
    "Keys": ".keys",
    "RequestRecord": ".schema",
    "Store": ".store",
    "StoredEvent": "..vendors.emulation.types",
}

__getattr__ = exports(__name__, _HOMES)
