"""Untrusted certificates: every way to a server reports them, with the ways to trust them."""

from __future__ import annotations

import datetime
import logging
import os
import ssl
import subprocess
import sys

import pytest
import requests
import trustme

import cxlogging
from cxlogging.dataprime import DataPrimeClient, Unreachable
from cxlogging.delivery.http.tls import BUNDLES
from cxlogging.devserver import DevServer
from cxlogging.errors import ConfigurationError
from tests.delivery.test_delivery import wait_until

from .proxy import FaultProxy

HINTS = ("ca_file", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
CERTIFICATES = {
    "unknown authority": (lambda made: trustme.CA().issue_cert("localhost"), "local issuer"),
    "expired": (lambda made: made.issue_cert("localhost", not_after=PAST), "expired"),
    "another host": (lambda made: made.issue_cert("other.example"), "mismatch"),
}
HANDLERS = {
    "coralogix": lambda **options: cxlogging.CoralogixHandler("k", **options),
    "honeycomb": lambda **options: cxlogging.HoneycombHandler("k", dataset="d", **options),
    "betterstack": lambda **options: cxlogging.BetterStackHandler("k", **options),
}
PROGRAM = """
import logging, cxlogging
handler = cxlogging.HoneycombHandler("k", dataset="d", close_timeout=0.5)
logging.getLogger("shop").addHandler(handler)
logging.getLogger("shop").warning("one")
"""


@pytest.fixture
def server():
    """The local server, for whatever name and port it is asked by."""
    with DevServer(allow_remote=True) as running:
        yield running


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


@pytest.fixture(autouse=True)
def _no_bundles(monkeypatch):
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)


def serving(server, certificate) -> FaultProxy:
    """Return the local server behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return FaultProxy(server.port, tls=context)


def ended(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "300", **variables}
    return subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def unsaid(text: str, reason: str, port: int) -> list[str]:
    """Return what *text* should say and does not."""
    wanted = (*HINTS, reason, "is not trusted", str(port))
    return [each for each in wanted if each not in text]


@pytest.mark.parametrize("vendor", HANDLERS)
@pytest.mark.parametrize("kind", CERTIFICATES)
def test_a_handler_says_what_makes_it_trusted(server, authority, tmp_path, vendor, kind):
    """on_error, last_error and check() name the server, the reason and the three ways to trust."""
    make, reason = CERTIFICATES[kind]
    said = []
    with serving(server, make(authority)) as proxy:
        url, ca_file = f"https://localhost:{proxy.port}", str(tmp_path / "ca.pem")
        handler = HANDLERS[vendor](url=url, ca_file=ca_file, on_error=said.append, close_timeout=0)
        result = handler.check()
        handler.emit(record())
        wait_until(lambda: said)
        last_error = handler.stats().last_error
        handler.close()

    assert unsaid(said[0], reason, proxy.port) == []
    assert unsaid(last_error, reason, proxy.port) == []
    assert unsaid(f"{result.cause} {result.cure}", reason, proxy.port) == []
    assert "DNS" not in result.cure


def record() -> logging.LogRecord:
    return logging.LogRecord("shop", logging.ERROR, "shop.py", 1, "one", (), None)


@pytest.mark.parametrize("command", ["program", "check", "doctor --wait 1", "query --limit 1 logs"])
def test_a_program_says_what_makes_it_trusted(server, authority, command):
    """The line on stderr, and what the commands print, name the three ways to trust."""
    with serving(server, authority.issue_cert("localhost")) as proxy:
        url = f"https://localhost:{proxy.port}"
        variables = {"CXLOGGING_URL": url, "CORALOGIX_API_KEY": "k", "CX_API_KEY": "k"}
        way = ["-c", PROGRAM] if command == "program" else ["-m", "cxlogging", *command.split()]
        done = ended(*way, **variables)

    text = done.stdout + done.stderr
    assert unsaid(text, "local issuer", proxy.port) == []
    assert "Traceback" not in text
    assert done.returncode == {"p": 0, "c": 1, "d": 1, "q": 5}[command[0]]


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_variable_makes_it_trusted(server, authority, tmp_path, monkeypatch, variable):
    """Handlers and the query client use each of the variables."""
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    with serving(server, authority.issue_cert("localhost")) as proxy:
        url = f"https://localhost:{proxy.port}"
        for make in HANDLERS.values():
            handler = make(url=url)
            assert handler.check().ok
            handler.close()
        with DataPrimeClient("k", url=url) as client:
            wait_until(lambda: list(client.query("source logs", since="1h")))


@pytest.mark.parametrize("command", ["check", "query --limit 1 'source logs'"])
def test_a_variable_makes_it_trusted_by_commands(server, authority, tmp_path, command):
    """The commands use them too."""
    with serving(server, authority.issue_cert("localhost")) as proxy:
        done = ended(
            *("-m", "cxlogging", *command.replace("'", "").split(maxsplit=3)),
            CXLOGGING_URL=f"https://localhost:{proxy.port}",
            SSL_CERT_FILE=str(tmp_path / "ca.pem"),
        )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variable", BUNDLES)
@pytest.mark.parametrize("value", ["/no/such.pem", "/dev/null"])
def test_a_client_refuses_certificates_that_are_none(monkeypatch, variable, value):
    """A query client raises at once and names the variable that leads to no certificates."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"{variable}: '{value}'"):
        DataPrimeClient("k", domain="eu2")


