"""How the labels of a query come from an event of one vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Labels:
    """
    The labels of one vendor's events.

    Attributes:
        vendor: Its name.
        source: Names in `StoredEvent.source`, and the label of each.
        application: The label ``applicationname`` of events that name no application.
        inherits_subsystem: Whether ``subsystemname`` is ``applicationname`` where an event names
            no subsystem.
        lucene: Fields of Lucene queries that are not in the data, and where they are: ``$m``
            (metadata) or ``$l`` (labels), and the name there.
    """

    vendor: str
    source: Mapping[str, str] = field(default_factory=dict)
    application: str = ""
    inherits_subsystem: bool = True
    lucene: Mapping[str, tuple[str, str]] = field(default_factory=dict)
