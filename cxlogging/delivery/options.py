"""The options that every handler takes: their defaults, their bounds, their errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigurationError
from ..wire import option_parsers as values
from ..wire.destination import Destination
from .nats.address import is_stream, parse_address

if TYPE_CHECKING:
    import ssl

DURABILITY = ("process", "system")
OVERFLOW = ("shed", "drop_newest", "drop_oldest", "block")
LEAST_BOUND = 64 * 2**10
"""Bytes of the smallest buffer or spool; less only where a vendor's largest record is smaller."""


class Options(NamedTuple):
    """
    How records wait and travel; the same for every vendor.

    Attributes:
        flush_interval: Seconds that the oldest record waits at most before it is sent. The
            first record after as long without a request is sent at once.
        batch_count: Flush when so many records wait; None is 4,000, or the vendor's own if less.
        batch_bytes: Flush when so many bytes wait; None is the vendor's own.
        buffer_bytes: Bound of all that waits in memory.
        spool: A directory on disk where records wait, or the address of a stream
            (``"nats://h1:4222,h2:4222/STREAM"``) from which relays send them; None keeps them in
            memory.
        spool_local: Beside a stream: a directory on disk where records wait until the stream has
            acknowledged them; None keeps them in memory.
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
        headers: Further headers of every request; ``User-Agent`` replaces the handler's own.
        ca_file: Certificates to trust, in a PEM file.
        client_cert: A PEM file of certificate and key, or a pair of files.
        sigterm: Deliver on SIGTERM, then do what would be done without it.
        on_drop: Called with ``(outcome, count, level)`` for records that will not arrive.
        on_error: Called with a message for each kind of delivery trouble.
    """

    flush_interval: float = 1.0
    batch_count: int | None = None
    batch_bytes: int | None = None
    buffer_bytes: int = 64 * 2**20
    spool: str | None = None
    spool_local: str | None = None
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

    @property
    def stream(self) -> str | None:
        """The address of the stream that the records go to; None where they go to the vendor."""
        return self.spool if is_stream(self.spool) else None

    @property
    def directory(self) -> str | None:
        """The directory on disk where records wait; None where they wait in memory."""
        return self.spool_local if is_stream(self.spool) else self.spool

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
        options = cls(**{name: PARSERS[name](name, given[name]) for name in given})
        return _consistent(options, given)

    def check(self, destination: Destination) -> None:
        """
        Raise where the options do not fit *destination*.

        Raises:
            ConfigurationError: A buffer of that size would do nothing but drop, or a header
                would replace the one that carries the key.
        """
        for header in self.headers or {}:
            if header.lower() == destination.credential_header.lower():
                raise ConfigurationError(
                    f"headers: {header!r} is set by the handler, from its key or token:"
                    " leave it out."
                )
        least = min(LEAST_BOUND, destination.limits.item_bytes)
        for name in ("buffer_bytes", "spool_bytes"):
            if getattr(self, name) < least:
                raise ConfigurationError(
                    f"{name} takes at least {least:,} bytes, not {getattr(self, name):,}:"
                    " less has no room for one large record."
                )


def _spool(name: str, value: object) -> str | None:
    if not is_stream(value):
        return values.directory(name, value)
    return str(parse_address(name, value))


def _tls(kind: str) -> values.Parser:
    """Return the parser of that name, which imports what it needs only where it is used."""

    def parse(name: str, value: object) -> Any:
        from .http import tls

        return getattr(tls, kind)(name, value)

    return parse


def _headers(name: str, value: object) -> dict[str, str] | None:
    if values.is_none(value):
        return None
    plain: dict[str, str] = {}
    for header, held in values.mapping(name, value).items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", header):
            raise ConfigurationError(f"{name}: {values.shown(header)} is not a valid header name.")
        if header.lower() in OWN_HEADERS:
            raise ConfigurationError(f"{name}: {header!r} is set by the handler: leave it out.")
        if isinstance(held, (bytes, Mapping, list, tuple, type(None))):
            raise ConfigurationError(
                f"{name}: the value of {header!r} is not a string but {type(held).__name__}."
            )
        text = str(held).strip()
        if not text.isascii() or not text.isprintable():
            raise ConfigurationError(
                f"{name}: the value of {header!r} holds characters that no header may."
            )
        values.no_placeholder(f"{name}: {header}", text)
        if header.lower() in {each.lower() for each in plain}:
            raise ConfigurationError(f"{name}: {header!r} is given twice.")
        plain[header] = text
    return plain


