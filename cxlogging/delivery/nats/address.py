"""The address of a stream, and the login to its servers, which the environment has."""

from __future__ import annotations

import importlib.util
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ...errors import ConfigurationError
from ...wire import option_parsers as values
from ...wire import settings
from ...wire.http import Secret

SCHEMES = ("nats://", "tls://")
PORT = 4222
EXAMPLE = "nats://127.0.0.1:4222/LOGS"
EXTRA = "pip install 'cxlogging[nats]'"

USER_VARIABLE = "NATS_USER"
PASSWORD_VARIABLE = "NATS_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE = "NATS_TOKEN"  # noqa: S105 - the name of a variable
CREDENTIALS_VARIABLE = "NATS_CREDS"
NKEY_VARIABLE = "NATS_NKEY"
CA_VARIABLE = "NATS_CA"
CERTIFICATE_VARIABLE = "NATS_CERT"
KEY_VARIABLE = "NATS_KEY"
LOGIN_VARIABLES = (
    *(USER_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE, CREDENTIALS_VARIABLE, NKEY_VARIABLE),
    *(CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE),
)
"""As the command `nats` calls them."""

_STREAM = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Address(NamedTuple):
    """
    Servers, and a stream on them.

    Attributes:
        servers: One URL a server, such as ``"nats://h1:4222"``; at least one.
        stream: The name of the stream.
    """

    servers: tuple[str, ...]
    stream: str

    @property
    def is_tls(self) -> bool:
        """Whether the connection begins with a demand for TLS."""
        return self.servers[0].startswith("tls:")

    @property
    def is_local(self) -> bool:
        """Whether all servers are on this machine."""
        return all(settings.is_loopback(urlsplit(each).hostname or "") for each in self.servers)

    @property
    def rejected_stream(self) -> str:
        """The name of the stream with what the vendor refused."""
        return f"{self.stream}_REJECTED"

    def items_subject(self, vendor: str) -> str:
        """Return the subject of a vendor's items; ``">"`` and ``"*"`` stand for all vendors."""
        return f"cxlogging.{self.stream}.items.{vendor}"

    def rejected_subject(self, vendor: str) -> str:
        """Return the subject of what a vendor refused; ``">"`` and ``"*"`` stand for all."""
        return f"cxlogging.{self.stream}.rejected.{vendor}"

    def bucket(self, purpose: str) -> str:
        """Return the name of a key-value bucket of the relays, such as ``"seen"``."""
        return f"cxlogging_{self.stream}_{purpose}"

    def __str__(self) -> str:
        scheme, _, first = self.servers[0].partition("://")
        others = [each.partition("://")[2] for each in self.servers[1:]]
        return f"{scheme}://{','.join([first, *others])}/{self.stream}"


def is_stream(value: object) -> bool:
    """Return True where *value* is meant as the address of a stream."""
    return isinstance(value, str) and value.strip().lower().startswith(SCHEMES)


def parse_address(name: str, value: object) -> Address:
    """
    Return the address ``nats://h1:4222,h2:4222/STREAM``; ``tls://`` demands TLS.

    The port is 4222 where none is given. Each server may repeat the scheme.

    Args:
        name: The option or variable that the user set.
        value: Its value.

    Raises:
        ConfigurationError: It is not such an address, or contains a user, password or token.
    """
    text = value.strip() if isinstance(value, str) else ""
    # Before anything is shown: what is in front of an @ may be a password.
    if "@" in text:
        raise ConfigurationError(
            f"{name} takes servers and a stream, such as {EXAMPLE!r}, and no user, password or"
            f" token: set {USER_VARIABLE} and {PASSWORD_VARIABLE}, or {TOKEN_VARIABLE}, or"
            f" {CREDENTIALS_VARIABLE}."
        )
    values.no_placeholder(name, text)
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    servers, _, stream = rest.replace("nats://", "").replace("tls://", "").partition("/")
    wrong = f"{name} takes servers and a stream, such as {EXAMPLE!r}, not {values.shown(value)}"
    if f"{scheme}://" not in SCHEMES or not servers or "?" in text or "#" in text:
        raise ConfigurationError(f"{wrong}.")
    if not stream:
        raise ConfigurationError(f"{wrong}: the name of the stream is missing.")
    if not _STREAM.fullmatch(stream):
        raise ConfigurationError(
            f"{wrong}: the name of a stream has up to 64 letters, digits, '_' and '-'."
        )
    found = [_server(name, scheme, each.strip()) for each in servers.split(",")]
    return Address(tuple(dict.fromkeys(found)), stream)


