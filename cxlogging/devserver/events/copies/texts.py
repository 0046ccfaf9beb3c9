"""All texts of an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .curl import curl_command
from .dataprime import query
from .python import logging_call


def copies(event: Mapping[str, Any], url: str) -> dict[str, str]:
    """
    Return by name the texts for *event*, a dict as `Store.newest` returns it.

    Args:
        event: The event.
        url: The address of the local server.

    Returns:
        ``curl`` sends the event again, to the local server; the key is read from the vendor's
        variable. ``python`` makes a record like the one that was logged. ``dataprime`` finds the
        event. A text is empty where the event is nested too deeply for it.
    """
    makers: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "curl": partial(curl_command, url=url),
        "python": logging_call,
        "dataprime": query,
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make(event)
        except RecursionError:
            found[name] = ""
    return found
