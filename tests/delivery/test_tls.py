"""Which certificates are trusted, and what an error of TLS says to do."""

from __future__ import annotations

import ssl

import certifi
import pytest

from cxlogging.delivery import isolation
from cxlogging.delivery.http import tls
from cxlogging.delivery.http.interface import TransportError
from cxlogging.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in tls.BUNDLES:
        monkeypatch.delenv(name, raising=False)


def test_without_a_store_of_the_system_certifi_is_trusted(monkeypatch):
    """As in a container without ca-certificates."""
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(ssl, "create_default_context", lambda: empty)

    context = tls.trusting(None)

    assert context is empty
    assert context.cert_store_stats()["x509_ca"] > 50


def test_a_variable_may_name_a_directory(monkeypatch, tmp_path):
    """One of certificates by their hashes, which requests takes too; not for SSL_CERT_FILE."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))

    assert tls.check_bundle() == str(tmp_path)
    assert tls.trusting(None).verify_mode is ssl.CERT_REQUIRED
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        tls.check_bundle()


def test_a_file_is_trusted_whatever_the_variables_say(monkeypatch, tmp_path):
    """The option goes before them."""
    assert tls.bundle() is None
    assert tls.check_bundle() is None
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))

    assert tls.trusting(certifi.where()).cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize(
    ("reason", "cure"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client_cert="),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "client_cert="),
        ("WRONG_VERSION_NUMBER", "Is it the right port?"),
    ],
)
def test_a_failed_handshake_says_what_to_look_at(reason, cure):
    """The message tells a server that asks for a certificate from one without TLS."""
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason

    said, advice = tls.explained("shop.example:443", error)

    assert said == f"TLS with shop.example:443 failed: {reason}"
    assert cure in advice


@pytest.mark.parametrize(
    "address", ["http://proxy.example:99999", "http://proxy.example:x", "ftp://proxy.example", "x"]
)
def test_what_is_no_address_of_a_proxy(address):
    """It is refused with the value, when the handler is made."""
    with pytest.raises(ConfigurationError, match="proxy takes an address such as"):
        tls.proxy("proxy", address)


def test_a_handler_that_is_disabled_sends_nothing():
    """Its transport refuses, and says which variable is set."""
    with pytest.raises(TransportError, match="CXLOGGING_DISABLED is set"):
        isolation.NoTransport().send(None, None, 1.0)
