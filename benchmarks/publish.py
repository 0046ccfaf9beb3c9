"""Write a run's tables and picture into the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .figures import CPU, DELIVERED, P50
from .outcomes import Outcome, outcomes
from .picture import median, picture
from .report import Result, Table, aims_table, machine, mode_tables, remarks, versions

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
PICTURE = "benchmarks.svg"
WORDS = "Bars: what a call, a record and a second give, for cxlogging and its peers"


def publish(result: Result, root: Path) -> list[Path]:
    """
    Write the picture, and the figures into both pages; return what was written.

    Raises:
        ValueError: A page has no place for figures, or the run has no burst.
    """
    burst = result["runs"].get("burst")
    if not burst:
        raise ValueError("This run has no figures of the mode 'burst'; publish one that has.")
    pages = {
        root / "docs" / "benchmarks.md": "\n\n".join(page(result)),
        root / "README.md": "\n\n".join(summary(result["runs"])),
    }
    texts = {path: placed(path.read_text("utf-8"), text) for path, text in pages.items()}
    texts[root / "docs" / PICTURE] = picture(burst)
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return list(texts)


def placed(page: str, text: str) -> str:
    """
    Return *page* with *text* between its marks.

    Raises:
        ValueError: The marks are not there, each once and in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise ValueError(f"The page needs one {BEGIN} and one {END} below it.")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def page(result: Result) -> Iterator[str]:
    """Yield the parts of the page of benchmarks."""
    yield f"![{WORDS}]({PICTURE})"
    yield f"{machine(result['environment'])} {versions(result['environment'])}."
    yield markdown(aims_table(result["runs"]))
    yield from (markdown(each) for each in mode_tables(result["runs"]))
    yield "\n".join(f"- {each}" for each in remarks(result))


def markdown(table: Table) -> str:
    """Return *table* under a heading of its own."""
    rule = ["---", *["---:"] * (len(table.head) - 1)]
    lines = [_line(table.head), _line(rule), *(_line(row) for row in table.rows)]
    return "\n".join([f"### {table.title}", "", *lines])


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def summary(runs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the front page says: the picture, the best and worst figures, what was missed."""
    yield f"![{WORDS}](docs/{PICTURE})"
    ours, peers = _medians(runs["burst"], "cxlogging "), _medians(runs["burst"], "")
    if ours and peers:
        yield "In one run, " + ", ".join(_compared(ours, peers)) + "."
    found = outcomes(runs)
    missed = [each for each in found if each.reached is False]
    known = sum(each.reached is not None for each in found)
    yield (
        f"Of {known} numbers to reach, {known - len(missed)} were reached"
        + (f"; not: {'; '.join(map(_named, missed))}." if missed else ".")
    )


def _named(each: Outcome) -> str:
    return f"{each.title}{', with the spool' if each.journal else ''}"


def _medians(burst: Mapping[str, Any], prefix: str) -> dict[str, list[float]]:
    """Return the medians of our subjects with the ``fast`` extra, or of the main peers."""
    from .modes import FAST, MAIN_PEERS

    names = [each.name for each in (FAST if prefix else MAIN_PEERS) if each.name in burst]
    figures = {"call": P50, "CPU": CPU, "delivered": DELIVERED}
    return {
        what: values
        for what, figure in figures.items()
        if (values := [value for name in names if (value := median(burst[name], figure))])
    }


def _compared(ours: Mapping[str, Any], peers: Mapping[str, Any]) -> Iterator[str]:
    texts = {
        "call": "a call took {}-{} µs, through the four best known peers {}-{} µs",
        "CPU": "a record cost {}-{} µs of CPU, theirs {}-{} µs",
        "delivered": "{}-{} records arrived in a second, theirs {}-{}",
    }
    for what in ours.keys() & peers.keys():
        bounds = (min(ours[what]), max(ours[what]), min(peers[what]), max(peers[what]))
        yield texts[what].format(*(f"{each:,.0f}" for each in bounds))
