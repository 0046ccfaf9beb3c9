"""`cxlogging demo`: an application, three vendors, an outage, and nothing lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from .. import _explain
from ..shared.wording import examples

if TYPE_CHECKING:
    from types import FrameType


@click.command(
    "demo", epilog=examples("cxlogging demo", "cxlogging demo --once --seconds 10 --port 0")
)
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port of the local server; where it is taken, a free one.",
)
@click.option(
    "--seconds",
    default=4.0,
    show_default=True,
    type=click.FloatRange(0.1, 3600),
    metavar="S",
    help="Let the clients visit the shop for S seconds.",
)
@click.option("--once", is_flag=True, help="End after the report: 0 if all arrived, else 1.")
def command(*, port: int, seconds: float, once: bool) -> None:
    """
    See it work: an application, an outage, and nothing lost.

    Runs a Flask application on this machine whose records go through all three handlers to a
    local server, sends it real traffic, lets all vendors fail for a while, and shows what
    arrived. Needs no account, and sends nothing anywhere else. Goes on serving until Ctrl-C.
    """
    wish = _Wish()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, wish)
    try:
        from .show import play
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cxlogging"):
            raise
        _explain("dev")
    sound = play(port, seconds, once=once, over=wish.is_made)
    if not once:
        raise SystemExit(0)
    # Interrupted before the verdict, nothing was proven.
    raise SystemExit(128 + wish.number if sound is None else int(not sound))


class _Wish:
    """
    To leave: Ctrl-C, or the system's.

    It is asked for rather than raised: an exception could surface in a finalizer, be lost there,
    or cut the clean end in two.
    """

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.number = self.number or number

    def is_made(self) -> bool:
        """True once it is."""
        return bool(self.number)
