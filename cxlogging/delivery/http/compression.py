"""
Compressing a body with the best that this installation has.

gzip comes from isal where it is installed (five times as fast as zlib at the
same size), zstd from Python 3.14 or backports.zstd; both with the ``fast``
extra. All of them let other threads run meanwhile.
"""

from __future__ import annotations

import enum
import functools
import importlib
import importlib.util
import zlib
from collections.abc import Callable

from ...errors import ConfigurationError
from ...wire.http import Limits

Compress = Callable[[bytes], bytes]

_ZSTD_MODULES = ("compression.zstd", "backports.zstd")
_GZIP_WINDOW = 31


class Trial(enum.Enum):
    """What is known of an encoding that a vendor may or may not take."""

    NONE = "none"
    """The encoding in use is not in question."""
    WAITING = "waiting"
    """No plain request was accepted since the last trouble: a trial has to wait."""
    READY = "ready"
    """The next request is compressed, on trial."""
    RUNNING = "running"
    PROVEN = "proven"
    REFUSED = "refused"
    """Requests stay uncompressed."""


UNDECIDED = frozenset({Trial.WAITING, Trial.READY, Trial.RUNNING})
"""Answers still decide what is known."""


class Encoding:
    """
    The ``Content-Encoding`` of the next request, and what is known of it from answers.

    An encoding that has to be tried begins plain. Once a plain request was taken one
    compressed request is sent; if anything goes wrong with it, it is sent again plain, and so
    is everything after it. Called under the delivery's lock.

    Args:
        asked: The option: ``"auto"``, an encoding or None.
        limits: What the vendor takes.

    Raises:
        ConfigurationError: The vendor does not take what was *asked* for, or
            this installation cannot make it.
    """

    def __init__(self, asked: str | None, limits: Limits) -> None:
        self.name = choose(asked, limits)
        self.trial = Trial.NONE
        if asked == "auto" and self.name is None and limits.tried:
            self.name = choose("auto", limits._replace(auto=limits.tried))
            self.trial = Trial.WAITING if self.name else Trial.NONE
        self.compress = compressor(self.name)
        self._was_proven = False

    def begin(self, *, may_try: bool = True) -> tuple[str | None, bool]:
        """
        Return the encoding of the next request, and whether it is a trial.

        Args:
            may_try: There is time to send the request again.
        """
        if self.trial is Trial.READY and may_try:
            self.trial = Trial.RUNNING
            return self.name, True
        return (self.name if self.trial in {Trial.NONE, Trial.PROVEN} else None), False

    def delivered(self, encoding: str | None) -> None:
        """Note that the vendor took a request in *encoding*."""
        if encoding is not None and self.trial is Trial.RUNNING:
            self.trial, self._was_proven = Trial.PROVEN, True
        elif encoding is None and self.trial is Trial.WAITING:
            self.trial = Trial.READY

    def failed(self, *, taken_plain: bool, judged: bool) -> bool:
        """
        Note that a compressed request failed; return whether compression ends by that.

        Args:
            taken_plain: The same records, sent plain at once, were taken.
            judged: The answer was about the records or the configuration, not a passing trouble.
        """
        if self.trial is Trial.NONE:
            return False
        if taken_plain or not self._was_proven:
            ended = self.trial is not Trial.REFUSED
            self.trial = Trial.REFUSED
            return ended
        if self.trial is Trial.RUNNING or (self.trial is Trial.PROVEN and not judged):
            self.trial = (
                Trial.WAITING
            )  # plain requests failed too: that says nothing about the encoding
        return False

    def restart(self) -> None:
        """Discard a trial of the parent's, in a fork's child."""
        if self.trial is Trial.RUNNING:
            self.trial = Trial.READY


def choose(asked: str | None, limits: Limits) -> str | None:
    """
    Return the ``Content-Encoding`` to use, or None.

    Raises:
        ConfigurationError: The vendor does not take what was *asked* for, or
            this installation cannot make it.
    """
    if asked == "auto":
        return next((each for each in limits.auto if each == "gzip" or _has_zstd()), None)
    if asked is None:
        return None
    if asked not in limits.accepted:
        takes = " or ".join(repr(each) for each in limits.accepted)
        raise ConfigurationError(f"compression: this vendor takes {takes} or None, not {asked!r}.")
    if asked == "zstd" and not _has_zstd():
        raise ConfigurationError("compression 'zstd' needs: pip install 'cxlogging[fast]'")
    return asked


def compressor(encoding: str | None) -> Compress:
    """Return the function that compresses a body for *encoding*, imported here."""
    if encoding is None:
        return bytes
    if encoding == "zstd":
        return _zstd()
    try:
        igzip = importlib.import_module("isal.isal_zlib")
    except ImportError:
        return _gzip
    return functools.partial(igzip.compress, level=1, wbits=_GZIP_WINDOW)


def _gzip(body: bytes) -> bytes:
    deflate = zlib.compressobj(level=1, wbits=_GZIP_WINDOW)
    return deflate.compress(body) + deflate.flush()


def _zstd() -> Compress:
    module = importlib.import_module(next(filter(_exists, _ZSTD_MODULES)))
    return functools.partial(module.compress, level=1)


def _has_zstd() -> bool:
    return any(map(_exists, _ZSTD_MODULES))


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False
