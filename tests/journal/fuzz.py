"""``make fuzz ARGS="--examples 20000"``: the tests of the journal with many more examples."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

EXAMPLES = "FUZZ_EXAMPLES"
FILES = ("test_fuzz.py", "test_model.py", "test_power.py", "test_frames.py", "test_recent.py")

if EXAMPLES in os.environ:
    settings.register_profile(
        "fuzz",
        max_examples=int(os.environ[EXAMPLES]),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("fuzz")


def examples(few: int, **more) -> settings:
    """Return settings for *few* examples, or for as many as the command asks for."""
    return settings(max_examples=int(os.environ.get(EXAMPLES, few)), deadline=None, **more)


def main() -> int:
    """Run the tests with as many examples as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="of each test (2000)")
    parser.add_argument("--only", default="", help="tests whose names hold this")
    given = parser.parse_args()
    paths = [str(Path(__file__).with_name(name)) for name in FILES]
    more = ["-o", "timeout=0", "-k", given.only, "--durations=0", "-v"]
    command = [sys.executable, "-m", "pytest", *paths, *more]
    environment = {**os.environ, EXAMPLES: str(given.examples)}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
