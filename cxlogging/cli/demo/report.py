"""What the demo prints: a block for each vendor, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from .json_text import pretty
from .verdict import Account

EVENT_LINES = 16
_FIGURES = 21
_GAP = 3


def show(console: Console, account: Account, event: dict[str, Any] | None) -> None:
    """Print the figures of one vendor, beside one event as it arrived."""
    console.rule(Text(account.title, "bold"), align="left")
    block = Table.grid(padding=(0, _GAP))
    block.add_column(width=_FIGURES)
    block.add_column()
    block.add_row(_figures(account), _event(console, event))
    console.print(block)
    console.print()


def _figures(account: Account) -> Table:
    stats = account.stats
    each = stats.bytes_sent / stats.delivered if stats.delivered else 0
    rows = {
        "logged": f"{account.logged.total():,}",
        "accepted": f"{stats.accepted:,}",
        "delivered": f"{stats.delivered:,}",
        "arrived": f"{account.arrived.total():,}",
        "lost": f"{account.lost:,}",
        "requests": f"{stats.requests:,}",
        "sent again": f"{stats.retries:,}",
        "bytes": f"{stats.bytes_raw:,}",
        "on the wire": f"{stats.bytes_sent:,}",
        "per record": f"{each:,.0f}",
    }
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", width=11)
    table.add_column(justify="right")
    for name, figure in rows.items():
        table.add_row(name, Text(figure, _style(name, account)))
    return table


def _style(name: str, account: Account) -> str:
    if name == "lost":
        return "bold red" if account.lost else "green"
    return "bold" if name in {"accepted", "delivered", "on the wire"} else ""


def _event(console: Console, event: dict[str, Any] | None) -> Text:
    if event is None:
        return Text("nothing arrived", "red")
    plain = not console.encoding.startswith("utf")
    width = console.width - _FIGURES - _GAP - 1
    text = pretty(event["data"], width, EVENT_LINES, ascii_only=plain)
    lexer = Syntax("", "json", theme="ansi_dark")
    event_text = Text(no_wrap=True)
    for line in text.splitlines():
        more = line.lstrip().startswith("...")
        event_text.append_text(Text(f"{line}\n", "dim") if more else lexer.highlight(line))
    event_text.rstrip()
    return event_text


def conclude(console: Console, logged: int, refused: int, wrong: Sequence[str]) -> None:
    """Print whether everything arrived, or each sentence of what is *wrong*."""
    if wrong:
        for sentence in wrong:
            console.print(Text(sentence, "bold red"), soft_wrap=True)
        return
    words = Text.assemble(
        ("Everything logged arrived", "bold green"),
        f": {logged:,} records at each vendor; all ledgers balance.",
    )
    if refused:
        words.append(f"\nThe outage refused {refused} requests: they were sent again.")
    console.print(words)
