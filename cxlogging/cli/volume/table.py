"""The table of call sites for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...vendors.registry import VENDORS
from ..shared.screen import is_coloured, safe, symbol
from .measurement import Measurement, SiteVolume, cost, cost_sentence, money, span

BAR_WIDTH = 12
UNKNOWN = "(not named)"


def print_table(measured: Measurement, top: int, price: float | None, colour: str) -> None:
    """Print the *top* call sites, what all of them make, and which is the costliest."""
    shown = measured.rows[:top]
    period = f" in {span(measured.seconds)}" if measured.seconds else ""
    click.echo(
        f"{safe(measured.what)}: {measured.events:,} events, {measured.bytes:,} bytes{period}."
    )
    coloured = is_coloured(sys.stdout, colour)
    console = Console(
        file=sys.stdout,
        force_terminal=coloured,
        no_color=not coloured,
        width=None if sys.stdout.isatty() else 10_000,  # lines are not wrapped in a pipe
    )
    console.print(_table(shown, price))
    for sentence in _conclusions(measured, top, price):
        click.echo(safe(sentence))


def _table(rows: Sequence[SiteVolume], price: float | None) -> Table:
    holds = any(row.held_back for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("sender", "call site", "logger", "level"):
        table.add_column(name, overflow="fold")
    numbers = ["events", "bytes", "share"]
    numbers += ["held back"] * holds + ["cost"] * (price is not None)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    most = max((row.share for row in rows), default=0.0) or 1.0
    for row in rows:
        cells = [f"{row.events:,}", f"{row.bytes:,}", f"{row.share:.1%}"]
        cells += [f"{row.held_back or 0:,}"] * holds
        cells += [] if price is None else [money(cost(row.bytes, price))]
        bar = symbol("█", "#") * round(row.share / most * BAR_WIDTH)
        names = [*row.sender.values()]  # the vendor first, which the others imply
        sender = " / ".join(filter(None, names[1:] or names))
        texts = (sender, row.place or UNKNOWN, row.logger, row.level)
        table.add_row(*(Text(safe(each)) for each in texts), *map(Text, cells), Text(bar, "cyan"))
    return table


def _conclusions(measured: Measurement, top: int, price: float | None) -> Iterator[str]:
    left = len(measured.rows) - top
    if left > 0:
        what = "call sites are" if left > 1 else "call site is"
        yield f"{left:,} further {what} not shown: raise --top."
    named = next((row for row in measured.rows if row.place and row.bytes), None)
    if named is not None:
        yield (
            f"The costliest line of code is {named.place} (logger {named.logger}, level"
            f" {named.level}): {named.share:.1%} of the bytes at {named.sender['vendor']}."
        )
    if price is not None:
        yield cost_sentence(measured, price)
        for vendor in dict.fromkeys(row.sender["vendor"] for row in measured.rows):
            if vendor in VENDORS:
                yield f"{VENDORS[vendor].title} bills {VENDORS[vendor].profile.billed}."
