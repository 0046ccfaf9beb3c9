"""Who is measured: one opener a peer, all with the same shape."""

from __future__ import annotations

from .base import Subject, Target, hide_fast
from .baselines import BASELINES, NO_OP, THREE_NO_OPS
from .floors import FLOORS
from .ours import OURS, PLAIN, STREAMED, STREAMED_SMALL, THREE
from .peers import PEERS, VENDOR_SDKS

SUBJECTS = [*BASELINES, *FLOORS, *OURS, STREAMED, *PEERS]
NAMED = [*SUBJECTS, *PLAIN, STREAMED_SMALL, THREE_NO_OPS, *THREE, VENDOR_SDKS]
BY_NAME = {each.name: each for each in NAMED}

__all__ = ["BY_NAME", "NO_OP", "SUBJECTS", "Subject", "Target", "hide_fast"]
