"""What processes left behind when they ended: found, locked, read, and removed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from ..queue.queue import Item
from .disk import Disk, LostError
from .owner import LOCK, NAME
from .removal import Say, discard
from .segment import OFFSETS, SEGMENT, SETTLED, Segment
from .spool import PASSING


class Estate:
    """
    The folder of a process that has ended, locked for us.

    Args:
        name: Of the folder.
        folder: Its descriptor.
        lock: The lock's descriptor.
    """

    def __init__(self, name: str, folder: int, lock: int) -> None:
        self.name = name
        self.folder = folder
        self.lock = lock
        self.waiting: list[Segment] = []
        self.unsettled: list[Segment] = []
        self.untouched = False


class Heirs:
    """
    Adopts one estate at a time, so that all processes of an application share the work.

    Args:
        disk: The file system.
        index: Gives each segment its index.
        say: Told kind, topic and sentence of what a person should hear.
    """

    def __init__(self, disk: Disk, index: Callable[[], int], say: Say) -> None:
        self._disk = disk
        self._parent = -1
        self._index = index
        self._say = say
        self._estate: Estate | None = None
        self._avoided: set[str] = set()
        self._postponed: set[str] = set()

    def look(self, parent: int) -> None:
        """Take the next estate in the destination's folder *parent*, if none is in hand."""
        if parent != self._parent:
            self.close()  # the spool was removed, and is a new one
            self._parent = parent
        self._postponed.clear()
        self._look()

    def _look(self) -> None:
        if self._estate is not None:
            return
        with contextlib.suppress(OSError):
            for name in self._disk.names(self._parent):
                if NAME.fullmatch(name) and name not in self._avoided | self._postponed:
                    self._estate = self._try(name)
                if self._estate is not None:
                    return

    def _try(self, name: str) -> Estate | None:
        try:
            return self._take_over(name)
        except FileNotFoundError:  # who had it has just removed it
            return None
        except OSError as error:
            self._avoid(name, error)
            self._say(f"adopt {name}", str(error), f"{name} in the spool is left as it is: {error}")
            return None

    def _avoid(self, name: str, error: OSError | None = None) -> None:
        passing = isinstance(error, LostError) or (error and error.errno in PASSING)
        (self._postponed if passing else self._avoided).add(name)

    def _take_over(self, name: str) -> Estate | None:
        folder = self._disk.folder(self._parent, name, create=False)
        lock = None
        try:
            if not self._disk.names(folder):
                self._disk.remove_folder(self._parent, name)
                return None
            lock = self._disk.lock(folder, LOCK)
            if lock is None:
                return None
            return self._estate_of(name, folder, lock)
        finally:
            if lock is None:
                self._disk.close(folder)

    def _estate_of(self, name: str, folder: int, lock: int) -> Estate | None:
        estate = Estate(name, folder, lock)
        try:
            for each in self._disk.names(folder):
                base = each.removesuffix(SEGMENT)
                if base != each and base.isdigit():
                    segment = Segment(self._disk, folder, base, self._index(), final=True)
                    estate.waiting.append(segment)
        except OSError:
            self._let_go(estate)
            raise
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
        """Return the next items of the estate in hand, or of the next ones where it has none."""
        while (estate := self._estate) is not None:
            if items := self._take_of(estate, count, size):
                return items
            self._close_if_done()
            if self._estate is estate:  # what was taken of it lacks its outcome
                return []
        return []

    def _take_of(self, estate: Estate, count: int, size: int) -> list[Item]:
        while estate.waiting:
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
        return []

    def _items(self, estate: Estate, segment: Segment, count: int, size: int) -> list[Item]:
        try:
            return segment.take(count, size)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._leave(estate, segment, error)
            return []

    def _leave(self, estate: Estate, segment: Segment, error: OSError) -> None:
        """Leave *segment* where it is: for a newer version, a later attempt, or a person."""
        segment.close()
        if segment in estate.unsettled and segment.settled:
            estate.unsettled.remove(segment)
        estate.untouched = True
        self._avoid(estate.name, error)
        sentence = f"a segment in the spool is left as it is: {error}"
        self._say(f"adopt {estate.name}", str(error), sentence)

    def settle(self, items: Sequence[Item]) -> None:
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
                elif segment.settled and segment not in estate.waiting:  # it was left
                    estate.unsettled.remove(segment)
                    segment.close()
                break
        self._close_if_done()

    def _remove(self, estate: Estate, segment: Segment) -> None:
        if segment in estate.unsettled:
            estate.unsettled.remove(segment)
        try:
            discard(self._disk, self._parent, segment, estate.name, self._say)
        except OSError as error:
            self._leave(estate, segment, error)

    def _close_if_done(self) -> None:
        estate = self._estate
        if estate is not None and not estate.waiting and not estate.unsettled:
            self._estate = None
            self._finish(estate)
            self._look()

    def _finish(self, estate: Estate) -> None:
        """Remove an estate that has been delivered, and what is left of its segments."""
        try:
            if not estate.untouched:
                self._clear(estate)
        except OSError as error:
            self._avoid(estate.name, error)
        finally:
            self._let_go(estate)

    def _clear(self, estate: Estate) -> None:
        for each in self._disk.names(estate.folder):
            if each.endswith(SETTLED):
                self._disk.remove(estate.folder, each)
        self._disk.remove(estate.folder, LOCK)
        self._disk.remove_folder(self._parent, estate.name)

    def _let_go(self, estate: Estate) -> None:
        for segment in (*estate.waiting, *estate.unsettled):
            segment.close()
        self._disk.close(estate.folder)
        self._disk.close(estate.lock)

    def close(self) -> None:
        """Let go of the estate in hand: another process may adopt it."""
        if self._estate is not None:
            self._let_go(self._estate)
        self._estate = None
        self._parent = -1
