"""
The shop's logging, as any application would write it.

Keys and addresses are not here: each handler reads its vendor's variables, such as
`CORALOGIX_API_KEY`, `HONEYCOMB_API_KEY` and `BETTER_STACK_SOURCE_TOKEN`; where `CXLOGGING_URL`
is set, all of them send to that address instead.
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
