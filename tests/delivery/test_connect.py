"""Connections over TLS and through proxies: verified, or not made."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time

import pytest
import trustme

from cxlogging.delivery.http.connect import Connector, resolved
from cxlogging.delivery.http.interface import TransportError
from cxlogging.delivery.http.transport import HttpTransport
from cxlogging.delivery.options import Options
from cxlogging.wire.http import Endpoint, Request, Secret
from tests.delivery.test_transport import OK, Script, answering, read_request
from tests.faults.dead_ends import FullBacklog


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def tls(certificate, authority=None, **protocol):
    """Return a function that serves one request over TLS on a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if authority is not None:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED

    def serve(connection: socket.socket, number: int) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            while read_request(secure):
                secure.sendall(OK)

    return serve


def send(port: int, host: str = "localhost", scheme: str = "https", **options):
    endpoint = Endpoint(scheme, host, port, "/")
    sender = HttpTransport(Connector(endpoint, Options.parse(options)))
    try:
        return sender.send(Request(endpoint, (("X-Key", Secret("canary")),), b"body"), None, 10)
    finally:
        sender.close()


def test_a_verified_server(authority, ca_file):
    """Records are sent to a server whose certificate the given file vouches for."""
    with Script(tls(authority.issue_cert("localhost"))) as server:
        assert send(server.port, ca_file=ca_file).status == 200


def test_an_unknown_authority(authority):
    """Nothing is sent to a server whose certificate is from an authority that is not trusted."""
    with (
        Script(tls(authority.issue_cert("localhost"))) as server,
        pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        send(server.port)


def test_a_wrong_host(authority, ca_file):
    """Nothing is sent to a server whose certificate is for another name."""
    with (
        Script(tls(authority.issue_cert("other.example"))) as server,
        pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        send(server.port, ca_file=ca_file)


def test_plain_http_on_a_tls_port(ca_file):
    """A server that speaks plain HTTP where TLS is expected gets nothing but a greeting."""
    seen = []

    def serve(connection, number):
        seen.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    with Script(serve) as server, pytest.raises(TransportError):
        send(server.port, ca_file=ca_file)
    assert b"canary" not in seen[0]


def test_a_client_certificate(authority, ca_file, tmp_path):
    """A client certificate, in one file or in two, is shown to a server that asks for it."""
    mine = authority.issue_cert("client@example.org")
    both, certificate, key = (str(tmp_path / name) for name in ("both", "certificate", "key"))
    mine.private_key_and_cert_chain_pem.write_to_path(both)
    mine.cert_chain_pems[0].write_to_path(certificate)
    mine.private_key_pem.write_to_path(key)
    with Script(tls(authority.issue_cert("localhost"), authority)) as server:
        assert send(server.port, ca_file=ca_file, client_cert=both).status == 200
        pair = (certificate, key)
        assert send(server.port, ca_file=ca_file, client_cert=pair).status == 200


def test_an_ssl_context_of_ones_own(authority):
    """A given context replaces the default one."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with Script(tls(authority.issue_cert("localhost"))) as server:
        assert send(server.port, ssl_context=context).status == 200


class Proxy(Script):
    """A proxy that tunnels to any address, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(self._tunnel)
        self.asked: list[bytes] = []

    def _tunnel(self, connection: socket.socket, number: int) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65_536)
        self.asked.append(head)
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        onward = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_copy, args=(onward, connection), daemon=True)
        back.start()
        _copy(connection, onward)
        back.join(5)
        onward.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_proxy(authority, ca_file, monkeypatch, way):
    """A proxy, from the option or the environment, tunnels TLS and never sees the key."""
    with Script(tls(authority.issue_cert("localhost"))) as server, Proxy() as proxy:
        address = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
        options = {"proxy": address} if way == "option" else {}
        monkeypatch.setenv("https_proxy", "" if way == "option" else address)
        monkeypatch.setenv("no_proxy", "other.example")
        assert send(server.port, ca_file=ca_file, **options).status == 200

    (asked,) = proxy.asked
    assert asked.startswith(b"CONNECT localhost:%d " % server.port)
    assert base64.b64encode(b"user:p@ss") in asked
    assert b"canary" not in asked


def test_a_proxy_over_tls(authority, ca_file):
    """A proxy that is itself reached over TLS tunnels TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    class SecureProxy(Proxy):
        def _tunnel(self, connection, number):
            with context.wrap_socket(connection, server_side=True) as secure:
                super()._tunnel(secure, number)

    with Script(tls(authority.issue_cert("localhost"))) as server, SecureProxy() as proxy:
        address = f"https://localhost:{proxy.port}"
        assert send(server.port, ca_file=ca_file, proxy=address).status == 200
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("exempt", ["localhost", "*"])
def test_no_proxy(authority, ca_file, monkeypatch, exempt):
    """A host that NO_PROXY names is reached without the proxy."""
    monkeypatch.setenv("https_proxy", "127.0.0.1:1")
    monkeypatch.setenv("no_proxy", exempt)
    with Script(tls(authority.issue_cert("localhost"))) as server:
        assert send(server.port, ca_file=ca_file).status == 200


def test_a_proxy_that_is_down(monkeypatch):
    """A proxy that is down is an error, also if its address has no scheme; it is not bypassed."""
    monkeypatch.setenv("https_proxy", "127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    with pytest.raises(TransportError, match="refused"):
        send(443)


def test_loopback_needs_no_proxy(monkeypatch):
    """Plain HTTP to this machine goes through no proxy, whatever the environment says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    def serve(connection, number):
        read_request(connection)
        connection.sendall(OK)

    with Script(serve) as server:
        assert send(server.port, "127.0.0.1", "http").status == 200


def to(port: int, *hosts: str):
    """Return a resolver that gives *hosts* for any name."""
    return lambda host, *_: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (h, port)) for h in hosts]


def test_the_next_address_is_tried():
    """If the first address of a name refuses the connection, the next one is used."""
    with Script(answering(OK)) as server:
        endpoint = Endpoint("http", "vendor.example", server.port, "/")
        addresses = to(server.port, "127.0.0.9", "127.0.0.1")
        sender = HttpTransport(Connector(endpoint, Options(), addresses))
        assert sender.send(Request(endpoint, (), b"body"), None, 10).status == 200
        sender.close()


@pytest.mark.timing
def test_addresses_share_the_time():
    """Connecting takes the time of one request, however many addresses of a name do not answer."""
    with FullBacklog() as hole:
        endpoint = Endpoint("http", "vendor.example", hole.port, "/")
        sender = HttpTransport(Connector(endpoint, Options(), to(hole.port, *["127.0.0.1"] * 4)))
        started = time.monotonic()
        with pytest.raises(TransportError, match="TimeoutError"):
            sender.send(Request(endpoint, (), b"body"), None, 0.8)

    assert 0.7 < time.monotonic() - started < 1.5


def test_a_name_without_an_address():
    """A name that does not resolve is an error that shows the name."""
    endpoint = Endpoint("http", "vendor.example", 80, "/")
    with pytest.raises(TransportError, match=r"vendor\.example has no address"):
        HttpTransport(Connector(endpoint, Options(), to(80))).send(
            Request(endpoint, (), b"body"), None, 1
        )


def test_names_are_resolved_without_a_thread_where_none_can_start(monkeypatch):
    """During interpreter shutdown, a resolver that needs no thread replaces one that does."""

    def threaded(*arguments):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(socket, "getaddrinfo", threaded)

    addresses = [each[4] for each in resolved("127.0.0.1", 80, 0, socket.SOCK_STREAM)]

    assert addresses == [("127.0.0.1", 80)]
