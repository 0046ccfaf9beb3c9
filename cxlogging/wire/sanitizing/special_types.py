"""
How objects of known types are converted; all others are shown as their ``repr``.

Only the type of an object decides. Of an instance, only its own ``__dict__`` and
slots are read: an attribute of a proxy may be a remote call, and one of an ORM's
object a query.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, KeysView, Mapping, ValuesView
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from .web_requests import REQUESTS

Form = Callable[[Any], Any]

SEQUENCES = (list, tuple, set, frozenset, deque, KeysView, ValuesView, ItemsView, range)
NAMED = (type, FunctionType, BuiltinFunctionType, MethodType)

MAX_CACHED_TYPES = 1_024
MAX_ARRAY = 1_000
"""Elements of the largest array that is shipped as a list."""

ARRAYS = {"array", "numpy", "pandas", "torch"}
"""Packages whose arrays and scalars have ``tolist``."""

_registered: dict[type, Form] = {}
_forms: dict[type, Form | None] = {}


def register_type(cls: type, function: Callable[[Any], Any]) -> None:
    """
    Ship objects of *cls*, and of its subclasses, as what *function* returns for them.

    Args:
        cls: A class. Scalar types (str, int, datetime and the like) cannot be registered
            with effect.
        function: Takes the object and returns a JSON value, or any other value that is not
            of *cls*. It runs inside the log call: it must not log, wait or query a database.
            If it raises, the object is shown as its ``repr``.

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
    """Return the function that converts objects of *kind*, or None if their repr is shown."""
    try:
        return _forms[kind]
    except KeyError:
        if len(_forms) >= MAX_CACHED_TYPES:
            _forms.clear()
        form = _forms[kind] = _find(kind)
        return form


def _find(kind: type) -> Form | None:
    bases = type.mro(kind) if kind is type else kind.__mro__
    if registered := next((each for each in bases if each in _registered), None):
        return _registered[registered]
    if issubclass(kind, NAMED):
        return _name
    if issubclass(kind, tuple) and _declared(kind, "_fields"):
        return _named_tuple
    if form := _listed(bases, _CONTAINERS):
        return form
    if issubclass(kind, (Mapping, *SEQUENCES)):
        return _itself
    if _declared(kind, "_sa_class_manager"):  # also of a dataclass: reading an attribute may query
        return _mapped
    if _declared(kind, "__dataclass_fields__"):
        return _dataclass
    if _declared(kind, "__attrs_attrs__"):
        return _attrs
    return _listed(bases, _CLASSES) or (_array if _is_array(kind) else None)