def _server(name: str, scheme: str, text: str) -> str:
    """Return the URL of one server."""
    try:
        parts: SplitResult | None = urlsplit(f"{scheme}://{text}")
        port = parts.port if parts else None
    except ValueError:
        parts, port = None, None
    if parts is None or not parts.hostname or port == 0:
        raise ConfigurationError(
            f"{name} takes servers such as 'h1:4222,h2:4222', not {values.shown(text)}."
        )
    if ":" in parts.hostname:
        return f"{scheme}://[{parts.hostname}]:{port or PORT}"
    return f"{scheme}://{settings.host(name, parts.hostname)}:{port or PORT}"


class Login(NamedTuple):
    """
    What a client shows to the servers, and which certificates it trusts.

    Attributes:
        user: A user's name.
        password: That user's password.
        token: In place of both.
        credentials: Path of a credentials file, which has a JWT and its key.
        nkey: Path of a file with the seed of an nkey.
        ca_file: Path of a PEM file with the certificates to trust; empty for the system's.
        certificate: The client's own certificate and its key, in one or two PEM files.
    """

    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    credentials: str = ""
    nkey: str = ""
    ca_file: str = ""
    certificate: tuple[str, str] | None = None

    @property
    def secrets(self) -> list[str]:
        """The texts that nothing shows."""
        return [each.reveal() for each in (self.password, self.token) if each is not None]


def read_login() -> Login:
    """
    Return the login that the environment has.

    Raises:
        ConfigurationError: It is incomplete, contradicts itself, names a file that cannot be
            used, or needs a package that is not installed.
    """
    user = settings.text("user", None, USER_VARIABLE) or ""
    password = settings.secret("password", None, PASSWORD_VARIABLE)
    token = settings.secret("token", None, TOKEN_VARIABLE)
    files = {name: _file(name) for name in (CREDENTIALS_VARIABLE, NKEY_VARIABLE)}
    if bool(user) != bool(password):
        here, there = USER_VARIABLE, PASSWORD_VARIABLE
        if password:
            here, there = there, here
        raise ConfigurationError(f"{here} is set, and {there} is not: set both.")
    ways = [USER_VARIABLE] * bool(user) + [TOKEN_VARIABLE] * bool(token)
    ways += [name for name, path in files.items() if path]
    if len(ways) > 1:
        raise ConfigurationError(f"{' and '.join(ways)} are set: keep one of them.")
    for name in filter(files.get, files):
        if importlib.util.find_spec("nkeys") is None:
            raise ConfigurationError(
                f"{name} needs the package nkeys: pip install 'nats-py[nkeys]'."
            )
    return Login(
        user,
        password,
        token,
        files[CREDENTIALS_VARIABLE],
        files[NKEY_VARIABLE],
        _certificates(),
        _certificate(),
    )


def _file(name: str) -> str:
    text = settings.held(name)
    return values.file(name, text) if text else ""


def _certificates() -> str:
    from ..http import tls

    text = settings.held(CA_VARIABLE)
    return tls.ca_file(CA_VARIABLE, text) if text else ""


def _certificate() -> tuple[str, str] | None:
    from ..http import tls

    certificate, key = settings.held(CERTIFICATE_VARIABLE), settings.held(KEY_VARIABLE)
    if key and not certificate:
        raise ConfigurationError(
            f"{KEY_VARIABLE} is set, and {CERTIFICATE_VARIABLE} is not: set both."
        )
    if not certificate:
        return None
    pair = (certificate, key) if key else certificate
    found = tls.client_cert(CERTIFICATE_VARIABLE, pair)
    return (found, "") if isinstance(found, str) else found


def require_client(name: str, install: str = EXTRA) -> None:
    """
    Raise where the client of NATS is not installed.

    Args:
        name: The option or the command that needs it.
        install: The command that installs it.

    Raises:
        ConfigurationError: It is not.
    """
    if importlib.util.find_spec("nats") is None:
        raise ConfigurationError(f"{name} needs the package nats-py: {install}.")
