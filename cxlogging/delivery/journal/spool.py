"""A spool: one directory for all processes and handlers of an application."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigurationError
from ...wire.http import Secret
from .account import fingerprint
from .disk import Disk, UnsafeError
from .owner import NAME, has_ended

ABOUT = "about.json"
MOST_ABOUT_BYTES = 64 * 1024
ACCOUNT = "account"
"""The member of an identity that tells the keys of one address apart."""

UNKNOWN = "unknown"
"""The account of what an earlier version wrote, which noted none."""

PROBE = "probe"
PROBE_BYTES = 64 * 1024
"""So much must fit before a disk that was full is used again."""

_ours: set[tuple[str, str]] = set()
"""Path and folder of each spool that this process has opened: what is in it has a sender here."""

PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""Trouble that can pass: the handler starts without the spool, and returns to it."""


def folder_name(identity: Mapping[str, str]) -> str:
    """Return the name of a destination's folder: of who it is, never of a secret."""
    whole = json.dumps(dict(identity), sort_keys=True)
    return f"{identity['vendor']}-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def read_identity(disk: Disk, folder: int) -> dict[str, str]:
    """Return who a destination's folder is for; nothing where that cannot be read."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fd = disk.open(folder, ABOUT)
        try:
            found = json.loads(disk.read(fd, MOST_ABOUT_BYTES, 0))
        finally:
            disk.close(fd)
        return {str(key): str(value) for key, value in found.items()}
    return {}


def without_account(identity: Mapping[str, str]) -> dict[str, str]:
    """Return who a destination is, whatever its key."""
    return {key: value for key, value in identity.items() if key != ACCOUNT}


class Stranger(NamedTuple):
    """What processes that have ended left for another key: its fingerprint, and bytes."""

    account: str
    size: int

    def sentence(self, path: str) -> str:
        """Return what a person should know of it."""
        command = f"`cxlogging spool send {path} --account {self.account}`"
        if self.account == UNKNOWN:
            return (
                f"{self.size} bytes wait in the spool {path} from an earlier version, which noted"
                f" no key: {command} sends them with the key that is set"
            )
        return (
            f"{self.size} bytes wait in the spool {path} that were logged with another key"
            f" (account {self.account}): a handler with that key sends them, and {command}"
            " does with the key that is set"
        )


class Spool:
    """
    A destination's folder in a spool.

    Args:
        path: The directory; made where it is missing.
        identity: Who the destination is, without secrets.
        disk: The file system.
        account: As `account_of` returns it: a fingerprint of it becomes part of the identity.

    Attributes:
        identity: With the fingerprint, once the folder was opened.
    """

    def __init__(
        self, path: str, identity: Mapping[str, str], disk: Disk, account: Secret | None = None
    ) -> None:
        self.path = path
        self.identity = dict(identity)
        self._account = account
        self._disk = disk
        self._is_named = False

    @property
    def folder_name(self) -> str:
        """The name of the destination's folder, once it was opened."""
        return folder_name(self.identity)

    @property
    def place(self) -> str:
        """Where the destination's folder is, once it was opened."""
        return f"{self.path}/{self.folder_name}"

    def open(self) -> int:
        """
        Return a descriptor of the destination's folder.

        Raises:
            OSError: It cannot be opened, or others could change it.
        """
        disk = self._disk
        base = disk.enter(self.path)
        try:
            if self._account is not None:
                self.identity[ACCOUNT] = fingerprint(disk, base, self._account)
            folder = disk.folder(base, self.folder_name, create=True)
        finally:
            disk.close(base)
        _ours.add((self.path, self.folder_name))
        with contextlib.suppress(OSError):
            known = self._is_named and ABOUT in disk.names(folder)
            if not known and read_identity(disk, folder) != self.identity:
                self._write_identity(folder)
            self._is_named = True
        return folder

    def _write_identity(self, folder: int) -> None:
        """Say in the folder what it is for: under another name first, as others may read it."""
        disk, name = self._disk, f"{ABOUT}.{os.getpid()}"
        disk.remove(folder, name)
        fd = disk.create(folder, name)
        try:
            disk.write_all(fd, json.dumps(self.identity, sort_keys=True).encode())
            disk.rename(folder, name, folder, ABOUT)
        except OSError:
            disk.remove(folder, name)
            raise
        finally:
            disk.close(fd)

    def strangers(self) -> list[Stranger]:
        """Return what waits for this destination, and no handler of this process may send."""
        if self._account is None:
            return []
        try:
            base = self._disk.enter(self.path)
        except OSError:
            return []
        try:
            names = [n for n in self._disk.names(base) if (self.path, n) not in _ours]
            found = (self._stranger(base, name) for name in names)
            return [each for each in found if each is not None]
        finally:
            self._disk.close(base)

    def _stranger(self, base: int, name: str) -> Stranger | None:
        try:
            folder = self._disk.folder(base, name, create=False)
        except OSError:
            return None
        try:
            identity = read_identity(self._disk, folder)
            if without_account(identity) != without_account(self.identity):
                return None
            size = sum(
                self._disk.usage(folder, owner)
                for owner in self._disk.names(folder)
                if NAME.fullmatch(owner) and has_ended(self._disk, folder, owner)
            )
            return Stranger(identity.get(ACCOUNT, UNKNOWN), size) if size else None
        except OSError:
            return None
        finally:
            self._disk.close(folder)

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
