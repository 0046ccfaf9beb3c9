"""The clocks of the system beside libraries that freeze time, and on other implementations."""

from __future__ import annotations

import sys
import time
from importlib.machinery import BuiltinImporter

import pytest

from cxlogging.wire import system_clock


def test_the_clocks_are_a_second_copy():
    """What a library puts into the module `time` does not reach them."""
    copy = system_clock._second_copy()

    assert copy is not time
    assert copy.monotonic is not time.monotonic
    assert abs(copy.monotonic() - time.monotonic()) < 60


def unavailable(*_):
    raise ImportError("not a built-in module")


@pytest.mark.parametrize(
    ("method", "replacement"),
    [
        ("find_spec", lambda name: None),
        ("create_module", lambda spec: sys.modules["time"]),
        ("create_module", unavailable),
    ],
)
def test_if_there_is_no_second_copy_the_module_is_used(method, replacement, monkeypatch):
    """As on an implementation of Python whose `time` is not built in."""
    with monkeypatch.context() as patch:
        patch.setattr(BuiltinImporter, method, replacement)
        found = system_clock._second_copy()

    assert found is time
