"""What the endpoints share."""

from __future__ import annotations

from dataclasses import dataclass

from ..faults import FaultPanel
from ..reports import ReportBoard
from ..store import Store


@dataclass(frozen=True)
class ApiContext:
    """
    What the endpoints read and change.

    Attributes:
        store: The events and the log of requests.
        faults: The faults to inject.
        reports: What applications report of their handlers.
        token: What a browser sends with each change.
    """

    store: Store
    faults: FaultPanel
    reports: ReportBoard
    token: str
