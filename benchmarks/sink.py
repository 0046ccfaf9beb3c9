"""
The server that receives what the measured processes send: ``python -m benchmarks.sink``.

It stores requests as they arrive, and decodes them when it is asked for the
counts. The first line on standard output is a JSON object with the addresses;
then each line of standard input is a command, and each line of standard output
its answer:

    state            {"requests", "quiet": seconds since the last byte or answer}
    count            the counts so far: distinct, duplicate and unknown ids by service, bytes, CPU
    reset SECONDS    forget everything; answer each request SECONDS later from now on
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from .services import Received, answer, ids, service_of
from .workload import WARM_UP

CHUNK = 1 << 18


class Sink:
    """What has arrived since the last reset."""

    def __init__(self) -> None:
        self.reset(0.0)

    def reset(self, delay: float) -> None:
        """Forget everything, and answer *delay* seconds later from now on."""
        self.delay = delay
        self.received: deque[Received] = deque()
        self.moved_ns = self.answered_ns = time.monotonic_ns()
        self.requests = self.bytes = 0
        self._ids: dict[str, Counter[int]] = {}
        self._warm: Counter[str] = Counter()
        self._unreadable: str | None = None
        self._spent = 0.0
        self._cpu = time.process_time()

    def state(self) -> dict[str, Any]:
        """Return the number of requests, and the seconds without traffic."""
        return {"requests": self.requests, "quiet": (time.monotonic_ns() - self.moved_ns) / 1e9}

    def count(self) -> dict[str, Any]:
        """Return the counts; the CPU time for counting is not part of the reported one."""
        started = time.thread_time()
        while self.received:
            each = self.received.popleft()
            counter = self._ids.setdefault(each.service, Counter())
            try:
                counter.update(ids(each))
            except (ValueError, LookupError, TypeError, zlib.error) as error:
                self._unreadable = f"{each.service}: {type(error).__name__}: {error}"
        for service, counter in self._ids.items():
            self._warm[service] += counter.pop(WARM_UP, 0)
        self._spent += time.thread_time() - started
        return {
            "cpu": time.process_time() - self._cpu - self._spent,
            "requests": self.requests,
            "bytes": self.bytes,
            "answered_ns": self.answered_ns,
            "unreadable": self._unreadable,
            "warm": self._warm,
            "distinct": {service: len(each) for service, each in self._ids.items()},
            "duplicates": {
                service: each.total() - len(each) for service, each in self._ids.items()
            },
        }

    def keep(self, received: Received) -> None:
        """Store a request."""
        self.received.append(received)
        self.requests += 1
        self.bytes += received.size
        self.moved_ns = time.monotonic_ns()

    def serve_http(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until it is closed."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb", CHUNK) as reader:
            for received in self._requests(reader):
                self.keep(received)
                made = answer(received)
                if self.delay:
                    time.sleep(self.delay)
                self.answered_ns = self.moved_ns = time.monotonic_ns()
                connection.sendall(made)

    def _requests(self, reader: Any) -> Iterator[Received]:
        while line := reader.readline():
            size, headers = len(line), {}
            self.moved_ns = time.monotonic_ns()
            while (header := reader.readline()) not in {b"\r\n", b""}:
                size += len(header)
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = reader.read(int(headers.get("content-length", 0)))
            service = service_of(line.split()[1].decode(), headers)
            encoding = headers.get("content-encoding", "")
            yield Received(service, encoding, size + 2 + len(body), body)

    def serve_lines(self, connection: socket.socket) -> None:
        """Keep the lines of one connection, as the TCP input of Logstash takes them."""
        chunks = []
        with connection:
            while chunk := connection.recv(CHUNK):
                chunks.append(chunk)
                self.moved_ns = time.monotonic_ns()
        body = b"".join(chunks)
        self.keep(Received("logstash", "", len(body), body))
        self.answered_ns = self.moved_ns


def _listen(serve: Any) -> int:
    """Serve each connection on a thread of its own; return the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def attend(connection: socket.socket) -> None:
        try:
            serve(connection)
        except OSError:  # the peer's process has ended
            connection.close()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=attend, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def main() -> None:
    sink = Sink()
    port, lines = _listen(sink.serve_http), _listen(sink.serve_lines)
    print(json.dumps({"url": f"http://127.0.0.1:{port}", "logstash_port": lines}), flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "reset":
            sink.reset(float(argument))
            print("{}", flush=True)
        else:
            print(json.dumps(getattr(sink, command)()), flush=True)


if __name__ == "__main__":
    main()
