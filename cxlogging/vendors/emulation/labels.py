"""
What a query sees of an event: its labels, by vendor.

| label | Coralogix | Honeycomb | Better Stack |
|---|---|---|---|
| applicationname | applicationName | the dataset | `betterstack` |
| subsystemname | subsystemName | `service.name`, else the dataset | `betterstack` |
| vendor | `coralogix` | `honeycomb` | `betterstack` |
| the rest | computername, category, classname, methodname, threadid | dataset, samplerate | |

Better Stack tells its sources by their tokens alone, and no token is kept: it is one source here.
"""

from __future__ import annotations

import json
from typing import Any

ONE_SOURCE = "betterstack"

SOURCE_LABELS = {
    "computerName": "computername",
    "category": "category",
    "className": "classname",
    "methodName": "methodname",
    "threadId": "threadid",
    "dataset": "dataset",
    "samplerate": "samplerate",
}
"""What the envelope said, and the label that it becomes."""

LABELS = ("applicationname", "subsystemname", "vendor", *SOURCE_LABELS.values(), "ipaddress")

LUCENE_FIELDS = {
    "coralogix.metadata.severity": ("$m", "severity"),
    "coralogix.metadata.applicationName": ("$l", "applicationname"),
    "coralogix.metadata.subsystemName": ("$l", "subsystemname"),
    "coralogix.metadata.computerName": ("$l", "computername"),
    "coralogix.metadata.category": ("$l", "category"),
    "coralogix.metadata.className": ("$l", "classname"),
    "coralogix.metadata.methodName": ("$l", "methodname"),
    "coralogix.metadata.threadId": ("$l", "threadid"),
}
"""Fields of a Lucene query that are not in the data."""


def application_of(vendor: str, application: str, subsystem: str) -> str:
    """The label applicationname; empty where there is none."""
    del subsystem
    return application or (ONE_SOURCE if vendor == "betterstack" else "")


def subsystem_of(vendor: str, application: str, subsystem: str) -> str:
    """The label subsystemname; empty where there is none."""
    if subsystem or vendor == "coralogix":
        return subsystem
    return application_of(vendor, application, subsystem)


def vendor_of(vendor: str, application: str, subsystem: str) -> str:
    """The label vendor."""
    del application, subsystem
    return vendor


OF_COLUMNS = {
    "applicationname": application_of,
    "subsystemname": subsystem_of,
    "vendor": vendor_of,
}
"""Labels that are made of vendor, application and subsystem alone."""


def labels(vendor: str, application: str, subsystem: str, source: str) -> dict[str, str]:
    """The labels of an event, from columns of the store; empty ones are left out."""
    found = {name: of(vendor, application, subsystem) for name, of in OF_COLUMNS.items()}
    if source != "{}":
        envelope: dict[str, Any] = json.loads(source)
        for name, label in SOURCE_LABELS.items():
            if name in envelope:
                held = envelope[name]
                found[label] = held if isinstance(held, str) else json.dumps(held)
    return {name: held for name, held in found.items() if held}


def application_is(value: str) -> tuple[str, tuple[str, ...]]:
    """SQL and its values that are true at least where applicationname is *value*."""
    if value == ONE_SOURCE:
        return "(application = ? OR vendor = 'betterstack')", (value,)
    return "application = ?", (value,)


def subsystem_is(value: str) -> tuple[str, tuple[str, ...]]:
    """SQL and its values that are true at least where subsystemname is *value*."""
    inherited, more = application_is(value)
    return f"(subsystem = ? OR (subsystem = '' AND {inherited}))", (value, *more)


def vendor_is(value: str) -> tuple[str, tuple[str, ...]]:
    """SQL and its values that are true where vendor is *value*."""
    return "vendor = ?", (value,)


NARROWING = {
    "applicationname": application_is,
    "subsystemname": subsystem_is,
    "vendor": vendor_is,
}
"""Labels by which the store can look."""
