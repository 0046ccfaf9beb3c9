"""The labels of an event of Coralogix, and their names in Lucene."""

from __future__ import annotations

from ..emulation.labels import Labels

METADATA = {
    "computerName": "computername",
    "category": "category",
    "className": "classname",
    "methodName": "methodname",
    "threadId": "threadid",
}

LABELS = Labels(
    "coralogix",
    METADATA,
    lucene={
        "coralogix.metadata.severity": ("$m", "severity"),
        "coralogix.metadata.applicationName": ("$l", "applicationname"),
        "coralogix.metadata.subsystemName": ("$l", "subsystemname"),
        "coralogix.metadata.ipAddress": ("$l", "ipaddress"),
        "coralogix.metadata.priorityClass": ("$m", "priorityclass"),
        "coralogix.metadata.timestamp": ("$m", "timestamp"),
        "coralogix.timestamp": ("$m", "timestamp"),
        "coralogix.logId": ("$m", "logid"),
        **{f"coralogix.metadata.{name}": ("$l", label) for name, label in METADATA.items()},
    },
    inherits_subsystem=False,
)
