"""The styles of a traceback's lines on a terminal."""

from __future__ import annotations

import traceback

import pytest

from cxlogging.cli.shared.tracebacks import styled

LIBRARY = "/venv/lib/python3.12/site-packages/flask/app.py"
PLAIN = f"""\
Traceback (most recent call last):
  File "{LIBRARY}", line 1511, in wsgi_app
    response = self.full_dispatch_request()
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/orders.py", line 12, in place
    raise ValueError("no stock")
ValueError: no stock
"""
STYLES = [(), ("dim",), ("dim",), ("dim",), ("bold",), ("bold",), ()]


def test_frames_of_the_application_are_bold_and_others_dim():
    """A frame is its line and its code; headings and messages have no style."""
    lines = PLAIN.splitlines()

    assert list(styled(lines)) == list(zip(lines, STYLES, strict=True))


@pytest.mark.parametrize("depth", [1, 2])
def test_frames_within_exception_groups_have_their_styles(depth):
    """The margin of a group changes nothing."""
    lines = [f"{'  ' * depth}| {line}" for line in PLAIN.splitlines()]

    assert [styles for _, styles in styled(lines)] == STYLES


def test_a_real_traceback():
    """The frame of this test is bold, and so is its code; the exception's line is not."""
    try:
        int("x")
    except ValueError:
        lines = traceback.format_exc().splitlines()

    found = dict(styled(lines))
    assert found['    int("x")'] == ("bold",)
    assert found[lines[-1]] == ()
