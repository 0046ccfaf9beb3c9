"""Which queue a delivery has: one in memory, or the files of a spool."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...wire.destination import Destination
from ..clock import Clocks
from ..options import Options
from .memory import MemoryQueue
from .queue import Queue

if TYPE_CHECKING:
    from ..journal.disk import Disk
    from ..journal.spool import DestinationDir
    from .shared_count import SharedCount

QueueMaker = Callable[[Clocks, Callable[[int], None], _thread.RLock], Queue]
"""Makes an empty queue of a clock, a callback for evicted items, and the delivery's lock."""


def queue_maker(destination: Destination, options: Options) -> QueueMaker:
    """
    Return what makes the queue that *options* ask for.

    Raises:
        ConfigurationError: The spool can never be used.
    """
    if options.directory is None or destination.missing:
        return lambda clock, evicted, lock: MemoryQueue(options, clock, evicted, lock)
    # Imported only here: most applications have no spool.
    from ..journal.disk import Disk
    from ..journal.journal import Journal

    disk = Disk()
    spool = spool_of(destination, options.directory, options, disk)
    spool.check()
    return lambda clock, evicted, lock: Journal(spool, options, clock, evicted, lock, disk=disk)


def spool_of(destination: Destination, path: str, options: Options, disk: Disk) -> DestinationDir:
    """Return the folder of *destination* in the spool at *path*; nothing is opened yet."""
    from ..journal.spool import DestinationDir, account_of

    # The relay has the key: records are the same whichever one the application knows.
    account = None if options.stream else account_of(destination.credential, options.headers)
    return DestinationDir(path, destination.identity, disk, account)


def shared_count(destination: Destination, options: Options) -> SharedCount | None:
    """Return what counts a day of all processes of *destination*; None without a directory."""
    if options.directory is None or destination.missing:
        return None
    from ..journal.disk import Disk
    from .shared_count import SharedCount

    disk = Disk()
    return SharedCount(spool_of(destination, options.directory, options, disk), disk)
