"""The transport against raw sockets: deadlines, odd answers, connections that end."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

import cxlogging
from cxlogging.delivery.clock import Clocks
from cxlogging.delivery.http.connect import Connector
from cxlogging.delivery.http.interface import TransportError
from cxlogging.delivery.http.transport import AGE_SECONDS, IDLE_SECONDS, WRITE_BYTES, HttpTransport
from cxlogging.delivery.options import Options
from cxlogging.wire.http import Endpoint, Request, Secret
from tests.delivery.test_delivery import wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Script:
    """A server on a raw socket: *serve* is called with each connection, on a thread."""

    def __init__(self, serve: Callable[[socket.socket, int], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Script:  # noqa: PYI034 - typing.Self came with 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(
                target=self._guarded, args=(connection, self.connections), daemon=True
            ).start()

    def _guarded(self, connection: socket.socket, number: int) -> None:
        try:
            self._serve(connection, number)
        except OSError:
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(answer: bytes, close: bool = False):
    def serve(connection: socket.socket, number: int) -> None:
        while read_request(connection):
            connection.sendall(answer)
            if close:
                connection.close()
                return

    return serve


made: list[HttpTransport] = []


@pytest.fixture(autouse=True)
def _close_what_was_made():
    yield
    while made:
        made.pop().close()


def transport(port: int, clock: Clocks | None = None, **options) -> HttpTransport:
    endpoint = Endpoint("http", "127.0.0.1", port, "/path")
    parsed = Options.parse(options)
    headers = tuple((parsed.headers or {}).items())
    made.append(HttpTransport(Connector(endpoint, parsed), headers, clock))
    return made[-1]


def request(body: bytes = b"body", port: int = 1) -> Request:
    headers = (("Content-Type", "text/plain"), ("Authorization", Secret("Bearer canary")))
    return Request(Endpoint("http", "127.0.0.1", port, "/path"), headers, body)


def test_a_request_on_the_wire():
    """
    The request has the vendor's headers, the caller's, and a length, and asks for
    no encoding.
    """
    seen = []

    def serve(connection, number):
        seen.append(read_request(connection))
        connection.sendall(OK)

    with Script(serve) as server:
        sender = transport(server.port, headers={"X-Mine": "1"})
        response = sender.send(request(port=server.port), "gzip", 5)

    assert (response.status, response.body, response.complete) == (200, b"ok", True)
    head = seen[0].split(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "POST /path HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in head
    assert "Accept-Encoding: identity" in head
    assert "Content-Encoding: gzip" in head
    assert "Authorization: Bearer canary" in head
    assert "X-Mine: 1" in head
    assert seen[0].endswith(b"body")


@pytest.mark.parametrize("name", ["User-Agent", "user-agent"])
def test_a_user_agent_of_ones_own(name):
    """A given User-Agent replaces the default one, in whatever case; no header is sent twice."""
    seen = []

    def serve(connection, number):
        seen.append(read_request(connection))
        connection.sendall(OK)

    with Script(serve) as server:
        transport(server.port, headers={name: "shop/1"}).send(request(), "gzip", 5)

    head = seen[0].partition(b"\r\n\r\n")[0].decode()
    names = [line.partition(":")[0].lower() for line in head.splitlines()[1:]]
    assert f"{name}: shop/1" in head
    assert len(names) == len(set(names))


def test_a_connection_serves_again():
    """Consecutive requests use one connection."""
    with Script(answering(OK)) as server:
        sender = transport(server.port)
        for _ in range(5):
            assert sender.send(request(), None, 5).status == 200

    assert server.connections == 1


@pytest.mark.parametrize("seconds", [IDLE_SECONDS + 1, AGE_SECONDS + 1])
def test_an_old_connection_is_not_used(seconds):
    """A connection that was idle too long is replaced."""
    now = [0.0]
    with Script(answering(OK)) as server:
        sender = transport(server.port, Clocks(monotonic=lambda: now[0]))
        sender.send(request(), None, 5)
        now[0] += seconds
        sender.send(request(), None, 5)

    assert server.connections == 2


def test_an_aged_connection_is_replaced():
    """A connection in steady use is replaced once it is old, so that DNS changes are followed."""
    now = [0.0]
    with Script(answering(OK)) as server:
        sender = transport(server.port, Clocks(monotonic=lambda: now[0]))
        while now[0] <= AGE_SECONDS + 20:
            sender.send(request(), None, 5)
            now[0] += 20

    assert server.connections == 2


def test_a_connection_closed_while_idle():
    """A connection that the server closed after its answer is replaced without an error."""
    with Script(answering(OK, close=True)) as server:
        sender = transport(server.port)
        for _ in range(20):
            assert sender.send(request(), None, 5).status == 200

    assert server.connections == 20


def test_a_number_that_is_another_file(tmp_path):
    """
    A kept connection whose descriptor's number belongs to another file is neither used nor closed:
    nothing is written to that file, and it stays open.
    """
    with Script(answering(OK)) as server, (tmp_path / "mine").open("wb") as mine:
        sender = transport(server.port)
        assert sender.send(request(), None, 5).status == 200
        number = sender._idle[0].sock.fileno()
        os.dup2(mine.fileno(), number)
        assert sender.send(request(), None, 5).status == 200
        sender.close()

        assert os.fstat(number).st_ino == os.fstat(mine.fileno()).st_ino
        os.close(number)
    assert (tmp_path / "mine").read_bytes() == b""
    assert server.connections == 2


def test_a_connection_closed_at_the_moment_of_sending():
    """A kept connection that ends without a byte of answer is tried once more on a new one."""

    def serve(connection, number):
        read_request(connection)
        connection.sendall(OK)
        if number == 1:
            read_request(connection)
            connection.close()

    with Script(serve) as server:
        sender = transport(server.port)
        sender.send(request(), None, 5)
        assert sender.send(request(), None, 5).status == 200

    assert server.connections == 2


def test_connection_close_is_honoured():
    """After an answer with Connection: close the next request opens a new connection."""
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with Script(answering(answer)) as server:
        sender = transport(server.port)
        sender.send(request(), None, 5)
        sender.send(request(), None, 5)

    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 ",
        b"HTTP/1.1 999999 no\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
def test_no_answer(answer):
    """Something that is not an answer is an error, and the connection is not used again."""
    with Script(answering(answer, close=True)) as server:
        sender = transport(server.port)
        with pytest.raises(TransportError) as caught:
            sender.send(request(), None, 5)

    assert not caught.value.timed_out
    assert "canary" not in str(caught.value)


def test_an_informational_answer_alone():
    """If 103 is the only answer, it is returned: the caller retries on any status below 200."""
    with Script(answering(b"HTTP/1.1 103 Early Hints\r\n\r\n", close=True)) as server:
        assert transport(server.port).send(request(), None, 5).status == 103


@pytest.mark.parametrize("tail", [b"", b"x", b"5\r\nab"])
def test_a_body_that_breaks_off(tail):
    """The status counts even if the body that should follow it does not come."""
    headers = b"Transfer-Encoding: chunked" if tail == b"5\r\nab" else b"Content-Length: 9"
    answer = b"HTTP/1.1 202 Accepted\r\n" + headers + b"\r\n\r\n" + tail
    with Script(answering(answer, close=True)) as server:
        response = transport(server.port).send(request(), None, 5)

    assert (response.status, response.complete) == (202, False)


def test_an_endless_answer():
    """Of an endless answer 256 KiB are read, and the connection is closed."""
    ended = threading.Event()

    def serve(connection, number):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65_536)
        except OSError:
            ended.set()

    with Script(serve) as server:
        response = transport(server.port).send(request(), None, 5)
        assert ended.wait(5)

    assert (len(response.body), response.complete) == (262_144, False)


@pytest.mark.parametrize("part", ["head", "status"])
def test_a_trickling_answer_ends_at_the_deadline(part):
    """A byte now and then does not keep a request alive beyond its deadline."""

    def serve(connection, number):
        read_request(connection)
        data = b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 1_000
        if part == "status":
            data = b"HTTP/1.1 200 " + b"x" * 1_000
        for byte in data:
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.05)

    with Script(serve) as server:
        started = time.monotonic()
        with pytest.raises(TransportError) as caught:
            transport(server.port).send(request(), None, 0.5)

    assert caught.value.timed_out
    assert time.monotonic() - started < 3


class CountingConnector(Connector):
    """Opens connections whose socket's operations are counted."""

    def __init__(self, endpoint, options):
        super().__init__(endpoint, options)
        self.calls = Counter()

    def open(self, seconds):
        connection = super().open(seconds)
        connection.sock = CountedSocket(connection.sock, self.calls)
        return connection


