"""
The directory of one destination in a spool, named after who the destination is.

A fingerprint of the key is part of that identity: two handlers with different keys for the same
URL have a directory each, and neither sends what the other one wrote. It is derived slowly, with
a random salt that never leaves the spool: a fingerprint says nothing about the same key in
another spool, and guessing keys against it takes long.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigurationError
from ...wire.http import Secret
from .disk import Disk, UnsafeError
from .process_dir import NAME, has_ended

ABOUT = "about.json"
MAX_ABOUT_BYTES = 64 * 1024
ACCOUNT = "account"
"""The key of an identity's fingerprint."""

UNKNOWN_ACCOUNT = "unknown"
"""The account of records of an earlier version, which stored no fingerprint."""

SALT = "salt"
SALT_BYTES = 32
ROUNDS = 50_000
FINGERPRINT_CHARACTERS = 16
SALT_ATTEMPTS = 100
SALT_PAUSE_SECONDS = 0.01

PROBE = "probe"
PROBE_BYTES = 64 * 1024
"""This much must fit before a disk that was full is used again."""

TRANSIENT_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
}
"""Errors that can pass: the handler starts without the spool, and uses it later."""

_opened: set[tuple[str, str]] = set()
"""Spool and directory of each destination that a handler of this process delivers to."""


def directory_name(identity: Mapping[str, str]) -> str:
    """Return the name of a destination's directory, a hash of its identity."""
    whole = json.dumps(dict(identity), sort_keys=True)
    return f"{identity['vendor']}-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def read_identity(disk: Disk, folder: int) -> dict[str, str]:
    """Return the identity stored in a destination's directory; empty if it cannot be read."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fd = disk.open(folder, ABOUT)
        try:
            found = json.loads(disk.read(fd, MAX_ABOUT_BYTES, 0))
        finally:
            disk.close(fd)
        return {str(key): str(value) for key, value in found.items()}
    return {}


def without_account(identity: Mapping[str, str]) -> dict[str, str]:
    """Return *identity* without the fingerprint of the key."""
    return {key: value for key, value in identity.items() if key != ACCOUNT}


class OtherAccount(NamedTuple):
    """Records that ended processes left for the same destination with another key."""

    account: str
    size: int

    def sentence(self, path: str) -> str:
        """Return the diagnostic that tells the user about them."""
        command = f"`cxlogging spool send {path} --account {self.account}`"
        if self.account == UNKNOWN_ACCOUNT:
            return (
                f"{self.size} bytes are waiting in the spool {path} from an earlier version, which"
                f" did not store the account: {command} sends them with the current key"
            )
        return (
            f"{self.size} bytes are waiting in the spool {path} that were logged with another key"
            f" (account {self.account}): a handler with that key sends them, and {command} sends"
            " them with the current key"
        )


class DestinationDir:
    """
    A destination's directory in a spool.

    Args:
        path: The spool; created if it is missing.
        identity: Who the destination is, without secrets.
        disk: The file system.
        account: From `account_of`; its fingerprint becomes part of the identity.

    Attributes:
        identity: With the fingerprint, once the directory was opened.
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
    def own_path(self) -> str:
        """The path of the destination's directory, once it was opened."""
        return f"{self.path}/{directory_name(self.identity)}"

    def open(self) -> int:
        """
        Return a descriptor of the destination's directory.

        Raises:
            OSError: It cannot be opened, or other users could change it.
        """
        disk = self._disk
        base = disk.enter(self.path)
        try:
            if self._account is not None:
                self.identity[ACCOUNT] = fingerprint(disk, base, self._account)
            name = directory_name(self.identity)
            folder = disk.folder(base, name, create=True)
        finally:
            disk.close(base)
        _opened.add((self.path, name))
        with contextlib.suppress(OSError):
            known = self._is_named and ABOUT in disk.names(folder)
            if not known and read_identity(disk, folder) != self.identity:
                disk.write_file(folder, ABOUT, json.dumps(self.identity, sort_keys=True).encode())
            self._is_named = True
        return folder

    def other_accounts(self) -> list[OtherAccount]:
        """Return what waits for this destination with keys that no handler of this process has."""
        if self._account is None:
            return []
        with contextlib.suppress(OSError):
            base = self._disk.enter(self.path)
            try:
                names = [n for n in self._disk.names(base) if (self.path, n) not in _opened]
                found = [self._other_account(base, name) for name in names]
            finally:
                self._disk.close(base)
            return [each for each in found if each is not None]
        return []

    def _other_account(self, base: int, name: str) -> OtherAccount | None:
        with contextlib.suppress(OSError):
            folder = self._disk.folder(base, name, create=False)
            try:
                identity = read_identity(self._disk, folder)
                if without_account(identity) != without_account(self.identity):
                    return None
                size = sum(
                    self._disk.usage(folder, process)
                    for process in self._disk.names(folder)
                    if NAME.fullmatch(process) and has_ended(self._disk, folder, process)
                )
            finally:
                self._disk.close(folder)
            return OtherAccount(identity.get(ACCOUNT, UNKNOWN_ACCOUNT), size) if size else None
        return None

    def sync(self) -> None:
        """
        Sync the directory entries of the spool and of the directories in it.

        Raises:
            OSError: The sync failed.
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
        Open the directory once, so that a mistake shows when the handler is constructed.

        Raises:
            ConfigurationError: It can never be used.
        """
        if not self._disk.available:
            raise ConfigurationError("spool needs a POSIX system: remove the option on this one.")
        try:
            self._disk.close(self.open())
        except OSError as error:
            if error.errno in TRANSIENT_ERRORS:
                return
            reason = str(error) if isinstance(error, UnsafeError) else error.strerror
            raise ConfigurationError(
                f"spool={self.path!r} cannot be used: {reason}."
                " Use a directory that belongs to this user and is not writable by others."
            ) from None


