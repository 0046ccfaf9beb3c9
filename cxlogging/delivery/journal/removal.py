"""The end of a segment: removed, or set aside where a part of it was unreadable."""

from __future__ import annotations

from collections.abc import Callable

from .disk import Disk
from .segment import Segment

DAMAGED = "damaged"
MOST_DAMAGED = 16
"""Damaged segments that are kept; above this the oldest goes."""

Say = Callable[[str, str, str], None]


def discard(disk: Disk, parent: int, segment: Segment, owner: str, say: Say) -> None:
    """
    Remove a segment that has its outcome, or set it aside where a part was unreadable.

    Raises:
        OSError: It stays where it is; who finds it later finds it settled.
    """
    damaged, torn = segment.damaged, segment.torn
    if torn:
        say("torn", segment.name, "the last record of a process was written only in part")
    if not damaged:
        segment.remove()
        return
    aside = disk.folder(parent, DAMAGED, create=True)
    try:
        segment.remove(aside, owner)
        for name in disk.names(aside)[:-MOST_DAMAGED]:
            disk.remove(aside, name)
    finally:
        disk.close(aside)
    say(
        "damaged",
        f"{owner}-{segment.name}",
        f"{damaged} damaged stretches in a segment of the spool were passed over,"
        f" at least one record in each; the segment is kept in its folder {DAMAGED!r}",
    )
