"""Fields bound to the current context: a request, a task, a job."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("cxlogging_bound", default=_NOTHING)


def bind(**fields: Any) -> None:
    """
    Add *fields* to every record logged from here on in this context.

    A context is a thread, or an asyncio task and the tasks it starts.
    """
    _bound.set({**_bound.get(), **fields})


def unbind(*names: str) -> None:
    """Take the fields of these *names* away again; without names, all of them."""
    kept = {name: value for name, value in _bound.get().items() if name not in names}
    _bound.set(kept if names else _NOTHING)


@contextlib.contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """
    Add *fields* to every record logged inside a ``with`` block.

    An asynchronous generator may be closed by another task than the one that began
    the block: that task's own fields stay as they are.
    """
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # a context in which the token was not made
            _bound.reset(token)


def rebind(fields: Mapping[str, Any]) -> None:
    """Replace all fields of this context; what integrations begin and end a request with."""
    _bound.set(fields)


current = _bound.get
"""Return the fields bound now, as a mapping that nobody changes."""

CAPTURED = "cx_captured"
"""The attribute of a record that came through a queue, for what was known before it."""


def captured(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a `ContextQueueHandler` has kept of a record, given its *attributes*."""
    kept = attributes.get(CAPTURED)
    return kept if type(kept) is dict else None


def fields_of(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields that were bound where a record was logged, given its *attributes*."""
    kept = captured(attributes)
    fields = current() if kept is None else kept.get("context")
    return fields if isinstance(fields, Mapping) else _NOTHING
