"""
The clocks of the system, also if a test has replaced those in the module ``time``.

A frozen clock must not stop a worker. Libraries that freeze time replace the
functions in ``time`` and in all modules that have imported them, possibly before
this module is imported. It therefore loads a second copy of the built-in module.
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
"""Return the seconds of a monotonic clock."""

wall = _time.time
"""Return seconds since 1970. time_machine patches the functions in C, and freezes these too."""
