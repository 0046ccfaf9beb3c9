"""
Which account a folder of a spool belongs to, without its key.

A fingerprint of the key is part of a destination's identity: two handlers with different
keys for the same address have a folder each, and neither sends what the other one wrote.
It is derived slowly, with a random salt that never leaves the spool: a fingerprint says
nothing about the same key in another spool, and trying keys against it takes long.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import time
from collections.abc import Mapping

from ...wire.http import Secret
from .disk import Disk, UnsafeError

SALT = "salt"
SALT_BYTES = 32
ROUNDS = 50_000
FINGERPRINT_CHARACTERS = 16
ATTEMPTS = 100
ATTEMPT_SECONDS = 0.01


def account_of(credential: Secret | None, headers: Mapping[str, str] | None) -> Secret:
    """
    Return what tells one account from another: the key, and the custom headers.

    A gateway may read the tenant or its own authorization from any header, so all of them count.
    """
    plain = sorted((name.lower(), value) for name, value in (headers or {}).items())
    key = credential.reveal() if credential else ""
    return Secret(json.dumps([key, *plain]))


@functools.lru_cache(maxsize=64)
def _derived(account: bytes, salt: bytes) -> str:
    whole = hashlib.pbkdf2_hmac("sha256", account, salt, ROUNDS)
    return whole.hex()[:FINGERPRINT_CHARACTERS]


def fingerprint(disk: Disk, base: int, account: Secret) -> str:
    """
    Return the fingerprint of *account* in the spool whose descriptor is *base*.

    Raises:
        OSError: The salt cannot be read or made.
    """
    return _derived(account.reveal().encode("utf-8", "surrogatepass"), _salt(disk, base))


def _salt(disk: Disk, base: int) -> bytes:
    """Return the salt of a spool; make it where there is none, or where it is damaged."""
    salt = _read(disk, base)
    for _ in range(ATTEMPTS):
        if salt is not None:
            return salt
        # One process makes it, and the others wait: they must all see the same one.
        lock = disk.lock(base, f"{SALT}.lock")
        if lock is not None:
            try:
                return _read(disk, base) or _make(disk, base)
            finally:
                # While it is held: who waits for it sees that it is gone, and finds the salt.
                disk.remove(base, f"{SALT}.lock")
                disk.close(lock)
        time.sleep(ATTEMPT_SECONDS)
        salt = _read(disk, base)
    raise OSError(errno.EBUSY, f"another process holds {SALT}.lock in the spool")


def _read(disk: Disk, base: int) -> bytes | None:
    """Return the salt; None where it is missing, cut short, or what a loss of power left."""
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


def _make(disk: Disk, base: int) -> bytes:
    """Make the salt under another name first: it is whole when others see it."""
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
