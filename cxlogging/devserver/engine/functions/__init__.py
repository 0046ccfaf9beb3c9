"""The functions of the language, by name."""

from __future__ import annotations

from . import arrays, general, numbers, strings, times
from .function import Function

FUNCTIONS: dict[str, Function] = {
    **arrays.FUNCTIONS,
    **general.FUNCTIONS,
    **numbers.FUNCTIONS,
    **strings.FUNCTIONS,
    **times.FUNCTIONS,
}

UNSUPPORTED_FUNCTIONS = frozenset(
    "arrayInsertAt arrayRemoveAt arrayReplaceAll arrayReplaceAt arraySplit extractTime"
    " formatTimestamp fromBase recordLocation roundInterval setDiffSymmetric toBase".split()
)
"""Functions that the service supports, and this engine does not."""
