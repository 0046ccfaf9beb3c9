"""Sockets: listening, reading a request, resetting a connection."""

from __future__ import annotations

import contextlib
import socket
import struct

CHUNK = 16_384


def reset(sock: socket.socket) -> None:
    """Reset a connection (RST), as a crashed peer or a firewall does."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        # A reader in another thread keeps the file open: it must be woken first.
        socket.socket.shutdown(sock, socket.SHUT_RD)
    sock.close()


def read_request(sock: socket.socket) -> bytes:
    """
    Return the next complete request of a connection; nothing at its end.

    What is not HTTP, such as a TLS handshake, is returned as it is read.
    """
    data = b""
    while b"\r\n\r\n" not in data and (not data or data[:1].isalpha()):
        more = sock.recv(CHUNK)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    parts = [body]
    left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0) - len(body)
    while left > 0:
        more = sock.recv(min(left, 2**20))
        if not more:
            return b""
        parts.append(more)
        left -= len(more)
    return head + b"\r\n\r\n" + b"".join(parts)


def bound(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock
