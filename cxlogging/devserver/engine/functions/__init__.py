"""The functions of the language, by name."""

from __future__ import annotations

from ..compile.function import Function
from . import arrays, general, numbers, strings, times

FUNCTIONS: dict[str, Function] = {
    **arrays.FUNCTIONS,
    **general.FUNCTIONS,
    **numbers.FUNCTIONS,
    **strings.FUNCTIONS,
    **times.FUNCTIONS,
}

ELSEWHERE = frozenset(
    "arrayInsertAt arrayRemoveAt arrayReplaceAll arrayReplaceAt arraySplit extractTime"
    " formatTimestamp fromBase recordLocation roundInterval setDiffSymmetric toBase".split()
)
"""Functions that the service has, and this engine has not."""
