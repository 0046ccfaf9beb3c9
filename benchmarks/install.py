"""
Install the peers: ``python -m benchmarks.install``.

All together; where that fails, one by one, so that a peer that this Python
cannot have does not take the others with it. The report names who is missing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def main() -> None:
    if _installed("--requirement", str(REQUIREMENTS)):
        return
    for requirement in requirements(REQUIREMENTS.read_text("utf-8")):
        if not _installed(requirement):
            print(f"{requirement} cannot be installed here; it is left out.", file=sys.stderr)


def requirements(text: str) -> Sequence[str]:
    """Return the requirements of a file's text, without comments."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _installed(*what: str) -> bool:
    return subprocess.run([*PIP, *what], check=False).returncode == 0


if __name__ == "__main__":
    main()