class CountedSocket:
    """A socket that counts its system calls."""

    def __init__(self, sock, calls):
        self._sock, self._calls = sock, calls

    def __getattr__(self, name):
        self._calls[name] += 1
        return getattr(self._sock, name)


def test_a_request_asks_the_system_for_little():
    """A request on a kept connection is one write and one read, and sets no timeout again."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000

    def serve(connection, number):
        while read_request(connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
            connection.sendall(answer)

    with Script(serve) as server:
        endpoint = Endpoint("http", "127.0.0.1", server.port, "/path")
        connector = CountingConnector(endpoint, Options())
        made.append(HttpTransport(connector))
        made[-1].send(request(), None, 30)
        before = connector.calls.copy()
        assert len(made[-1].send(request(), None, 30).body) == 60_000
        calls = connector.calls - before

    assert calls["settimeout"] == 0
    assert calls["sendall"] == 1
    assert calls["recv_into"] <= 2  # the head may come by itself


@pytest.mark.parametrize(("first", "second"), [(30, 0.3), (1.5, 30)])
def test_each_request_has_its_own_deadline(first, second):
    """On a kept connection, the deadline of the new request counts, whether shorter or longer."""
    slow = threading.Event()

    def serve(connection, number):
        while read_request(connection):
            slow.wait(2)
            connection.sendall(OK)
            slow.clear()

    with Script(serve) as server:
        sender = transport(server.port)
        slow.set()
        assert sender.send(request(), None, first).status == 200
        if second < 1:
            with pytest.raises(TransportError) as caught:
                sender.send(request(), None, second)
            assert caught.value.timed_out
        else:
            assert sender.send(request(), None, second).status == 200


def test_a_server_that_does_not_read():
    """Sending a body that the server does not read ends at the deadline."""

    def serve(connection, number):
        threading.Event().wait(10)

    with Script(serve) as server, pytest.raises(TransportError) as caught:
        transport(server.port).send(request(b"x" * 50_000_000), None, 0.5)

    assert caught.value.timed_out


def test_a_server_that_reads_little_by_little():
    """Sending a body that the server reads byte by byte ends at the deadline all the same."""

    def serve(connection, number):
        while connection.recv(1_000):
            threading.Event().wait(0.01)

    started = time.monotonic()
    with Script(serve) as server, pytest.raises(TransportError) as caught:
        transport(server.port).send(request(b"x" * 50_000_000), None, 0.5)

    assert caught.value.timed_out
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("size", [0, 1, WRITE_BYTES, WRITE_BYTES + 1, 3 * WRITE_BYTES - 1])
def test_a_body_arrives_whole(size):
    """A body of any size arrives unchanged, whether it is written at once or in pieces."""
    seen = []
    body = bytes(range(251)) * (size // 251 + 1)

    def serve(connection, number):
        seen.append(read_request(connection).partition(b"\r\n\r\n")[2])
        connection.sendall(OK)

    with Script(serve) as server:
        assert transport(server.port).send(request(body[:size]), None, 20).status == 200

    assert seen == [body[:size]]


def test_an_early_answer_is_read():
    """An answer that comes before the body was read, such as 413, is not lost in the reset."""

    def serve(connection, number):
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_RD)
        while connection.recv(65_536):
            pass

    with Script(serve) as server:
        assert transport(server.port).send(request(b"x" * 300_000), None, 5).status == 413


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 202 Accepted\r\n" + b"X: y\r\n" * 150,
        b"HTTP/1.1 202 Accepted\r\nX: " + b"y" * 70_000 + b"\r\n",
        b"HTTP/2 202 Accepted\r\n",
    ],
    ids=["many", "long", "http2"],
)
def test_a_status_is_believed_where_the_rest_cannot_be_read(head):
    """An answer whose head cannot be read beyond its status has that status."""
    with Script(answering(head + b"\r\n", close=True)) as server:
        answer = transport(server.port).send(request(), None, 5)

    assert (answer.status, answer.complete) == (202, False)


def test_success_is_not_believed_for_a_request_that_was_not_read():
    """A server that answers 202 early and closes has not accepted the request."""

    def serve(connection, number):
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    with Script(serve) as server, pytest.raises(TransportError):
        transport(server.port).send(request(b"x" * 20_000_000), None, 20)


def test_a_small_request_that_was_not_read():
    """If the server says that it closes, a reset after its answer is waited for."""

    def serve(connection, number):
        connection.recv(10)
        head = b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head)
        connection.close()

    with Script(serve) as server, pytest.raises(TransportError):
        transport(server.port).send(request(b"x" * 2_000), None, 20)


def test_a_reset():
    """A reset connection is an error with the system's message."""

    def serve(connection, number):
        read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with Script(serve) as server, pytest.raises(TransportError, match="reset"):
        transport(server.port).send(request(), None, 5)


