"""``make fuzz ARGS="--examples 20000"``: the tests of the journal with many more examples."""

from __future__ import annotations

import argparse
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = "FUZZ_EXAMPLES"
FILES = ("test_fuzz.py", "test_model.py", "test_power.py", "test_frames.py")


def examples(few: int, **more) -> settings:
    """Return settings for *few* examples, or for as many as the command asks for."""
    return settings(max_examples=int(os.environ.get(EXAMPLES, few)), deadline=None, **more)


def main() -> int:
    """Run the tests with as many examples as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="of each test (2000)")
    parser.add_argument("--only", default="", help="tests whose names hold this")
    given = parser.parse_args()
    os.environ[EXAMPLES] = str(given.examples)
    checks = list(HealthCheck)
    settings.register_profile(
        "fuzz", max_examples=given.examples, deadline=None, suppress_health_check=checks
    )
    settings.load_profile("fuzz")
    here = os.path.dirname(__file__)  # noqa: PTH120
    paths = [os.path.join(here, name) for name in FILES]  # noqa: PTH118
    return int(pytest.main([*paths, "-o", "timeout=0", "-k", given.only, "--durations=0", "-vv"]))


if __name__ == "__main__":
    sys.exit(main())
