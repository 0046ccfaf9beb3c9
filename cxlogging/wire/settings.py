"""
Reads the settings of a vendor: from the arguments of a handler, else from the environment.

A missing setting is not an error, as a test suite without secrets must start. A
malformed one is, and the message never shows the value of a key.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import overload
from urllib.parse import SplitResult, unquote, urlsplit

from ..errors import ConfigurationError
from . import option_parsers as values
from .http import Endpoint, Secret

URL_VARIABLE = "CXLOGGING_URL"
PLAIN_VARIABLE = "CXLOGGING_ALLOW_PLAIN_HTTP"
REPORT_VARIABLE = "CXLOGGING_REPORT_STATS"
Meaning = Callable[[str, str], object]
"""Takes the name of a variable and its value; returns the parsed value, or raises."""

LOCAL_KEY = "cxlogging-local"
"""Sent to a server on this machine if no key is set: the local server accepts any key."""

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62}\.)*[A-Za-z0-9.-]*[A-Za-z0-9]")


def text(argument: str, value: object, *variables: str) -> str | None:
    """Return *value*, or the first of *variables* that is set, or None."""
    return named(argument, value, *variables)[1]


def named(argument: str, value: object, *variables: str) -> tuple[str, str | None]:
    """Return the name that the user typed, an argument or a variable, and its value or None."""
    name = argument
    if value is None:
        name = next((each for each in variables if held(each)), argument)
        value = held(name) if name != argument else None
    if value is None:
        return name, None
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} takes a string, not {type(value).__name__}.")
    value = _unquoted(value)
    values.no_placeholder(name, value, variables[0] if variables else "")
    if not value.isprintable():
        raise ConfigurationError(
            f"{name} ({len(value)} characters) contains control characters: pass it without them."
        )
    return name, value or None


def held(variable: str) -> str:
    """Return the value of *variable*; empty if it is not set, or blank."""
    return _unquoted(os.environ.get(variable, ""))


def _unquoted(text: str) -> str:
    """Return *text* stripped, and without the quotes that env files may leave around it."""
    text = text.strip()
    quoted = len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]
    return text[1:-1].strip() if quoted else text


def itself(_: str, text: str) -> str:
    """Return *text* unchanged; the `Meaning` of a plain text."""
    return text


def authority(_: str, text: str) -> str:
    """Return the host and port of the URL *text*, whose scheme may be missing."""
    return re.split(r"[/?#]", text.rpartition("://")[2])[0].lower().removesuffix(":443")


def contradictions(*arguments: tuple[object, Sequence[str], Meaning | None]) -> tuple[str, ...]:
    """
    Return a sentence for each of *arguments* for which two variables have different values.

    Args:
        arguments: The value passed, the variables that are read if it is None, and the
            `Meaning` of their values; None compares the values without showing them.
    """
    found = (
        _contradiction(variables, meaning)
        for passed, variables, meaning in arguments
        if passed is None
    )
    return tuple(filter(None, found))


def _contradiction(variables: Sequence[str], meaning: Meaning | None) -> str:
    first: tuple[str, object] | None = None
    for name in filter(held, variables):
        try:
            meant = held(name) if meaning is None else meaning(name, held(name))
        except ConfigurationError:
            continue  # an error if it is used
        if first is None:
            first = name, meant
        elif meant != first[1]:
            both = [
                name if meaning is None else f"{name}={values.shown(held(name))}"
                for name in (first[0], name)
            ]
            return f"{both[0]} and {both[1]} contradict each other: {first[0]} counts. Unset one."
    return ""


def secret(argument: str, value: object, *variables: str) -> Secret | None:
    """Return a key or token as a `Secret`, or None where none is set."""
    try:
        name, found = named(argument, value, *variables)
    except ConfigurationError as error:
        raise error from None
    if found is None:
        return None
    if not _PRINTABLE.fullmatch(found):
        raise ConfigurationError(
            f"{name} ({len(found)} characters) is not a valid key: it contains whitespace or"
            " characters outside ASCII: copy it again."
        )
    return Secret(found)


def host(argument: str, value: str, example: str = "") -> str:
    """Return *value* as a host name, or raise; *example* is shown in the error."""
    such = f" such as {example!r}" if example else ""
    if not _HOST.fullmatch(value) or ".." in value:
        hint = f" Another scheme or port goes into url=, or {URL_VARIABLE}." if ":" in value else ""
        raise ConfigurationError(
            f"{argument} takes a host name{such}, not {values.shown(value)}.{hint}"
        )
    return value.lower()


def host_of(argument: str, value: str, example: str = "") -> str:
    """Return the host of *value*: a host name, or an https URL, whose path is ignored."""
    scheme, separator, rest = value.rpartition("://")
    name = authority("", rest) if separator else rest.rstrip("/").removesuffix(":443")
    is_https = scheme.lower() in {"", "https"}
    return host(argument, name.removesuffix(".") if is_https else value, example)


@overload
def endpoint(
    url: object,
    default_host: str,
    path: str,
    *variables: str,
    allow_plain_http: object = None,
    source: str = "url",
) -> Endpoint: ...


@overload
def endpoint(
    url: object,
    default_host: str | None,
    path: str,
    *variables: str,
    allow_plain_http: object = None,
    source: str = "url",
) -> Endpoint | None: ...


def endpoint(
    url: object,
    default_host: str | None,
    path: str,
    *variables: str,
    allow_plain_http: object = None,
    source: str = "url",
) -> Endpoint | None:
    """
    Return the endpoint of requests; None if no host is configured.

    *url* (or ``CXLOGGING_URL``, or one of *variables*) replaces the scheme, host and
    port of ``https://<default_host>``; the vendor's *path* stays. *source* is the name
    of the argument that *url* was passed as.
    """
    name, found = named(source, url, URL_VARIABLE, *variables)
    plain_name, plain = "allow_plain_http", allow_plain_http
    if plain is None:
        plain_name, plain = named(plain_name, None, PLAIN_VARIABLE)
    may_be_plain = values.boolean(plain_name, plain)
    if found is None:
        return Endpoint("https", default_host, 443, path) if default_host else None
    parts = _split(name, found)
    hostname = parts.hostname or ""
    if parts.scheme == "http" and not (may_be_plain or is_loopback(hostname)):
        raise ConfigurationError(
            f"{name} sends keys and records to {hostname!r} in plain http: use https, or pass"
            f" allow_plain_http=True (or set {PLAIN_VARIABLE}=1) where the network is trusted."
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Endpoint(parts.scheme, hostname, port, path, name)


def _split(name: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port is None or parts.port > 0
    except ValueError:
        has_valid_port = False
    what = "takes a scheme, a host and a port"
    if not has_valid_port or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"{name} {what}, such as 'http://127.0.0.1:8765', not {values.shown(url)}."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} {what}, and no user or query.")
    if parts.path.strip("/"):
        raise ConfigurationError(f"{name} takes no path: leave out {parts.path!r}.")
    if ":" not in parts.hostname:
        host(name, parts.hostname)
    return parts


def nothing_listens(place: str) -> str:
    """Return the explanation of a refused connection to *place*, on this machine."""
    return f"Nothing listens at {place}. Is `cxlogging dev` running?"


def is_loopback(hostname: str) -> bool:
    """Return True when *hostname* names this machine."""
    if hostname.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def usable_key(key: Secret | None, address: Endpoint | None) -> Secret | None:
    """Return *key*; if it is None and *address* is on this machine, the local key."""
    if key is None and address is not None and is_loopback(address.host):
        return Secret(LOCAL_KEY)
    return key


SERVERS = frozenset(
    "celery daphne flask granian gunicorn hypercorn manage rq uvicorn uwsgi".split()
)
"""Scripts whose name says nothing of the application that they run."""

SERVICE_VARIABLES = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")
"""OpenTelemetry's: the name of the service, and a list of attributes with ``service.name``."""


def program_name() -> str:
    """Return the default application name: OpenTelemetry's service, or the running script."""
    return _service_name() or _script_name()


def unnamed(argument: str, given: str | None) -> tuple[str, ...]:
    """Return a warning if the default of *argument* is the name of a server."""
    name = program_name()
    if given or name not in SERVERS:
        return ()
    said = f"The application has the name of what runs it, {name!r}."
    return (f"{said} Set {argument}=, or OTEL_SERVICE_NAME.",)


def _service_name() -> str:
    name, attributes = map(held, SERVICE_VARIABLES)
    pairs = (each.partition("=") for each in attributes.split(","))
    names = (value for key, _, value in pairs if key.strip() == "service.name")
    return name or unquote(next(names, "")).strip()


def _script_name() -> str:
    arguments = getattr(sys, "argv", None)  # missing in some embedded interpreters
    path = str(arguments[0]) if arguments else ""
    name = _stem(path)
    if name == "__main__":  # of a package that is run by ``python -m``
        name = _stem(os.path.dirname(path))  # noqa: PTH120 - not used as a path
    return name if name and name.isprintable() and name not in {"-c", "-m"} else "python"


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122 - not used as a path
