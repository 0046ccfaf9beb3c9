"""Which line a delivery waits in: memory, or the files of a spool."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...wire.destination import Destination
from ..clock import Clock
from ..options import Options
from .memory import MemoryBuffer
from .queue import Buffer

if TYPE_CHECKING:
    from ..journal.disk import Disk
    from ..journal.spool import DestinationDir

LineMaker = Callable[[Clock, Callable[[int], None], _thread.RLock], Buffer]
"""Makes an empty line: clock, who is told of what it gives up, and the delivery's lock."""


def line_maker(destination: Destination, options: Options) -> LineMaker:
    """
    Return what makes the line that *options* ask for.

    Raises:
        ConfigurationError: The spool can never be used.
    """
    if options.spool is None or destination.missing:
        return lambda clock, evicted, lock: MemoryBuffer(options, clock, evicted, lock)
    # Imported by who needs it: most applications wait in memory.
    from ..journal.disk import Disk
    from ..journal.journal import Journal
    from ..process.lifecycle import own_thread

    disk = Disk()
    spool = spool_of(destination, options.spool, options, disk)
    spool.check()
    return lambda clock, evicted, lock: Journal(
        spool, options, clock, evicted, lock, disk=disk, own_thread=own_thread
    )


def spool_of(destination: Destination, path: str, options: Options, disk: Disk) -> DestinationDir:
    """Return the folder of *destination* in the spool at *path*; nothing is opened yet."""
    from ..journal.spool import DestinationDir, account_of

    account = account_of(destination.credential, options.headers)
    return DestinationDir(path, destination.identity, disk, account)
