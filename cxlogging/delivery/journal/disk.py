"""
What the journal asks of the operating system, in one place.

A spool may lie where others can write: no symbolic link is followed, nothing
is read that is not a plain file of our own user, and every file is made for
our user alone. Folders are open descriptors; names are relative to them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from ...wire.external_errors import contained_io
from .keeping import is_local, keeping

try:
    import fcntl
    import resource
except ImportError:  # pragma: no cover - Windows
    fcntl = resource = None  # type: ignore[assignment]

_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | os.O_RDONLY
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class UnsafeError(OSError):
    """A file or folder that somebody else could have put there, or could change."""


class LostError(FileNotFoundError):
    """Somebody closed a descriptor of ours; its number may be another file's by now."""

    def __init__(self) -> None:
        super().__init__(errno.EBADF, "somebody closed the descriptors of the spool")


_fstat, _write = os.fstat, os.write

_identities: dict[int, tuple[tuple[int, int], ...]] = {}
"""Device and inode of what each of our descriptors is open for: two while one is replaced."""


def _identity(fd: int) -> tuple[int, int]:
    facts = os.fstat(fd)
    return facts.st_dev, facts.st_ino


def _note(fd: int, facts: os.stat_result) -> int:
    _identities[fd] = ((facts.st_dev, facts.st_ino),)
    return fd


def holds(fd: int) -> bool:
    """Return whether *fd* is still what we opened; a daemon closes all, and opens others."""
    for _ in range(2):  # again: it may just have been replaced by ourselves
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
        LostError: The number was closed, and given to another file, before we had a look at it.
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
    The real file system. A test gives another one with the same methods.

    Attributes:
        available: Whether the system has what a spool needs.
        keeping: Calls that append without `write`, and keep the interpreter's lock.
    """

    available = fcntl is not None
    keeping = keeping

    def enter(self, path: str, *, create: bool = True) -> int:
        """Open the folder at *path*."""
        if create:
            # Those above it too, which `mkdir(parents=True)` makes for everybody.
            for each in (*reversed(Path(path).parents), Path(path)):
                if not each.exists():
                    each.mkdir(0o700, exist_ok=True)
        return self._checked_folder(_open(path, _FOLDER | _CAREFUL), path)

    def folder(self, parent: int, name: str, *, create: bool) -> int:
        """Open the folder *name* inside *parent*."""
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
            trouble = f"can be written by others (mode {stat.S_IMODE(facts.st_mode):04o})"
        if trouble:
            self.close(fd)
            raise UnsafeError(f"{name} {trouble}")
        return fd

    def names(self, folder: int) -> list[str]:
        """Return the sorted names of what is in *folder*."""
        return sorted(os.listdir(_ours(folder)))

    def create(self, folder: int, name: str) -> int:
        """Make a file that does not exist yet, to append to."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _CAREFUL
        return _open(name, flags, folder)

    def append(self, folder: int, name: str) -> int:
        """Open a file to append to; make it where it is missing."""
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
            raise UnsafeError(f"{name} is not a plain file of our own")
        return fd

    def lock(self, folder: int, name: str) -> int | None:
        """
        Return a descriptor that holds the lock *name* until it is closed, or None if another does.

        The system lets go of the lock when the last copy of the descriptor is
        closed: a process that dies holds nothing, a fork's child must close its
        copy. It is never unlocked by hand, which would unlock every copy.
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
        Append data to a descriptor, giving the interpreter's lock away; return how many bytes of
        it could be.

        Each append looks at the descriptor: a record that is once in a file of the user's cannot
        be taken back. `Append` has a cheaper look.
        """
        facts = _fstat(fd)
        known = _identities.get(fd)
        if known and known[0] != (facts.st_dev, facts.st_ino):
            _ours(fd)
        return _write(fd, data)

    def check(self, fd: int) -> None:
        """
        See that *fd* is what we opened.

        Raises:
            LostError: It is not.
        """
        _ours(fd)

    def is_local(self, fd: int) -> bool:
        """Return whether the file lies in this machine."""
        return is_local(fd)

    def shortage(self, fd: int) -> OSError:
        """Return why only a part of an append could be written: the system does not say."""
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        is_limit = limit != resource.RLIM_INFINITY and self.size(fd) >= limit
        number = errno.EFBIG if is_limit else errno.ENOSPC
        return OSError(number, os.strerror(number))

    def write_all(self, fd: int, data: bytes) -> None:
        """
        Append *data*.

        Raises:
            OSError: Not all of it could be.
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
        """Return whether what *folder* is open for is still at *path*."""
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
        """Make *onto* a descriptor of the same file as *fd*, in one step."""
        after = _identity(_ours(fd))
        before = _identities.get(_ours(onto), ())
        _identities[onto] = (*before, after)
        os.dup2(fd, onto, inheritable=False)
        _identities[onto] = (after,)

    def sync(self, fd: int) -> None:
        """Return once what was written is on the medium."""
        os.fsync(_ours(fd))

    def sync_folder(self, path: str) -> None:
        """Return once the names in the folder at *path* are on the medium."""
        fd = _open(path, _FOLDER)
        try:
            self.sync(fd)
        finally:
            self.close(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor, unless its number is another file's by now."""
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

    def remove(self, folder: int, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=_ours(folder))

    def remove_folder(self, folder: int, name: str) -> None:
        """Remove an empty folder, if it is there and empty."""
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=_ours(folder))

    def usage(self, folder: int, name: str) -> int:
        """Return the bytes of all files in the folder *name*."""
        total = 0
        with contextlib.suppress(OSError):
            inner = _open(name, _FOLDER | _CAREFUL, folder)
            try:
                with os.scandir(inner) as entries:
                    total = sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
            finally:
                self.close(inner)
        return total
