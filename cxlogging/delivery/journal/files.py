"""The files that a journal appends to: opened, rotated, replaced after errors, and closed."""

from __future__ import annotations

import _thread
import contextlib
import errno
from collections.abc import Callable, Iterator

from ...wire.external_errors import contained_io, is_external
from ..clock import Clocks
from ..options import Options
from ..queue.queue import Report
from .disk import Disk, LostError
from .process_dir import NAME, ProcessDir, waiting_bytes
from .segment import SEGMENT_SPAN
from .segments import Segments
from .spool import DestinationDir
from .sync import Syncer

RETRY_SECONDS = 5.0
RETRY_MAXIMUM = 60.0
RETRY_LOST_SECONDS = 0.5
"""After descriptors were closed by something else: it may be at it still."""

OPEN_SECONDS = 1.0
REPORT_SECONDS = 60.0
"""At least this long between two diagnostics of one kind, if a disk fails again and again."""

FREE_SPACE = "free some space there, or give spool a directory on another disk"
CHECK_DISK = "check the disk, or give spool a directory on another one"
REMEDIES = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: "raise the user's quota, or free some space there",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
    errno.EBADF: "its files are opened again; make the application close only files of its own",
    errno.EROFS: "remount it writable, or give spool another directory",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.EACCES: "let the user of this process write there",
    errno.EPERM: "let the user of this process write there",
}
"""What to do, by the error's number."""


class NonReentrantLock:
    """A lock that its own thread cannot take twice, and that is waited for with a limit."""

    def __init__(self) -> None:
        self._lock = _thread.RLock()
        self._is_held = False

    @contextlib.contextmanager
    def hold(self, seconds: float = 0.0) -> Iterator[bool]:
        """
        Hold the lock, and yield True; yield False if it is taken.

        Another thread may hold it, for longer than *seconds*, or this one: a signal handler may
        log while the code it has interrupted holds the lock.
        """
        if not self._lock.acquire(timeout=seconds):
            yield False
            return
        try:
            if self._is_held:
                yield False
                return
            self._is_held = True
            try:
                yield True
            finally:
                self._is_held = False
        finally:
            self._lock.release()


