"""
A scope: what is logged in it is held back until something goes wrong.

A scope may be used by many tasks and threads at once. Log calls append to it without a lock;
what is held is moved by one thread at a time, which the lock of `Mover` decides without
anyone waiting: whoever does not get it leaves the work to its holder, who looks again.
"""

from __future__ import annotations

import _thread
import enum
import weakref
from collections import deque
from collections.abc import Callable

from ...delivery.process.state import AFTER_FORK, BEFORE_END, MOVING_THREADS, PROCESS, is_foreign
from ...wire import system_clock
from ...wire.external_errors import EXHAUSTED, contained
from ...wire.threads import run_locked
from .current import CURRENT
from .pointless import look_at_levels
from .rules import Rules
from .shelf import Entry, Outlet, Shelf

END_SECONDS = 1.0
"""How long the end of the process waits for a thread that is moving what a scope has held."""


class Fate(enum.Enum):
    """What becomes of what a scope holds, once that is decided."""

    SHIP = "ship"
    END = "end"
    """Its outer scope gets it, or it is discarded."""


class Mover:
    """Moves what nested scopes hold, in the order of requests, one thread at a time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start afresh, as a fork's child does: whoever moved something is in the parent."""
        self._due: deque[Callable[[], None]] = deque()
        self._lock = _thread.RLock()

    @property
    def is_busy(self) -> bool:
        """Whether something is being moved, or is about to be."""
        return bool(self._due)

    def request(self, move: Callable[[], None]) -> None:
        """Have *move* called, now or by the thread that is moving something already."""
        self._due.append(move)
        while self._due:
            if not run_locked(self._lock, 0, self._work):
                return

    def _work(self) -> bool:
        while self._due:  # a move that a signal handler interrupts is begun again
            self._due[0]()
            self._due.popleft()
        return True

    def wait(self, seconds: float) -> None:
        """Wait until another thread has moved what it is moving."""
        run_locked(self._lock, max(seconds, 0), self._work)