def test_a_session_of_the_caller_s_is_as_it_says(server, authority, tmp_path):
    """The certificates of a session are used, and a missing file is an error with a sentence."""
    with serving(server, authority.issue_cert("localhost")) as proxy:
        session = requests.Session()
        client = DataPrimeClient("k", url=f"https://localhost:{proxy.port}", session=session)
        session.verify = str(tmp_path / "ca.pem")
        assert list(client.query("source logs", since="1h")) == []
        session.verify = "/no/such.pem"
        with pytest.raises(Unreachable, match=r"/no/such\.pem"):
            client.query("source logs", since="1h")


def test_it_recovers_once_it_is_trusted(server, authority, tmp_path):
    """Records wait, and are delivered once the server shows a certificate that is trusted."""
    said = []
    with serving(server, trustme.CA().issue_cert("localhost")) as proxy:
        handler = cxlogging.HoneycombHandler(
            "k",
            dataset="d",
            url=f"https://localhost:{proxy.port}",
            ca_file=str(tmp_path / "ca.pem"),
            on_error=said.append,
            retry_maximum=0.2,
            retry_initial=0.1,
        )
        handler.emit(record())
        wait_until(lambda: said)
        sound = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(sound)
        proxy._tls = sound
        assert handler.flush(20)
    handler.close()

    assert handler.stats().delivered == 1


def test_a_certificate_of_the_client_that_is_missing(server, authority, tmp_path):
    """Where a server asks for a client certificate, the error names the option for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    # Later versions refuse it after the handshake, when a request is under way.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with FaultProxy(server.port, tls=context) as proxy:
        url, ca_file = f"https://localhost:{proxy.port}", str(tmp_path / "ca.pem")
        handler = cxlogging.HoneycombHandler("k", dataset="d", url=url, ca_file=ca_file)
        result = handler.check()
        handler.close()

    assert "localhost" in result.cause
    assert "client_cert=" in result.cure


@pytest.mark.parametrize("way", ["handler", "client"])
def test_plain_http_on_the_port(server, way):
    """Where a server answers plain http to TLS, the error asks about exactly that."""
    url = f"https://localhost:{server.port}"
    if way == "handler":
        handler = cxlogging.HoneycombHandler("k", dataset="d", url=url)
        said = " ".join(handler.check()[1:3])
        handler.close()
    else:
        with DataPrimeClient("k", url=url) as client, pytest.raises(Unreachable) as caught:
            client.query("source logs", since="1h")
        said = str(caught.value)

    assert f"TLS with localhost:{server.port} failed" in said
    assert "plain http" in said
