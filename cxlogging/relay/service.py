"""A relay: consumers, deliveries, signs of life, and the end in good order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from typing import Any

from .. import __version__
from ..delivery.nats.address import Login
from ..delivery.nats.failures import STREAM_NOT_FOUND, StreamError
from ..errors import CxLoggingError
from ..vendors.registry import VENDORS
from ..wire.system_clock import monotonic, wall
from .config import RelayConfig
from .consumer import VendorConsumer
from .dead_letters import DeadLetters
from .delivering.dispatch import Dispatcher
from .delivering.held import HeldMessage
from .delivering.settling import Settler
from .link import Link
from .log import RelayLog
from .metrics import MetricsServer, RelayHealth, RelayMetrics, Sample
from .puller import Puller
from .seen import SeenItems
from .setup import (
    CONSUMER,
    HEARTBEAT_SECONDS,
    RELAYS,
    SEEN,
    check_version,
    consumer_name,
    existing_ack_wait,
    require_streams,
)

TICK_SECONDS = 0.5
LOOK_SECONDS = 30.0
"""Between two looks for vendors that nobody has configured."""

AGAIN_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.02
CANCEL_SECONDS = 0.5
NOT_LISTED = "the vendors in the stream cannot be listed"
STOPPING = "the relay stops"


class Relay:
    """
    Delivers the messages of a stream, until it is stopped.

    Args:
        config: What it does.
        login: What it shows to the servers of the stream.
        log: Its log.

    Attributes:
        id: Random, of this process.
        metrics: What it counts.
    """

    def __init__(self, config: RelayConfig, login: Login, log: RelayLog) -> None:
        self.config = config
        self.id = secrets.token_hex(6)
        self.metrics = RelayMetrics()
        self._log = log
        self._link = Link(config.address, login)
        bucket = config.address.bucket
        self._seen = SeenItems(self._link, bucket(SEEN), self.id, config.dedupe_window, log)
        letters = DeadLetters(self._link)
        self._settler = Settler(self._link, self._seen, letters, self.metrics, log, self._release)
        self._dispatcher = Dispatcher(config, self._link, self._settler.settle, self._is_lost)
        self._consumers: dict[str, VendorConsumer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._confirmed_at = float("-inf")
        self._ack_wait = config.ack_wait
        self._started_at = wall()
        self._rate = 0.0
        self._failure = ""
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Deliver until *stop* is set; then finish what is held, within ``drain`` seconds.

        Raises:
            CxLoggingError: Something must be fixed first: a server is too old, the address of
                the metrics is taken. Or a part of the relay has failed.
            StreamError: The stream does not exist, or the servers refuse the login.
        """
        self._stop = stop
        with self._serving_metrics():
            if await self._connect():
                async with self._running():
                    await stop.wait()
                    await self._drain()
        await self._link.close()
        if self._failure:
            raise CxLoggingError(self._failure)

    async def _connect(self) -> bool:
        """Wait until the servers answer; return False where the relay is stopped before."""
        while not self._stop.is_set():
            try:
                version = await check_version(self._link)
                await require_streams(self._link)
            except StreamError as error:
                if error.needs_fix or error.code == STREAM_NOT_FOUND:
                    raise
                self._log.warning("no connection to the stream", reason=str(error), cure=error.cure)
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), AGAIN_SECONDS)
            else:
                names = [entry.name for entry in self.config.destinations]
                self._log.info(
                    "the relay runs",
                    stream=str(self.config.address),
                    relay=self.id,
                    version=__version__,
                    server=version,
                    destinations=names,
                )
                return True
        return False

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        """Run everything that runs beside the consumers."""
        self._start("seen", self._seen.follow())
        self._start("settler", self._settler.run())
        self._start("progress", self._keep_held())
        self._start("heartbeat", self._beat())
        self._start("tick", self._tick())
        try:
            yield
        finally:
            await _cancelled(self._tasks.values())

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """End the relay where one of its parts ends by a bug: whatever runs it starts it again."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = f"a part of the relay failed ({task.get_name()}): {error!r}"
            self._stop.set()

    async def _tick(self) -> None:
        """Start consumers, wake them when a vendor recovers, and let idle deliveries go."""
        look_at = 0.0
        while True:
            if monotonic() >= look_at:
                look_at = monotonic() + LOOK_SECONDS
                try:
                    await self._consume_all()
                    self._log.passed(NOT_LISTED, "vendors are listed again")
                except StreamError as error:
                    self._log.warning(NOT_LISTED, reason=str(error), cure=error.cure)
                    look_at = monotonic() + AGAIN_SECONDS
            for vendor in self._dispatcher.recovered():
                self._consumers[vendor].resume()
            self._dispatcher.close_idle()
            if self._is_lost():
                self._dispatcher.fence()
            await asyncio.sleep(TICK_SECONDS)

    async def _consume_all(self) -> None:
        """Take the messages of all vendors: those of one that nobody configured are rejected."""
        stream, subject = self.config.address.stream, self.config.address.items_subject(">")
        await self._seen.catch_up()
        info = await self._link.call(lambda js: js.stream_info(stream, subjects_filter=subject))
        found = {each.rpartition(".")[2] for each in info.state.subjects or {}}
        for vendor in sorted(found | set(VENDORS)):
            ack_wait = await existing_ack_wait(self._link, vendor, self.config.ack_wait)
            self._ack_wait = min(self._ack_wait, ack_wait)
            if vendor not in self._consumers:
                self._consume(vendor)

    def _consume(self, vendor: str) -> None:
        puller = Puller(self._link, self.config.address.stream, consumer_name(vendor))
        consumer = VendorConsumer(
            vendor,
            self._link,
            puller,
            self._seen,
            self._dispatcher,
            self.metrics,
            self.config.buffer_bytes,
            self._log,
        )
        self._consumers[vendor] = consumer
        self._start(consumer_name(vendor), consumer.run())

    def _release(self, message: HeldMessage) -> None:
        """Note that *message* was settled, which makes room."""
        self._dispatcher.release(message)
        for consumer in self._consumers.values():
            consumer.wake()

    # Signs of life.

    async def _keep_held(self) -> None:
        """Tell the server again and again that what is held is still worked on."""
        while True:
            try:
                for message in self._dispatcher.held():
                    await self._link.send(message.raw.reply, b"+WPI")
                client = await self._link.client()
                await client.flush(2)
                self._confirmed_at = monotonic()
            except StreamError:
                await asyncio.sleep(TICK_SECONDS)
                continue
            except Exception:  # the client raises many kinds where a connection ends
                await self._link.lose()
                continue
            await asyncio.sleep(self._ack_wait / 3)

    def _is_lost(self) -> bool:
        """Return whether the server may have given what is held to other relays."""
        return bool(monotonic() - self._confirmed_at >= self._ack_wait)

    async def _beat(self) -> None:
        """Write what `cxlogging relay status` shows of this relay."""
        bucket = self.config.address.bucket(RELAYS)
        before, at = 0, monotonic()
        while True:
            with contextlib.suppress(StreamError):
                await self._link.put(bucket, self.id, json.dumps(self._facts()).encode())
            await asyncio.sleep(HEARTBEAT_SECONDS)
            delivered, now = self.metrics.total("items", outcome="delivered"), monotonic()
            self._rate = (delivered - before) / (now - at)
            before, at = delivered, now

    def _facts(self) -> dict[str, Any]:
        return {
            "host": platform.node(),
            "pid": os.getpid(),
            "version": __version__,
            "started": self._started_at,
            "delivered": self.metrics.total("items", outcome="delivered"),
            "rejected": self.metrics.total("items", outcome="rejected"),
            "rate": round(self._rate, 1),
            "held": len(self._dispatcher.held()),
            "trouble": {
                lane.entry.name: lane.stats().last_error
                for lane in self._dispatcher.lanes()
                if not lane.is_healthy
            },
        }

    # Metrics.

    @contextlib.contextmanager
    def _serving_metrics(self) -> Iterator[None]:
        if self.config.listen is None:
            yield
            return
        server = MetricsServer(self.config.listen, self._samples, self._health)
        server.start()
        self._log.info("metrics", url=f"http://{self.config.listen[0]}:{server.port}/metrics")
        try:
            yield
        finally:
            server.close()

    def _samples(self) -> list[Sample]:
        connected = Sample("connected", (), float(self._is_connected))
        return [*self.metrics.samples(), *self._dispatcher.samples(), connected]

    @property
    def _is_connected(self) -> bool:
        silent = monotonic() - self._confirmed_at
        return bool(silent < self._ack_wait / 3 + 5)

    def _health(self) -> RelayHealth:
        return RelayHealth(self._is_connected, {"connected": self._is_connected, **self._facts()})

    # The end.

    async def _drain(self) -> None:
        """Finish what is held, if there is time, and give the rest back."""
        self._log.info("the relay stops", held=len(self._dispatcher.held()))
        end = monotonic() + self.config.drain
        await self._stop_consuming()
        lanes = self._dispatcher.lanes()
        for lane in lanes:
            lane.flush_now()
        await _until(end, lambda: not any(lane.is_healthy and lane.held_bytes for lane in lanes))
        for lane in lanes:
            lane.close(STOPPING)
        await _until(end, lambda: not any(lane.is_sending for lane in lanes))
        for lane in lanes:
            lane.discard()
        await asyncio.sleep(0)  # what these requests have finished is the settler's then
        await _until(end, lambda: not self._settler.count)
        left = self._dispatcher.held()
        with contextlib.suppress(StreamError):  # then they come again after ack_wait
            for message in left:
                await self._link.send(message.raw.reply, b"-NAK")
            await self._link.put(self.config.address.bucket(RELAYS), self.id, b"")  # gone
        self._log.info("the relay has stopped", given_back=len(left))

    async def _stop_consuming(self) -> None:
        """Take nothing more, and give back what was not looked at."""
        tasks = [self._tasks[name] for name in self._tasks if name.startswith(CONSUMER)]
        tasks.append(self._tasks["tick"])
        await _cancelled(tasks)
        with contextlib.suppress(StreamError):
            await asyncio.gather(*(consumer.stop() for consumer in self._consumers.values()))


async def _until(end: float, condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds, or until monotonic *end*."""
    while not condition() and monotonic() < end:  # noqa: ASYNC110 - threads change it
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel *tasks* until all have ended: before Python 3.12, `asyncio.wait_for` may lose one."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_SECONDS)
