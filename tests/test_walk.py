"""How far a record travels through the files of the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "walk_record.py"
MOST = {"memory": (18, 50), "spool": (25, 80)}
"""Files, and moves between them."""


@pytest.mark.skipif(not SCRIPT.exists(), reason="the scripts are not here")
@pytest.mark.parametrize("vendor", ["coralogix", "honeycomb", "betterstack"])
def test_a_warm_record_passes_through_few_files(vendor):
    """From `emit` to its ledger entry a record passes few files, and does not go to and fro."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--vendor", vendor, "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )

    walks = json.loads(done.stdout)
    assert walks.keys() == MOST.keys()
    for name, (files, moves) in MOST.items():
        assert len(walks[name]["files"]) <= files, walks[name]["files"]
        assert len(walks[name]["moves"]) <= moves, walks[name]["moves"]
