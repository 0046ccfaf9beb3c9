"""What a destination of your own is made of; docs/custom-destination.md builds one."""

from __future__ import annotations

from .handlers.handler import ShippingHandler
from .wire.codec import encoded
from .wire.destination import Destination
from .wire.event import Event
from .wire.http import (
    Action,
    Endpoint,
    Limits,
    Request,
    Response,
    Secret,
    Verdict,
    joined,
)
from .wire.timestamps import rfc3339
from .wire.verdicts import default_verdict

__all__ = [
    "Action",
    "Destination",
    "Endpoint",
    "Event",
    "Limits",
    "Request",
    "Response",
    "Secret",
    "ShippingHandler",
    "Verdict",
    "default_verdict",
    "encoded",
    "joined",
    "rfc3339",
]
