"""
Lines of files and of standard input: compressed or not, to their end or for ever.

No more than a line is held at a time, and no line is longer than `LONGEST`.
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

LONGEST = 2 * 2**20
PAUSE = 0.2
STANDARD = "-"


@dataclass(frozen=True)
class Line:
    """A line, whose it is, and its number there, from 1."""

    text: str
    source: str
    number: int


class UnreadableError(Exception):
    """An input broke in the middle; the sentence says which, and how."""


class Input:
    """
    What is read.

    Args:
        names: Paths; ``-`` is standard input.
        follow: Wait for more at the end of a file, also of one that is replaced.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        follow: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.names = tuple(names) or (STANDARD,)
        self._follow = follow
        self._pause = pause
        self._done = 0
        self._file: Any = None
        self.cut = 0

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where nobody knows."""
        if self._follow or STANDARD in self.names:
            return None
        return sum(_size(name) for name in self.names)

    @property
    def position(self) -> int:
        """Bytes read so far, as they lie in the files."""
        try:
            return self._done + (self._file.tell() if self._file is not None else 0)
        except (OSError, ValueError):
            return self._done

    def lines(self) -> Iterator[Line]:
        """Yield every line that is not blank."""
        if self._follow and STANDARD not in self.names:
            yield from self._followed()
            return
        for name in self.names:
            for number, raw in enumerate(self.raw(name), 1):
                if raw.strip():
                    yield Line(decoded(raw), shown(name), number)

    def raw(self, name: str) -> Iterator[bytes]:
        """
        Yield the lines of one input as they are.

        Raises:
            UnreadableError: It is damaged, or its disk is.
        """
        try:
            file = self._opened(name)
            while line := self._line(file):
                yield line
        except (click.ClickException, KeyboardInterrupt, GeneratorExit):
            raise
        except Exception as error:  # each compression has errors of its own
            raise UnreadableError(f"{shown(name)} cannot be read on: {error}") from None
        finally:
            self._finish()

    def _opened(self, name: str) -> BinaryIO:
        """Return a file's bytes, decompressed where they begin as gzip or zstd."""
        raw: Any = sys.stdin.buffer if name == STANDARD else _open(name)
        if not hasattr(raw, "peek"):
            raw = io.BufferedReader(raw)
        self._file = None if name == STANDARD else raw
        head = raw.peek(4)[:4]
        if head[:2] == b"\x1f\x8b":
            return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
        if head == b"\x28\xb5\x2f\xfd":
            return _zstd(raw)
        return raw  # type: ignore[no-any-return]

    def _finish(self) -> None:
        """Count a file as read."""
        if self._file is not None:
            self._done += self._file.tell()
            self._file.close()
            self._file = None

    def _line(self, file: BinaryIO) -> bytes:
        raw = file.readline(LONGEST)
        if len(raw) == LONGEST and raw[-1:] != b"\n":
            self.cut += 1
            while (rest := file.readline(LONGEST)) and rest[-1:] != b"\n":
                pass
        return raw

    def _followed(self) -> Iterator[Line]:
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(contextlib.closing(_Growing(n))) for n in self.names]
            while True:
                quiet = True
                for file in files:
                    for line in file.lines():
                        quiet = False
                        yield line
                if quiet:
                    self._pause(PAUSE)


class _Growing:
    """A file that grows, is cut, or is replaced by another of its name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._file: Any = _open(name)
        self._number = 0
        self._begun = b""

    def lines(self) -> Iterator[Line]:
        yield from self._rest()
        if self._is_another():
            yield from self._rest()
            if self._begun:
                yield self._whole()
            self._file.close()
            self._file, self._number = _open(self._name), 0
            yield from self._rest()

    def close(self) -> None:
        self._file.close()

    def _rest(self) -> Iterator[Line]:
        while raw := self._file.readline(LONGEST):
            self._begun += raw
            # A line that is still being written is left until it ends.
            if raw.endswith(b"\n") or len(self._begun) >= LONGEST:
                line = self._whole()
                if line.text.strip():
                    yield line

    def _whole(self) -> Line:
        raw, self._begun = self._begun, b""
        self._number += 1
        return Line(decoded(raw), shown(self._name), self._number)

    def _is_another(self) -> bool:
        try:
            there = Path(self._name).stat()
        except OSError:
            return False  # being replaced: soon it is there again
        held = os.fstat(self._file.fileno())
        return there.st_ino != held.st_ino or there.st_size < self._file.tell()


def decoded(raw: bytes) -> str:
    """Return a line's text; bytes that are no UTF-8 stay readable as escapes."""
    return raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def shown(name: str) -> str:
    """Return the name of an input."""
    return "stdin" if name == STANDARD else name


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
        "this input is zstd: pip install 'cxlogging[fast]', or pipe it: zstd -dc."
    )
