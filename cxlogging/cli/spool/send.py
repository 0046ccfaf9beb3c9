"""Delivering from the command line what a spool holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...delivery.journal.disk import Disk
from ...delivery.journal.spool import ACCOUNT
from ...delivery.journal.survey import Survey, surveyed
from ...delivery.ledger import Stats
from ...delivery.options import Options
from ...delivery.queue.factory import spool_of
from ...errors import ConfigurationError
from ...handlers.handler import ShippingHandler
from ..shared.exit_codes import AUTHENTICATION, EMPTY, FAILURE, OK, RETRYABLE, is_refusal
from ..shared.screen import complain, note
from ..shared.vendors import HANDLERS

if TYPE_CHECKING:
    from ...wire.destination import Destination

QUIET_SECONDS = 10.0
"""Nothing was acknowledged for so long: the rest stays where it is."""

LOOK_SECONDS = 0.05


class Senders:
    """
    Makes the handlers that a spool's destinations had, with keys from the environment.

    Args:
        path: The spool.
        account: Whose records may be sent with another key than the one they were logged with:
            a fingerprint, or "unknown"; empty for nobody's, but where there is one account only.
    """

    def __init__(self, path: str, account: str = "") -> None:
        self._path = path
        self._account = account

    def handler(self, survey: Survey) -> ShippingHandler | None:
        """
        Return the handler for what is in *survey*, or None where it cannot be made; say why.

        What was logged with another key, and may be sent with this one, is moved to where
        the handler finds it.
        """
        vendor = survey.identity.get("vendor", "")
        arguments: dict[str, Any] = {**survey.bare_identity}
        arguments.pop("vendor", None)
        if vendor not in HANDLERS:
            complain(f"{vendor or 'a destination'} is not known here")
            return None
        try:
            destination = self._destination(vendor, arguments)
            if destination is None or not self._may_send(survey, destination):
                return None
            return HANDLERS[vendor](**arguments, spool=self._path, overflow="block")
        except (ConfigurationError, TypeError) as error:
            complain(f"{vendor}: {error}")
        except OSError as error:
            complain(f"{vendor}: {error}")
        return None

    def _destination(self, vendor: str, arguments: Mapping[str, Any]) -> Destination | None:
        with contextlib.closing(HANDLERS[vendor](**arguments)) as handler:
            destination = handler.delivery.destination
        if destination.missing:
            complain(f"{vendor}: set {destination.missing}")
            return None
        return destination

    def _may_send(self, survey: Survey, destination: Destination) -> bool:
        disk = Disk()
        with surveyed(self._path) as surveys:
            # With one account alone nothing can be mixed up: its key was changed.
            alone = sum(each.bare_identity == survey.bare_identity for each in surveys) == 1
        spool = spool_of(destination, self._path, Options(), disk)
        folder = spool.open()
        try:
            account = spool.identity[ACCOUNT]
            if survey.account not in {account, self._account} and not alone:
                complain(
                    f"{survey.identity['vendor']} {survey.identity.get('url', '')}: what waits was"
                    f" logged with another key than the one that is set (account {survey.account},"
                    f" not {account}): set that key, or send it with this one"
                    f" by --account {survey.account}"
                )
                return False
            if survey.account != account:
                for owner in survey.owners():
                    survey.move(owner.name, folder)
        finally:
            disk.close(folder)
        return True


def deliver(senders: Senders, waiting: list[tuple[Survey, int]]) -> int:
    """
    Send what ended processes left for each destination.

    Args:
        senders: Makes the handlers.
        waiting: Each destination's folder, and how many records wait in it.

    Returns:
        The exit code.
    """
    # All of them first: each delivers from its beginning on.
    started = time.monotonic()
    handlers = [senders.handler(survey) for survey, _ in waiting]
    codes = [
        AUTHENTICATION if handler is None else _finish(handler, survey.identity, count, started)
        for handler, (survey, count) in zip(handlers, waiting, strict=True)
    ]
    return max(codes, default=OK)


def deliver_again(senders: Senders, surveys: list[Survey]) -> int:
    """Send the rejected records of each destination again; return the exit code."""
    codes = []
    for survey in surveys:
        letters = list(survey.letters())
        handler = senders.handler(survey) if letters else None
        if handler is not None:
            # In the spool first: only then is it safe to forget them.
            for letter in letters:
                handler.delivery.put(letter.level, letter.item)
            survey.clear_letters()
            started = time.monotonic()
            codes.append(_finish(handler, survey.identity, len(letters), started))
        elif letters:
            codes.append(AUTHENTICATION)
    if not codes:
        note("nothing was rejected")
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
    from rich.markup import escape

    from ..shared.progress import progress_bar

    with progress_bar() as bar:
        task = bar.add_task(escape(title), total=count)

        def show(stats: Stats) -> None:
            bar.update(task, completed=stats.delivered + stats.rejected)

        yield show