class JournalFiles:
    """
    One descriptor to append with, for as long as the journal lives.

    When a segment is full, the same descriptor is redirected to the next one, in one atomic
    system call: a log call in another thread writes to the one or to the other, and never to a
    descriptor that was closed.

    Args:
        spool: The destination's directory.
        disk: The file system.
        segments: Told about each new segment.
        next_index: Returns the index of the next segment.
        clock: Monotonic time.
        options: ``spool_bytes``, ``durability`` and ``flush_interval``.
        report: Called with kind, topic and sentence of a diagnostic.

    Attributes:
        failed: Why records wait in memory; empty while the disk works.
        resumed: The index of the first segment after the disk worked again.
        lock: Held by whoever changes what is open.
    """

    def __init__(
        self,
        spool: DestinationDir,
        disk: Disk,
        segments: Segments,
        next_index: Callable[[], int],
        clock: Clocks,
        options: Options,
        report: Report,
    ) -> None:
        self._spool = spool
        self._disk = disk
        self._segments = segments
        self._next_index = next_index
        self._clock = clock
        self._report = report
        self._bound = options.spool_bytes
        self.resumed = SEGMENT_SPAN
        self.lock = NonReentrantLock()
        self._folder: int | None = None
        self._process_dir: ProcessDir | None = None
        self._fd = -1
        self.failed = ""
        self._sentence = ""
        self._report_failure_at = self._report_gone_at = 0.0
        self._is_reported = False
        self._retry_at = 0.0
        self._retry_seconds = RETRY_SECONDS
        self._former: list[tuple[ProcessDir | None, int]] = []
        self._syncer: Syncer | None = None
        if options.durability == "system":
            interval = options.flush_interval
            self._syncer = Syncer(disk, spool, interval, clock, report)

    def folder(self) -> int | None:
        """Return a descriptor of the destination's directory; None if it cannot be opened."""
        if self._folder is None:
            with contained_io:
                self._folder = self._spool.open()
        return self._folder

    def open(self, magic: bytes, use: Callable[[int, bool], None]) -> bool:
        """
        Call *use* with the descriptor to append with; return False if the disk has failed.

        *use* is called while the descriptor cannot be closed, and gets whether a segment begins.
        """
        if self.failed:
            return False
        with self.lock.hold(OPEN_SECONDS) as held:
            if not held:
                return False
            try:
                if begins := self._fd < 0:
                    self._begin_segment(magic)
            except OSError as error:
                if is_external(error):
                    raise
                self.fail(error)
                return False
            use(self._fd, begins)
            return True

    def _begin_segment(self, magic: bytes) -> None:
        """Begin a segment, in a directory of this process that is created if there is none."""
        if self._folder is None:
            self._folder = self._spool.open()
        if self._process_dir is None:
            self._process_dir = ProcessDir(self._disk, self._folder, magic)
            self._segments.parent, self._segments.dir_name = self._folder, self._process_dir.name
        segment, fd = self._process_dir.create_segment(self._next_index())
        self._segments.add(segment)
        if self._fd < 0 or not self._disk.holds(self._fd):
            self._fd = fd
        else:
            if self._syncer is not None:
                self._syncer.sync_and_close(self._disk.copy(self._fd))
            self._disk.replace(fd, self._fd)
            self._disk.close(fd)
        if self._syncer is not None:
            self._syncer.begin(self._fd, self._process_dir)

    def rotate(self, magic: bytes, drawn: Callable[[], int]) -> bool:
        """
        Begin the next segment; return False if that fails, and the present one goes on growing.

        The caller holds the lock.
        """
        try:
            self._rotate(magic, drawn)
        except OSError as error:
            if is_external(error):
                raise
            return False
        return True

    def _rotate(self, magic: bytes, drawn: Callable[[], int]) -> None:
        self._begin_segment(magic)
        # Every number drawn from now on is written to the new segment.
        self._segments.seal(drawn())

    def fail(self, error: Exception | None) -> None:
        """Note that the disk has failed; *error* is None if an append was only partly written."""
        if error is None:
            try:
                error = self._disk.shortage(self._fd)
            except OSError as worse:
                error = worse
        self.failed = getattr(error, "strerror", None) or str(error)
        remedy = REMEDIES.get(getattr(error, "errno", None) or 0, CHECK_DISK)
        self._sentence = (
            f"the spool {self._spool.path} cannot be written ({self.failed}): records wait in"
            f" memory until it can: {remedy}"
        )
        now = self._clock.monotonic()
        is_lost = isinstance(error, LostError)
        self._retry_at = now if is_lost else now + self._retry_seconds
        self._report_failure(now)

    def _report_failure(self, now: float) -> None:
        """Report each failure once, and at most one per minute."""
        if not self._is_reported and now >= self._report_failure_at:
            self._is_reported, self._report_failure_at = True, now + REPORT_SECONDS
            self._report("spool", self.failed, self._sentence)

    def keep_synced(self) -> None:
        """Have what was written synced, if that is asked for."""
        if self._syncer is not None and self._fd >= 0:
            self._syncer.keep()

    def maintain(self, now: float, magic: bytes, drawn: Callable[[], int]) -> None:
        """Report a failure and try again; begin anew if the spool was removed."""
        if self.failed:
            self._report_failure(now)
            if now >= self._retry_at:
                with self.lock.hold() as held:
                    if held:
                        self._retry(magic, drawn)
        elif self._is_lost:
            with self.lock.hold() as held, contained_io:
                if held:
                    self._reopen()
        elif how := self._gone:
            with self.lock.hold() as held:
                if held:
                    self._replace(magic, drawn, how, now)

    @property
    def _gone(self) -> str:
        """What something has done to the directories; empty while they are in their place."""
        process_dir, folder = self._process_dir, self._folder
        try:
            if process_dir is not None and self._fd >= 0:
                if not (process_dir.is_linked and self._disk.is_linked(self._fd)):
                    return "removed"
                return "" if process_dir.is_at(self._spool.own_path) else "moved away"
            if folder is not None and not self._disk.leads_to(self._spool.own_path, folder):
                return "moved away or removed"
        except OSError:
            pass
        return ""

    def _replace(self, magic: bytes, drawn: Callable[[], int], how: str, now: float) -> None:
        """Begin anew at the path, where other processes of the application will look."""
        began = self._fd >= 0
        self._leave()
        try:
            if began:
                self._rotate(magic, drawn)
            else:
                self._folder = self._spool.open()
        except OSError as error:
            self.fail(error)
            return
        if now >= self._report_gone_at:
            self._report_gone_at = now + REPORT_SECONDS
            sentence = f"the spool {self._spool.path} was {how}: a new one is made at its path"
            if how == "moved away":
                sentence += ", and what was logged before is delivered from where it is now"
            self._report("gone", str(now), sentence)

    @property
    def _is_lost(self) -> bool:
        """Whether something has closed our descriptors: their numbers may be other files'."""
        fds = [fd for fd in (self._folder, self._fd) if fd is not None and fd >= 0]
        is_held = self._process_dir is None or self._process_dir.is_held
        return not (is_held and all(map(self._disk.holds, fds)))

    def _reopen(self) -> None:
        """Open by their names the files whose descriptors were closed."""
        lost, self._folder = self._folder, None
        if lost is not None:
            self._disk.close(lost)
        self._folder = folder = self._spool.open()
        if self._process_dir is not None:
            try:
                self._segments.reopen(folder, *self._process_dir.reopen(folder))
            except FileNotFoundError:
                self._segments.forget_waiting()
                self._process_dir.close()
                self._process_dir = None

    def _retry(self, magic: bytes, drawn: Callable[[], int]) -> None:
        try:
            if self._is_lost:
                self._reopen()
            if self._folder is None:
                self._folder = self._spool.open()
            self._spool.probe(self._folder)
            if self._gone:
                self._leave()
            self._rotate(magic, drawn)
        except OSError as error:
            pause = RETRY_LOST_SECONDS
            if error.errno != errno.EBADF:
                pause = self._retry_seconds = min(self._retry_seconds * 2, RETRY_MAXIMUM)
            self._retry_at = self._clock.monotonic() + pause
            return
        self.resumed = self._segments.newest
        self.failed, self._retry_seconds = "", RETRY_SECONDS
        if self._is_reported:
            self._is_reported = False
            self._report("spool", "", f"the spool {self._spool.path} is used again")

    def _leave(self) -> None:
        """
        Leave a directory that was removed or moved away.

        Its descriptors stay open: what is still to be read is read through them.
        """
        if self._folder is not None:
            self._former.append((self._process_dir, self._folder))
        self._process_dir = self._folder = None

    def available_bytes(self) -> int | None:
        """
        Return what other processes leave of ``spool_bytes``; None if that cannot be determined.

        The caller holds the lock.
        """
        folder = self._folder if self.failed else self.folder()
        own = self._process_dir.name if self._process_dir else ""
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
        Forget all that is open, in which nothing waits; return a function that removes it.

        The caller holds the lock. The next log call begins anew, even before the removal.
        """
        segments, process_dir = self._segments.detach(), self._process_dir
        process_dirs, fds = self._forget()

        def remove() -> None:
            with contextlib.suppress(OSError):
                for segment in segments:
                    segment.remove()
                if process_dir is not None:
                    process_dir.remove()
            self._close(process_dirs, fds)

        return remove

    def close(self) -> None:
        """Close everything, and leave it where it is."""
        self._segments.close()
        self._close(*self._forget())

    def _forget(self) -> tuple[list[ProcessDir], list[int]]:
        if self._syncer is not None:
            self._syncer.end()
        process_dirs = [each for each, _ in self._former if each is not None]
        folders = [folder for _, folder in self._former]
        if self._process_dir is not None:
            process_dirs.append(self._process_dir)
        fds = [fd for fd in (self._fd, self._folder) if fd is not None and fd >= 0]
        self._fd, self._folder, self._process_dir = -1, None, None
        self._former = []
        return process_dirs, [*fds, *folders]

    def _close(self, process_dirs: list[ProcessDir], fds: list[int]) -> None:
        for process_dir in process_dirs:
            process_dir.close()
        for fd in fds:
            self._disk.close(fd)
