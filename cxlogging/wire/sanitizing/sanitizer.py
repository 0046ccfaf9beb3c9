"""
Converts any Python value to JSON values with text keys, bounded in depth and size.

No value can make this raise, except for errors that come from outside (see
`is_external`). A value that cannot be converted becomes a marked string such as
``"<unrepresentable Widget>"``, and the record is still shipped.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ..external_errors import is_external
from ..http import INTEGERS
from .reprs import without_secrets
from .scalars import MAX_MEMBERS, MAX_NESTED_CHARACTERS, SCALARS
from .special_types import SEQUENCES, form_of
from .truncation import cut, unused

MAX_DEPTH = 10
MAX_VALUES = 20_000
MAX_KEY = 256
MAX_CHARACTERS = 2_000_000

HIDDEN = "[redacted]"


class Secrecy:
    """How much is hidden of the values under a name."""

    NONE = 0
    WHOLE = 1
    VALUES = 2
    """All but booleans and None: they only tell whether there is a secret."""
    TEXTS = 3
    """All but booleans, None and numbers: they only tell how many secrets there are."""


_SHOWN: dict[int, tuple[type, ...]] = {
    Secrecy.WHOLE: (),
    Secrecy.VALUES: (bool, type(None)),
    Secrecy.TEXTS: (bool, type(None), int, float),
}


_NAMED_VALUES = ((("name", "key"), "value"), (("Name", "Key"), "Value"))
"""Keys under which a mapping holds a name, and the key under which it holds its value."""


class Sanitizer:
    """
    Sanitizes fields, and hides the values of sensitive names.

    Args:
        is_sensitive: Takes the name of a field, at any depth; returns how much of its
            value is hidden, as in `Secrecy`. False hides nothing, True everything.
        edit: Is applied to every text, for example to hide what a pattern matches.
        integers: The integers that are shipped as numbers; all others become texts.
    """

    def __init__(
        self,
        is_sensitive: Callable[[str], int] | None = None,
        edit: Callable[[str], str] | None = None,
        integers: range = INTEGERS,
    ) -> None:
        self.is_sensitive = is_sensitive
        self.edit = edit
        self.integers = integers

    def fields(self, fields: Mapping[Any, Any]) -> dict[str, Any]:
        """Return the *fields* of an event sanitized, in order; at most `MAX_MEMBERS`."""
        if len(fields) > MAX_MEMBERS:
            fields = _first(fields)
        result: dict[str, Any] = {}
        sensitive = self.is_sensitive
        integers = self.integers
        for key, member in fields.items():
            name = key if type(key) is str and key not in result else _key(key, result)
            kind = type(member)
            if sensitive is not None and (secrecy := sensitive(name)) and _is_hidden(secrecy, kind):
                result[name] = HIDDEN
            elif kind is str and len(member) < MAX_NESTED_CHARACTERS and self.edit is None:
                result[name] = member
            elif kind is int and member in integers:
                result[name] = member
            else:
                result[name] = self.value(member)
        return result

    def hides(self, name: str) -> bool:
        """Return True if the value of a field with this *name* is hidden."""
        return self.is_sensitive is not None and bool(self.is_sensitive(name))

    def text(self, text: str) -> str:
        """Return a message or a stack trace, truncated if it is larger than any vendor's event."""
        text = cut(text, MAX_CHARACTERS)
        return text if self.edit is None else self.edit(text)

    def value(self, value: Any) -> Any:
        """Return one value sanitized."""
        return self.text(value) if type(value) is str else _Traversal(self).clean(value)


class _Traversal:
    """The traversal of one value: the containers around it, and how many values may follow."""

    __slots__ = ("_left", "_parents", "_sanitizer")

    def __init__(self, sanitizer: Sanitizer) -> None:
        self._sanitizer = sanitizer
        self._left = MAX_VALUES
        self._parents: list[int] = []

    def clean(self, value: Any) -> Any:
        if value is None or value is True or value is False:
            return value
        try:
            return self._converted(value)
        except BaseException as error:
            if is_external(error):
                raise
            return self._fallback(value)

    def _fallback(self, value: Any) -> str:
        """Return the repr of a value that cannot be converted, unless it may show secrets."""
        kind = type(value)
        try:
            if not issubclass(kind, (Mapping, BaseException, *SEQUENCES)):
                return self._description(value)
        except BaseException as error:
            if is_external(error):
                raise
        return f"<unrepresentable {kind.__name__}>"

    def _converted(self, value: Any) -> Any:
        value_type = type(value)  # isinstance would read __class__, which a proxy may compute
        if value_type is str:
            return self._text(value)
        if value_type is not dict and value_type is not list:  # the rest takes most of the time
            for kind, convert in SCALARS:
                if issubclass(value_type, kind):
                    plain = convert(value)
                    if type(plain) is int and plain not in self._sanitizer.integers:
                        return str(plain)
                    return self._text(plain) if type(plain) is str else plain
            if issubclass(value_type, enum.Enum):
                return self._inside(value, lambda: self.clean(value.value))
        form = form_of(value_type)
        if form is None:
            return self._description(value)
        plain = form(value)
        if issubclass(type(plain), Mapping):
            return self._inside(value, lambda: self._mapping(plain))
        if issubclass(type(plain), SEQUENCES):
            return self._inside(value, lambda: self._sequence(plain))
        return self.clean(plain)

    def _description(self, value: Any) -> str:
        """Return the repr of *value*, without the values of sensitive names."""
        text = cut(str.__str__(repr(value)), MAX_NESTED_CHARACTERS)
        if self._sanitizer.is_sensitive is not None:
            text = without_secrets(text, self._hides, HIDDEN)
        return self._text(text)

    def _hides(self, name: str, kind: type) -> bool:
        sensitive = self._sanitizer.is_sensitive
        secrecy = 0 if sensitive is None else sensitive(name)
        return bool(secrecy) and _is_hidden(secrecy, kind)

    def _inside(self, value: Any, walk: Callable[[], Any]) -> Any:
        if id(value) in self._parents:
            return f"<cycle {type(value).__name__}>"
        if len(self._parents) >= MAX_DEPTH or self._left <= 0:
            return f"<too deep {type(value).__name__}>"
        self._parents.append(id(value))
        try:
            return walk()
        finally:
            self._parents.pop()

    def _text(self, text: str) -> str:
        text = cut(text, MAX_NESTED_CHARACTERS)
        return text if self._sanitizer.edit is None else self._sanitizer.edit(text)

    def _mapping(self, mapping: Mapping[Any, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        sensitive = self._sanitizer.is_sensitive
        secret = self._hidden_member(mapping)
        for number, (key, member) in enumerate(mapping.items()):
            if number == MAX_MEMBERS or self._left <= 0:
                result[f"<{len(mapping) - number} more>"] = "<cut>"
                break
            self._left -= 1
            simple = type(key) is str and len(key) <= MAX_KEY and key not in result
            name = key if simple else _key(key, result)
            secrecy = 0 if sensitive is None else sensitive(name)
            hidden = name == secret or (secrecy and _is_hidden(secrecy, type(member)))
            result[name] = HIDDEN if hidden else self.clean(member)
        return result

    def _sequence(self, items: Any) -> list[Any]:
        result: list[Any] = []
        for number, item in enumerate(items):
            if number == MAX_MEMBERS or self._left <= 0:
                result.append(f"<{len(items) - number} more>")
                break
            self._left -= 1
            pair = self._hidden_pair(item)
            result.append(self.clean(item) if pair is None else pair)
        return result

    def _hidden_pair(self, item: Any) -> list[Any] | None:
        """Return a (name, value) pair of a list with the value hidden; None if it is not secret."""
        kind: Any = next((each for each in (tuple, list) if issubclass(type(item), each)), None)
        if kind is None or kind.__len__(item) != 2:
            return None
        name, member = kind.__iter__(item)
        name = name.decode("latin-1") if type(name) is bytes else name
        return [name, HIDDEN] if type(name) is str and self._hides(name, type(member)) else None

    def _hidden_member(self, mapping: Mapping[Any, Any]) -> str | None:
        """Return the key of a secret value that is named by another member, as in metadata."""
        if type(mapping) is dict:
            for keys, key in _NAMED_VALUES:
                if key in mapping:
                    names = [mapping[each] for each in keys if type(mapping.get(each)) is str]
                    member = type(mapping[key])
                    return key if any(self._hides(name, member) for name in names) else None
        return None


def _is_hidden(secrecy: int, kind: type) -> bool:
    return kind not in _SHOWN[secrecy]


def _first(fields: Mapping[Any, Any]) -> Mapping[Any, Any]:
    kept = dict(itertools.islice(fields.items(), MAX_MEMBERS))
    return {**kept, f"<{len(fields) - MAX_MEMBERS} more>": "<cut>"}


def _key(key: Any, taken: Mapping[str, Any]) -> str:
    """Return a text for a key that no other key of the same mapping has."""
    plain = Sanitizer().value(key)
    name = cut(plain if type(plain) is str else str(plain), MAX_KEY)
    return unused(name, taken)
