"""
Reading a vendor's arguments: from the call, else from the environment.

What is missing is no error (a test suite without secrets must start); what is
malformed is one, in a sentence that never shows the value.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from typing import overload
from urllib.parse import SplitResult, urlsplit

from ..errors import ConfigurationError
from .http import Endpoint, Secret

URL_VARIABLE = "CXLOGGING_URL"
LOCAL_KEY = "cxlogging-local"
"""Sent where no key is set and the address is this machine: the local server asks for any."""

_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|%\w+%|\{\{.*\}\}")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62}\.)*[A-Za-z0-9.-]*[A-Za-z0-9]")


def text(argument: str, value: object, *variables: str) -> str | None:
    """Return *value*, else the first of *variables* that is set, else None."""
    if value is None:
        value = next((os.environ[each] for each in variables if os.environ.get(each)), None)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{argument} takes a string, not {type(value).__name__}.")
    value = value.strip()
    if _PLACEHOLDER.fullmatch(value):
        hint = f", and set {variables[0]}" if variables else ""
        raise ConfigurationError(
            f"{argument} is the literal {value!r}: logging.config replaces no variables."
            f" Leave {argument} out{hint}, or pass the value itself."
        )
    if not value.isprintable():
        raise ConfigurationError(
            f"{argument} ({len(value)} characters) holds control characters: pass it without them."
        )
    return value or None


def secret(argument: str, value: object, *variables: str) -> Secret | None:
    """Return a key or token as a `Secret`, or None where none is set."""
    try:
        found = text(argument, value, *variables)
    except ConfigurationError as error:
        raise error from None
    if found is None:
        return None
    if not _PRINTABLE.fullmatch(found):
        raise ConfigurationError(
            f"{argument} ({len(found)} characters) is no key, as it holds blanks or characters"
            " outside ASCII: copy it again."
        )
    return Secret(found)


def host(argument: str, value: str) -> str:
    """Return *value* as a host name, or raise."""
    if not _HOST.fullmatch(value) or ".." in value:
        raise ConfigurationError(
            f"{argument} takes a host name alone, such as 'eu2.coralogix.com', not {value!r}."
        )
    return value.lower()


@overload
def endpoint(
    url: object, default_host: str, path: str, *variables: str, allow_plain_http: bool = False
) -> Endpoint: ...


@overload
def endpoint(
    url: object,
    default_host: str | None,
    path: str,
    *variables: str,
    allow_plain_http: bool = False,
) -> Endpoint | None: ...


def endpoint(
    url: object,
    default_host: str | None,
    path: str,
    *variables: str,
    allow_plain_http: bool = False,
) -> Endpoint | None:
    """
    Return the address that requests go to; None where nothing names a host.

    *url* (or ``CXLOGGING_URL``, or one of *variables*) replaces scheme, host
    and port of ``https://<default_host>``; the vendor's *path* stays.
    """
    found = text("url", url, URL_VARIABLE, *variables)
    if found is None:
        return Endpoint("https", default_host, 443, path) if default_host else None
    parts = _split(found)
    hostname = parts.hostname or ""
    if parts.scheme == "http" and not (allow_plain_http or is_loopback(hostname)):
        raise ConfigurationError(
            f"url sends keys and records to {hostname!r} in plain http: use https,"
            " or pass allow_plain_http=True where the network is yours."
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Endpoint(parts.scheme, hostname, port, path)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        sound = parts.port is None or parts.port > 0
    except ValueError:
        sound = False
    if not sound or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            "url takes a scheme, a host and a port, such as 'http://127.0.0.1:8765'."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError("url takes a scheme, a host and a port, and no user or query.")
    if parts.path not in {"", "/"}:
        raise ConfigurationError(f"url takes no path: leave out {parts.path!r}.")
    if ":" not in parts.hostname:
        host("url", parts.hostname)
    return parts


def is_loopback(hostname: str) -> bool:
    """Return True when *hostname* names this machine."""
    if hostname.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def usable_key(key: Secret | None, address: Endpoint | None) -> Secret | None:
    """Return *key*; where there is none and *address* is this machine, the local key."""
    if key is None and address is not None and is_loopback(address.host):
        return Secret(LOCAL_KEY)
    return key


def program_name() -> str:
    """Return the running script's name, the default name of an application."""
    arguments = getattr(sys, "argv", None)  # an embedded interpreter may have none
    name = os.path.basename(arguments[0] if arguments else "")  # noqa: PTH119 - no file is meant
    name = os.path.splitext(name)[0]  # noqa: PTH122
    return name if name and name.isprintable() and name not in {"-c", "-m"} else "python"
