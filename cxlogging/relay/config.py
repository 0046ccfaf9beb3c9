"""
The configuration of a relay: relay.toml, or else the command line and the environment.

An error names the file, the table and the key.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..delivery.nats.address import EXAMPLE, Address, parse_address
from ..delivery.options import PARSERS, Options
from ..errors import ConfigurationError, nearest
from ..vendors.registry import VENDORS, Vendor
from ..wire import option_parsers as values
from ..wire.destination import Destination

FILE = "relay.toml"
TABLE = "destination"

PASSED_ON = (
    *("flush_interval", "batch_count", "batch_bytes", "compression", "concurrency", "timeout"),
    *("retry_initial", "retry_maximum", "proxy", "headers", "ca_file", "client_cert"),
)
"""Options of the handlers that a destination of a relay takes too."""

IDENTITY_ONLY = frozenset({"vendor", "url"})
"""Keys of an identity that a message does not decide: where a key is sent is the relay's alone."""

LEAST_RATE, MOST_RATE = 0.01, 1e6
WEEK = 7 * 86_400.0

HOLDS = 2**40
"""The bound of a queue that is bounded by what is fetched."""


@dataclass(frozen=True)
class DestinationEntry:
    """
    One ``[[destination]]``: which messages it takes, and how they reach the vendor.

    Attributes:
        place: The file and the table, for messages.
        vendor: Whose messages.
        match: Keys of an identity, such as ``dataset``, and the value that each must have.
        arguments: Arguments of the vendor's handler, the key among them; not shown.
        options: How requests are made.
        rate: Requests a second of all relays together; None is no limit.
    """

    place: str
    vendor: str
    match: Mapping[str, str]
    arguments: Mapping[str, Any] = field(repr=False)
    options: Options = field(repr=False)
    rate: float | None = None

    @property
    def name(self) -> str:
        """The vendor and what it matches, as logs and metrics show it."""
        shown = ",".join(f"{key}={value}" for key, value in sorted(self.match.items()))
        return f"{self.vendor} ({shown})" if shown else self.vendor

    @property
    def lease_key(self) -> str:
        """Its name in the bucket of rate limits: letters, digits, ``_``, ``-`` and ``=``."""
        words = [self.vendor, *(f"{key}={self.match[key]}" for key in sorted(self.match))]
        return ".".join(word.encode().hex() if not _is_plain(word) else word for word in words)

    def fits(self, identity: Mapping[str, str]) -> bool:
        """Return whether it takes what was logged for *identity*."""
        if identity.get("vendor") != self.vendor:
            return False
        return all(identity.get(key) == value for key, value in self.match.items())

    def names(self, identity: Mapping[str, str]) -> dict[str, str]:
        """Return what *identity* decides: arguments of the handler that this entry does not set."""
        known = _parameters(self.vendor)
        return {
            key: value
            for key, value in identity.items()
            if value and key in known and key not in IDENTITY_ONLY and key not in self.arguments
        }

    def destination(self, identity: Mapping[str, str]) -> Destination:
        """
        Return the vendor's destination for *identity*: its names, and this entry's key and URL.

        Raises:
            ConfigurationError: A value of the identity is impossible.
        """
        return VENDORS[self.vendor].configure(**{**self.names(identity), **self.arguments})


def _is_plain(word: str) -> bool:
    return bool(word) and all(each.isalnum() or each in "_-=" for each in word) and word.isascii()


@dataclass(frozen=True)
class RelayConfig:
    """
    What a relay does.

    Attributes:
        address: The servers and the stream.
        destinations: At least one.
        listen: Host and port of ``/metrics`` and ``/healthz``; None serves neither.
        ack_wait: Seconds after which a message of a relay that ended comes again.
        dedupe_window: Seconds that delivered items are remembered.
        buffer_bytes: Bound of the messages of one vendor that a relay holds.
        drain: Seconds that a relay takes at SIGTERM to finish what it holds.
        log_format: ``"json"``, ``"text"``, or ``"auto"``: text on a terminal.
    """

    address: Address
    destinations: Sequence[DestinationEntry] = ()
    listen: tuple[str, int] | None = ("127.0.0.1", 8766)
    ack_wait: float = 30.0
    dedupe_window: float = 24 * 3600.0
    buffer_bytes: int = 32 * 2**20
    drain: float = 15.0
    log_format: str = "auto"

    def entry_for(self, identity: Mapping[str, str]) -> DestinationEntry | None:
        """Return the destination with the most conditions that fit *identity*, or None."""
        fitting = [each for each in self.destinations if each.fits(identity)]
        return max(fitting, key=lambda each: len(each.match), default=None)


