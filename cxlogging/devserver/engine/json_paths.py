"""Reading and writing values at keypaths in JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Steps = tuple["str | int", ...]


def read_path(value: Any, steps: Steps) -> Any:
    """Return the value at *steps* in *value*; None where there is none."""
    for step in steps:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and type(step) is int and step < len(value):
            value = value[step]
        else:
            return None
    return value


def read_path_or_flat_name(data: Any, steps: Steps) -> Any:
    """Return the value at *steps* in *data*, or of a field with the flat name `a.b`."""
    found = read_path(data, steps)
    if found is None and type(data) is dict and len(steps) > 1:
        return data.get(".".join(map(str, steps)))
    return found


def has_path(value: Any, steps: Steps) -> bool:
    """Return True where there is a value at *steps*, even null."""
    for step in steps:
        if type(value) is dict and step in value:
            value = value[step]
        elif type(value) is list and type(step) is int and step < len(value):
            value = value[step]
        else:
            return False
    return True


def with_value(value: Any, steps: Steps, new: Any) -> Any:
    """
    Return a copy of *value* with *new* at *steps*; missing objects on the way are created.

    Where a scalar is in the way, or an index is out of range, *value* is returned unchanged.
    """
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if type(step) is int:
        if type(value) is not list or step >= len(value):
            return value
        return [*value[:step], with_value(value[step], rest, new), *value[step + 1 :]]
    if value is not None and type(value) is not dict:
        return value
    copy = dict(value or {})
    copy[step] = with_value(copy.get(step), rest, new)
    return copy


def without_path(value: Any, steps: Steps) -> Any:
    """Return a copy of *value* without the value at *steps*."""
    if not has_path(value, steps) or not steps:
        return value
    step, rest = steps[0], steps[1:]
    if type(value) is list:
        index = int(step)
        inner = [without_path(value[index], rest)] if rest else []
        return [*value[:index], *inner, *value[index + 1 :]]
    if rest:
        return {**value, step: without_path(value[step], rest)}
    return {name: held for name, held in value.items() if name != step}


def list_keypaths(value: Any, above: str = "", depth: int = 5) -> Iterator[str]:
    """Yield the dotted keypaths of the fields in *value*, at most *depth* deep."""
    if type(value) is dict and depth:
        for name, held in value.items():
            yield f"{above}{name}"
            yield from list_keypaths(held, f"{above}{name}.", depth - 1)
