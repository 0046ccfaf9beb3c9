"""
Which traces Refinery, Honeycomb's sampling proxy, keeps.

Follows ``DeterministicSampler`` in
https://github.com/honeycombio/refinery/blob/main/sample/deterministic.go. The Beelines of Honeycomb
hash the trace id alone, without Refinery's salt, and so keep other traces.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1

SALT = "5VQ8l2jE5aJLPVqk"
MAX_UINT32 = 2**32 - 1


def keeps_one_in(rate: int) -> Callable[[str], bool]:
    """Return what tells whether the trace of an id is kept, where one trace in *rate* is."""
    bound = MAX_UINT32 // rate

    def keeps(trace_id: str) -> bool:
        digest = sha1(f"{trace_id}{SALT}".encode(), usedforsecurity=False).digest()
        return int.from_bytes(digest[:4], "big") <= bound

    return keeps
