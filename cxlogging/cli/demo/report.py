"""What the demo prints: a block for each vendor, a query, and the conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from ... import VolumeRow
from ...dataprime import DataPrimeClient, QueryError
from ...vendors.registry import TITLES
from .results import VendorResult, query_differences

QUERY = (
    "source logs | groupby $l.vendor as vendor",
    "aggregate count() as records, count_if($m.severity >= ERROR) as errors",
)
COLUMNS = ("vendor", "records", "errors")
_NUMBERS_WIDTH = 21
_GAP = 3


def print_vendor(console: Console, result: VendorResult, event: dict[str, Any] | None) -> None:
    """Print the numbers of one vendor, beside one event as it arrived."""
    console.rule(Text(result.title, "bold"), align="left")
    block = Table.grid(padding=(0, _GAP))
    block.add_column(width=_NUMBERS_WIDTH)
    block.add_column()
    block.add_row(_numbers(result), _event(console, event))
    console.print(block)
    console.print()


def _numbers(result: VendorResult) -> Table:
    stats = result.stats
    bytes_per_record = stats.bytes_sent / stats.delivered if stats.delivered else 0
    rows = {
        "logged": f"{result.logged.total():,}",
        "accepted": f"{stats.accepted:,}",
        "delivered": f"{stats.delivered:,}",
        "arrived": f"{result.arrived.total():,}",
        "lost": f"{result.lost:,}",
        "requests": f"{stats.requests:,}",
        "sent again": f"{stats.retries:,}",
        "bytes": f"{stats.bytes_raw:,}",
        "on the wire": f"{stats.bytes_sent:,}",
        "per record": f"{bytes_per_record:,.0f}",
    }
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", width=11)
    table.add_column(justify="right")
    for name, number in rows.items():
        table.add_row(name, Text(number, _style(name, result)))
    return table


def _style(name: str, result: VendorResult) -> str:
    if name == "lost":
        return "bold red" if result.lost else "green"
    return "bold" if name in {"accepted", "delivered", "on the wire"} else ""


def _event(console: Console, event: dict[str, Any] | None) -> Text:
    if event is None:
        return Text("nothing arrived", "red")
    is_ascii = not console.encoding.startswith("utf")
    text = JSON.from_data(event["data"], ensure_ascii=is_ascii, default=str).text
    width = console.width - _NUMBERS_WIDTH - _GAP - 1
    lines = text.split()
    for line in lines:
        line.truncate(width, overflow="crop" if is_ascii else "ellipsis")
    return Text("\n").join(lines)


def print_query(console: Console, url: str, results: list[VendorResult]) -> list[str]:
    """Count the records of each vendor with a query, print it, and return what does not match."""
    console.rule(Text("Queried back with DataPrime", "bold"), align="left")
    for number, line in enumerate(QUERY):
        console.print(Text(f"{'  ' * number}{line}", "cyan"))
    try:
        with DataPrimeClient("demo", url=url) as client:
            rows = {row["vendor"]: row for row in client.query(" ".join(QUERY)).to_dicts()}
    except QueryError as error:
        return [f"The query failed: {error}"]
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="dim")
    for vendor in TITLES:
        row = rows.get(vendor, {})
        table.add_row(vendor, *(f"{row.get(name, 0):,}" for name in COLUMNS[1:]))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    console.print()
    return query_differences(results, rows)


def print_costliest(console: Console, rows: Sequence[VolumeRow]) -> None:
    """Print which line of code makes the most bytes, of the *rows* of `cxlogging.volume`."""
    if not rows:
        return
    first = rows[0]
    whole = sum(row.bytes for row in rows if row.destination == first.destination)
    place = f"{Path(first.file).name}:{first.line} {first.function}"
    console.print(
        Text.assemble(
            "The costliest line of code is ",
            (place, "bold"),
            f" (logger {first.logger}, level {first.level}): {first.bytes / whole:.0%} of the"
            f" bytes. `cxlogging volume` shows all of them.",
        )
    )
    console.print()


def print_conclusion(console: Console, logged: int, refused: int, problems: Sequence[str]) -> None:
    """Print that everything arrived, or each of the *problems*."""
    if problems:
        for sentence in problems:
            console.print(Text(sentence, "bold red"), soft_wrap=True)
        return
    conclusion = Text.assemble(
        ("Everything logged arrived", "bold green"),
        f": {logged:,} records at each vendor; all ledgers balance.",
    )
    if refused:
        conclusion.append(f"\nThe outage refused {refused} requests: they were sent again.")
    console.print(conclusion)
