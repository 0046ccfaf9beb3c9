"""
The logging configuration of the shop, as any application could have it: a handler per vendor.

It contains no keys and addresses: each handler reads its vendor's environment variables. If
`CXLOGGING_URL` is set, all of them send to that address instead.
"""

from __future__ import annotations

from typing import Any

from ...vendors.registry import VENDORS

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        name: {"class": f"cxlogging.{vendor.handler_name}", **vendor.profile.demo_arguments}
        for name, vendor in VENDORS.items()
    },
    "root": {"level": "INFO", "handlers": list(VENDORS)},
}
