"""A spool: one directory for all processes and handlers of an application."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from ...errors import ConfigurationError
from .disk import Disk, UnsafeError

ABOUT = "about.json"
PROBE = "probe"
PROBE_BYTES = 64 * 1024
"""So much must fit before a disk that was full is used again."""

PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""Trouble that can pass: the handler starts without the spool, and returns to it."""


def folder_name(identity: Mapping[str, str]) -> str:
    """Return the name of a destination's folder: of who it is, never of a secret."""
    whole = json.dumps(dict(identity), sort_keys=True)
    return f"{identity['vendor']}-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


class Spool:
    """
    A destination's folder in a spool.

    Args:
        path: The directory; made where it is missing.
        identity: Who the destination is, without secrets.
        disk: The file system.
    """

    def __init__(self, path: str, identity: Mapping[str, str], disk: Disk) -> None:
        self.path = path
        self._identity = identity
        self._disk = disk

    def open(self) -> int:
        """
        Return a descriptor of the destination's folder.

        Raises:
            OSError: It cannot be opened, or others could change it.
        """
        disk = self._disk
        base = disk.enter(self.path)
        try:
            folder = disk.folder(base, folder_name(self._identity), create=True)
        finally:
            disk.close(base)
        with contextlib.suppress(FileExistsError):
            fd = disk.create(folder, ABOUT)
            with contextlib.suppress(OSError):
                disk.write(fd, json.dumps(dict(self._identity), sort_keys=True).encode())
            disk.close(fd)
        return folder

    def sync(self) -> None:
        """
        Return once the names of the spool and of the folders in it are on the medium.

        Raises:
            OSError: They cannot be.
        """
        for path in (self.path, str(Path(self.path).parent)):
            self._disk.sync_folder(path)

    def probe(self, folder: int) -> None:
        """
        Write something to *folder*, and remove it.

        Raises:
            OSError: It cannot be written.
        """
        name = f"{PROBE}-{os.getpid()}"
        fd = self._disk.append(folder, name)
        try:
            self._disk.write_all(fd, bytes(PROBE_BYTES))
        finally:
            self._disk.close(fd)
            self._disk.remove(folder, name)

    def check(self) -> None:
        """
        Open the folder once, to find out now what would fail later.

        Raises:
            ConfigurationError: It can never be used.
        """
        if not self._disk.available:
            raise ConfigurationError("spool needs a POSIX system: leave it out on this one.")
        try:
            self._disk.close(self.open())
        except OSError as error:
            if error.errno in PASSING:
                return
            reason = str(error) if isinstance(error, UnsafeError) else error.strerror
            raise ConfigurationError(
                f"spool={self.path!r} cannot be used: {reason}."
                " Give a directory that belongs to this user and that others cannot write."
            ) from None
