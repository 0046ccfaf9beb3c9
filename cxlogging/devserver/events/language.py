"""Commands and functions of DataPrime, for completion."""

from __future__ import annotations

from typing import Any

from ..engine.functions import FUNCTIONS
from ..engine.functions.function import Function
from ..engine.values import Kind
from .language_help import AGGREGATIONS, COMMANDS, FUNCTION_HELP


def language() -> dict[str, Any]:
    """Return ``{"commands": [{"name", "help"}], "functions": [{"name", "signature", "help"}]}``."""
    functions = [
        {
            "name": name,
            "signature": f"{name}({_parameters(function)}): {_name(function.returns)}",
            "help": FUNCTION_HELP[name],
        }
        for name, function in FUNCTIONS.items()
    ]
    aggregations = [
        {"name": signature.partition("(")[0], "signature": signature, "help": text}
        for signature, text in AGGREGATIONS.items()
    ]
    return {
        "commands": [{"name": name, "help": text} for name, text in COMMANDS.items()],
        "functions": sorted([*functions, *aggregations], key=lambda one: one["signature"].lower()),
    }


def _parameters(function: Function) -> str:
    minimum = len(function.takes) if function.minimum is None else function.minimum
    shown = [
        _name(kind) if n < minimum else f"{_name(kind)}?" for n, kind in enumerate(function.takes)
    ]
    return ", ".join(shown) + (", …" if function.many else "")


def _name(kind: Kind) -> str:
    return kind.value.lower()
