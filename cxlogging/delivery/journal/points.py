"""
Named points at which a test can end the process: nothing else proves what a crash leaves.

``CXLOGGING_FAULT=name`` or ``name:3`` (the third time) in the environment when
the process starts; without it a point does nothing.
"""

from __future__ import annotations

import os
import signal

_name, _, _times = os.environ.get("CXLOGGING_FAULT", "").partition(":")
_left = [int(_times) if _times.isdigit() else 1]


def point(name: str) -> None:
    """End the process here, without another step, where a test asked for it."""
    if name == _name:
        _left[0] -= 1
        if _left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
