"""What went wrong with a stream, in words, and what a person can do about it."""

from __future__ import annotations

import asyncio
import socket
import ssl

import nats.errors
import nats.js.errors

from ..http import tls
from ..http.interface import TransportError
from .address import (
    CA_VARIABLE,
    CREDENTIALS_VARIABLE,
    PASSWORD_VARIABLE,
    TOKEN_VARIABLE,
    USER_VARIABLE,
    Address,
)

STREAM_NOT_FOUND = 10059
OTHER_STREAM = 10060
STREAM_FULL = 10077
STORAGE_FULL = 10023
LEARN = f"Set {USER_VARIABLE} and {PASSWORD_VARIABLE}, {TOKEN_VARIABLE} or {CREDENTIALS_VARIABLE}."


class StreamError(TransportError):
    """
    The stream, or a server of it, did not do what was asked.

    Attributes:
        code: JetStream's number for it; 0 where there is none.
        needs_fix: Trying again does not help before somebody changes something.
    """

    def __init__(
        self, reason: str, cure: str = "", *, code: int = 0, needs_fix: bool = False
    ) -> None:
        super().__init__(reason, cure)
        self.code = code
        self.needs_fix = needs_fix


def no_stream(address: Address) -> StreamError:
    """Return the error of a stream that does not exist."""
    command = f"`cxlogging relay init --nats {address}`"
    return StreamError(
        f"there is no stream {address.stream}", f"Create it: {command}.", code=STREAM_NOT_FOUND
    )


def stream_error(error: Exception, address: Address) -> StreamError:
    """Return what an exception of the client means for *address*."""
    if isinstance(error, StreamError):
        return error
    if isinstance(error, nats.js.errors.APIError):
        return _of_jetstream(error, address)
    if isinstance(error, (nats.js.errors.NoStreamResponseError, nats.errors.NoRespondersError)):
        return StreamError(
            f"nobody answers for the stream {address.stream}: too few of its servers run, or it is"
            " electing a leader",
            "Check the servers of the cluster.",
            code=503,
        )
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return StreamError(f"no answer came from the stream {address.stream} in time")
    return StreamError(f"the connection to the servers ended: {_words(error)}")


def _words(error: Exception) -> str:
    """Return in one line what the client says, or the name of an exception without text."""
    said = " ".join(str(error).split()).removeprefix("nats: ").strip("'\"")
    return said or type(error).__name__


def _of_jetstream(error: nats.js.errors.APIError, address: Address) -> StreamError:
    code, stream = error.err_code or 0, address.stream
    said = f"{error.description} (error {code})"
    if code == STREAM_NOT_FOUND:
        return no_stream(address)
    if code == OTHER_STREAM:
        return StreamError(
            f"another stream than {stream} takes the subjects of {stream}: {said}",
            "Remove the other stream's subject, or use its name in spool=.",
            code=code,
            needs_fix=True,
        )
    if code == STREAM_FULL:
        return StreamError(
            f"the stream {stream} takes no more: {said}",
            "Start more relays, see `cxlogging relay status`, or raise its max_bytes.",
            code=code,
        )
    if code == STORAGE_FULL:
        return StreamError(
            f"the servers of {stream} have no storage left: {said}",
            "Raise max_file_store of the servers, or lower max_bytes of their streams.",
            code=code,
        )
    return StreamError(f"the stream {stream} answered: {said}", code=code)


def connection_error(server: str, error: Exception) -> StreamError:
    """Return why there is no connection to *server*, such as ``"nats://h1:4222"``."""
    place = server.partition("://")[2]
    if isinstance(error, StreamError):
        return error
    if isinstance(error, ssl.SSLError):
        reason, cure = tls.explained(place, error)
        cure = f"Name the certificates to trust in {CA_VARIABLE}. {cure}"
        return StreamError(reason, cure)
    if isinstance(error, ConnectionRefusedError):
        cure = f"Is nats-server running at {place}?"
        return StreamError(f"{place} refused the connection", cure)
    if isinstance(error, socket.gaierror):
        host = place.rpartition(":")[0]
        return StreamError(f"the name {host} was not found: {error.strerror}", "Check the name.")
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return StreamError(f"{place} did not answer in time")
    text = _words(error)
    if "authorization" in text.lower() or "authentication" in text.lower():
        return StreamError(f"{place} refused the login: {text}", LEARN, needs_fix=True)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return StreamError(f"no connection to {place}: {text}")


def permission_error(error: Exception) -> StreamError | None:
    """Return the meaning of an error that comes unasked, where it is a refused permission."""
    text = " ".join(str(error).split()).removeprefix("nats: ")
    if "permissions violation" not in text.lower():
        return None
    return StreamError(
        f"the login may not do what is needed: {text}",
        "Allow it to publish to cxlogging.> and $JS.API.>, and to subscribe to _INBOX.>.",
        needs_fix=True,
    )
