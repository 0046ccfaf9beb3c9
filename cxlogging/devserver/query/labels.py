"""The labels of events in queries, as each vendor's folder defines them."""

from __future__ import annotations

import json
from typing import Any

from ...vendors.emulation.labels import Labels
from ...vendors.registry import VENDORS

_OF_VENDORS = {name: vendor.labels for name, vendor in VENDORS.items()}

LABELS = (
    *("applicationname", "subsystemname", "vendor"),
    *(label for each in _OF_VENDORS.values() for label in each.source.values()),
    "ipaddress",
)

LUCENE_FIELDS = {
    name: place for each in _OF_VENDORS.values() for name, place in each.lucene.items()
}
"""Fields of a Lucene query that are not in the data."""


def _labels_of(vendor: str) -> Labels:
    return _OF_VENDORS.get(vendor) or Labels(vendor)


def application_of(vendor: str, application: str, subsystem: str) -> str:
    """Return the label applicationname; empty where there is none."""
    del subsystem
    return application or _labels_of(vendor).application


def subsystem_of(vendor: str, application: str, subsystem: str) -> str:
    """Return the label subsystemname; empty where there is none."""
    if subsystem or not _labels_of(vendor).inherits_subsystem:
        return subsystem
    return application_of(vendor, application, subsystem)


def vendor_of(vendor: str, application: str, subsystem: str) -> str:
    """Return the label vendor."""
    del application, subsystem
    return vendor


LABEL_READERS = {
    "applicationname": application_of,
    "subsystemname": subsystem_of,
    "vendor": vendor_of,
}
"""Labels that depend on vendor, application and subsystem alone."""


def labels(vendor: str, application: str, subsystem: str, source: str) -> dict[str, str]:
    """Return the labels of an event from its columns in the store; empty ones are left out."""
    found = {name: of(vendor, application, subsystem) for name, of in LABEL_READERS.items()}
    if source != "{}":
        envelope: dict[str, Any] = json.loads(source)
        for name, label in _labels_of(vendor).source.items():
            if name in envelope:
                held = envelope[name]
                found[label] = held if isinstance(held, str) else json.dumps(held)
    return {name: held for name, held in found.items() if held}


def application_is(value: str) -> tuple[str, tuple[str, ...]]:
    """Return SQL that is true at least where applicationname is *value*, and its parameters."""
    without = [each.vendor for each in _OF_VENDORS.values() if each.application == value]
    either = " OR ".join(["application = ?", *(["vendor = ?"] * len(without))])
    return f"({either})" if without else either, (value, *without)


def subsystem_is(value: str) -> tuple[str, tuple[str, ...]]:
    """Return SQL that is true at least where subsystemname is *value*, and its parameters."""
    inherited, values = application_is(value)
    return f"(subsystem = ? OR (subsystem = '' AND {inherited}))", (value, *values)


def vendor_is(value: str) -> tuple[str, tuple[str, ...]]:
    """Return SQL that is true where vendor is *value*, and its parameters."""
    return "vendor = ?", (value,)


LABEL_CONDITIONS = {
    "applicationname": application_is,
    "subsystemname": subsystem_is,
    "vendor": vendor_is,
}
"""SQL conditions of the labels by which the store can filter."""
