"""
The file system as the journal uses it: every system call is here.

Other users may be able to write to a directory above the spool: no symbolic link is followed,
only regular files of this process's user are read, and files are created for that user alone.
Directories are open descriptors; names are relative to them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ...wire.external_errors import contained_io
from ...wire.threads import HAS_GIL

try:
    import fcntl
    import resource
except ImportError:  # pragma: no cover - Windows
    fcntl = resource = None  # type: ignore[assignment]

NETWORK_FILE_SYSTEMS = frozenset(
    ("9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4", "smb3")
)
"""Together with ``fuse.*``, file systems on which a call may take minutes."""

_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | os.O_RDONLY
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class UnsafeError(OSError):
    """A file or directory that another user could have put there, or could change."""


class LostError(FileNotFoundError):
    """A descriptor was closed by other code; its number may belong to another file by now."""

    def __init__(self) -> None:
        super().__init__(errno.EBADF, "something else closed the descriptors of the spool")


class GilCalls(NamedTuple):
    """
    System calls that do not release the GIL.

    `os.write` releases it. A thread that computes takes it and keeps it for its switch interval,
    5 ms by default: beside two of them a call that does 1 µs of work returns after 10 ms.

    Attributes:
        write: As `os.write`, with the length as a third argument; -1 on failure.
        seek: As `os.lseek`, the low 32 bits of the result; -1 on failure.
    """

    write: Callable[[int, bytes, int], int]
    seek: Callable[[int, int, int], int]


def _gil_calls() -> GilCalls | None:
    """Return the calls of the C library; None if they are not available, or there is no GIL."""
    try:
        import ctypes

        if not HAS_GIL or ctypes.sizeof(ctypes.c_long) != 8:
            return None
        library = ctypes.PyDLL(None)
        # No types are declared, which would double the cost of a call: the numbers fit into an
        # int, and 64-bit calling conventions extend one to a whole register.
        calls = GilCalls(library.write, library.lseek)
        return calls if _work(calls) else None
    except (ImportError, OSError, AttributeError, TypeError):
        return None


def _work(calls: GilCalls) -> bool:
    """Return whether *calls* work as expected on a pipe."""
    reading, writing = os.pipe()
    try:
        data = b"\0cxlogging"
        done = calls.write(writing, data, len(data)), calls.seek(writing, 0, os.SEEK_CUR)
        return done == (len(data), -1) and os.read(reading, len(data) + 1) == data
    finally:
        os.close(reading)
        os.close(writing)


def is_local(fd: int, mounts: str = "/proc/self/mountinfo") -> bool:
    """Return whether a file is on this machine, as far as the system's *mounts* tell."""
    device = os.fstat(fd).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        with Path(mounts).open(encoding="utf-8", errors="replace") as lines:
            # https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
            for line in lines:
                before, _, after = line.partition(" - ")
                if before.split(" ", 3)[2:3] == [wanted]:
                    kind = after.split(" ", 1)[0]
                    return not kind.startswith("fuse") and kind not in NETWORK_FILE_SYSTEMS
    except OSError:  # not Linux
        pass
    return True


_fstat, _write = os.fstat, os.write

_identities: dict[int, tuple[tuple[int, int], ...]] = {}
"""Device and inode of the file of each of our descriptors; of two while one is replaced."""


def _identity(fd: int) -> tuple[int, int]:
    facts = os.fstat(fd)
    return facts.st_dev, facts.st_ino


def _note(fd: int, facts: os.stat_result) -> int:
    _identities[fd] = ((facts.st_dev, facts.st_ino),)
    return fd


def holds(fd: int) -> bool:
    """Return whether *fd* is still what we opened: a daemon closes all files, and opens others."""
    for _ in range(2):  # twice: `Disk.replace` may just have replaced it
        known = _identities.get(fd)
        try:
            if known is None or _identity(fd) in known:
                return True
        except OSError:
            return False
    return False


