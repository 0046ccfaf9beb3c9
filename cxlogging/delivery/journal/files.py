"""The files that a journal appends to: opened, changed for new ones, given up, and found again."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable

from ...wire.values.guard import contained_io, is_external
from ..clock import Clock
from ..options import Options
from .disk import Disk, LostError
from .lock import Alone
from .owner import NAME, Owner, waiting_bytes
from .removal import Say
from .segment import OFFSETS
from .segments import Line
from .spool import Spool
from .sync import Syncer

RETRY_SECONDS = 5.0
LOST_SECONDS = 0.5
RETRY_MAXIMUM = 60.0
OPEN_SECONDS = 1.0
SAY_SECONDS = 60.0
"""Between two sentences of one kind, where a disk fails again and again."""

FREE = "free some space there, or give spool a directory on another disk"
FILES = "raise the limit of open files (ulimit -n)"
CHECK = "check the disk, or give spool a directory on another one"
REMEDIES = {
    errno.ENOSPC: FREE,
    errno.EDQUOT: "raise the user's quota, or free some space there",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
    errno.EBADF: "its files are opened again; have the application close its own ones alone",
    errno.EROFS: "mount it to be written, or give spool another directory",
    errno.EMFILE: FILES,
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.EACCES: "let the user of this process write there",
    errno.EPERM: "let the user of this process write there",
}
"""What to do, by the error's number."""