@functools.cache
def _parameters(vendor: str) -> tuple[str, ...]:
    """Return the arguments of a vendor's handler that decide where it sends; the key first."""
    return tuple(inspect.signature(VENDORS[vendor].configure).parameters)


def load_config(
    path: str | None, stream: str | None = None, *, delivers: bool = True
) -> RelayConfig:
    """
    Return the configuration in the file at *path*.

    Args:
        path: None is ``relay.toml`` in the working directory, if it is there.
        stream: The address of the stream, in place of the file's.
        delivers: False: the destinations are not read, and their keys are not needed.

    Raises:
        ConfigurationError: The file cannot be used, or something in it is wrong or missing.
    """
    if path is None and not Path(FILE).exists():
        return parse_config({}, "", stream, delivers=delivers)
    name = path or FILE
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"{name} cannot be read: {reason}.") from None
    try:
        table = _toml(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} is not valid TOML: {error}.") from None
    return parse_config(table, name, stream, delivers=delivers)


def _toml(text: str) -> dict[str, Any]:
    for name in ("tomllib", "tomli"):
        with suppress(ModuleNotFoundError):
            table: dict[str, Any] = importlib.import_module(name).loads(text)
            return table
    raise ConfigurationError("TOML needs Python 3.11 or a package: pip install tomli")


def parse_config(
    table: Mapping[str, Any], name: str, stream: str | None = None, *, delivers: bool = True
) -> RelayConfig:
    """
    Return the configuration of *table*.

    Args:
        table: As the file has it.
        name: The file's name, for messages; empty where there is none.
        stream: The address of the stream, in place of the table's.
        delivers: False: the destinations are not read, and their keys are not needed.

    Raises:
        ConfigurationError: Something is wrong or missing.
    """
    prefix = f"{name}: " if name else ""
    given = dict(table)
    entries = given.pop(TABLE, [])
    _check_names(prefix, given, (*PARSED, "stream"), "the top level")
    address = _address(prefix, given.pop("stream", None), stream)
    parsed = {key: PARSED[key](f"{prefix}{key}", value) for key, value in given.items()}
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ConfigurationError(f"{prefix}{TABLE} takes tables: write [[{TABLE}]] above each.")
    destinations: list[DestinationEntry] = []
    if entries and delivers:
        destinations = [
            _entry(f"{prefix}[[{TABLE}]] {number}", each) for number, each in enumerate(entries, 1)
        ]
        _check_double(destinations)
    elif delivers:
        destinations = _from_environment()
    return RelayConfig(address, tuple(destinations), **parsed)


def require_destinations(config: RelayConfig) -> None:
    """Raise `ConfigurationError` where a relay would have nobody to deliver to."""
    if not config.destinations:
        names = ", ".join(vendor.profile.shown_first for vendor in VENDORS.values())
        raise ConfigurationError(
            f"no destination is configured: add [[{TABLE}]] to {FILE}, or set the variables of a"
            f" vendor's handler ({names} and what else it needs)."
        )