def _ours(fd: int) -> int:
    if not holds(fd):
        raise LostError
    return fd


def _open(name: str, flags: int, folder: int | None = None) -> int:
    """
    Open *name*, in *folder* where one is given.

    Raises:
        LostError: It was closed, and its number given to another file, before it was checked.
    """
    fd = os.open(name, flags, 0o600, dir_fd=None if folder is None else _ours(folder))
    facts = os.fstat(fd)
    with contextlib.suppress(FileNotFoundError):
        named = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if os.path.samestat(facts, named):
            return _note(fd, facts)
    if facts.st_nlink:
        raise LostError
    return _note(fd, facts)  # removed meanwhile


class Disk:
    """
    The real file system. Tests pass others with the same methods.

    Attributes:
        available: Whether the system has what a spool needs.
        gil_calls: Calls that append without releasing the GIL; None if there are none.
    """

    available = fcntl is not None
    gil_calls = _gil_calls()

    def enter(self, path: str, *, create: bool = True) -> int:
        """Open the directory at *path*."""
        if create:
            # With the directories above it, which `mkdir(parents=True)` makes readable by all.
            for each in (*reversed(Path(path).parents), Path(path)):
                if not each.exists():
                    each.mkdir(0o700, exist_ok=True)
        return self._checked_folder(_open(path, _FOLDER | _CAREFUL), path)

    def folder(self, parent: int, name: str, *, create: bool) -> int:
        """Open the directory *name* inside *parent*."""
        if create:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=_ours(parent))
        return self._checked_folder(_open(name, _FOLDER | _CAREFUL, parent), name)

    def _checked_folder(self, fd: int, name: str) -> int:
        facts = os.fstat(fd)
        trouble = ""
        if facts.st_uid != os.geteuid():
            trouble = f"belongs to user {facts.st_uid}, not to user {os.geteuid()} of this process"
        elif facts.st_mode & 0o022:
            trouble = f"is writable by others (mode {stat.S_IMODE(facts.st_mode):04o})"
        if trouble:
            self.close(fd)
            raise UnsafeError(f"{name} {trouble}")
        return fd

    def names(self, folder: int) -> list[str]:
        """Return the sorted names of the files in *folder*."""
        return sorted(os.listdir(_ours(folder)))

    def create(self, folder: int, name: str) -> int:
        """Create a file to append to; it must not exist."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _CAREFUL
        return _open(name, flags, folder)

    def append(self, folder: int, name: str) -> int:
        """Open a file to append to; create it if it is missing."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _CAREFUL
        return self._checked_file(_open(name, flags, folder), name)

    def open(self, folder: int, name: str) -> int:
        """Open a file to read from."""
        return self._checked_file(_open(name, os.O_RDONLY | _CAREFUL, folder), name)

    def _checked_file(self, fd: int, name: str) -> int:
        facts = os.fstat(fd)
        plain = stat.S_ISREG(facts.st_mode) and facts.st_nlink <= 1
        if not plain or facts.st_uid != os.geteuid():
            self.close(fd)
            raise UnsafeError(f"{name} is not a regular file of this user")
        return fd

    def lock(self, folder: int, name: str) -> int | None:
        """
        Return a descriptor that holds the lock *name* until it is closed, or None if another does.

        The system releases the lock when the last copy of the descriptor is closed: a process
        that dies holds nothing, and a fork's child must close its copy. It is never unlocked
        explicitly, which would unlock every copy.
        """
        fd = self.append(folder, name)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return fd
        except BlockingIOError:
            pass
        except BaseException:
            self.close(fd)
            raise
        self.close(fd)
        return None

    @staticmethod
    def write(fd: int, data: bytes) -> int:
        """
        Append data to a descriptor, releasing the GIL; return how many bytes were written.

        Each append checks the descriptor: a record that was once written to a file of the
        application's cannot be taken back. `Appender` has a cheaper check.
        """
        facts = _fstat(fd)
        known = _identities.get(fd)
        if known and known[0] != (facts.st_dev, facts.st_ino):
            _ours(fd)
        return _write(fd, data)

    def check(self, fd: int) -> None:
        """
        Check that *fd* is what we opened.

        Raises:
            LostError: It is not.
        """
        _ours(fd)

    def is_local(self, fd: int) -> bool:
        """Return whether the file is on this machine."""
        return is_local(fd)

    def shortage(self, fd: int) -> OSError:
        """Return the error that explains a partial write: the system reports none."""
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        is_limit = limit != resource.RLIM_INFINITY and self.size(fd) >= limit
        number = errno.EFBIG if is_limit else errno.ENOSPC
        return OSError(number, os.strerror(number))

    def write_all(self, fd: int, data: bytes) -> None:
        """
        Append *data*.

        Raises:
            OSError: Not all of it could be written.
        """
        if self.write(fd, data) != len(data):
            raise self.shortage(fd)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """Return at most *size* bytes from *offset* on."""
        return os.pread(_ours(fd), size, offset)

    def size(self, fd: int) -> int:
        """Return how many bytes the file has."""
        return os.fstat(_ours(fd)).st_size

    def is_linked(self, fd: int) -> bool:
        """Whether the file still has a name."""
        return os.fstat(_ours(fd)).st_nlink > 0

    def leads_to(self, path: str, folder: int) -> bool:
        """Return whether *path* is the directory that *folder* is open for."""
        known = _identity(_ours(folder))
        try:
            facts = Path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (facts.st_dev, facts.st_ino) == known

    def copy(self, fd: int) -> int:
        """Return a second descriptor of the same file."""
        copy = os.dup(_ours(fd))
        return _note(copy, os.fstat(copy))

    def replace(self, fd: int, onto: int) -> None:
        """Make *onto* a descriptor of the same file as *fd*, atomically."""
        after = _identity(_ours(fd))
        before = _identities.get(_ours(onto), ())
        _identities[onto] = (*before, after)
        os.dup2(fd, onto, inheritable=False)
        _identities[onto] = (after,)

    def sync(self, fd: int) -> None:
        """Sync a file to the disk."""
        os.fsync(_ours(fd))

    def sync_folder(self, path: str) -> None:
        """Sync the entries of the directory at *path* to the disk."""
        fd = _open(path, _FOLDER)
        try:
            self.sync(fd)
        finally:
            self.close(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor, unless its number belongs to another file by now."""
        ours = holds(fd)
        _identities.pop(fd, None)
        if ours:
            with contained_io:
                os.close(fd)

    def holds(self, fd: int) -> bool:
        """Return whether *fd* is still what we opened."""
        return holds(fd)

    def rename(self, folder: int, name: str, target: int, new: str) -> None:
        """Move a file."""
        os.rename(name, new, src_dir_fd=_ours(folder), dst_dir_fd=_ours(target))

    def write_file(self, folder: int, name: str, data: bytes) -> None:
        """Write a whole file, under a temporary name first: other processes see it complete."""
        temporary = f"{name}.{os.getpid()}"
        self.remove(folder, temporary)
        fd = self.create(folder, temporary)
        try:
            self.write_all(fd, data)
            self.rename(folder, temporary, folder, name)
        except OSError:
            self.remove(folder, temporary)
            raise
        finally:
            self.close(fd)

    def remove(self, folder: int, name: str) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=_ours(folder))

    def remove_folder(self, folder: int, name: str) -> None:
        """Remove a directory, if it exists and is empty."""
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=_ours(folder))

    def usage(self, folder: int, name: str) -> int:
        """Return the bytes of all files in the directory *name*."""
        total = 0
        with contextlib.suppress(OSError):
            inner = _open(name, _FOLDER | _CAREFUL, folder)
            try:
                with os.scandir(inner) as entries:
                    total = sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
            finally:
                self.close(inner)
        return total
