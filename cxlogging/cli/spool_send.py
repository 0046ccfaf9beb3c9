"""Delivering from the command line what a spool holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..delivery.ledger import Stats
from ..errors import ConfigurationError
from ..handlers.handler import ShippingHandler
from .endings import AUTHENTICATION, EMPTY, FAILURE, OK, RETRYABLE, is_refusal
from .screen import complain, note
from .vendors import HANDLERS

if TYPE_CHECKING:
    from ..delivery.journal.survey import Survey

QUIET_SECONDS = 10.0
"""Nothing was acknowledged for so long: the rest stays where it is."""

LOOK_SECONDS = 0.05


class Senders:
    """
    Makes the handlers that a spool's destinations had, with keys from the environment.

    Args:
        path: The spool.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def handler(self, identity: Mapping[str, str]) -> ShippingHandler | None:
        """Return the handler for *identity*, or None where it cannot be made; say why."""
        vendor = identity.get("vendor", "")
        arguments: dict[str, Any] = {k: v for k, v in identity.items() if k != "vendor"}
        if vendor not in HANDLERS:
            complain(f"{vendor or 'a destination'} is not known here")
            return None
        try:
            handler = HANDLERS[vendor](**arguments, spool=self._path, overflow="block")
        except (ConfigurationError, TypeError) as error:
            complain(f"{vendor}: {error}")
            return None
        missing = handler.delivery.destination.missing
        if missing:
            complain(f"{vendor}: set {missing}")
            handler.close()
            return None
        return handler


def deliver(senders: Senders, waiting: list[tuple[dict[str, str], int]]) -> int:
    """
    Send what ended processes left for each destination.

    Args:
        senders: Makes the handlers.
        waiting: Who each destination is, and how many records wait for it.

    Returns:
        The exit code.
    """
    # All of them first: each delivers from its beginning on.
    started = time.monotonic()
    handlers = [senders.handler(identity) for identity, _ in waiting]
    codes = [
        AUTHENTICATION if handler is None else _finish(handler, identity, count, started)
        for handler, (identity, count) in zip(handlers, waiting, strict=True)
    ]
    return max(codes, default=OK)


def deliver_again(senders: Senders, surveys: list[Survey]) -> int:
    """Send the rejected records of each destination again; return the exit code."""
    codes = []
    for survey in surveys:
        letters = list(survey.letters())
        handler = senders.handler(survey.identity) if letters else None
        if handler is not None:
            # In the spool first: only then is it safe to forget them.
            for letter in letters:
                handler.delivery.put(letter.level, letter.item)
            survey.clear_letters()
            started = time.monotonic()
            codes.append(_finish(handler, survey.identity, len(letters), started))
        elif letters:
            codes.append(AUTHENTICATION)
    return max(codes, default=EMPTY)


def _finish(
    handler: ShippingHandler, identity: Mapping[str, str], count: int, started: float
) -> int:
    """Wait for the *count* records that *handler* has to send; report; return the exit code."""
    delivery = handler.delivery
    title = f"{identity['vendor']} {identity.get('url', '')}"
    quiet_since, seen = started, 0
    with _progress(title, count) as show:
        while delivery.busy and time.monotonic() - quiet_since < QUIET_SECONDS:
            stats = handler.stats()
            if stats.delivered + stats.rejected != seen:
                quiet_since, seen = time.monotonic(), stats.delivered + stats.rejected
            show(stats)
            handler.flush(LOOK_SECONDS)
            time.sleep(LOOK_SECONDS)
    stats = handler.stats()
    left = " The rest stays in the spool." if delivery.busy else ""
    note(f"{title}: {stats.delivered} delivered, {stats.rejected} rejected.{left}")
    if delivery.busy:
        return AUTHENTICATION if is_refusal(stats.last_error) else RETRYABLE
    return FAILURE if stats.rejected else OK


@contextlib.contextmanager
def _progress(title: str, count: int) -> Iterator[Callable[[Stats], None]]:
    """Yield what shows how far it is, on stderr where that is a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    from .bars import above

    console = Console(stderr=True)
    silent = not console.is_terminal
    with Progress(console=console, transient=True, disable=silent) as bar, above(console):
        task = bar.add_task(escape(title), total=count)

        def show(stats: Stats) -> None:
            bar.update(task, completed=stats.delivered + stats.rejected)

        yield show
