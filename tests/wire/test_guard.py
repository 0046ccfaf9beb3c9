from __future__ import annotations

import signal

import pytest

from cxlogging.wire.clean import Cleaner
from cxlogging.wire.guard import is_signal


class Interrupted:
    """A value in whose repr a signal arrives."""

    def __repr__(self) -> str:
        signal.raise_signal(signal.SIGTERM)
        return "not interrupted"


class Application:
    def stop(self, number, frame):
        raise SystemExit(143)


def stop(number, frame):
    raise SystemExit(143)


@pytest.fixture
def handled(request):
    before = signal.signal(signal.SIGTERM, request.param)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "handled", [stop, Application().stop], indirect=True, ids=["def", "method"]
)
@pytest.mark.usefixtures("handled")
def test_a_signal_handler_s_exit_passes():
    """SystemExit out of a signal handler ends the application, in the middle of our work too."""
    with pytest.raises(SystemExit, match="143"):
        Cleaner().fields({"a": [Interrupted()]})


@pytest.mark.parametrize("handled", [stop], indirect=True, ids=["def"])
@pytest.mark.usefixtures("handled")
def test_a_value_s_own_exit_does_not_pass():
    """SystemExit that a value raises itself is the value's misbehaviour."""
    with pytest.raises(SystemExit) as caught:
        raise SystemExit(143)

    assert not is_signal(caught.value)


def test_an_ordinary_error_is_no_signal():
    """An Exception is never taken for a signal."""
    assert not is_signal(ValueError("x"))


def test_control_c_passes():
    """KeyboardInterrupt leaves the cleaning of a value, wherever it comes from."""

    class Pressed:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cleaner().fields({"a": Pressed()})
