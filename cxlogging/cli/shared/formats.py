"""Rows on stdout: as a table for people, as JSON or CSV for programs, or raw."""

from __future__ import annotations

import datetime
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TextIO, TypeVar

import click

from ...dataprime import Row
from ...dataprime.exports import document, table, write_csv
from ...dataprime.times import readable
from .log_lines import folded, line_of, safe_line
from .screen import is_coloured, prepare, safe, safe_json

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("table", "json", "jsonl", "csv", "raw")

colour = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Whether to use colours; auto uses them on a terminal.",
)
full = click.option(
    "--full", is_flag=True, help="In a table, show all fields, and every line of long texts."
)


def output(*formats: str) -> Callable[[F], F]:
    """Return the option --output with a choice of *formats*."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        help="The format of the rows. Default: table on a terminal, jsonl in a pipe.",
    )


def chosen(form: str | None) -> str:
    """Return *form*, or by default a table on a terminal and JSON lines in a pipe."""
    return form or ("table" if sys.stdout.isatty() else "jsonl")


def write(rows: Iterable[Row], form: str, colour: str = "auto", *, full: bool = False) -> int:
    """
    Write *rows* to stdout as they come, and return how many there were.

    On a terminal all formats but ``raw`` escape control characters.

    Args:
        rows: The rows.
        form: One of `FORMATS`.
        colour: ``"auto"``, ``"always"`` or ``"never"``.
        full: A table has all fields, and every line of long texts.
    """
    prepare(sys.stdout)
    counted = _Counted(rows)
    writers: dict[str, Callable[[Iterable[Row], TextIO, str], None]] = {
        "table": partial(_table, full=full),
        "json": _json,
        "jsonl": _jsonl,
        "csv": _csv,
        "raw": _raw,
    }
    writers[form](counted, sys.stdout, colour)
    return counted.count


class _Counted:
    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _text(row: Row, out: TextIO) -> str:
    # An encoding that lacks characters would escape them in another way than JSON does.
    narrow = not (out.encoding or "utf-8").lower().startswith("utf")
    text = json.dumps(document(row), ensure_ascii=narrow, default=str)
    return safe_json(text) if out.isatty() else text


def _jsonl(rows: Iterable[Row], out: TextIO, colour: str) -> None:
    del colour
    for row in rows:
        out.write(_text(row, out) + "\n")
        _flush_terminal(out)


def _json(rows: Iterable[Row], out: TextIO, colour: str) -> None:
    del colour
    mark = "["
    try:
        for row in rows:
            out.write(f"{mark}\n{_text(row, out)}")
            mark = ","
    finally:
        # If an error ends the rows early, the output is valid JSON nevertheless.
        out.write("[]\n" if mark == "[" else "\n]\n")


def _csv(rows: Iterable[Row], out: TextIO, colour: str) -> None:
    del colour
    write_csv(_SafeLines(out) if out.isatty() else out, table(rows))


class _SafeLines:
    """Writes CSV to a terminal, one line a call, with control characters escaped."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        self._out.write(safe(text.removesuffix("\r\n")) + "\n")


def _raw(rows: Iterable[Row], out: TextIO, colour: str) -> None:
    del colour
    for row in rows:
        raw = row.raw if isinstance(row.raw, str) else json.dumps(row.raw, ensure_ascii=False)
        out.write(f"{raw}\n")
        _flush_terminal(out)


def _table(rows: Iterable[Row], out: TextIO, colour: str, *, full: bool) -> None:
    several = iter(rows)
    first = next(several, None)
    if first is None:
        return
    all_rows = itertools.chain([first], several)
    if first.is_aggregate and isinstance(first.data, dict):
        _columns(all_rows, out, colour, full=full)
        return
    coloured = is_coloured(out, colour)
    for row in all_rows:
        out.write(line_of(row, coloured=coloured, full=full) + "\n")
        _flush_terminal(out)


def _columns(rows: Iterable[Row], out: TextIO, colour: str, *, full: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    held = [row.flat() for row in rows]
    names = list(dict.fromkeys(name for row in held for name in row))
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        numbers = all(isinstance(row.get(name), (int, float, type(None))) for row in held)
        shown.add_column(Text(safe(name)), justify="right" if numbers else "left")
    for row in held:
        shown.add_row(*(Text(_cell(row.get(name), full=full)) for name in names))
    coloured = is_coloured(out, colour)
    console = Console(
        file=out,
        force_terminal=coloured,
        no_color=not coloured,
        width=None if out.isatty() else 10_000,  # lines are not wrapped in a pipe
    )
    console.print(shown)


def _cell(value: object, *, full: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return readable(value)
    if not isinstance(value, str):
        return safe(json.dumps(value, ensure_ascii=False))
    lines = value.strip("\n").split("\n")
    return "\n".join(map(safe_line, lines if full else folded(lines)))


def _flush_terminal(out: TextIO) -> None:
    if out.isatty():
        out.flush()
