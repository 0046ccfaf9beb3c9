"""What a delivery to a stream has in place of the vendor's limits, transport and secrets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...wire.destination import Destination
from ...wire.masking import Masker
from .address import Address, parse_address, read_login, require_client
from .message import identity_headers, stream_identity

if TYPE_CHECKING:
    from .stream import StreamTransport

BATCH_BYTES = 2**20
"""Of the items that are published side by side."""

BATCH_COUNT = 2**31


def stream_destination(destination: Destination, address: Address) -> Destination:
    """
    Return *destination* as one of a stream: complete without a key, and with its own limits.

    Its items are as they were: they have the vendor's form and the vendor's limit.
    """
    limits = destination.limits
    return destination.through(
        f"{destination.name} by way of the stream {address.stream}",
        limits._replace(
            body_bytes=max(BATCH_BYTES, limits.item_bytes),
            wire_bytes=2**31,
            batch_count=BATCH_COUNT,
            overhead=0,
            auto=(),
            tried=(),
        ),
        {**destination.identity, "stream": address.stream},
    )


def through_stream(
    destination: Destination, spool: str
) -> tuple[Destination, Callable[[], StreamTransport], Masker]:
    """
    Return what carries items of *destination* through a stream.

    Args:
        destination: The vendor's rules.
        spool: The stream's address.

    Returns:
        The destination to use, what makes a transport, and what hides the secrets.

    Raises:
        ConfigurationError: The client is not installed, or the login in the environment is wrong.
    """
    address = parse_address("spool", spool)
    require_client(f"spool={spool!r}")
    login = read_login()
    from .stream import StreamTransport

    headers = identity_headers(stream_identity(destination))
    vendor = re.sub(r"[^A-Za-z0-9_-]", "_", destination.identity["vendor"])
    return (
        stream_destination(destination, address),
        lambda: StreamTransport(address, login, vendor, headers),
        Masker(login.secrets),
    )
