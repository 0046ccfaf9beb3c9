"""What processes left behind when they ended: found, locked, delivered, and removed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from ..queue.queue import Item, Report
from .disk import Disk, LostError
from .process_dir import LOCK, NAME
from .segment import ACK, SEGMENT, SEGMENT_SPAN, Segment
from .spool import TRANSIENT_ERRORS


class OrphanDir:
    """
    The directory of a process that has ended, locked by this one.

    Args:
        name: Of the directory.
        folder: Its descriptor.
        lock: The lock's descriptor.

    Attributes:
        waiting: Segments with records that were not taken yet.
        unsettled: Segments with records that were taken and have no outcome yet.
        keep: A segment stays, and so must the directory.
    """

    def __init__(self, name: str, folder: int, lock: int) -> None:
        self.name = name
        self.folder = folder
        self.lock = lock
        self.waiting: list[Segment] = []
        self.unsettled: list[Segment] = []
        self.keep = False


class OrphanReclaimer:
    """
    Adopts one orphaned directory at a time, so that all processes share the work.

    Args:
        disk: The file system.
        next_index: Returns the index of the next segment.
        report: Called with kind, topic and sentence of a diagnostic.
    """

    def __init__(self, disk: Disk, next_index: Callable[[], int], report: Report) -> None:
        self._disk = disk
        self._parent = -1
        self._next_index = next_index
        self._report = report
        self._orphan: OrphanDir | None = None
        self._skipped: set[str] = set()
        self._postponed: set[str] = set()

    def look(self, parent: int) -> None:
        """Adopt the next orphan in the destination's directory *parent*, unless one is held."""
        if parent != self._parent:
            self.close()  # the spool was removed and created again
            self._parent = parent
        self._postponed.clear()
        self._look()

    def _look(self) -> None:
        if self._orphan is not None:
            return
        with contextlib.suppress(OSError):
            for name in self._disk.names(self._parent):
                if NAME.fullmatch(name) and name not in self._skipped | self._postponed:
                    self._orphan = self._try_adopt(name)
                if self._orphan is not None:
                    return

    def _try_adopt(self, name: str) -> OrphanDir | None:
        try:
            return self._adopt(name)
        except FileNotFoundError:  # another process has just removed it
            return None
        except OSError as error:
            self._skip(name, error)
            sentence = f"{name} in the spool is left as it is: {error}"
            self._report(f"adopt {name}", str(error), sentence)
            return None

    def _skip(self, name: str, error: OSError) -> None:
        transient = isinstance(error, LostError) or error.errno in TRANSIENT_ERRORS
        (self._postponed if transient else self._skipped).add(name)

    def _adopt(self, name: str) -> OrphanDir | None:
        folder = self._disk.folder(self._parent, name, create=False)
        lock = None
        try:
            if not self._disk.names(folder):
                self._disk.remove_folder(self._parent, name)
                return None
            lock = self._disk.lock(folder, LOCK)
            return None if lock is None else self._opened(name, folder, lock)
        finally:
            if lock is None:
                self._disk.close(folder)

    def _opened(self, name: str, folder: int, lock: int) -> OrphanDir | None:
        orphan = OrphanDir(name, folder, lock)
        try:
            for each in self._disk.names(folder):
                base = each.removesuffix(SEGMENT)
                if base != each and base.isdigit():
                    segment = Segment(
                        self._disk, folder, base, self._next_index(), process=name, final=True
                    )
                    orphan.waiting.append(segment)
        except OSError:
            self._close(orphan)
            raise
        if not orphan.waiting:
            self._finish(orphan)
            return None
        return orphan

    @property
    def is_holding(self) -> bool:
        """Whether an orphan is held in which not all records have their outcome yet."""
        return self._orphan is not None

    @property
    def has_items(self) -> bool:
        """Whether records of an orphan are still to be taken."""
        return self._orphan is not None and bool(self._orphan.waiting)

    def take(self, count: int, size: int) -> list[Item]:
        """Return the next items: at most *count*, and *size* bytes, but one at least."""
        while (orphan := self._orphan) is not None:
            if items := self._take_from(orphan, count, size):
                return items
            self._finish_if_done()
            if self._orphan is orphan:  # what was taken from it has no outcome yet
                return []
        return []

    def _take_from(self, orphan: OrphanDir, count: int, size: int) -> list[Item]:
        while orphan.waiting:
            segment = orphan.waiting[0]
            items = self._items(orphan, segment, count, size)
            if segment.is_read or not items:
                orphan.waiting.pop(0)
            if items:
                if segment not in orphan.unsettled:
                    orphan.unsettled.append(segment)
                return items
            if segment.is_done:
                self._remove(orphan, segment)
        return []

    def _items(self, orphan: OrphanDir, segment: Segment, count: int, size: int) -> list[Item]:
        try:
            return segment.take(count, size)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._leave(orphan, segment, error)
            return []

    def _leave(self, orphan: OrphanDir, segment: Segment, error: OSError) -> None:
        """Leave *segment* where it is: for a newer version, a later attempt, or the user."""
        segment.close()
        if segment in orphan.unsettled and segment.is_settled:
            orphan.unsettled.remove(segment)
        orphan.keep = True
        self._skip(orphan.name, error)
        sentence = f"a segment in the spool is left as it is: {error}"
        self._report(f"adopt {orphan.name}", str(error), sentence)

    def segment(self, index: int) -> Segment | None:
        """Return the segment with *index* of which items have no outcome."""
        found = self._orphan.unsettled if self._orphan is not None else ()
        return next((each for each in found if each.index == index), None)

    def settle(self, items: Sequence[Item]) -> None:
        """Note that *items*, which are from one segment, have their outcome."""
        orphan = self._orphan
        if orphan is None:
            return
        index = items[0][2] // SEGMENT_SPAN
        for segment in orphan.unsettled:
            if segment.index == index:
                segment.settle(items)
                if segment.is_done:
                    self._remove(orphan, segment)
                elif segment.is_settled and segment not in orphan.waiting:  # see `_leave`
                    orphan.unsettled.remove(segment)
                    segment.close()
                break
        self._finish_if_done()

    def _remove(self, orphan: OrphanDir, segment: Segment) -> None:
        if segment in orphan.unsettled:
            orphan.unsettled.remove(segment)
        try:
            segment.discard(self._parent, orphan.name, self._report)
        except OSError as error:
            self._leave(orphan, segment, error)

    def _finish_if_done(self) -> None:
        orphan = self._orphan
        if orphan is not None and not orphan.waiting and not orphan.unsettled:
            self._orphan = None
            self._finish(orphan)
            self._look()

    def _finish(self, orphan: OrphanDir) -> None:
        """Remove a directory whose records were delivered."""
        try:
            if not orphan.keep:
                for each in self._disk.names(orphan.folder):
                    if each.endswith(ACK):
                        self._disk.remove(orphan.folder, each)
                self._disk.remove(orphan.folder, LOCK)
                self._disk.remove_folder(self._parent, orphan.name)
        except OSError as error:
            self._skip(orphan.name, error)
        finally:
            self._close(orphan)

    def _close(self, orphan: OrphanDir) -> None:
        for segment in (*orphan.waiting, *orphan.unsettled):
            segment.close()
        self._disk.close(orphan.folder)
        self._disk.close(orphan.lock)

    def close(self) -> None:
        """Close the directory that is held: another process may adopt it."""
        if self._orphan is not None:
            self._close(self._orphan)
        self._orphan = None
        self._parent = -1