class Hold:
    """
    A scope whose records are held back, as ``with cxlogging.hold() as held`` gives it.

    Integrations open and close one without a ``with`` block: ``Hold(rules).open()``, `close`.

    Args:
        rules: When records are held, and when they are released.
        monotonic: Returns seconds that only grow, for ``slow``.

    Attributes:
        rules: When records are held, and when they are released.
        parent: The scope in which this one was opened, or None.
        is_open: Whether the scope is open.
        fate: What becomes of what it holds, once that is decided.
        mover: Moves it; nested scopes share it.
    """

    def __init__(
        self, rules: Rules, monotonic: Callable[[], float] = system_clock.monotonic
    ) -> None:
        self.rules = rules
        self.parent: Hold | None = None
        self._monotonic = monotonic
        self._opened_at = 0.0
        self.is_open = False
        self.fate: Fate | None = None
        self._shelves: dict[Outlet, Shelf] = {}
        self.mover: Mover

    def open(self) -> Hold:
        """Begin to hold what is logged in this context from here on; return the scope."""
        self.parent = parent = current_hold()
        self.mover = Mover() if parent is None else parent.mover
        in_released = parent is not None and parent.is_released
        if in_released or PROCESS.is_ending:  # nothing would release it later
            self.fate = Fate.SHIP
        if self.rules.slow is not None:
            self._opened_at = self._monotonic()
        look_at_levels(self.rules.below)
        try:
            self.is_open = True
            _open_scopes.add(weakref.ref(self, _open_scopes.discard))
            CURRENT.set(self)
        except BaseException:  # a signal handler's: whoever would close it does not get it
            self.close()
            raise
        return self

    def close(self, error: BaseException | None = None, *, failed: bool = False) -> None:
        """
        End the scope: release what it holds where something went wrong, else discard it.

        In a scope that is open, the outer one gets it instead of discarding it. Closing again
        does nothing.

        Args:
            error: The exception that leaves the scope.
            failed: Something else went wrong.
        """
        notice_fork()
        if CURRENT.get() is self:
            CURRENT.set(self.parent)
        if not self.is_open:
            return
        if failed or self._is_slow() or (error is not None and not self.rules.ignores(error)):
            self.fate = Fate.SHIP
        self.fate = self.fate or Fate.END
        self.is_open = False
        if self._shelves:
            _moving(self._settle)
        if not self._holds_something:  # else the end of the process sees to it
            _open_scopes.discard(weakref.ref(self))

    def _is_slow(self) -> bool:
        slow = self.rules.slow
        return slow is not None and self._monotonic() - self._opened_at > slow

    def release(self) -> None:
        """Ship what is held, in order, and hold nothing back from here on."""
        notice_fork()
        if self.is_open:
            self.fate = Fate.SHIP
            _moving(self._settle)

    def discard(self) -> None:
        """Discard what is held so far; what follows is held again."""
        notice_fork()
        if self.fate is None:
            _moving(self._discard)

    @property
    def _holds_something(self) -> bool:
        return bool(self._shelves) and any(each.entries for each in self._own_shelves())

    @property
    def count(self) -> int:
        """How many records are held now, for all handlers together."""
        return sum(len(shelf.entries) for shelf in self._own_shelves())

    @property
    def bytes(self) -> int:
        """The bytes of these in memory."""
        return sum(shelf.bytes_held for shelf in self._own_shelves())

    @property
    def state(self) -> str:
        """``"holding"``, ``"released"`` or ``"closed"``."""
        if not self.is_open:
            return "closed"
        return "released" if self.is_released else "holding"

    @property
    def is_released(self) -> bool:
        """Whether records pass, from now on."""
        return self.fate is Fate.SHIP

    def is_busy(self, outlet: Outlet) -> bool:
        """Return whether records of the scope wait for their way to *outlet*."""
        shelf = self._shelves.get(outlet)
        return self.mover.is_busy or bool(shelf is not None and shelf.entries)

    def park(self, outlet: Outlet, entry: Entry) -> None:
        """Hold *entry* for *outlet*; if the scope no longer holds anything, have it moved on."""
        shelf = self._shelves.get(outlet)
        if shelf is None:
            shelf = self._new_shelf(outlet)
        shelf.add(entry, is_bounded=self.fate is None)
        if self.fate is not None:  # by now; a scope still holding is moved when that changes
            _moving(self._settle)

    def _settle(self) -> None:
        """
        Move what is held to where it belongs: out, to an outer scope, or nowhere.

        All that nested scopes release goes through the outermost of these, in order.
        """
        goal = self._goal()
        if goal is self:
            self.mover.request(self._ship)
            return
        for shelf in self._own_shelves():
            if goal is None:
                shelf.discard("clean")
            else:
                goal.inherit(shelf)

    def _goal(self) -> Hold | None:
        """Return the outermost released scope, or else the next one that still holds, or None."""
        released = nearest = None
        scope: Hold | None = self
        while scope is not None:
            if scope.fate is Fate.SHIP:
                released = scope
            elif scope.fate is None:
                nearest = nearest or scope
            scope = scope.parent
        return released or nearest

    def _ship(self) -> None:
        for shelf in self._own_shelves():
            shelf.ship()

    def inherit(self, shelf: Shelf) -> None:
        """Take over what an inner scope has held."""
        evicted = shelf.hand_to(self.park)
        if evicted:
            self._new_shelf(shelf.outlet).evicted += evicted

    def _new_shelf(self, outlet: Outlet) -> Shelf:
        """Return the shelf for *outlet*, a new one unless there is one by now."""
        return self._shelves.setdefault(outlet, Shelf(outlet, self.rules.max_bytes))

    def _discard(self) -> None:
        for shelf in self._own_shelves():
            shelf.discard("explicit")

    def _own_shelves(self) -> list[Shelf]:
        """Return the shelves of this process: a fork's child leaves others to its parent."""
        return [each for each in self._shelves.copy().values() if each.pid == PROCESS.pid]

    def release_at_end(self) -> None:
        """Ship what is held, as the process ends, also where an interruption has left it."""
        self.fate = self.fate or Fate.SHIP
        _moving(self._settle)

    def wait(self, seconds: float) -> None:
        """Wait until another thread has moved what it is moving of this scope."""
        self.mover.wait(seconds)

    def reset_after_fork(self) -> None:
        """Hold nothing: it is the parent's."""
        for shelf in self._shelves.values():
            shelf.outlet.reset()
        self._shelves = {}
        self.mover.reset()

    def __del__(self) -> None:
        # The interpreter calls it anywhere, also where a lock is held: it takes none.
        with contained:
            if self._holds_something and not is_foreign():
                for shelf in self._own_shelves():
                    shelf.ship() if self.is_released else shelf.forget("unreachable")


def _moving(move: Callable[[], None]) -> None:
    """Call *move*; a signal that ends the process meanwhile waits until that is done."""
    ident = _thread.get_ident()
    was_moving = ident in MOVING_THREADS
    try:
        MOVING_THREADS.add(ident)
        move()
    except EXHAUSTED:  # what is left is moved later, by a log call or the end of the process
        return
    finally:
        if not was_moving:
            MOVING_THREADS.discard(ident)


_open_scopes: set[weakref.ref[Hold]] = set()
"""Copied in one indivisible step, which a `weakref.WeakSet` is not."""


def _living() -> list[Hold]:
    living = (reference() for reference in _open_scopes.copy())
    return [scope for scope in living if scope is not None]


def _release_all() -> None:
    """Release what all scopes still hold, as the process ends."""
    end = system_clock.monotonic() + END_SECONDS
    scopes = _living()
    for scope in scopes:
        scope.release_at_end()
    for scope in scopes:
        scope.wait(end - system_clock.monotonic())


def _after_fork() -> None:
    for scope in _living():
        scope.reset_after_fork()


BEFORE_END.append(_release_all)
AFTER_FORK.append(_after_fork)


def notice_fork() -> None:
    """Start afresh where this is a fork's child that ran no hook."""
    if is_foreign():
        # Imported here so that a module with a decorated function stays cheap to import.
        from ...delivery.process.fork import after_fork  # noqa: PLC0415

        after_fork()


def current_hold() -> Hold | None:
    """Return the innermost open scope of `cxlogging.hold` in this context, or None."""
    scope: Hold | None = CURRENT.get()
    while scope is not None and not scope.is_open:
        scope = scope.parent
    return scope
