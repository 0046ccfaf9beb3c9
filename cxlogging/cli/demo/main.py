"""`cxlogging demo`: an application logs to all vendors through an outage, and nothing is lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from ..commands import exit_for_missing_extra
from ..shared.local_server import listening_port
from ..shared.numbers import FiniteRange
from ..shared.wording import examples

if TYPE_CHECKING:
    from types import FrameType


@click.command(
    "demo", epilog=examples("cxlogging demo", "cxlogging demo --once --seconds 10 --port 0")
)
@listening_port("The port of the local server; if it is taken, a free one is used.")
@click.option(
    "--seconds",
    default=4.0,
    show_default=True,
    type=FiniteRange(0.1, 3600),
    metavar="S",
    help="Send requests to the shop for S seconds.",
)
@click.option(
    "--once", is_flag=True, help="Exit after the report: with 0 if all records arrived, else 1."
)
def command(*, port: int, seconds: float, once: bool) -> None:
    """
    See it work: an application, an outage, and nothing lost.

    Runs a Flask application on this machine that logs through all handlers to a local server,
    sends it real requests, makes all vendors fail for a while, and shows what arrived. Needs no
    account, and sends nothing to any other machine. Then keeps running until Ctrl-C.
    """
    stop = _StopRequest()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        from .run import run_demo
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cxlogging"):
            raise
        exit_for_missing_extra("dev")
    all_arrived = run_demo(port, seconds, once=once, stopped=stop.is_made)
    if not once:
        raise SystemExit(0)
    # If it was stopped before the report, nothing was proven.
    raise SystemExit(128 + stop.signal if all_arrived is None else int(not all_arrived))


class _StopRequest:
    """
    A signal handler that remembers that the demo is to stop.

    It raises nothing: an exception could be raised in a finalizer and be lost there, or interrupt
    the clean end.
    """

    def __init__(self) -> None:
        self.signal = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = self.signal or number

    def is_made(self) -> bool:
        """Return True once a signal has come."""
        return bool(self.signal)
