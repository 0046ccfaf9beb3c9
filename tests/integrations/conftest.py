from __future__ import annotations

import contextlib

import pytest

from .running import Running


@pytest.fixture
def running(tmp_path, server):
    """Make an application of files; its processes end with the test."""
    with contextlib.ExitStack() as stack:

        def make(**files: str) -> Running:
            made = Running(tmp_path, server, **files)
            stack.callback(made.stop)
            return made

        yield make
