"""
What no vendor takes: written to a stream of its own before the message is acknowledged.

A dead letter is a message like the ones that relays read, with further headers:

| header | value |
|---|---|
| `Cx-Reason` | the vendor's words, or the relay's; other characters than ASCII and `%` as in URLs |
| `Cx-Rejected-At` | when, in UTC |
| `Cx-Subject` | the subject on which the message was published |
| `Cx-Encoding` | `gzip` where these headers would make the message too large |
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..delivery.nats.failures import StreamError
from ..delivery.nats.message import (
    COUNT,
    DESTINATION,
    FIRST,
    LEVELS,
    MESSAGE_ID,
    RUN,
    SPACING,
    MessageError,
    StreamMessage,
    cut,
    read_message,
)
from .delivering.held import HeldMessage
from .link import Link

REASON = "Cx-Reason"
REJECTED_AT = "Cx-Rejected-At"
SUBJECT = "Cx-Subject"
ENCODING, GZIP = "Cx-Encoding", "gzip"
LONGEST_HEADER = 16_000
"""A server takes 64 KiB of headers, and with the letter's own there are more of them."""

HEADER_OVERHEAD = 32
"""Bytes of a header beyond its name and value, and of the first line of all of them."""

OWN_HEADERS = frozenset({REASON, REJECTED_AT, SUBJECT})
OF_ITEMS = frozenset({MESSAGE_ID, RUN, FIRST, COUNT, LEVELS, SPACING})
SERVERS = "Nats-"
UNREADABLE = "unreadable"
"""Stands for the vendor of a message that is not of this package's format."""

NO_MESSAGE = 10037
PRINTED = "".join(map(chr, range(32, 127))).replace("%", "")


class RejectedMessage(NamedTuple):
    """
    A dead letter.

    Attributes:
        sequence: Its number in the stream of dead letters.
        vendor: Whose items these are; `UNREADABLE` where that is not known.
        at: When it was written, as ISO 8601; empty if unknown.
        reason: The vendor's words, or the relay's.
        subject: The subject on which the message was published.
        headers: All of them.
        payload: As it was published.
    """

    sequence: int
    vendor: str
    at: str
    reason: str
    subject: str
    headers: Mapping[str, str]
    payload: bytes

    @property
    def content(self) -> StreamMessage | None:
        """What is in it; None if it is not of this package's format."""
        try:
            return read_message(self.headers, self.payload)
        except MessageError:
            return None


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _copied(headers: Mapping[str, str]) -> dict[str, str]:
    """Return *headers* without the servers' own, which may demand another stream."""
    own = {name: text for name, text in headers.items() if not name.startswith(SERVERS)}
    return {name: text[:LONGEST_HEADER] for name, text in own.items()}


class DeadLetters:
    """
    The stream of dead letters of a stream.

    Args:
        link: The connection.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._stream = link.address.rejected_stream

    async def write(self, message: HeldMessage) -> None:
        """
        Write what no vendor takes of *message*.

        Raises:
            StreamError: Not all of it was stored; what was is not stored twice.
        """
        if message.refusal:
            await self._write_whole(message.raw, message.refusal)
        elif message.rejected:
            await self._write_items(message)

    async def _write_whole(self, raw: Any, reason: str) -> None:
        headers = dict(raw.headers or {})
        name = headers.get(MESSAGE_ID) or f"{raw.metadata.sequence.stream}"
        vendor = raw.subject.rpartition(".")[2] if headers.get(DESTINATION) else UNREADABLE
        await self._write(vendor, raw.subject, {**headers, MESSAGE_ID: name}, raw.data, reason)

    async def _write_items(self, message: HeldMessage) -> None:
        raw = message.raw
        vendor = raw.subject.rpartition(".")[2]
        shared = {name: text for name, text in raw.headers.items() if name not in OF_ITEMS}
        for begin, end, reason in message.refused():
            origins = [message.origin(index) for index in range(begin, end)]
            items = [(item.level, item.data) for item in message.items[begin:end]]
            for each in cut(items, origins, shared):
                await self._write(vendor, raw.subject, each.headers, each.payload, reason)

    async def _write(
        self, vendor: str, subject: str, headers: dict[str, str], payload: bytes, reason: str
    ) -> None:
        shown = quote(reason or "no reason was given", safe=PRINTED)
        own = {REASON: shown, REJECTED_AT: _now(), SUBJECT: subject}
        whole = {**_copied(headers), **own, MESSAGE_ID: f"rejected-{headers[MESSAGE_ID]}"}
        room = (await self._link.client()).max_payload - sum(
            len(each) + len(text) + HEADER_OVERHEAD for each, text in whole.items()
        )
        if len(payload) > room - HEADER_OVERHEAD:
            payload, whole[ENCODING] = gzip.compress(payload), GZIP
        await self._link.publish(self._link.address.rejected_subject(vendor), payload, whole)

    async def read(self) -> AsyncIterator[RejectedMessage]:
        """
        Yield all dead letters, oldest first.

        Raises:
            StreamError: The server does not answer.
        """
        info = await self._link.call(lambda js: js.stream_info(self._stream))
        at, last = info.state.first_seq, info.state.last_seq
        while info.state.messages and at <= last:
            found = await self._next(at)
            if found is None:
                return
            yield found
            at = found.sequence + 1

    async def _next(self, at: int) -> RejectedMessage | None:
        """Return the first dead letter whose number is *at* or more."""
        subject = self._link.address.rejected_subject(">")
        found = await self._link.find(
            lambda js: js.get_msg(self._stream, seq=at, subject=subject, next=True)
        )
        if found is None:
            return None
        headers, payload = dict(found.headers or {}), found.data or b""
        if headers.pop(ENCODING, "") == GZIP:
            with contextlib.suppress(OSError, EOFError, zlib.error):  # damaged: shown as it is
                payload = gzip.decompress(payload)
        return RejectedMessage(
            found.seq or at,
            str(found.subject).rpartition(".")[2],
            headers.get(REJECTED_AT, ""),
            unquote(headers.get(REASON, "")),
            headers.get(SUBJECT, found.subject or ""),
            headers,
            payload,
        )

    async def resend(self, letter: RejectedMessage) -> None:
        """
        Publish *letter* again for the relays, under another run, and remove it from here.

        Under its old run, relays would take its items for delivered ones. Where the removal
        fails, the next call publishes it under the same new run: it is not sent twice.

        Raises:
            StreamError: It could not be published, or removed.
        """
        copied = _copied(letter.headers).items()
        headers = {name: text for name, text in copied if name not in OWN_HEADERS}
        secret = f"{letter.headers.get(MESSAGE_ID)} {letter.at} {letter.sequence}"
        run = hashlib.sha256(secret.encode()).hexdigest()[:16]
        if RUN in headers:
            headers[RUN] = run
        headers[MESSAGE_ID] = f"{run}-{headers.get(FIRST)}-{headers.get(COUNT)}"
        await self._link.publish(letter.subject, letter.payload, headers)
        await self.remove(letter)

    async def remove(self, letter: RejectedMessage) -> None:
        """
        Remove *letter* for good.

        Raises:
            StreamError: The server does not answer.
        """
        try:
            await self._link.find(lambda js: js.delete_msg(self._stream, letter.sequence))
        except StreamError as error:
            if error.code != NO_MESSAGE:
                raise
