"""
The label of an event of Better Stack.

Better Stack tells its sources apart by their tokens alone, and the local server keeps no token: all
events are of one source there.
"""

from __future__ import annotations

from ..emulation.labels import Labels

LABELS = Labels("betterstack", application="betterstack")
