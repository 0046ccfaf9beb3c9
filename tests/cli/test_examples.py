"""The scripts in examples/ run as their docstrings say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxlogging.devserver import DevServer

EXAMPLES = Path(__file__).parents[2] / "examples"
FLASK = ["item 7 shown", "no item 100", "Exception on /broken [GET]"]
DJANGO = ["Internal Server Error: /cart", "cart emptied"]
ARRIVES = {
    "basic.py": {"coralogix": ["user ada signed in"]},
    "dictconfig_flask.py": {"coralogix": FLASK, "honeycomb": FLASK, "betterstack": FLASK},
    "dictconfig_django_settings.py": {
        "coralogix": DJANGO,
        "honeycomb": DJANGO,
        "betterstack": DJANGO,
    },
}


def run(name, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CXLOGGING_")}
    return subprocess.run(
        [sys.executable, EXAMPLES / name],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ARRIVES)
def test_an_example_arrives(name):
    """Every record of an example arrives at the local server once."""
    with DevServer() as server:
        done = run(name, CXLOGGING_URL=server.url)

        arrived = {
            vendor: [event["message"] for event in server.events(vendor)]
            for vendor in ARRIVES[name]
        }

    assert done.returncode == 0, done.stderr
    assert arrived == ARRIVES[name]
    assert "cxlogging:" not in done.stderr


def test_every_example_is_run():
    """Every example has a test."""
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(ARRIVES)
