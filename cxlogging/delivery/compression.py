"""
Compressing a body with the best that this installation has.

gzip comes from isal where it is installed (five times as fast as zlib at the
same size), zstd from Python 3.14 or backports.zstd; both with the ``fast``
extra. All of them let other threads run meanwhile.
"""

from __future__ import annotations

import importlib
import importlib.util
import zlib
from collections.abc import Callable

from ..errors import ConfigurationError
from ..wire.http import Limits

Compress = Callable[[bytes], bytes]

_ZSTD_MODULES = ("compression.zstd", "backports.zstd")
_GZIP_WINDOW = 31


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
    """Return the function that compresses a body for *encoding*; import it only now."""
    if encoding is None:
        return bytes
    if encoding == "zstd":
        return _zstd()
    try:
        igzip = importlib.import_module("isal.isal_zlib")
    except ImportError:
        return _gzip
    return lambda body: igzip.compress(body, level=1, wbits=_GZIP_WINDOW)


def _gzip(body: bytes) -> bytes:
    deflate = zlib.compressobj(level=1, wbits=_GZIP_WINDOW)
    return deflate.compress(body) + deflate.flush()


def _zstd() -> Compress:
    module = importlib.import_module(next(filter(_exists, _ZSTD_MODULES)))
    return lambda body: module.compress(body, level=1)


def _has_zstd() -> bool:
    return any(map(_exists, _ZSTD_MODULES))


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False
