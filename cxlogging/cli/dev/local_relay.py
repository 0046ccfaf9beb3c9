"""A relay on a thread: from the NATS server beside the local server to the latter."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TextIO, cast

import click

from ...delivery.http.interface import TransportError
from ...delivery.nats.address import Address, Login
from ...delivery.nats.loop import PrivateLoop
from ...relay.config import RelayConfig, parse_config
from ...relay.link import Link
from ...relay.log import RelayLog
from ...relay.service import Relay
from ...relay.setup import Setup, Sizes
from ...vendors.registry import VENDORS
from ...wire.settings import LOCAL_KEY

DRAIN_SECONDS = 5.0
END_SECONDS = 5.0
"""For the rest of the end, such as an answer that does not come."""

STREAM_BYTES = 2**30


def relay_config(address: Address, url: str, keys: Mapping[str, str]) -> RelayConfig:
    """
    Return the configuration of a relay to the local server.

    Args:
        address: Of the stream.
        url: Of the local server.
        keys: The key that it accepts from each vendor's clients, where it does not accept any.
    """
    placeholder = [{"vendor": vendor, "url": "http://127.0.0.1:9"} for vendor in VENDORS]
    config = parse_config({"stream": str(address), "destination": placeholder}, "")
    return dataclasses.replace(
        config,
        # The arguments are complete: the environment may hold addresses and keys of the vendors.
        destinations=[
            dataclasses.replace(each, arguments=_arguments(each.vendor, url, keys))
            for each in config.destinations
        ],
        listen=None,
        drain=DRAIN_SECONDS,
    )


def _arguments(vendor: str, url: str, keys: Mapping[str, str]) -> dict[str, Any]:
    key = VENDORS[vendor].profile.required[0]
    return {key: keys.get(vendor, LOCAL_KEY), "url": url, "allow_plain_http": True}


class WarningLog(RelayLog):
    """
    A log of the relay's troubles alone.

    Args:
        write: Takes a line.
        is_gone: Waits a moment, and returns True if the stream's server has ended: then nothing is
            written, as that was said.
    """

    def __init__(self, write: Callable[[str], None], is_gone: Callable[[], bool]) -> None:
        super().__init__("text", cast("TextIO", _LineWriter(write, is_gone)))

    def info(self, event: str, **fields: Any) -> None:
        """Write nothing."""


class _LineWriter:
    """As much of a text stream as the log needs."""

    def __init__(self, write: Callable[[str], None], is_gone: Callable[[], bool]) -> None:
        self._write, self._is_gone = write, is_gone

    def write(self, line: str) -> None:
        if not self._is_gone():
            self._write(f"relay: {line.rstrip()}")

    def flush(self) -> None:
        pass


class LocalRelay:
    """
    The relay, while the context lasts; at the end it delivers what it holds.

    Args:
        config: What it does.
        log: Its log.

    Attributes:
        left: How many messages were in the stream at the end.
    """

    def __init__(self, config: RelayConfig, log: RelayLog) -> None:
        self._config, self._log = config, log
        self._loop, self._stop = PrivateLoop(), asyncio.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._main, name="cxlogging-relay", daemon=True)
        self.left = 0

    def __enter__(self) -> LocalRelay:  # noqa: PYI034 - typing.Self came with 3.11
        self._thread.start()
        try:
            self._ready.result()
        except TransportError as error:
            reason = str(error).rstrip(".")
            raise click.ClickException(
                f"the NATS server cannot be used: {reason}. {error.cure}".rstrip()
            ) from None
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    def stop(self) -> None:
        """Have it deliver what it holds, and end; do not wait for that."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._stop.set)

    def _end(self) -> None:
        self.stop()
        self._thread.join(DRAIN_SECONDS + END_SECONDS)

    def _main(self) -> None:
        # It would write to stderr what the relay's own log has.
        logging.getLogger("nats").addHandler(logging.NullHandler())
        try:
            self._loop.run_until_complete(self._run())
        except Exception as error:
            if self._ready.done():
                self._log.warning("the relay has failed", error=repr(error))
            else:
                self._ready.set_exception(error)
        finally:
            self._loop.close()

    async def _run(self) -> None:
        async with Link(self._config.address, Login()) as link:
            await Setup(link, self._config, Sizes(replicas=1, max_bytes=STREAM_BYTES)).run()
            self._ready.set_result(None)
            with self._log.with_diagnostics():
                await Relay(self._config, Login(), self._log).run(self._stop)
            with suppress(TransportError):  # the server has ended
                name = self._config.address.stream
                self.left = (await link.call(lambda js: js.stream_info(name))).state.messages
