"""
The system's own clocks, whatever a test has put into the module ``time``.

A frozen clock must not stop a worker. Libraries that freeze time replace the
functions of ``time`` and of all modules that hold them, and may have done so
before this one is imported: so it has a second copy of the built-in module.
"""

from __future__ import annotations

import sys
import time
from importlib.machinery import BuiltinImporter
from types import ModuleType
from typing import Any


def _second_copy() -> Any:
    try:
        spec = BuiltinImporter.find_spec("time")
        if spec is None:
            return time
        module = BuiltinImporter.create_module(spec)
        if not isinstance(module, ModuleType) or module is sys.modules["time"]:
            return time
        BuiltinImporter.exec_module(module)
        return module if hasattr(module, "monotonic") else time
    except (ImportError, AttributeError):  # another implementation of Python
        return time


_time = _second_copy()
monotonic = _time.monotonic
"""Return seconds that only grow."""

wall = _time.time
"""Return seconds since 1970; time_machine, which patches the functions in C, freezes these too."""
