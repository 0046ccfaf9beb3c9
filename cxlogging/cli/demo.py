"""`cxlogging demo`: an application, three vendors, an outage, and nothing lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

import click

from . import _explain

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command("demo")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Of the local server; where it is taken, a free one.",
)
@click.option(
    "--seconds",
    default=4.0,
    show_default=True,
    type=click.FloatRange(0.1, 3600),
    help="How long the clients visit the shop.",
)
@click.option("--once", is_flag=True, help="End after the report: 0 if all arrived, else 1.")
def command(*, port: int, seconds: float, once: bool) -> None:
    """
    See it work: an application, an outage, and nothing lost.

    Runs a Flask application on this machine whose records go through all three handlers to a
    local server, sends it real traffic, lets all vendors fail for a while, and shows what
    arrived. Needs no account, and sends nothing anywhere else. Goes on serving until Ctrl-C.
    """
    try:
        from .demo_show import play
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cxlogging"):
            raise
        _explain()
    for number in _SIGNALS:
        signal.signal(number, _leave)
    try:
        sound = play(port, seconds, once=once)
    except _Leave as leave:
        # Without --once the person's own Ctrl-C is how it ends; with it, nothing was proven.
        raise SystemExit(128 + leave.number if once else 0) from None
    raise SystemExit(0 if sound else 1)


class _Leave(BaseException):
    """Ctrl-C, or the wish of the system."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise _Leave(number)
