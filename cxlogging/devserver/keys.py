"""Keys and names of vendors, as users of the local server write them."""

from __future__ import annotations

from ..vendors.emulation.types import QUERIES, AcceptedKeys, KeyChoice
from ..vendors.registry import VENDORS as REGISTERED

VENDORS = tuple(REGISTERED)
"""The vendors' names."""

NAMES = (*VENDORS, QUERIES)


class Keys(AcceptedKeys):
    """
    Which keys the local server accepts.

    Args:
        keys: A key, several keys, or None for any key that is not empty: one for each of
            `VENDORS`, in that order, then those that may query.
        named: The same, by a vendor's name or ``dataprime``. A vendor that is not named accepts
            any key.

    Raises:
        TypeError: There are more keys than names, or a name is unknown.
    """

    def __init__(self, *keys: KeyChoice, **named: KeyChoice) -> None:
        given = dict(zip(NAMES, keys, strict=False))
        if len(keys) > len(NAMES) or given.keys() & named.keys() or named.keys() - {*NAMES}:
            raise TypeError(f"Keys takes one argument each for {', '.join(NAMES)}")
        super().__init__(**given, **named)
