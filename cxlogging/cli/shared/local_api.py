"""Requests to the JSON API of the local server."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click

from ...wire.settings import URL_VARIABLE, is_loopback
from .exit_codes import RETRYABLE
from .local_server import LOCAL_PORT, local_url
from .screen import complain
from .wording import in_flags

TIMEOUT = 10.0


def local_origin(port: int | None, url: str | None) -> str:
    """Return the address of the local server; refuse one that is not on this machine."""
    if port and url:
        raise click.UsageError("--port and --url both say where the local server is: pass one.")
    address = url or local_url(port)
    found = loopback_origin(address)
    if found is None:
        raise click.UsageError(
            f"{'--url' if url else URL_VARIABLE} takes the address of a local server on this"
            f" machine, such as http://127.0.0.1:{LOCAL_PORT}, not {address!r}."
        )
    return found


def loopback_origin(address: str) -> str | None:
    """Return scheme, host and port of *address*; None if it is not an http one of this machine."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, number = parts.hostname or "", parts.port or 80
        if parts.scheme == "http" and is_loopback(host):
            return f"http://[{host}]:{number}" if ":" in host else f"http://{host}:{number}"
    return None


def call(
    origin: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    advice: str = "Start one: cxlogging dev",
) -> dict[str, Any]:
    """
    Return the answer of the local server; exit with a sentence if there is none.

    Args:
        origin: What `local_origin` returned.
        path: The path of the API.
        body: The JSON of a POST; None for a GET.
        parameters: Those of a GET.
        advice: What to do where nothing listens.
    """
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False  # the server is on this machine: no proxy
            answer = session.request(
                "GET" if body is None else "POST",
                f"{origin}{path}",
                json=body,
                params=parameters,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
    except requests.ConnectionError:
        complain(f"no local server listens at {origin}. {advice}")
        raise SystemExit(RETRYABLE) from None
    except requests.Timeout:
        complain(f"{origin} does not answer.")
        raise SystemExit(RETRYABLE) from None
    try:
        found = answer.json()
        reason = str(found.get("error", ""))
    except (ValueError, AttributeError):
        found, reason = {}, ""
    if answer.status_code == 400 and reason:
        raise click.UsageError(f"{in_flags(reason, click.get_current_context().command)}.")
    if not (answer.ok and found):
        reason = reason or f"{origin} is not a local server of cxlogging"
        raise click.ClickException(f"{reason} (HTTP {answer.status_code}).")
    return dict(found)