class Files:
    """
    One descriptor to append with, as long as the journal lives.

    When a segment is full the same descriptor is made to point to the next
    one, in one step of the system's: a log call in another thread writes to
    the one or to the other, and never to a descriptor that was closed.

    Attributes:
        failed: Why memory stands in for the disk; empty where it does not.
        resumed: The index of the first segment since memory stood in for the disk.
        alone: Entered by who changes what is open.
    """

    def __init__(
        self,
        spool: Spool,
        disk: Disk,
        line: Line,
        index: Callable[[], int],
        clock: Clock,
        options: Options,
        say: Say,
    ) -> None:
        self._spool = spool
        self._disk = disk
        self._line = line
        self._index = index
        self._clock = clock
        self._say = say
        self._bound = options.spool_bytes
        self.resumed = OFFSETS
        self.alone = Alone()
        self._folder: int | None = None
        self._owner: Owner | None = None
        self._fd = -1
        self.failed = ""
        self._speech = ""
        self._may_say_at = self._may_say_gone_at = 0.0
        self._is_said = False
        self._retry_at = 0.0
        self._retry_seconds = RETRY_SECONDS
        syncs = options.durability == "system"
        self._left: list[tuple[Owner | None, int]] = []
        self._syncer = Syncer(disk, spool, options.flush_interval, clock, say) if syncs else None

    def folder(self) -> int | None:
        """Return a descriptor of the destination's folder, or None where it cannot be opened."""
        if self._folder is None:
            with contained_io:
                self._folder = self._spool.open()
        return self._folder

    def reach(self) -> None:
        """Open the destination's folder, where it is not; called by who is `alone`."""
        if not self.failed:
            self.folder()

    def open(self, mark: bytes, use: Callable[[int, bool], None]) -> bool:
        """
        Give *use* the descriptor to append with; False where the disk has failed.

        *use* is told before anybody can let go of it again, and whether a segment begins.
        """
        if self.failed:
            return False
        with self.alone(OPEN_SECONDS) as alone:
            if not alone:
                return False
            try:
                if begins := self._fd < 0:
                    self._begin(mark)
            except OSError as error:
                if is_external(error):
                    raise
                self.fail(error)
                return False
            use(self._fd, begins)
            return True

    def _begin(self, mark: bytes) -> None:
        """Begin a segment, in a folder of our own that is made where there is none."""
        if self._folder is None:
            self._folder = self._spool.open()
        if self._owner is None:
            self._owner = Owner(self._disk, self._folder, mark)
            self._line.parent, self._line.owner = self._folder, self._owner.name
        segment, fd = self._owner.begin(self._index())
        self._line.add(segment)
        if self._fd < 0 or not self._disk.holds(self._fd):
            self._fd = fd
        else:
            if self._syncer is not None:
                self._syncer.owe(self._disk.copy(self._fd))
            self._disk.replace(fd, self._fd)
            self._disk.close(fd)
        if self._syncer is not None:
            self._syncer.begin(self._fd, self._owner)

    def rotate(self, mark: bytes, drawn: Callable[[], int]) -> bool:
        """
        Begin the next segment; False where that fails, and the present one goes on growing.

        Called by who is `alone`.
        """
        try:
            self._change(mark, drawn)
        except OSError as error:
            if is_external(error):
                raise
            return False
        return True

    def _change(self, mark: bytes, drawn: Callable[[], int]) -> None:
        self._begin(mark)
        # What is drawn from here on is written to the new segment.
        self._line.seal(drawn())

    def fail(self, error: Exception | None) -> None:
        """Note that the disk has failed, without an *error* in the middle of an append."""
        if error is None:
            try:
                error = self._disk.shortage(self._fd)
            except OSError as worse:
                error = worse
        self.failed = getattr(error, "strerror", None) or str(error)
        remedy = REMEDIES.get(getattr(error, "errno", None) or 0, CHECK)
        self._speech = (
            f"the spool {self._spool.path} cannot be written ({self.failed}): records wait in"
            f" memory until it can: {remedy}"
        )
        now = self._clock.monotonic()
        is_lost = isinstance(error, LostError)
        self._retry_at = now if is_lost else now + self._retry_seconds
        self._say_failure(now)

    def _say_failure(self, now: float) -> None:
        """Say that the disk fails, once each time, and once in a minute where it comes and goes."""
        if not self._is_said and now >= self._may_say_at:
            self._is_said, self._may_say_at = True, now + SAY_SECONDS
            self._say("spool", self.failed, self._speech)

    def keep_synced(self) -> None:
        """Have what was written synced, where that is asked for."""
        if self._syncer is not None and self._fd >= 0:
            self._syncer.keep()

    def tend(self, now: float, mark: bytes, drawn: Callable[[], int]) -> None:
        """Say what fails, and try again; begin anew where the spool was removed."""
        if self.failed:
            self._say_failure(now)
            if now >= self._retry_at:
                with self.alone() as alone:
                    if alone:
                        self._retry(mark, drawn)
        elif self._is_lost:
            with self.alone() as alone, contained_io:
                if alone:
                    self._reopen()
        elif how := self._gone:
            with self.alone() as alone:
                if alone:
                    self._replace(mark, drawn, how, now)

    @property
    def _gone(self) -> str:
        """What somebody has done to what is appended to; nothing where it is in its place."""
        owner, folder = self._owner, self._folder
        try:
            if owner is not None and self._fd >= 0:
                if not (owner.is_linked and self._disk.is_linked(self._fd)):
                    return "removed"
                return "" if owner.is_at(self._spool.place) else "moved away"
            if folder is not None and not self._disk.leads_to(self._spool.place, folder):
                return "moved away or removed"
        except OSError:
            pass
        return ""

    def _replace(self, mark: bytes, drawn: Callable[[], int], how: str, now: float) -> None:
        """Begin anew at the path, where others of the application will look."""
        began = self._fd >= 0
        self._leave()
        try:
            if began:
                self._change(mark, drawn)
            else:
                self._folder = self._spool.open()
        except OSError as error:
            self.fail(error)
            return
        if now >= self._may_say_gone_at:
            self._may_say_gone_at = now + SAY_SECONDS
            sentence = f"the spool {self._spool.path} was {how}: a new one is made at its path"
            if how == "moved away":
                sentence += ", and what was logged before is delivered from where it is now"
            self._say("gone", str(now), sentence)

    @property
    def _is_lost(self) -> bool:
        """Whether somebody has closed descriptors of ours: their numbers may be other files'."""
        fds = [fd for fd in (self._folder, self._fd) if fd is not None and fd >= 0]
        is_held = self._owner is None or self._owner.is_held
        return not (is_held and all(map(self._disk.holds, fds)))

    def _reopen(self) -> None:
        """Open by their names what somebody has closed."""
        lost, self._folder = self._folder, None
        if lost is not None:
            self._disk.close(lost)
        self._folder = folder = self._spool.open()
        if self._owner is not None:
            try:
                self._line.reopen(folder, *self._owner.reopen(folder))
            except FileNotFoundError:
                self._line.forsake()
                self._owner.close()
                self._owner = None

    def _retry(self, mark: bytes, drawn: Callable[[], int]) -> None:
        try:
            if self._is_lost:
                self._reopen()
            if self._folder is None:
                self._folder = self._spool.open()
            self._spool.probe(self._folder)
            if self._gone:
                self._leave()
            self._change(mark, drawn)
        except OSError as error:
            # Somebody may be closing descriptors just now, those of this attempt too.
            pause = LOST_SECONDS
            if error.errno != errno.EBADF:
                pause = self._retry_seconds = min(self._retry_seconds * 2, RETRY_MAXIMUM)
            self._retry_at = self._clock.monotonic() + pause
            return
        self.resumed = self._line.newest
        self.failed, self._retry_seconds = "", RETRY_SECONDS
        if self._is_said:
            self._is_said = False
            self._say("spool", "", f"the spool {self._spool.path} is used again")

    def _leave(self) -> None:
        """
        Go from a folder that was removed, or moved elsewhere.

        Its descriptors stay open: what is still to be read is found by them.
        """
        if self._folder is not None:
            self._left.append((self._owner, self._folder))
        self._owner = self._folder = None

    def bound_beside_others(self) -> int | None:
        """
        Return the bytes that others leave for us of the bound; None where they cannot be counted.

        Called by who is `alone`.
        """
        folder, own = self._folder, self._owner.name if self._owner else ""
        if folder is None:
            return None
        try:
            names = [each for each in self._disk.names(folder) if NAME.fullmatch(each)]
            used = sum(waiting_bytes(self._disk, folder, each) for each in names if each != own)
        except OSError:
            return None
        return max(self._bound - used, 0)

    def detach(self) -> Callable[[], None]:
        """
        Forget all that is open, in which nothing waits; return what then removes and closes it.

        Called by who is `alone`. The next log call begins anew, also meanwhile.
        """
        segments, owner = self._line.detach(), self._owner
        left, fds = self._let_go()

        def remove() -> None:
            with contextlib.suppress(OSError):
                for segment in segments:
                    segment.remove()
                if owner is not None:
                    owner.remove()
            self._close(left, fds)

        return remove

    def close(self) -> None:
        """Close everything, and leave it where it is."""
        self._line.close()
        self._close(*self._let_go())

    def _let_go(self) -> tuple[list[Owner], list[int]]:
        if self._syncer is not None:
            self._syncer.end()
        owners = [owner for owner, _ in self._left if owner is not None]
        folders = [folder for _, folder in self._left]
        if self._owner is not None:
            owners.append(self._owner)
        fds = [fd for fd in (self._fd, self._folder) if fd is not None and fd >= 0]
        self._fd, self._folder, self._owner = -1, None, None
        self._left = []
        return owners, [*fds, *folders]

    def _close(self, owners: list[Owner], fds: list[int]) -> None:
        for owner in owners:
            owner.close()
        for fd in fds:
            self._disk.close(fd)
