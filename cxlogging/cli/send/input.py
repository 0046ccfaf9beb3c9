"""
Lines of files and of standard input, compressed or not; growing files can be followed.

One line at a time is held in memory, and it is cut at `MAX_LINE_BYTES`.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

MAX_LINE_BYTES = 2 * 2**20
POLL_SECONDS = 0.2
STDIN = "-"


@dataclass(frozen=True)
class InputLine:
    """A line, the name of its input, and its number there, counted from 1."""

    text: str
    source: str
    number: int


class UnreadableError(Exception):
    """An input failed while it was read; the message names the input and the reason."""


class Input:
    """
    Files, or standard input, read line by line.

    Args:
        names: Paths; ``-`` is standard input, which is also read if there are none.
        follow: Wait for more lines at the end of a file, as ``tail -F`` does.
        pause: Sleeps for a number of seconds.

    Attributes:
        cut: How many lines were cut because they were too long.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        follow: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.names = tuple(names) or (STDIN,)
        self._follow = follow
        self._pause = pause
        self._bytes_of_finished_files = 0
        self._file: Any = None
        self.cut = 0

    @property
    def size(self) -> int | None:
        """The size of all files in bytes, or None if it is unknown."""
        if self._follow or STDIN in self.names:
            return None
        return sum(_size(name) for name in self.names)

    @property
    def position(self) -> int:
        """How many bytes of the files have been read, before decompression."""
        try:
            current = self._file.tell() if self._file is not None else 0
        except (OSError, ValueError):
            current = 0
        return self._bytes_of_finished_files + current

    def lines(self) -> Iterator[InputLine]:
        """Yield every line that is not blank."""
        if self._follow and STDIN not in self.names:
            yield from self._followed()
            return
        for name in self.names:
            for number, raw in enumerate(self.raw(name), 1):
                if raw.strip():
                    yield InputLine(decoded(raw), display_name(name), number)

    def raw(self, name: str) -> Iterator[bytes]:
        """
        Yield the undecoded lines of one input.

        Raises:
            UnreadableError: The file is damaged, or cannot be read to its end.
        """
        try:
            file = self._opened(name)
            while line := self._read_line(file):
                yield line
        except (click.ClickException, KeyboardInterrupt, GeneratorExit):
            raise
        except Exception as error:  # each compression library has its own errors
            raise UnreadableError(
                f"{display_name(name)} cannot be read to its end: {error}"
            ) from None
        finally:
            self._close_file()

    def _opened(self, name: str) -> BinaryIO:
        """Open an input; what begins as gzip or zstd is decompressed."""
        raw: Any = sys.stdin.buffer if name == STDIN else _open(name)
        if not hasattr(raw, "peek"):
            raw = io.BufferedReader(raw)
        self._file = None if name == STDIN else raw
        head = raw.peek(4)[:4]
        if head[:2] == b"\x1f\x8b":
            return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
        if head == b"\x28\xb5\x2f\xfd":
            return _zstd(raw)
        return raw  # type: ignore[no-any-return]

    def _close_file(self) -> None:
        if self._file is not None:
            self._bytes_of_finished_files += self._file.tell()
            self._file.close()
            self._file = None

    def _read_line(self, file: BinaryIO) -> bytes:
        raw = file.readline(MAX_LINE_BYTES)
        if len(raw) == MAX_LINE_BYTES and raw[-1:] != b"\n":
            self.cut += 1
            while (rest := file.readline(MAX_LINE_BYTES)) and rest[-1:] != b"\n":
                pass
        return raw

    def _followed(self) -> Iterator[InputLine]:
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(contextlib.closing(_FollowedFile(n))) for n in self.names]
            while True:
                nothing_new = True
                for file in files:
                    for line in file.lines():
                        nothing_new = False
                        yield line
                if nothing_new:
                    self._pause(POLL_SECONDS)


class _FollowedFile:
    """A file that grows, and may be truncated, or replaced by another one of the same name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._file: Any = _open(name)
        self._number = 0
        self._unfinished = b""

    def lines(self) -> Iterator[InputLine]:
        yield from self._new_lines()
        if self._is_replaced():
            yield from self._new_lines()
            if self._unfinished:
                yield self._finish_line()
            self._file.close()
            self._file, self._number = _open(self._name), 0
            yield from self._new_lines()

    def close(self) -> None:
        self._file.close()

    def _new_lines(self) -> Iterator[InputLine]:
        while raw := self._file.readline(MAX_LINE_BYTES):
            self._unfinished += raw
            # A line without its line end is still being written.
            if raw.endswith(b"\n") or len(self._unfinished) >= MAX_LINE_BYTES:
                line = self._finish_line()
                if line.text.strip():
                    yield line

    def _finish_line(self) -> InputLine:
        raw, self._unfinished = self._unfinished, b""
        self._number += 1
        return InputLine(decoded(raw), display_name(self._name), self._number)

    def _is_replaced(self) -> bool:
        try:
            current = Path(self._name).stat()
        except OSError:
            return False  # a rotation is under way: the new file comes soon
        opened = os.fstat(self._file.fileno())
        return current.st_ino != opened.st_ino or current.st_size < self._file.tell()


def decoded(raw: bytes) -> str:
    """Return a line as text; bytes that are not UTF-8 become escapes."""
    return raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def display_name(name: str) -> str:
    """Return the name of an input for messages."""
    return "stdin" if name == STDIN else name


def _open(name: str) -> Any:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise click.UsageError(f"cannot read {name!r}: {error.strerror}.") from None


def _size(name: str) -> int:
    with _open(name) as file:
        return os.fstat(file.fileno()).st_size


def _zstd(raw: Any) -> BinaryIO:
    for module in ("compression.zstd", "backports.zstd"):
        try:
            library = importlib.import_module(module)
        except ImportError:
            continue
        return library.ZstdFile(raw)  # type: ignore[no-any-return]
    raise click.UsageError(
        "reading zstd needs a package: pip install 'cxlogging[fast]'. Or decompress it: zstd -dc."
    )
