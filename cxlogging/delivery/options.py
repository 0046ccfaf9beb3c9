"""The options that every handler takes: their defaults, their bounds, their errors."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigurationError, nearest

if TYPE_CHECKING:
    import ssl

DURABILITY = ("process", "system")
OVERFLOW = ("shed", "drop_newest", "drop_oldest", "block")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmg])(i?)b?|b)?\s*", re.IGNORECASE)
_UNITS = {"k": 1, "m": 2, "g": 3}


class Options(NamedTuple):
    """
    How records wait and travel; the same for every vendor.

    Attributes:
        flush_interval: Seconds that the oldest record waits at most before it is sent.
        batch_count: Flush when so many records wait; None is 4,000, or the vendor's own if less.
        batch_bytes: Flush when so many bytes wait; None is the vendor's own.
        buffer_bytes: Bound of all that waits in memory.
        spool: A directory on disk where records wait; None keeps them in memory.
        spool_bytes: Bound of what one destination has in the spool, all processes together.
        durability: ``"process"``: what waits survives the process; ``"system"``: and, but for
            the last ``flush_interval``, the power.
        overflow: ``"shed"``, ``"drop_newest"``, ``"drop_oldest"`` or ``"block"``.
        block_timeout: Seconds that ``"block"`` waits at most.
        compression: ``"auto"``, ``"gzip"``, ``"zstd"`` or None.
        concurrency: Requests in flight, at most.
        timeout: Seconds that one request takes at most, connecting included.
        retry_initial: Seconds of the first backoff, before jitter.
        retry_maximum: Seconds of the longest backoff, before jitter.
        close_timeout: Seconds that closing waits for the next acknowledgement.
        close_maximum: Seconds that closing takes at most.
        ssl_context: Replaces the default context, which verifies.
        proxy: Address of a proxy; None reads HTTPS_PROXY and NO_PROXY.
        headers: Further headers of every request.
        ca_file: Certificates to trust, in a PEM file.
        client_cert: A PEM file of certificate and key, or a pair of files.
        sigterm: Deliver on SIGTERM, then do what would be done without it.
        on_drop: Told ``(outcome, count, level)`` of records that will not arrive.
        on_error: Told a sentence for each kind of delivery trouble.
    """

    flush_interval: float = 1.0
    batch_count: int | None = None
    batch_bytes: int | None = None
    buffer_bytes: int = 64 * 2**20
    spool: str | None = None
    spool_bytes: int = 2**30
    durability: str = "process"
    overflow: str = "shed"
    block_timeout: float = 1.0
    compression: str | None = "auto"
    concurrency: int = 4
    timeout: float = 30.0
    retry_initial: float = 0.5
    retry_maximum: float = 30.0
    close_timeout: float = 2.0
    close_maximum: float = 15.0
    ssl_context: ssl.SSLContext | None = None
    proxy: str | None = None
    headers: Mapping[str, str] | None = None
    ca_file: str | None = None
    client_cert: str | tuple[str, str] | None = None
    sigterm: bool = False
    on_drop: Callable[[str, int, int], object] | None = None
    on_error: Callable[[str], object] | None = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all options."""
        return cls._fields

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Options:
        """
        Return the options for *given* ones, which may be plain strings.

        Raises:
            ConfigurationError: One is impossible.
        """
        # An item of dictConfig's own mapping is converted only when asked for by name.
        values = {name: given[name] for name in given}
        for name in _SECONDS & values.keys():
            values[name] = _seconds(name, values[name])
        for name in _COUNTS & values.keys():
            values[name] = _count(name, values[name])
        if "sigterm" in values:
            values["sigterm"] = _flag("sigterm", values["sigterm"])
        if values.get("spool") is not None:
            values["spool"] = _spool(values["spool"])
        options = cls(**values)
        _check(options)
        return options._replace(headers=_headers(options.headers))


_SECONDS = {
    "flush_interval",
    "block_timeout",
    "timeout",
    "retry_initial",
    "retry_maximum",
    "close_timeout",
    "close_maximum",
}
_COUNTS = {"batch_count", "batch_bytes", "buffer_bytes", "spool_bytes", "concurrency"}


def _seconds(name: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type] # anything else is the error below
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 <= number < 1e9:
        raise ConfigurationError(f"{name} takes seconds, such as 2 or 0.5, not {value!r}.")
    if name == "timeout" and number == 0:
        raise ConfigurationError("timeout takes more than 0 seconds.")
    return number


def _count(name: str, value: object) -> int | None:
    if value is None and name.startswith("batch_"):
        return None
    number = -1.0
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        unit = (match[2] or "").lower()
        number = float(match[1]) * (1024 if match[3] else 1000) ** _UNITS.get(unit, 0)
    if number < 1 or number != int(number):
        example = "'64MiB' or 65536" if name.endswith("bytes") else "2"
        raise ConfigurationError(f"{name} takes a number from 1, such as {example}, not {value!r}.")
    return int(number)


def _flag(name: str, value: object) -> bool:
    flag = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise ConfigurationError(f"{name} takes True or False, not {value!r}.")
    return flag


def _spool(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ConfigurationError(f"spool takes the path of a directory, not {value!r}.")
    path = os.fspath(value)
    if not isinstance(path, str) or "\0" in path:
        raise ConfigurationError(f"spool takes the path of a directory, not {path!r}.")
    if "://" in path:
        raise ConfigurationError("spool takes the path of a directory: no address is known yet.")
    from pathlib import Path

    # Not resolved: a symbolic link is refused, not followed.
    return str(Path(path).expanduser().absolute())


def _check(options: Options) -> None:
    for name, choices in (("overflow", OVERFLOW), ("durability", DURABILITY)):
        value = getattr(options, name)
        if value not in choices:
            hint = nearest(str(value), choices)
            raise ConfigurationError(
                f"{name} takes one of {', '.join(choices)}, not {value!r}.{hint}"
            )
    if options.spool is None and options.durability != "process":
        raise ConfigurationError("durability='system' needs spool=, a directory on disk.")
    if options.compression not in {"auto", "gzip", "zstd", None}:
        hint = nearest(str(options.compression), ("auto", "gzip", "zstd"))
        raise ConfigurationError(
            f"compression takes 'auto', 'gzip', 'zstd' or None, not {options.compression!r}.{hint}"
        )
    for name in ("on_drop", "on_error"):
        value = getattr(options, name)
        if value is not None and not callable(value):
            raise ConfigurationError(f"{name} takes a callable, not {value!r}.")
    if options.ssl_context is not None and (options.ca_file or options.client_cert):
        raise ConfigurationError("ssl_context stands alone: leave out ca_file and client_cert.")
    if options.proxy is not None and not re.match(r"https?://[^\s/]+", str(options.proxy)):
        raise ConfigurationError("proxy takes an address such as 'http://proxy.example:3128'.")


def _headers(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    if headers is None:
        return None
    if not isinstance(headers, Mapping):
        raise ConfigurationError("headers takes a mapping of names to values.")
    plain = {str(name): str(headers[name]).strip() for name in headers}
    for name, value in plain.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ConfigurationError(f"headers: {name!r} is no header name.")
        if not value.isascii() or not value.isprintable():
            raise ConfigurationError(
                f"headers: the value of {name!r} holds characters that no header may."
            )
    return plain
