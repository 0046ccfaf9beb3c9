"""cxlogging where records are held in scopes of ten, or limited; beside it as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .base import VENDORS, Opened, Subject, Target
from .ours import open_handler, ours

ENDS = ("discarded", "released")
LIMIT, HOUR = 100, 3600.0


def _limited(vendor: str) -> Callable[[Target], list[Opened]]:
    def attached(target: Target) -> list[Opened]:
        from cxlogging import SiteLimiter

        limit = SiteLimiter(first=LIMIT, then=0, per=HOUR)
        return [open_handler(vendor, target, limit=limit)]

    return attached


HELD = {
    (vendor, end): replace(
        ours(vendor),
        name=f"cxlogging {vendor}, held and {end}",
        scope=end,
        most=0 if end == "discarded" else ours(vendor).most,
    )
    for vendor in VENDORS
    for end in ENDS
}
LIMITED = {
    vendor: replace(
        ours(vendor), name=f"cxlogging {vendor}, limited", open=_limited(vendor), most=LIMIT
    )
    for vendor in VENDORS
}


def beside(vendor: str) -> list[Subject]:
    """Return the handler of *vendor* as it is, and each way in which records are held back."""
    return [ours(vendor), *(HELD[vendor, end] for end in ENDS), LIMITED[vendor]]
