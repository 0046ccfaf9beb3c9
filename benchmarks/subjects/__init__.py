"""Who is measured: one opener a peer, all with the same shape."""

from __future__ import annotations

from .base import Subject, Target, hide_fast
from .baselines import BASELINES, NO_OP, THREE_NO_OPS
from .floors import FLOORS
from .holding import HELD, LIMITED
from .ours import OURS, PLAIN, STREAMED, STREAMED_SMALL, THREE
from .peers import PEERS, VENDOR_SDKS

SUBJECTS = [*BASELINES, *FLOORS, *OURS, STREAMED, *PEERS]
OTHERS = [*PLAIN, STREAMED_SMALL, THREE_NO_OPS, *THREE, VENDOR_SDKS]
OTHERS += [*HELD.values(), *LIMITED.values()]
BY_NAME = {each.name: each for each in [*SUBJECTS, *OTHERS]}

__all__ = ["BY_NAME", "NO_OP", "SUBJECTS", "Subject", "Target", "hide_fast"]
