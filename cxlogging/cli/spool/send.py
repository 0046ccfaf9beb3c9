"""Delivering the records of a spool from the command line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...delivery.journal.disk import Disk
from ...delivery.journal.inspection import SpooledDestination, opened_spool
from ...delivery.journal.spool import ACCOUNT
from ...delivery.ledger import Stats
from ...delivery.options import Options
from ...delivery.queue.factory import spool_of
from ...errors import ConfigurationError
from ...handlers.handler import ShippingHandler
from ...vendors.registry import VENDORS
from ..shared.exit_codes import AUTHENTICATION, EMPTY, FAILURE, OK, RETRYABLE, is_refusal
from ..shared.screen import complain, note

if TYPE_CHECKING:
    from ...wire.destination import Destination

QUIET_SECONDS = 10.0
"""After this long without an acknowledgement, the rest stays in the spool."""

LOOK_SECONDS = 0.05


class Senders:
    """
    Makes handlers for the destinations of a spool, with keys from the environment.

    Args:
        path: The spool.
        account: The account (a fingerprint, or "unknown") whose records may be sent with another
            key than the one they were logged with. Empty: only if a destination has one account.
    """

    def __init__(self, path: str, account: str = "") -> None:
        self._path = path
        self._account = account

    def handler(self, spooled: SpooledDestination) -> ShippingHandler | None:
        """
        Return a handler for *spooled*, or None if it cannot be made, and print why.

        Records that were logged with another key, and may be sent with this one, are moved to
        the directory that the handler reads.
        """
        vendor = spooled.identity.get("vendor", "")
        arguments: dict[str, Any] = {**spooled.bare_identity}
        arguments.pop("vendor", None)
        if vendor not in VENDORS:
            complain(f"unknown vendor {vendor!r} in {spooled.name}")
            return None
        if stream := arguments.pop("stream", ""):
            complain(
                f"{vendor}: these records wait for the stream {stream}: a handler with"
                f" spool='nats://…/{stream}' and spool_local={self._path!r} publishes them"
            )
            return None
        try:
            destination = self._destination(vendor, arguments)
            if destination is None or not self._may_send(spooled, destination):
                return None
            return VENDORS[vendor].make_handler(**arguments, spool=self._path, overflow="block")
        except (ConfigurationError, TypeError) as error:
            complain(f"{vendor}: {error}")
        except OSError as error:
            complain(f"{vendor}: {error}")
        return None

    def _destination(self, vendor: str, arguments: Mapping[str, Any]) -> Destination | None:
        with contextlib.closing(VENDORS[vendor].make_handler(**arguments)) as handler:
            destination = handler.delivery.destination
        if destination.missing:
            complain(f"{vendor}: set {destination.missing}")
            return None
        return destination

    def _may_send(self, spooled: SpooledDestination, destination: Destination) -> bool:
        disk = Disk()
        with opened_spool(self._path) as all_of_them:
            # With a single account nothing can be mixed up: its key was changed.
            same = [each for each in all_of_them if each.bare_identity == spooled.bare_identity]
            is_only_account = len(same) == 1
        spool = spool_of(destination, self._path, Options(), disk)
        folder = spool.open()
        try:
            account = spool.identity[ACCOUNT]
            if spooled.account not in {account, self._account} and not is_only_account:
                complain(
                    f"{spooled.identity['vendor']} {spooled.identity.get('url', '')}: the records"
                    f" were logged with another key than the current one (account"
                    f" {spooled.account}, not {account}): set that key, or pass"
                    f" --account {spooled.account} to send them with the current one"
                )
                return False
            if spooled.account != account:
                for process in spooled.processes():
                    spooled.move(process.name, folder)
        finally:
            disk.close(folder)
        return True


def deliver(senders: Senders, waiting: list[tuple[SpooledDestination, int]]) -> int:
    """
    Send the records that ended processes left.

    Args:
        senders: Makes the handlers.
        waiting: Destinations, and how many records wait for each.

    Returns:
        The exit code.
    """
    # All handlers first: each of them starts to deliver when it is made.
    started = time.monotonic()
    handlers = [senders.handler(spooled) for spooled, _ in waiting]
    codes = [
        AUTHENTICATION if handler is None else _finish(handler, spooled.identity, count, started)
        for handler, (spooled, count) in zip(handlers, waiting, strict=True)
    ]
    return max(codes, default=OK)


def deliver_again(senders: Senders, destinations: list[SpooledDestination]) -> int:
    """Send the rejected records of each destination again; return the exit code."""
    codes = []
    for spooled in destinations:
        letters = list(spooled.letters())
        handler = senders.handler(spooled) if letters else None
        if handler is not None:
            # They are in the spool before the file of rejected records is removed.
            for letter in letters:
                handler.delivery.put(letter.level, letter.item)
            spooled.clear_letters()
            started = time.monotonic()
            codes.append(_finish(handler, spooled.identity, len(letters), started))
        elif letters:
            codes.append(AUTHENTICATION)
    if not codes:
        note("no rejected records")
    return max(codes, default=EMPTY)


def _finish(
    handler: ShippingHandler, identity: Mapping[str, str], count: int, started: float
) -> int:
    """Wait until *handler* has sent its *count* records; print the result; return the exit code."""
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
    """Yield a function that updates a progress bar on stderr, if that is a terminal."""
    from rich.markup import escape

    from ..shared.progress import progress_bar

    with progress_bar() as bar:
        task = bar.add_task(escape(title), total=count)

        def show(stats: Stats) -> None:
            bar.update(task, completed=stats.delivered + stats.rejected)

        yield show