def _check_names(prefix: str, given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in given:
        if key not in known:
            hint = nearest(key, known) or f" There are {', '.join(known)}."
            raise ConfigurationError(f"{prefix}unknown key {key!r} in {where}.{hint}")


def _address(prefix: str, in_file: object, stream: str | None) -> Address:
    if stream is not None:
        return parse_address("stream", stream)
    if in_file is None:
        if prefix:
            raise ConfigurationError(f"{prefix}stream is missing: set it, such as {EXAMPLE!r}.")
        raise ConfigurationError(
            f"no stream is configured: pass stream= (such as {EXAMPLE}), or write {FILE}."
        )
    return parse_address(f"{prefix}stream", in_file)


def _entry(place: str, table: Mapping[str, Any]) -> DestinationEntry:
    given = dict(table)
    vendor = _vendor(place, given.pop("vendor", None))
    key, *others = _parameters(vendor.name)
    matched = _matched(vendor)
    arguments_known = [each for each in others if each not in matched]
    own = ("vendor", "requests_per_second", "key_env", "key_file")
    known = (*own, *matched, *arguments_known, *PASSED_ON)
    if key in given:
        raise ConfigurationError(
            f"{place}: {key} would put a secret into the file: set key_env, the name of a"
            f" variable, or key_file, the path of a file, or {vendor.profile.variables[key][0]}."
        )
    _check_names(f"{place}: ", given, known, "the table")
    rate = given.pop("requests_per_second", None)
    secret = _key(place, given.pop("key_env", None), given.pop("key_file", None))
    match = {each: _text(place, each, given.pop(each)) for each in matched if each in given}
    options = {each: given.pop(each) for each in PASSED_ON if each in given}
    arguments = {**given, **({key: secret} if secret else {})}
    entry = DestinationEntry(
        place,
        vendor.name,
        match,
        arguments,
        _options(place, options),
        None if rate is None else _rate(f"{place}: requests_per_second", rate),
    )
    _check(entry)
    return entry


def _vendor(place: str, value: object) -> Vendor:
    known = ", ".join(VENDORS)
    if value is None:
        raise ConfigurationError(f"{place}: vendor is missing: set it to one of {known}.")
    if not isinstance(value, str) or value not in VENDORS:
        hint = nearest(str(value), VENDORS)
        raise ConfigurationError(
            f"{place}: vendor takes one of {known}, not {values.shown(value)}.{hint}"
        )
    return VENDORS[value]


def _matched(vendor: Vendor) -> tuple[str, ...]:
    """Return the keys of the vendor's identity by which destinations can be chosen."""
    parameters = _parameters(vendor.name)
    return tuple(
        each
        for each in vendor.configure().identity
        if each in parameters and each not in IDENTITY_ONLY
    )


def _text(place: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{place}: {key} takes a text, not {values.shown(value)}.")
    return value


def _key(place: str, variable: object, path: object) -> str | None:
    if variable is not None and path is not None:
        raise ConfigurationError(f"{place}: key_env and key_file both name the key: keep one.")
    if variable is not None:
        name = _text(place, "key_env", variable)
        found = os.environ.get(name, "").strip()
        if not found:
            raise ConfigurationError(f"{place}: key_env: the variable {name} is not set.")
        return found
    if path is None:
        return None
    file = values.file(f"{place}: key_file", path)
    found = Path(file).read_text("utf-8", "replace").strip()
    if not found:
        raise ConfigurationError(f"{place}: key_file: {values.shown(path)} is empty.")
    return found


def _rate(name: str, value: object) -> float:
    number = float(value) if isinstance(value, (int, float)) and value is not True else 0.0
    if not LEAST_RATE <= number <= MOST_RATE:
        raise ConfigurationError(
            f"{name} takes a number from {LEAST_RATE:g} to {MOST_RATE:,.0f}, not"
            f" {values.shown(value)}."
        )
    return number


def _options(place: str, given: Mapping[str, Any]) -> Options:
    defaults = {"concurrency": 1, "flush_interval": 0.2, "close_timeout": 0, "close_maximum": 0}
    try:
        parsed = {name: PARSERS[name](name, value) for name, value in given.items()}
        options = Options.parse({**defaults, **parsed})
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error}") from None
    return options._replace(buffer_bytes=HOLDS, overflow="drop_newest")


def _check(entry: DestinationEntry) -> None:
    """Raise where *entry* can never be delivered to."""
    try:
        destination = entry.destination({**entry.match, "vendor": entry.vendor})
        entry.options.check(destination)
    except ConfigurationError as error:
        raise ConfigurationError(f"{entry.place}: {error}") from None
    if destination.missing:
        raise ConfigurationError(
            f"{entry.place} ({entry.vendor}): set {destination.missing}, or key_env or key_file"
            " for a key."
        )


def _check_double(destinations: Sequence[DestinationEntry]) -> None:
    for number, entry in enumerate(destinations):
        for other in destinations[:number]:
            if (entry.vendor, entry.match) == (other.vendor, other.match):
                raise ConfigurationError(
                    f"{entry.place}: {other.place} takes the same messages: remove one, or add"
                    f" {' or '.join(_matched(VENDORS[entry.vendor]))} to it."
                )


def _from_environment() -> list[DestinationEntry]:
    """Return a destination for each vendor that the environment configures."""
    found = []
    for vendor in VENDORS.values():
        entry = DestinationEntry("the environment", vendor.name, {}, {}, _options("", {}))
        if not entry.destination({"vendor": vendor.name}).missing:
            found.append(entry)
    return found


def _listen(name: str, value: object) -> tuple[str, int] | None:
    if values.is_off(value):
        return None
    host, _, port = str(value).rpartition(":")
    host = host.strip("[]")
    if not isinstance(value, str) or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(
            f"{name} takes a host and a port, such as '127.0.0.1:8766', or false, not"
            f" {values.shown(value)}."
        )
    return host, int(port)


PARSED: Mapping[str, values.Parser] = {
    "listen": _listen,
    "ack_wait": values.seconds(above=1),
    "dedupe_window": values.seconds(above=60, most=WEEK),
    "buffer_bytes": values.size(),
    "drain": values.seconds(),
    "log_format": values.choice("auto", "json", "text"),
}
"""The keys of the top level beside ``stream``."""
