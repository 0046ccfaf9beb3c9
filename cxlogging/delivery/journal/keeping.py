"""
System calls that keep the interpreter's lock.

`os.write` gives the lock away. A thread that computes takes it and keeps it for its switch
interval, 5 ms by default: beside two of them a call that does 1 µs of work returns after 10 ms.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ...wire.threads import HAS_GIL

NETWORK_FILE_SYSTEMS = frozenset(
    ("9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4", "smb3")
)
"""And all that is served by a process, ``fuse.*``: a call may take minutes there."""


class Calls(NamedTuple):
    """
    Attributes:
        write: As `os.write`, with the length as a third argument; -1 where it failed.
        seek: As `os.lseek`; -1 where it failed. Only the low 32 bits are told.
    """

    write: Callable[[int, bytes, int], int]
    seek: Callable[[int, int, int], int]


def _calls() -> Calls | None:
    """Return the calls of the C library; None where they cannot be had, or there is no lock."""
    try:
        import ctypes

        if not HAS_GIL or ctypes.sizeof(ctypes.c_long) != 8:
            return None
        library = ctypes.PyDLL(None)
        # No types are declared, which would double what a call costs: the numbers fit into an
        # int, and 64-bit calling conventions extend one to a whole register.
        calls = Calls(library.write, library.lseek)
        return calls if _work(calls) else None
    except (ImportError, OSError, AttributeError, TypeError):
        return None


def _work(calls: Calls) -> bool:
    """Whether *calls* do with a pipe what is expected of them."""
    reading, writing = os.pipe()
    try:
        data = b"\0cxlogging"
        done = calls.write(writing, data, len(data)), calls.seek(writing, 0, os.SEEK_CUR)
        return done == (len(data), -1) and os.read(reading, len(data) + 1) == data
    finally:
        os.close(reading)
        os.close(writing)


def is_local(fd: int, mounts: str = "/proc/self/mountinfo") -> bool:
    """Return whether a file lies in this machine, as far as the system's *mounts* say."""
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
    except OSError:  # another system
        pass
    return True


keeping = _calls()
"""The calls; None where appends give the lock away."""
