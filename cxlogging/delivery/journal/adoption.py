"""What processes left behind when they ended: found, locked, read, and removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..buffer import Item
from .disk import Disk, UnsafeError
from .owner import LOCK, NAME
from .points import point
from .segment import OFFSETS, SEGMENT, SETTLED, Segment, UnknownVersionError

DAMAGED = "damaged"
MOST_DAMAGED = 16
"""Damaged segments that are kept; above this the oldest goes."""

Say = Callable[[str, str, str], None]


@dataclass
class Estate:
    """The folder of a process that has ended, locked for us."""

    name: str
    folder: int
    lock: int
    waiting: list[Segment] = field(default_factory=list)
    unsettled: list[Segment] = field(default_factory=list)
    untouched: bool = False


class Heirs:
    """
    Adopts one estate at a time, so that all processes of an application share the work.

    Args:
        disk: The file system.
        parent: Descriptor of the destination's folder.
        index: Gives each segment its index.
        say: Told kind, topic and sentence of what a person should hear.
    """

    def __init__(self, disk: Disk, parent: int, index: Callable[[], int], say: Say) -> None:
        self._disk = disk
        self.parent = parent
        self._index = index
        self._say = say
        self._estate: Estate | None = None
        self._avoided: set[str] = set()

    def look(self) -> None:
        """Take the next estate, if none is in hand."""
        if self._estate is not None:
            return
        for name in self._disk.names(self.parent):
            if NAME.fullmatch(name) and name not in self._avoided:
                try:
                    self._estate = self._take_over(name)
                except OSError as error:
                    self._avoided.add(name)
                    self._say("adopt", name, f"{name} in the spool is left as it is: {error}")
            if self._estate is not None:
                return

    def _take_over(self, name: str) -> Estate | None:
        try:
            folder = self._disk.folder(self.parent, name, create=False)
        except FileNotFoundError:
            return None
        lock = None
        try:
            inside = self._disk.names(folder)
            if LOCK not in inside:
                self._disk.remove_folder(self.parent, name)
                return None
            lock = self._disk.lock(folder, LOCK)
            if lock is None:
                return None
            point("after_adopt")
            return self._estate_of(name, folder, lock)
        finally:
            if lock is None:
                self._disk.close(folder)

    def _estate_of(self, name: str, folder: int, lock: int) -> Estate | None:
        estate = Estate(name, folder, lock)
        for each in self._disk.names(folder):
            base = each.removesuffix(SEGMENT)
            if base != each and base.isdigit():
                segment = Segment(self._disk, folder, base, self._index(), final=True)
                estate.waiting.append(segment)
        if not estate.waiting:
            self._finish(estate)
            return None
        return estate

    @property
    def in_hand(self) -> bool:
        """Whether an estate is held, and not yet all of its items have their outcome."""
        return self._estate is not None

    @property
    def busy(self) -> bool:
        """Whether items of an estate are still to be taken."""
        return self._estate is not None and bool(self._estate.waiting)

    def take(self, count: int, size: int) -> list[Item]:
        """Return the next items of the estate in hand; the segment may end with them."""
        estate = self._estate
        while estate is not None and estate.waiting:
            segment = estate.waiting[0]
            items = self._items(estate, segment, count, size)
            if segment.read or not items:
                estate.waiting.pop(0)
            if items:
                if segment not in estate.unsettled:
                    estate.unsettled.append(segment)
                return items
            if segment.done:
                self._remove(estate, segment)
        self._close_if_done()
        return []

    def _items(self, estate: Estate, segment: Segment, count: int, size: int) -> list[Item]:
        point("during_recovery")
        try:
            return segment.take(count, size)
        except (UnknownVersionError, UnsafeError) as error:
            kind = "left as it is"
            reason = str(error)
        except OSError as error:
            kind = "cannot be read"
            reason = str(error)
        estate.untouched = True
        self._say("adopt", segment.name, f"a segment in the spool is {kind}: {reason}")
        return []

    def settle(self, items: list[Item]) -> None:
        """Note that *items*, of one segment, have their outcome."""
        estate = self._estate
        if estate is None:
            return
        index = items[0][2] // OFFSETS
        for segment in estate.unsettled:
            if segment.index == index:
                segment.settle(items)
                if segment.done:
                    self._remove(estate, segment)
                break
        self._close_if_done()

    def _remove(self, estate: Estate, segment: Segment) -> None:
        if segment in estate.unsettled:
            estate.unsettled.remove(segment)
        discard(self._disk, self.parent, segment, estate.name, self._say)

    def _close_if_done(self) -> None:
        estate = self._estate
        if estate is not None and not estate.waiting and not estate.unsettled:
            self._estate = None
            self._finish(estate)
            self.look()

    def _finish(self, estate: Estate) -> None:
        """Remove an estate that has been delivered, and what is left of its segments."""
        if estate.untouched:
            self._avoided.add(estate.name)
        else:
            for each in self._disk.names(estate.folder):
                if each.endswith(SETTLED):
                    self._disk.remove(estate.folder, each)
            point("before_estate_unlink")
            self._disk.remove(estate.folder, LOCK)
            point("after_estate_unlink")
            self._disk.remove_folder(self.parent, estate.name)
        self._disk.close(estate.folder)
        self._disk.close(estate.lock)

    def close(self) -> None:
        """Let go of the estate in hand: another process may adopt it."""
        if self._estate is not None:
            for segment in (*self._estate.waiting, *self._estate.unsettled):
                segment.close()
            self._disk.close(self._estate.folder)
            self._disk.close(self._estate.lock)
            self._estate = None


def discard(disk: Disk, parent: int, segment: Segment, owner: str, say: Say) -> None:
    """Remove a segment that has its outcome, or set it aside where a part was unreadable."""
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
