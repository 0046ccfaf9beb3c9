"""What the figures depend on: the machine, the interpreter, the versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from .subjects import SUBJECTS

HELPERS = (
    "msgspec",
    "isal",
    "backports.zstd",
    "msgpack",
    "urllib3",
    "requests",
    "flask",
    "gunicorn",
)


def environment() -> dict[str, Any]:
    """Return what a reader of the figures must know, before the run begins."""
    names = [name for each in SUBJECTS for name in each.packages] + list(HELPERS)
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor(),
        "cpus": os.cpu_count(),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "packages": {name: _version(name) for name in dict.fromkeys(names)},
    }


def _line(path: str, name: str) -> str | None:
    """Return what *path* says of *name*, where the system has such a file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in found if key.strip() == name), None)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