def account_of(credential: Secret | None, headers: Mapping[str, str] | None) -> Secret:
    """
    Return what tells one account from another: the key and the custom headers.

    A gateway may read the tenant or its own authorization from any header, so all of them count.
    """
    plain = sorted((name.lower(), value) for name, value in (headers or {}).items())
    key = credential.reveal() if credential else ""
    return Secret(json.dumps([key, *plain]))


def fingerprint(disk: Disk, base: int, account: Secret) -> str:
    """
    Return the fingerprint of *account* in the spool whose descriptor is *base*.

    Raises:
        OSError: The salt cannot be read or written.
    """
    return _derived(account.reveal().encode("utf-8", "surrogatepass"), _salt(disk, base))


@functools.lru_cache(maxsize=64)
def _derived(account: bytes, salt: bytes) -> str:
    whole = hashlib.pbkdf2_hmac("sha256", account, salt, ROUNDS)
    return whole.hex()[:FINGERPRINT_CHARACTERS]


def _salt(disk: Disk, base: int) -> bytes:
    """Return the salt of a spool; create it if it is missing or damaged."""
    salt = _read_salt(disk, base)
    for _ in range(SALT_ATTEMPTS):
        if salt is not None:
            return salt
        # One process creates it while the others wait: all must see the same one.
        lock = disk.lock(base, f"{SALT}.lock")
        if lock is not None:
            try:
                return _read_salt(disk, base) or _create_salt(disk, base)
            finally:
                # Removed while it is held: whoever waits sees that it is gone, and finds the salt.
                disk.remove(base, f"{SALT}.lock")
                disk.close(lock)
        time.sleep(SALT_PAUSE_SECONDS)
        salt = _read_salt(disk, base)
    raise OSError(errno.EBUSY, f"another process holds {SALT}.lock in the spool")


def _read_salt(disk: Disk, base: int) -> bytes | None:
    """Return the salt; None if it is missing, truncated, or zeros left by a power failure."""
    try:
        fd = disk.open(base, SALT)
    except FileNotFoundError:
        return None
    except UnsafeError:
        raise
    except OSError as error:
        raise OSError(error.errno, f"its file {SALT} cannot be read: {error.strerror}") from None
    try:
        found = disk.read(fd, SALT_BYTES + 1, 0)
    finally:
        disk.close(fd)
    return found if len(found) == SALT_BYTES and any(found) else None


def _create_salt(disk: Disk, base: int) -> bytes:
    """Create the salt, under a temporary name first: other processes see it complete."""
    salt = os.urandom(SALT_BYTES)
    name = f"{SALT}.new"
    disk.remove(base, name)
    fd = disk.create(base, name)
    try:
        disk.write_all(fd, salt)
        disk.sync(fd)
    finally:
        disk.close(fd)
    disk.rename(base, name, base, SALT)
    return salt
