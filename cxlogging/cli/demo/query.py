"""The demo asks for what it sent: a DataPrime query to the local server, and its answer."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...dataprime import DataPrimeClient, QueryError
from ...vendors.registry import TITLES
from .verdict import Account

QUERY = (
    "source logs | groupby $l.vendor as vendor",
    "aggregate count() as records, count_if($m.severity >= ERROR) as errors",
)
COLUMNS = ("vendor", "records", "errors")

Answer = dict[str, dict[str, int]]


def query_back(url: str) -> Answer:
    """The row of each vendor, by the vendor's name; raises `QueryError`."""
    with DataPrimeClient("demo", url=url) as client:
        rows = client.query(" ".join(QUERY)).to_dicts()
    return {row["vendor"]: row for row in rows}


def disagreements(accounts: list[Account], answer: Answer) -> list[str]:
    """A sentence for each vendor of which another number was found than was logged."""
    found = []
    for account in accounts:
        records = answer.get(account.vendor, {}).get("records", 0)
        if records != account.logged.total():
            logged = f"{account.logged.total():,} records logged"
            found.append(f"{account.title}: {logged}, but {records:,} queried back.")
    return found


def ask(console: Console, url: str, accounts: list[Account]) -> list[str]:
    """Print the query and its rows; return what does not agree."""
    console.rule(Text("Queried back with DataPrime", "bold"), align="left")
    for number, line in enumerate(QUERY):
        console.print(Text(f"{'  ' * number}{line}", "cyan"))
    try:
        answer = query_back(url)
    except QueryError as error:
        return [f"The query failed: {error}"]
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="dim")
    for vendor in TITLES:
        row = answer.get(vendor, {})
        table.add_row(vendor, *(f"{row.get(name, 0):,}" for name in COLUMNS[1:]))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    console.print()
    return disagreements(accounts, answer)