def test_nobody_listens():
    """A refused connection is an error with the system's message."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(TransportError, match="ConnectionRefusedError"):
        transport(port).send(request(), None, 5)


def test_a_connection_that_is_not_accepted():
    """If a host does not accept the connection in time, batches are not made smaller for it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        held = [socket.socket() for _ in range(4)]
        for each in held:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        with pytest.raises(TransportError, match="timed out") as caught:
            transport(port).send(request(), None, 0.3)
        for each in held:
            each.close()

    assert not caught.value.timed_out


def test_an_unknown_host():
    """A host that has no address is an error, not a timeout."""
    endpoint = Endpoint("http", "nowhere.invalid", 80, "/")
    sender = HttpTransport(Connector(endpoint, Options()))

    with pytest.raises(TransportError) as caught:
        sender.send(request(), None, 5)
    assert not caught.value.timed_out


def test_a_redirect_is_an_answer():
    """A redirect is returned as it is, and its target gets no request."""
    with Script(answering(OK)) as other:
        location = f"http://127.0.0.1:{other.port}/".encode()
        answer = b"HTTP/1.1 307 T\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
        with Script(answering(answer)) as server:
            response = transport(server.port).send(request(), None, 5)

    assert response.status == 307
    assert other.connections == 0


def test_two_threads_at_once():
    """Two requests at once use two connections, and both are kept."""
    barrier = threading.Barrier(2, timeout=10)

    def serve(connection, number):
        for round_number in range(2):
            read_request(connection)
            if round_number == 0:
                barrier.wait()
            connection.sendall(OK)

    with Script(serve) as server:
        sender = transport(server.port)
        threads = [
            threading.Thread(target=sender.send, args=(request(), None, 10)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sender.send(request(), None, 5).status == 200

    assert server.connections == 2


def test_a_success_that_cannot_be_read_is_believed_in_the_end():
    """
    A batch whose answers say success but cannot be read is sent three times, and no more: then it
    counts as delivered, and a message says so.
    """
    bodies = []

    def serve(connection, number):
        bodies.append(read_request(connection).partition(b"\r\n\r\n")[2])
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")
        connection.close()

    with Script(serve) as server:
        handler = cxlogging.HoneycombHandler(
            "key",
            dataset="shop",
            url=f"http://127.0.0.1:{server.port}",
            compression=None,
            flush_interval=0,
            retry_initial=0.001,
            retry_maximum=0.01,
        )
        handler.handle(logging.makeLogRecord({"msg": "hello", "levelno": 30}))
        assert handler.flush(20)
        handler.close()

    stats = handler.stats()
    assert (len(bodies), len(set(bodies))) == (3, 1)
    assert (stats.delivered, stats.retries, stats.balanced) == (1, 2, True)
    assert "could not be read, 3 times: 1 record counts as delivered" in stats.last_error


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        (b"RateLimit: limit=100, remaining=0, reset=500\r\n", 400, 501),
        (b"RateLimit: limit=100, remaining=0, reset=999999\r\n", 500, 601),
        (b"RateLimit: limit=1, remaining=0, reset=30\r\nRetry-After: 500\r\n", 400, 501),
    ],
)
def test_the_wait_of_honeycombs_rate_limit(headers, least, most):
    """After a 429 with RateLimit, nothing is sent before its reset, at most ten minutes."""
    refused = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n" + headers + b"\r\n"
    with Script(answering(refused)) as server:
        handler = cxlogging.HoneycombHandler(
            "key", dataset="shop", url=f"http://127.0.0.1:{server.port}", retry_initial=0.001
        )
        handler.handle(logging.makeLogRecord({"msg": "hello", "levelno": 30}))
        delivery = handler._delivery
        wait_until(lambda: handler.stats().retries)
        wait = delivery.lane.pace.resume_at - delivery.clock.monotonic()
        delivery.workers.abandon()
        handler.close()

    assert least < wait < most


def test_a_descriptor_that_became_another_file_is_left_alone(tmp_path):
    """
    After something closed all descriptors, a kept connection whose number is another file's is
    neither used for the next request nor closed with the transport.
    """
    path = tmp_path / "mine"
    with Script(answering(OK)) as server:
        one = transport(server.port)
        one.send(request(), None, 5)
        (kept,) = one._idle
        number = kept.sock.fileno()
        mine = os.open(path, os.O_CREAT | os.O_RDWR)
        os.dup2(mine, number)
        assert one.send(request(), None, 5).status == 200
        one.close()
        assert os.write(number, b"still mine") == len(b"still mine")
        os.close(mine)
        os.close(number)

    assert path.read_bytes() == b"still mine"
    assert server.connections == 2
