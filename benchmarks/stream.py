"""The NATS stream that a subject publishes to, on a server of its own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 2**29


@contextlib.contextmanager
def stream() -> Iterator[str]:
    """Yield the address of a stream that keeps the newest; empty where no server is installed."""
    try:
        from nats.js.api import DiscardPolicy, RetentionPolicy

        from tests.nats.servers import binary, create_stream, one_node

        binary()
    except (ImportError, FileNotFoundError):
        yield ""
        return
    with (
        tempfile.TemporaryDirectory(prefix="cxlogging-", ignore_cleanup_errors=True) as folder,
        one_node(Path(folder)) as node,
    ):
        address = f"{node.url}/BENCHMARKS"
        newest = {"discard": DiscardPolicy.OLD, "retention": RetentionPolicy.LIMITS}
        create_stream(address, max_bytes=MAX_BYTES, **newest)
        yield address
