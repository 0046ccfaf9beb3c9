"""Fields bound to the current context: a request, a task, a job."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_EMPTY: Mapping[str, Any] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("cxlogging_bound", default=_EMPTY)


class FixedMapping(dict[str, Any]):
    """
    The value of a bound field that nobody changes from then on, so that it is prepared once.

    Only integrations bind such values: what an application binds may change until it is logged.

    Attributes:
        prepared: What each `ItemMaker` sends for it, by the maker and the field's name.
    """

    __slots__ = ("prepared",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.prepared: dict[Any, Mapping[str, Any] | None] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the fields alone, as with an exception that carries them."""
        return dict, (dict(self),)


def bind(**fields: Any) -> None:
    """
    Add *fields* to every record logged from here on in this context.

    A context is a thread, or an asyncio task and the tasks it starts.
    """
    _bound.set({**_bound.get(), **fields})


def unbind(*names: str) -> None:
    """Remove the fields with these *names*; without names, all fields."""
    kept = {name: value for name, value in _bound.get().items() if name not in names}
    _bound.set(kept if names else _EMPTY)


@contextlib.contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """
    Add *fields* to every record logged inside a ``with`` block.

    If the block is left in another context than it was entered in, as when another
    task closes an asynchronous generator, the fields of that context are not changed.
    """
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the token is from another context
            _bound.reset(token)


def rebind(fields: Mapping[str, Any]) -> None:
    """Replace all fields of this context; what integrations begin and end a request with."""
    _bound.set(fields)


current = _bound.get
"""Return the fields that are bound now, as a mapping that is never changed."""

CARRIED = "_cxlogging_fields"
"""The attribute of an exception for the fields of the request that it has ended."""


def carry(error: BaseException, fields: Mapping[str, Any]) -> None:
    """Have *error* carry the *fields* of a request, for who logs it when the request is over."""
    with contextlib.suppress(Exception):  # a class may take no attributes
        setattr(error, CARRIED, fields)


def current_with(error_info: Any) -> Mapping[str, Any]:
    """Return the fields that are bound now, or that the exception of a record carries."""
    fields = current()
    if type(error_info) is tuple and len(error_info) == 3:
        try:
            carried = object.__getattribute__(error_info[1], CARRIED)
        except AttributeError:
            return fields
        if type(carried) is dict:
            return {**carried, **fields}
    return fields


CAPTURED = "cx_captured"
"""The attribute of a record for what a `ContextQueueHandler` has captured."""


def captured(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a `ContextQueueHandler` has captured with the record of these *attributes*."""
    value = attributes.get(CAPTURED)
    return value if type(value) is dict else None


def fields_of(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields that were bound when the record of these *attributes* was logged."""
    value = captured(attributes)
    fields = current_with(attributes.get("exc_info")) if value is None else value.get("context")
    return fields if isinstance(fields, Mapping) else _EMPTY
