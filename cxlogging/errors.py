"""
Every error that cxlogging raises on purpose.

::

    CxLoggingError
    └── ConfigurationError (also a ValueError)   wrong or impossible arguments, at construction

Delivery trouble is never raised into the application: it is counted in
``handler.stats()``, said once on ``sys.__stderr__`` and given to ``on_error``.
"""

from __future__ import annotations

from collections.abc import Iterable


class CxLoggingError(Exception):
    """The root of all errors raised by cxlogging."""


class ConfigurationError(CxLoggingError, ValueError):
    """An argument is unknown, impossible or malformed; the sentence says what to do."""


def nearest(name: str, known: Iterable[str]) -> str:
    """
    Return the hint that names the known word closest to *name*.

    The hint starts with a blank, or is empty where nothing is close.
    """
    import difflib  # noqa: PLC0415 - for a mistake alone

    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""