def _is_array(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in ARRAYS and bool(_declared(kind, "tolist"))


def _listed(bases: Iterable[type], classes: Iterable[tuple[str, str, Form]]) -> Form | None:
    """Return the form of the first of *classes* that is imported and is one of *bases*."""
    for module, name, form in classes:
        known = vars(sys.modules[module]).get(name) if module in sys.modules else None
        if known is not None and known in bases:
            return form
    return None


def _declared(kind: type, name: str) -> Any:
    """Return the attribute *name* of *kind* or of a base, without calling a metaclass."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _itself(value: Any) -> Any:
    return value


def _name(value: Any) -> str:
    """Return the qualified name of a class or function."""
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if type(name) is str else repr(value)


def _attributes(value: Any, names: Any) -> dict[str, Any]:
    """Return the attributes of *value* with these *names*; None for those that are not set."""
    found = {}
    for name in names:
        try:
            found[name] = object.__getattribute__(value, name)
        except AttributeError:
            found[name] = None
    return found


def _named_tuple(value: Any) -> dict[str, Any]:
    return dict(zip(_declared(type(value), "_fields"), tuple.__iter__(value), strict=False))


def _dataclass(value: Any) -> dict[str, Any]:
    fields = _declared(type(value), "__dataclass_fields__")
    is_field = "_FIELD"
    return _attributes(
        value,
        [
            name
            for name, field in fields.items()
            if field.repr and repr(field._field_type) == is_field  # noqa: SLF001 - as fields() does
        ],
    )


def _attrs(value: Any) -> dict[str, Any]:
    attributes = _declared(type(value), "__attrs_attrs__")
    return _attributes(value, [each.name for each in attributes if each.repr is not False])


def _struct(value: Any) -> dict[str, Any]:
    return _attributes(value, type(value).__struct_fields__)


def _pydantic(value: Any) -> dict[str, Any]:
    kind = type(value)
    fields = _declared(kind, "__pydantic_fields__") or _declared(kind, "__fields__") or {}
    held = dict(object.__getattribute__(value, "__dict__"))
    held.update(_attributes(value, ["__pydantic_extra__"]).get("__pydantic_extra__") or {})
    for name, field in fields.items():
        if not getattr(getattr(field, "field_info", field), "repr", True):
            held.pop(name, None)
    return held


def _held(value: Any) -> dict[str, Any]:
    held: dict[str, Any] = object.__getattribute__(value, "__dict__")
    return held


def _model(value: Any) -> dict[str, Any]:
    """Return a Django model as its class and primary key."""
    meta = type(value)._meta  # noqa: SLF001 - Django's documented name
    return {"model": meta.label, "pk": _held(value).get(meta.pk.attname)}


def _queryset(value: Any) -> str:
    """Return a queryset, of Django or of MongoEngine, as its class and model."""
    held = _held(value)
    model = held.get("model") or held.get("_document")
    return f"<{type(value).__name__} of {getattr(model, '__qualname__', None)}>"


def _lazy_object(value: Any) -> Any:
    """Return the object behind a lazy object of Django, if it has been evaluated."""
    wrapped = _held(value).get("_wrapped")
    empty = sys.modules["django.utils.functional"].empty
    return f"<{type(value).__name__}>" if wrapped is empty else wrapped


def _lazy_text(value: Any) -> str:
    """Return the text of a lazy function of Django itself (translations); others may query."""
    reduce: Any = type(value).__reduce__
    function, arguments, *_ = reduce(value)
    if arguments and callable(arguments[0]):
        function = arguments[0]
    home = str(getattr(function, "__module__", None))
    if home.startswith("django."):
        return str(value)
    return f"<lazy {home}.{getattr(function, '__qualname__', None)}>"


def _local_proxy(value: Any) -> Any:
    """Return the object behind a proxy of Werkzeug, such as Flask's request or session."""
    return object.__getattribute__(value, "_get_current_object")()


def _mapped(value: Any) -> str:
    """Return an SQLAlchemy object as its class and identity."""
    key = getattr(_held(value).get("_sa_instance_state"), "key", None)
    identity = ", ".join(map(repr, key[1])) if key else "transient"
    return f"<{type(value).__qualname__} {identity}>"


def _row(value: Any) -> Any:
    """Return a row of SQLAlchemy as a mapping."""
    return type(value)._mapping.__get__(value)  # noqa: SLF001 - its documented name


def _cookie(value: Any) -> dict[str, Any]:
    """Return a cookie under a name that is redacted."""
    held = _held(value)
    return {"domain": held.get("domain"), "cookie": {held.get("name"): held.get("value")}}


def _cookie_jar(value: Any) -> dict[str, Any]:
    return {"cookies": {each.name: each.value for each in value}}


def _cookies(value: Any) -> dict[str, Any]:
    return _cookie_jar(_held(value)["jar"])


def _morsels(value: Any) -> dict[str, Any]:
    return {"cookies": {name: morsel.value for name, morsel in dict.items(value)}}


def _array(value: Any) -> Any:
    """Return a short array as a list, and an array scalar as a Python scalar."""
    size = getattr(value, "size", None)
    if not isinstance(
        size, int
    ):  # an array of the standard library, or a tensor, whose size is a method
        size = len(value)
    if size > MAX_ARRAY:
        return repr(value)
    plain = type(value).tolist(value)
    if issubclass(type(plain), type(value)):
        return repr(value)
    if type(value).__name__ == "datetime64":  # tolist returns nanoseconds as a number
        return str(value)
    return plain


_CONTAINERS: tuple[tuple[str, str, Form], ...] = (
    ("http.cookiejar", "CookieJar", _cookie_jar),
    ("http.cookies", "BaseCookie", _morsels),
    ("httpx", "Cookies", _cookies),
    ("sqlalchemy.engine", "Row", _row),
    *REQUESTS,  # here, because some are mappings
)
"""Mappings and sequences that are not converted as such."""

_CLASSES: tuple[tuple[str, str, Form], ...] = (
    ("msgspec", "Struct", _struct),
    ("pydantic", "BaseModel", _pydantic),
    ("pydantic.v1", "BaseModel", _pydantic),
    ("django.db.models", "Model", _model),
    ("django.db.models", "QuerySet", _queryset),
    ("django.utils.functional", "LazyObject", _lazy_object),
    ("django.utils.functional", "Promise", _lazy_text),
    ("mongoengine.queryset", "BaseQuerySet", _queryset),
    ("werkzeug.local", "LocalProxy", _local_proxy),
    ("http.cookiejar", "Cookie", _cookie),
    ("ipaddress", "_IPAddressBase", str),
    ("socket", "socket", lambda _: "<socket>"),  # its repr names a port that is never the same
)
