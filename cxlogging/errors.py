"""
The errors that cxlogging raises.

::

    CxLoggingError
    └── ConfigurationError (also a ValueError)   an invalid argument, when a handler is created

Errors of delivery are never raised into the application: they are counted in
``handler.stats()``, reported once on ``sys.__stderr__``, and passed to ``on_error``.
"""

from __future__ import annotations

from collections.abc import Iterable


class CxLoggingError(Exception):
    """The base class of all errors raised by cxlogging."""


class ConfigurationError(CxLoggingError, ValueError):
    """An argument is unknown, invalid or malformed; the message says what to do."""


def nearest(name: str, known: Iterable[str]) -> str:
    """
    Return a hint that suggests the known word closest to *name*.

    The hint begins with a space; it is empty if no word is close.
    """
    import difflib  # noqa: PLC0415 - needed only for an error

    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""
