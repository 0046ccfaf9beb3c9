"""
Keeps an application's tests from sending records to a vendor.

The pytest plugin imports this module at every start of pytest: it imports nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..wire.destination import Destination
    from ..wire.http import Request, Response
    from .http.interface import Transport

DISABLED_VARIABLE = "CXLOGGING_DISABLED"


class NoTransport:
    """Sends nothing."""

    def send(self, request: Request, encoding: str | None, seconds: float) -> Response:
        """Raise `TransportError`."""
        from .http.interface import TransportError

        del request, encoding, seconds
        raise TransportError(f"{DISABLED_VARIABLE} is set")

    def close(self) -> None:
        """Do nothing."""


replacement: Callable[[Destination], Transport] | None = None
"""Creates what takes the requests of every new handler in place of the network."""


def replace_transport(factory: Callable[[Destination], Transport] | None) -> None:
    """Give every handler that is created from now on a transport of *factory*; None ends that."""
    global replacement  # noqa: PLW0603 - one for the process, as the network is
    replacement = factory


def is_disabled() -> bool:
    """
    Return True if handlers count records and do nothing else.

    Raises:
        ConfigurationError: ``CXLOGGING_DISABLED`` is neither true nor false.
    """
    from ..wire.option_parsers import boolean
    from ..wire.settings import held

    if replacement is not None:
        return False
    text = held(DISABLED_VARIABLE)
    return bool(text) and boolean(DISABLED_VARIABLE, text)
