"""`cxlogging.hold`, as a context manager and as a decorator, and as an option of integrations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from ...errors import ConfigurationError
from ...wire import option_parsers as values
from .rules import Rules
from .scope import Hold, current_hold

Function = TypeVar("Function", bound=Callable[..., Any])

NAMES = ("below", "release_at", "ignore", "max_bytes", "slow")


class Holding:
    """
    What `hold` returns: opens a scope for each ``with`` block or call.

    It may be used again, and by several tasks at once.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._opened: list[Hold] = []

    def begin(self) -> Hold:
        """Open a scope; it is ended by `Hold.close`."""
        return Hold(self._rules).open()

    def __enter__(self) -> Hold:
        scope = self.begin()
        self._opened.append(scope)
        return scope

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._latest().close(error, failed=error is None and kind is not None)

    def _latest(self) -> Hold:
        """Return the scope that ends: of this context, if one was opened in it."""
        scope = current_hold()
        while scope is not None and scope not in self._opened:
            scope = scope.parent
        found = self._opened[-1] if scope is None else scope
        self._opened.remove(found)
        return found

    def __call__(self, function: Function) -> Function:
        """
        Return *function* with a scope around each call.

        Raises:
            ConfigurationError: It is a generator function: its scope would be open in whoever
                uses the generator, between its values.
        """
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self(function.__func__))
        import inspect  # noqa: PLC0415 - it takes long to import, and few need it

        name = getattr(function, "__qualname__", None) or values.shown(function)
        call = getattr(function, "__call__", None)  # noqa: B004 - its kind is asked for
        kinds = (function, call)
        if not callable(function) or isinstance(function, type):
            raise ConfigurationError(
                f"hold() decorates functions and methods, not {values.shown(function)}."
            )
        if any(map(inspect.isgeneratorfunction, kinds)) or any(
            map(inspect.isasyncgenfunction, kinds)
        ):
            raise ConfigurationError(
                f"hold() cannot decorate {name}, a generator function: its scope would be open in"
                " whoever iterates over it; write `with cxlogging.hold():` where it is used."
            )
        if any(map(inspect.iscoroutinefunction, kinds)):
            return self._around_coroutine(function)
        return self._around(function)

    def _around(self, function: Function) -> Function:
        @functools.wraps(function)
        def held(*args: Any, **kwargs: Any) -> Any:
            with Holding(self._rules):
                return function(*args, **kwargs)

        return held  # type: ignore[return-value]

    def _around_coroutine(self, function: Function) -> Function:
        @functools.wraps(function)
        async def held(*args: Any, **kwargs: Any) -> Any:
            with Holding(self._rules):
                return await function(*args, **kwargs)

        return held  # type: ignore[return-value]


def hold(
    below: int | str = "WARNING",
    release_at: Any = "ERROR",
    ignore: Any = (),
    max_bytes: int | str = "256KiB",
    slow: float | None = None,
) -> Holding:
    """
    Hold records back, and ship them only if something goes wrong.

    As a context manager it gives the `Hold`; as a decorator it takes functions, methods and
    coroutine functions.

    Args:
        below: A level: records of lower ones are held back, all others pass.
        release_at: A record of this level or above releases what is held, and what follows
            passes. Also a mapping from logger names to levels, or a callable that takes the
            record.
        ignore: Exception classes that may leave the block without a release. ``GeneratorExit``,
            cancellations and ``SystemExit(0)`` are among them; a group is ignored if all of its
            exceptions are.
        max_bytes: The most bytes that are held for each handler, as a number or as a text with a
            unit, including about 120 bytes of overhead per record; for more, the oldest go.
        slow: A block that takes more seconds than this releases when it ends.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    return Holding(Rules.parse(below, release_at, ignore, max_bytes, slow))


def hold_option(value: object, name: str = "hold") -> Holding | None:
    """
    Return what an integration opens scopes with, or None where it opens none.

    Args:
        value: False, True, or a mapping with arguments of `hold`.
        name: Of the option.

    Raises:
        ConfigurationError: It is something else, or an argument is invalid.
    """
    if isinstance(value, Holding):
        return value
    if not isinstance(value, Mapping):
        return hold() if values.boolean(name, value) else None
    return hold(**values.arguments(name, value, *NAMES))
