"""The way through a stream, on one machine: a NATS server, and a relay to the local server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ...delivery.nats.address import Address, require_client
from .nats_server import INSTALL, NatsServer, choose_port, data_folder, find_nats_server

STREAM = "LOGS"


class FleetOptions(NamedTuple):
    """
    What the user chose.

    Attributes:
        program: The path of the NATS server.
        host: Where the NATS server listens.
        port: Its port; 0 picks a free one, None 4222 or a free one.
        database: The local server's database, beside which the stream is stored; None stores both
            in temporary files.
        keys: The key that the local server accepts from each vendor's clients, if not any.
    """

    program: str
    host: str
    port: int | None
    database: str | None
    keys: Mapping[str, str]


def require_programs() -> str:
    """
    Return the path of the NATS server.

    Raises:
        ConfigurationError: The server or its client is not installed.
    """
    require_client("--nats", INSTALL)
    return find_nats_server()


@contextmanager
def local_fleet(options: FleetOptions, url: str, write: Callable[[str], None]) -> Iterator[str]:
    """
    Run both; give the address of the stream, as handlers take it for ``spool=``.

    Args:
        options: What the user chose.
        url: The local server's address.
        write: Takes lines about trouble.
    """
    from .local_relay import LocalRelay, WarningLog, relay_config

    relays: list[LocalRelay] = []

    def on_crash(reason: str) -> None:
        write(_crash(reason, options.database))
        for each in relays:
            each.stop()

    port = choose_port(options.host, options.port)
    with (
        data_folder(options.database) as folder,
        NatsServer(
            options.program,
            folder,
            options.host,
            port,
            is_temporary=options.database is None,
            on_crash=on_crash,
        ) as server,
    ):
        host = url.rpartition("/")[2].rpartition(":")[0]
        address = Address((f"nats://{host}:{server.port}",), STREAM)
        log = WarningLog(write, lambda: server.is_gone(0.2))
        relay = LocalRelay(relay_config(address, url, options.keys), log)
        relays.append(relay)
        try:
            with relay:
                yield str(address)
        finally:
            if relay.left and options.database is None:
                write(
                    "messages of the stream that were not delivered, and are gone now:"
                    f" {relay.left:,}. With --db PATH they are kept."
                )


def _crash(reason: str, database: str | None) -> str:
    kept = "it finds what the stream held" if database else "with --db PATH, a stream is kept"
    return (
        f"nats-server has ended: {reason}. The local server runs on, and what is logged for the"
        " stream waits in the queues of its handlers. Stop this command with Ctrl-C, and start it"
        f" again: {kept}."
    )
