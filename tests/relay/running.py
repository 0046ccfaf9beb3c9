"""Relays as processes, streams to feed them, and what came out in the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client

from cxlogging.delivery.nats.address import parse_address, read_login
from cxlogging.delivery.nats.message import cut, identity_headers
from cxlogging.delivery.queue.queue import ItemOrigin
from cxlogging.relay.config import RelayConfig
from cxlogging.relay.dead_letters import DeadLetters, RejectedMessage
from cxlogging.relay.link import Link
from cxlogging.relay.setup import Setup, Sizes
from tests.faults.backend import Backend, answer
from tests.nats.servers import DEADLINE, count_messages, free_ports, get, using, wait_for

Result = TypeVar("Result")
KEYS = {"HONEYCOMB_API_KEY": "honey-key-1234", "CORALOGIX_API_KEY": "cxtp_1234567890"}
VENDOR = {"vendor": "honeycomb", "dataset": "shop"}


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command, without settings of vendors and servers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CX")}
    return {**kept, **KEYS, "PYTHONUNBUFFERED": "1", **more}


def item(name: str, size: int = 0) -> bytes:
    """Return an item of Honeycomb with the id *name*, as `Backend` looks for it."""
    text = json.dumps(f"<{name}>" + "x" * size)
    return b'{"time":"2026-01-01T00:00:00Z","samplerate":1,"data":{"body":%b}}' % text.encode()


def publish(
    address: str,
    names: Sequence[str],
    *,
    run: str = "aaaa",
    first: int = 0,
    identity: Mapping[str, str] = VENDOR,
    size: int = 0,
    message_bytes: int = 2_000,
) -> None:
    """Publish an item for each of *names*, some in each message."""
    parsed = parse_address("address", address)
    items = [(20, item(name, size)) for name in names]
    origins = [ItemOrigin(run, first + number) for number in range(len(items))]
    subject = parsed.items_subject(identity["vendor"])

    async def send(client: Client) -> None:
        js = client.jetstream(timeout=10)
        for each in cut(items, origins, identity_headers(identity), message_bytes):
            end = time.monotonic() + 30
            while True:
                try:
                    await js.publish(subject, each.payload, headers=each.headers)
                except nats.errors.Error:  # such as: the stream elects a leader
                    assert time.monotonic() < end
                    await asyncio.sleep(0.1)
                else:
                    break

    using(address, send)


def names(count: int, prefix: str = "a") -> list[str]:
    """Return names of items."""
    return [f"{prefix}:{number}" for number in range(count)]


def wait_empty(address: str, seconds: float = DEADLINE) -> None:
    """Wait until the stream holds nothing: everything in it was acknowledged."""
    wait_for(lambda: count_messages(address) == 0, "everything is acknowledged", seconds)


def cxlogging(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "cxlogging", *words]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, timeout=60, check=False
    )


def on_link(address: str, work: Callable[[Link], Coroutine[Any, Any, Result]]) -> Result:
    """Return what *work* returns for a connection as relays have it."""

    async def main() -> Result:
        link = Link(parse_address("address", address), read_login())
        try:
            return await work(link)
        finally:
            await link.close()

    return asyncio.run(asyncio.wait_for(main(), 60))


def init(address: str, ack_wait: float = 30, rejected_bytes: int | None = None) -> None:
    """Create what relays need, on a single server, as `cxlogging relay init` does."""
    config = RelayConfig(parse_address("address", address), ack_wait=ack_wait)
    sizes = Sizes(1, 64 * 2**20, rejected_bytes)
    on_link(address, lambda link: Setup(link, config, sizes).run())


def rejected(address: str) -> list[RejectedMessage]:
    """Return what was rejected, oldest first."""

    async def read(link: Link) -> list[RejectedMessage]:
        return [each async for each in DeadLetters(link).read()]

    return on_link(address, read)


def texts(letter: RejectedMessage) -> list[str]:
    """Return the messages of the records in *letter*."""
    assert letter.content is not None
    return [json.loads(each.data)["data"]["body"] for each in letter.content.items]


class RelayProcess:
    """
    A relay that runs.

    Args:
        folder: For its configuration and its log.
        address: Of the stream.
        tables: The rest of its configuration.
        more: Variables.
    """

    def __init__(self, folder: Path, address: str, tables: str, **more: str) -> None:
        self.port = free_ports(1)[0]
        number = len(list(folder.glob("relay*.toml")))
        self.config = folder / f"relay{number}.toml"
        self.log_file = folder / f"relay{number}.log"
        head = f'stream = "{address}"\nlisten = "127.0.0.1:{self.port}"\nlog_format = "json"\n'
        self.config.write_text(head + tables)
        self._environment = environment(**more)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RelayProcess:
        """Start it; do not wait."""
        with self.log_file.open("ab") as log:
            command = [sys.executable, "-m", "cxlogging", "relay", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        return self

    def wait_until_ready(self) -> RelayProcess:
        """Wait until it is connected."""
        wait_for(lambda: self.health()[0] == 200 or self.ended, f"healthy: {self.log()}")
        assert not self.ended, self.log()
        return self

    @property
    def ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    def log(self) -> str:
        return self.log_file.read_text()

    def events(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        return [json.loads(line) for line in self.log().splitlines()]

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of an answer; 0 where there is none."""
        return get(self.port, path)

    def health(self) -> tuple[int, Any]:
        status, text = self.get("/healthz")
        return status, json.loads(text) if status else {}

    def metric(self, name: str) -> float:
        """Return the sum of a metric whose line begins with *name*."""
        lines = self.get("/metrics")[1].splitlines()
        found = [line for line in lines if line.startswith(f"cxlogging_relay_{name}")]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def kill(self) -> None:
        """Kill it (-9)."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> int:
        """End it in good order, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def __enter__(self) -> RelayProcess:  # noqa: PYI034 - typing.Self came with 3.11
        return self.start().wait_until_ready()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and not self.ended:
            self.kill()


def destination(backend: Backend, more: str = "", vendor: str = "honeycomb") -> str:
    """Return the table of a destination at *backend*."""
    return (
        f'[[destination]]\nvendor = "{vendor}"\nurl = "{backend.url}"\nretry_initial = 0.1\n'
        f"compression = false\n{more}\n"
    )


@contextlib.contextmanager
def backend(behaviour: Any = None) -> Iterator[Backend]:
    """Run a vendor that accepts everything, or behaves like this."""
    with Backend(behaviour or accept) as running:
        yield running


def accept(request: Any) -> bytes:
    """Answer as Honeycomb does, with a status for each event."""
    return statuses([202] * len(request.ids))


def statuses(found: Sequence[int], error: str = "no such column") -> bytes:
    """Return an answer with these statuses."""
    rows = [{"status": s} if s < 300 else {"status": s, "error": error} for s in found]
    return answer(200, json.dumps(rows).encode())
