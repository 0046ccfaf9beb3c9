"""What requests to a destination need: a transport, and what hides their secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from ...wire.destination import Destination
from ...wire.http import Secret
from ...wire.masking import Masker, header_secrets
from ...wire.settings import LOCAL_KEY
from ..clock import Clocks
from ..options import Options
from .interface import Transport


def transport_maker(
    destination: Destination, options: Options, clock: Clocks
) -> Callable[[], Transport]:
    """
    Return what makes a transport to *destination* over the network.

    The libraries for it are imported where it is first called: on the thread that
    configures the handler, and only where there is somebody to send to.
    """

    def make() -> Transport:
        from .connect import Connector
        from .transport import HttpTransport

        endpoint = destination.request([b""]).endpoint
        headers = tuple((options.headers or {}).items())
        return HttpTransport(Connector(endpoint, options), headers, clock)

    if not destination.missing:
        _check_environment(destination, options)
    return make


def _check_environment(destination: Destination, options: Options) -> None:
    """Raise where the environment names an invalid proxy or certificate; never after a fork."""
    from . import tls
    from .connect import Connector

    endpoint = destination.request([b""]).endpoint
    if endpoint.scheme != "https":
        return
    Connector(endpoint, options).proxy()
    if options.ssl_context is None and options.ca_file is None:
        tls.check_bundle()


def masker(destination: Destination, options: Options) -> Masker:
    """Return what hides the secrets that requests to *destination* carry."""
    secrets = []
    if not destination.missing:
        for _, value in destination.request([b""]).headers:
            if isinstance(value, Secret):
                secrets.append(value.reveal().rpartition(" ")[2])
    for name, value in (options.headers or {}).items():
        secrets += header_secrets(name, value)
    for address in filter(None, (options.proxy, *_environment_proxies())):
        user, _, password = address.rpartition("@")[0].rpartition("/")[2].partition(":")
        if password:
            plain = unquote(user), unquote(password)
            secrets += [password, plain[1], f"{user}:{password}", ":".join(plain)]
    return Masker(each for each in secrets if each != LOCAL_KEY)


def _environment_proxies() -> Iterator[str]:
    """Yield the addresses in ``HTTPS_PROXY`` and similar variables."""
    for name, value in tuple(os.environ.items()):
        if name.lower().endswith("_proxy"):
            yield value
