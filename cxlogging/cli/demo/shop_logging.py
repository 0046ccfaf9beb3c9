"""
The logging configuration of the shop, as any application could have it.

It contains no keys and addresses: each handler reads its vendor's environment variables. If
`CXLOGGING_URL` is set, all of them send to that address instead.
"""

from __future__ import annotations

from typing import Any

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "coralogix": {
            "class": "cxlogging.CoralogixHandler",
            "application_name": "shop",
            "subsystem_name": "web",
        },
        "honeycomb": {
            "class": "cxlogging.HoneycombHandler",
            "dataset": "shop",
        },
        "betterstack": {
            "class": "cxlogging.BetterStackHandler",
        },
    },
    "root": {
        "level": "INFO",
        "handlers": ["coralogix", "honeycomb", "betterstack"],
    },
}
