"""Certificates and proxies: read and tried when a handler is made, so that none fails later."""

from __future__ import annotations

import os
import re
import ssl
from urllib.parse import SplitResult, urlsplit

from ...errors import ConfigurationError
from ...wire import option_parsers as values

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name the certificates to trust, where no option does; the first one counts."""

TRUST = (
    "Name the certificates to trust in SSL_CERT_FILE or REQUESTS_CA_BUNDLE (or by a handler's"
    " ca_file=)"
)
_OTHER_HOST = frozenset({62, 64})
"""What OpenSSL calls a certificate for another name or address."""


def explained(place: str, error: ssl.SSLError) -> tuple[str, str]:
    """Return why there is no connection by TLS with *place*, and what to do."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = error.reason or str(error)
        cure = "Is it the right port? Is a proxy, or plain http, in between?"
        if re.search("CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE", reason):
            cure = "Does the server ask for a certificate of the client (a handler's client_cert=)?"
        return f"TLS with {place} failed: {reason}", cure
    if error.verify_code in _OTHER_HOST:
        cure = f"Check the host's name. {TRUST}, where a proxy of yours answers for it."
    else:
        cure = f"{TRUST}, and check this machine's clock."
    return f"the certificate of {place} is not trusted: {error.verify_message.rstrip('.')}", cure


def ssl_context(name: str, value: object) -> ssl.SSLContext | None:
    """Return a context for connections to a server, or None."""
    if values.is_none(value):
        return None
    if not isinstance(value, ssl.SSLContext):
        raise ConfigurationError(f"{name} takes an ssl.SSLContext, not {values.shown(value)}.")
    if value.protocol == ssl.PROTOCOL_TLS_SERVER:
        raise ConfigurationError(
            f"{name} takes a context for clients, not {values.shown(value)}, which is for servers:"
            " make it with ssl.create_default_context()."
        )
    return value


def ca_file(name: str, value: object) -> str:
    """Return the path of a file that holds certificates."""
    path = values.file(name, value)
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), name, path)
    return path


def client_cert(name: str, value: object) -> str | tuple[str, str]:
    """Return the path of a file with certificate and key, or those of two files."""
    what = "a PEM file with certificate and key, or a pair of files"
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ConfigurationError(f"{name} takes {what}, not {values.shown(value)}.")
        pair = values.file(name, value[0]), values.file(name, value[1])
    elif isinstance(value, (str, os.PathLike)):
        pair = values.file(name, value), ""
    else:
        raise ConfigurationError(f"{name} takes {what}, not {values.shown(value)}.")
    try:
        load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pair)
    except (ssl.SSLError, ValueError) as error:
        reason = "its key is encrypted" if isinstance(error, ValueError) else _reason(error)
        missing = "" if pair[1] else ", and it must hold both"
        raise ConfigurationError(
            f"{name}: {values.shown(value)} holds no certificate with its key that can be used"
            f" ({reason}){missing}."
        ) from None
    return pair if pair[1] else pair[0]


def load(context: ssl.SSLContext, pair: str | tuple[str, str]) -> None:
    """Load what `client_cert` returned; a key that is encrypted raises rather than asks."""
    certificate, key = (pair, "") if isinstance(pair, str) else pair
    context.load_cert_chain(certificate, key or None, password=_no_password)


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def bundle() -> tuple[str, str] | None:
    """Return the variable that names the certificates to trust, and its path; None if none does."""
    return next(((name, os.environ[name]) for name in BUNDLES if os.environ.get(name)), None)


def check_bundle() -> str | None:
    """Return what `bundle` names, or raise where it cannot be read."""
    if (found := bundle()) is None:
        return None
    name, path = found
    if name == BUNDLES[0] or not os.path.isdir(path):  # noqa: PTH112
        ca_file(name, path)
    return path


def trusting(path: str | None) -> ssl.SSLContext:
    """Return the default context for *path*, else for the environment's or the system's store."""
    if path is not None:
        return ssl.create_default_context(cafile=path)
    found = bundle()
    if found is not None:
        directory = os.path.isdir(found[1])  # noqa: PTH112
        return ssl.create_default_context(
            cafile=None if directory else found[1], capath=found[1] if directory else None
        )
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def proxy(name: str, value: object) -> str | None:
    """Return the address of a proxy; None is none."""
    if values.is_none(value):
        return None
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{name} takes an address such as 'http://proxy.example:3128',"
            f" not {values.shown(value)}."
        )
    address = value.strip()
    values.no_placeholder(name, address)
    split_proxy(name, address)
    return address


def split_proxy(name: str, address: str) -> SplitResult:
    """Return the parts of a proxy's address, or raise for *name*."""
    try:
        parts = urlsplit(address)
        possible = parts.port is None or parts.port > 0
    except ValueError:
        possible = False
    if (
        not possible
        or parts.scheme not in {"http", "https"}
        or not re.fullmatch(r"[A-Za-z0-9._:-]*[A-Za-z0-9:]", parts.hostname or "")
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
    ):
        raise ConfigurationError(
            f"{name} takes an address such as 'http://proxy.example:3128', with http or https,"
            f" a host and a port, not {values.shown(address)}."
        )
    return parts


def _trust(context: ssl.SSLContext, name: str, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"{name}: {values.shown(path)} holds no certificates in PEM form ({_reason(error)})."
        ) from None
    if not context.cert_store_stats()["x509"]:
        raise ConfigurationError(f"{name}: {values.shown(path)} holds no certificates.")


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
