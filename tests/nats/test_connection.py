"""Connections to real servers: opened, lost, refused, and the loop's thread."""

from __future__ import annotations

import os
import threading

import pytest
import trustme

from cxlogging.delivery.nats.address import Login, parse_address, read_login
from cxlogging.delivery.nats.connection import StreamConnection
from cxlogging.delivery.nats.failures import StreamError
from cxlogging.delivery.nats.loop import LOOP
from cxlogging.wire.http import Secret

from .servers import free_ports, one_node, wait_for

NOBODY = Login()


def url_of(connection: StreamConnection) -> str:
    async def connect() -> str:
        client = await connection.client()
        LOOP.opened(connection)
        assert client.connected_url is not None
        return client.connected_url.geturl()

    return LOOP.run(connect, 10)


def connect(address: str, login: Login = NOBODY) -> StreamConnection:
    connection = StreamConnection(parse_address("spool", address), login)
    url_of(connection)
    return connection


def test_a_connection_is_opened_when_used_and_closed_with_its_thread(node):
    """The loop's thread runs while a connection is open, and ends with the last one."""
    before = threading.active_count()
    first, second = connect(f"{node.url}/A"), connect(f"{node.url}/B")
    assert node.connections() >= 2

    LOOP.close(first)
    assert url_of(second) == node.url
    LOOP.close(second)

    wait_for(lambda: not LOOP.is_running, "the thread ends")
    assert threading.active_count() == before
    assert url_of(second) == node.url
    LOOP.close(second)


def test_the_next_server_is_used_where_one_is_down(node):
    """One that refuses, and one that was lost, are tried after the others."""
    (nothing,) = free_ports(1)
    connection = connect(f"nats://127.0.0.1:{nothing},{node.place}/A")

    LOOP.run(connection.lose, 5)

    assert url_of(connection) == node.url
    LOOP.close(connection)


def test_a_server_that_is_not_there_is_named():
    """A refused connection is an error with the place and what to check."""
    (port,) = free_ports(1)

    with pytest.raises(StreamError, match=f"127.0.0.1:{port} refused the connection") as caught:
        connect(f"nats://127.0.0.1:{port}/A")

    assert "nats-server" in caught.value.cure
    assert not caught.value.needs_fix


def test_a_name_that_does_not_exist_is_named():
    """A wrong host is an error with the name."""
    with pytest.raises(StreamError, match=r"the name nowhere\.invalid was not found"):
        connect("nats://nowhere.invalid/A")


def test_a_frozen_server_is_given_up(tmp_path):
    """A server that accepts connections and says nothing is left within seconds."""
    with one_node(tmp_path) as node:
        node.freeze()
        try:
            with pytest.raises(StreamError, match="did not answer in time"):
                connect(f"{node.url}/A")
        finally:
            node.thaw()


@pytest.mark.parametrize(
    ("config", "login"),
    [
        ("authorization { user: ada, password: s3cret }", Login("ada", Secret("s3cret"))),
        ("authorization { token: s3cret }", Login(token=Secret("s3cret"))),
    ],
    ids=["password", "token"],
)
def test_a_login_opens_the_door(config, login, tmp_path):
    """User and password, or a token, are accepted; without them the cure names the variables."""
    with one_node(tmp_path, config=config) as node:
        LOOP.close(connect(f"{node.url}/A", login))
        with pytest.raises(StreamError, match="refused the login") as caught:
            connect(f"{node.url}/A")

    assert caught.value.needs_fix
    assert "NATS_USER" in caught.value.cure


@pytest.fixture
def tls_node(tmp_path):
    """Run a server that demands TLS, and a certificate of the client."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in ("server", "client"):
        made = authority.issue_cert("127.0.0.1")
        made.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}.pem")
    config = (
        f"tls {{ cert_file: '{tmp_path}/server.pem', key_file: '{tmp_path}/server.pem',"
        f" ca_file: '{tmp_path}/ca.pem', verify: true }}"
    )
    with one_node(tmp_path / "node", config=config) as node:
        yield node


@pytest.mark.parametrize("scheme", ["nats", "tls"])
def test_certificates_come_from_the_environment(scheme, tls_node, tmp_path, monkeypatch):
    """NATS_CA is trusted, and NATS_CERT is shown, where the server asks for it."""
    monkeypatch.setenv("NATS_CA", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NATS_CERT", str(tmp_path / "client.pem"))

    LOOP.close(connect(f"{scheme}://{tls_node.place}/A", read_login()))


def test_a_certificate_that_is_not_trusted_is_an_error(tls_node):
    """Without NATS_CA a private authority is not trusted, and the cure names the variable."""
    with pytest.raises(StreamError, match="is not trusted") as caught:
        connect(f"tls://{tls_node.place}/A")

    assert "NATS_CA" in caught.value.cure


def test_tls_is_demanded_before_anything_is_said(node):
    """A server without TLS gets neither a login nor records from an address with tls://."""
    with pytest.raises(StreamError, match="secure connection not available"):
        connect(f"tls://{node.place}/A")


def test_a_child_of_a_fork_leaves_the_connection_to_its_parent(node):
    """The child makes its own, and closes nothing of the parent's."""
    connection = connect(f"{node.url}/A")

    def use() -> bool:
        LOOP.close(connection)
        LOOP.close(connect(f"{node.url}/A"))
        return True

    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if use() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    async def ask() -> float:
        client = await connection.client()
        await client.flush(5)
        return client.stats["reconnects"]

    before = connection._client
    assert LOOP.run(ask, 10) == 0
    assert connection._client is before
    LOOP.close(connection)
