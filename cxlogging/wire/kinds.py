"""
How objects of known kinds are taken apart; all others are shown as their ``repr``.

A kind is known by its type alone. Nothing is looked up on an instance but what
its own ``__dict__`` or slots hold: an attribute of a proxy may be a remote call,
and one of an ORM's object a query.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Form = Callable[[Any], Any]

MOST_TYPES = 1_024
"""Of which the form is remembered."""

MOST_MEMBERS = 1_000
ARRAYS = {"array", "numpy", "pandas", "torch"}
"""Packages whose arrays and scalars have ``tolist``."""

_registered: dict[type, Form] = {}
_forms: dict[type, Form | None] = {}


def register_type(cls: type, function: Callable[[Any], Any]) -> None:
    """
    Show objects of *cls*, and of its subclasses, as what *function* returns for them.

    Args:
        cls: A class; for what ``logging`` itself ships as text or number (str, int,
            datetime and the like) there is no other form.
        function: Takes the object and returns what JSON can hold, or any other value that
            is not of *cls*. It runs inside the log call: it must not log, wait or query.
            Where it raises, the object is shown as its ``repr``.

    Raises:
        TypeError: *cls* is not a class, or *function* is not callable.
    """
    if not isinstance(cls, type):
        raise TypeError(f"register_type takes a class first, not {cls!r}")
    if not callable(function):
        raise TypeError(f"register_type takes a function second, not {function!r}")
    _registered[cls] = function
    _forms.clear()


def form_of(kind: type) -> Form | None:
    """Return what takes objects of *kind* apart, or None where they are shown as their repr."""
    try:
        return _forms[kind]
    except KeyError:
        if len(_forms) >= MOST_TYPES:
            _forms.clear()
        form = _forms[kind] = _find(kind)
        return form


def _find(kind: type) -> Form | None:
    bases = type.mro(kind) if kind is type else kind.__mro__
    for base in bases:
        if base in _registered:
            return _registered[base]
    if issubclass(kind, tuple):
        return _named_tuple if _declared(kind, "_fields") else _itself
    if _declared(kind, "__dataclass_fields__"):
        return _dataclass
    if _declared(kind, "__attrs_attrs__"):
        return _attrs
    for module, name, form in _CLASSES:
        known = vars(sys.modules[module]).get(name) if module in sys.modules else None
        if known is not None and known in bases:
            return form
    if kind.__module__.partition(".")[0] in ARRAYS and _declared(kind, "tolist"):
        return _array
    return _mapped if _declared(kind, "_sa_class_manager") else None


def _declared(kind: type, name: str) -> Any:
    """Return what *kind* or a base of it has under *name*; no metaclass is asked."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _itself(value: Any) -> Any:
    return value


def _own(value: Any, names: Any) -> dict[str, Any]:
    """Return what *value* itself holds under *names*."""
    found = {}
    for name in names:
        try:
            found[name] = object.__getattribute__(value, name)
        except AttributeError:  # never set, or deleted
            found[name] = None
    return found


def _named_tuple(value: Any) -> dict[str, Any]:
    return dict(zip(_declared(type(value), "_fields"), tuple.__iter__(value), strict=False))


def _dataclass(value: Any) -> dict[str, Any]:
    fields = _declared(type(value), "__dataclass_fields__")
    is_field = "_FIELD"
    return _own(
        value,
        [
            name
            for name, field in fields.items()
            if field.repr and repr(field._field_type) == is_field  # noqa: SLF001 - as fields() does
        ],
    )


def _attrs(value: Any) -> dict[str, Any]:
    attributes = _declared(type(value), "__attrs_attrs__")
    return _own(value, [each.name for each in attributes if each.repr is not False])


def _struct(value: Any) -> dict[str, Any]:
    return _own(value, type(value).__struct_fields__)


def _pydantic(value: Any) -> dict[str, Any]:
    kind = type(value)
    fields = _declared(kind, "__pydantic_fields__") or _declared(kind, "__fields__") or {}
    held = dict(object.__getattribute__(value, "__dict__"))
    held.update(_own(value, ["__pydantic_extra__"]).get("__pydantic_extra__") or {})
    for name, field in fields.items():
        if not getattr(getattr(field, "field_info", field), "repr", True):
            held.pop(name, None)
    return held


def _model(value: Any) -> dict[str, Any]:
    """Return a Django model as its class and primary key."""
    meta = type(value)._meta  # noqa: SLF001 - Django's documented name
    held = object.__getattribute__(value, "__dict__")
    return {"model": meta.label, "pk": held.get(meta.pk.attname)}


def _queryset(value: Any) -> str:
    model = object.__getattribute__(value, "__dict__").get("model")
    return f"<{type(value).__name__} of {getattr(model, '__qualname__', None)}>"


def _mapped(value: Any) -> str:
    """Return an SQLAlchemy object as its class and identity."""
    state = object.__getattribute__(value, "__dict__").get("_sa_instance_state")
    key = getattr(state, "key", None)
    identity = ", ".join(map(repr, key[1])) if key else "transient"
    return f"<{type(value).__qualname__} {identity}>"


def _array(value: Any) -> Any:
    """Return a short array as a list, and a scalar as Python's own."""
    size = getattr(value, "size", None)
    if not isinstance(size, int):  # of the standard library, or a tensor, whose size is a method
        size = len(value)
    if size > MOST_MEMBERS:
        return repr(value)
    plain = type(value).tolist(value)
    if issubclass(type(plain), type(value)):
        return repr(value)
    if type(value).__name__ == "datetime64":  # nanoseconds come as a number
        return str(value)
    return plain


_CLASSES: tuple[tuple[str, str, Form], ...] = (
    ("msgspec", "Struct", _struct),
    ("pydantic", "BaseModel", _pydantic),
    ("pydantic.v1", "BaseModel", _pydantic),
    ("django.db.models", "Model", _model),
    ("django.db.models", "QuerySet", _queryset),
    ("django.utils.functional", "Promise", str),
    ("ipaddress", "_IPAddressBase", str),
)