OWN_HEADERS = frozenset(
    "host content-length content-type content-encoding transfer-encoding accept-encoding"
    " connection keep-alive expect upgrade te trailer proxy-authorization proxy-connection".split()
)
"""Headers that say how a request is made, or that are for a proxy: another value breaks it."""

PARSERS: Mapping[str, values.Parser] = {
    "flush_interval": values.seconds(),
    "batch_count": values.optional(values.count(most=10**9)),
    "batch_bytes": values.optional(values.size()),
    "buffer_bytes": values.size(),
    "spool": _spool,
    "spool_local": values.directory,
    "spool_bytes": values.size(),
    "durability": values.choice(*DURABILITY),
    "overflow": values.choice(*OVERFLOW),
    "block_timeout": values.seconds(),
    "compression": values.choice("auto", "gzip", "zstd", off=True),
    "concurrency": values.count(most=256),
    "timeout": values.seconds(above=0),
    "retry_initial": values.seconds(above=0),
    "retry_maximum": values.seconds(above=0),
    "close_timeout": values.seconds(),
    "close_maximum": values.seconds(),
    "ssl_context": _tls("ssl_context"),
    "proxy": _tls("proxy"),
    "headers": _headers,
    "ca_file": values.optional(_tls("ca_file")),
    "client_cert": values.optional(_tls("client_cert")),
    "sigterm": values.boolean,
    "on_drop": values.function,
    "on_error": values.function,
}
"""How each option is parsed: a new option is a field of `Options` and an entry here."""

_PAIRS = (("retry_initial", "retry_maximum"), ("close_timeout", "close_maximum"))
"""A part, and what it may not be above."""


def _consistent(options: Options, given: Mapping[str, Any]) -> Options:
    """Return *options* where they go together, or raise."""
    for part, whole in _PAIRS:
        bound = getattr(options, whole)
        if getattr(options, part) <= bound:
            continue
        if part not in given:  # a default gives way
            options = options._replace(**{part: bound})
            continue
        default = "" if whole in given else " (its default)"
        raise ConfigurationError(
            f"{part}={values.shown(given[part])} is above {whole}={bound:g}{default}:"
            f" lower {part}, or raise {whole}."
        )
    options = _beside_a_stream(options, given)
    if options.directory is None and options.durability != "process":
        name = "spool_local" if options.stream else "spool"
        raise ConfigurationError(f"durability='system' needs {name}=, a directory on disk.")
    if options.ssl_context is not None and (options.ca_file or options.client_cert):
        raise ConfigurationError("ssl_context stands alone: leave out ca_file and client_cert.")
    return options


_RELAYS = {
    "headers": "",
    "proxy": "",
    "ca_file": " Set NATS_CA for the servers of the stream.",
    "client_cert": " Set NATS_CERT and NATS_KEY for the servers of the stream.",
    "ssl_context": " Set NATS_CA for the servers of the stream.",
}
"""Options of requests to the vendor, which the relay makes, and what is meant perhaps."""


def _beside_a_stream(options: Options, given: Mapping[str, Any]) -> Options:
    """Return *options* where they go together with the spool, or raise."""
    if options.stream is None:
        if options.spool_local is not None:
            raise ConfigurationError(
                "spool_local goes with a stream, spool='nats://host:4222/STREAM':"
                " a directory on its own is spool=."
            )
        return options
    for name in filter(given.get, _RELAYS):
        raise ConfigurationError(
            f"{name} has no effect with spool={options.stream!r}: the relay sends to the vendor,"
            f" leave it out.{_RELAYS[name]}"
        )
    return options._replace(compression=None)  # done by the relay, if at all
