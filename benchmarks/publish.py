"""Write a run's tables and picture into the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .figures import CPU, DELIVERED, LAGS, MEAN, OVER_NO_OP, P50
from .modes import FAST, MAIN_PEERS, WEB
from .outcomes import outcomes
from .picture import median, picture
from .report import Result, Table, aims_table, machine, mode_tables, remarks, versions
from .subjects import NO_OP, Subject
from .subjects.baselines import FILE

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
    texts[root / "docs" / PICTURE] = picture(result["runs"])
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
    """Yield what the front page says: the picture, and the span of the figures."""
    yield f"![{WORDS}](https://raw.githubusercontent.com/cxlogging/cxlogging/main/docs/{PICTURE})"
    ours, peers = (_medians(runs["burst"], each) for each in (FAST, MAIN_PEERS))
    if ours and peers:
        yield "In one run, " + ", ".join(_compared(ours, peers)) + "."
    said = " ".join(_beside(runs))
    if said:
        yield said
    known = [each for each in outcomes(runs) if each.reached is not None]
    reached = sum(each.reached is True for each in known)
    yield f"Of {len(known)} numbers to reach, {reached} were reached."


_GROUPS: dict[str, Sequence[Subject]] = {
    "no_op": [NO_OP],
    "memory": [each for each in FAST if not each.journal],
    "spool": [each for each in FAST if each.journal],
    "file": [FILE],
    "sdks": MAIN_PEERS,
}
_BESIDE = (
    (
        "busy-2",
        MEAN,
        ".0f",
        (
            "Beside two threads that compute, a call took {memory} µs on average, with a spool"
            " {spool} µs; through logging.FileHandler {file} µs, through the SDKs {sdks} µs."
        ),
    ),
    (
        "loop-10000",
        LAGS[1],
        ".1f",
        (
            "An event loop, a task of which logged 10,000 records a second, was late by {memory} ms"
            " (p99), with a spool {spool} ms; with a handler that does nothing {no_op} ms, with the"
            " SDKs {sdks} ms."
        ),
    ),
    (
        WEB,
        OVER_NO_OP,
        ".0%",
        (
            "A Flask application under gunicorn that logs ten records a request served {memory} of"
            " the requests that it serves with a handler that does nothing, with a spool {spool};"
            " with logging.FileHandler {file}, with the SDKs {sdks}."
        ),
    ),
)
"""Mode, figure, the form of its numbers, and the sentence."""


def _beside(runs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what logging costs a process that does more than log; of the modes that were run."""
    for mode, figure, form, sentence in _BESIDE:
        spans = {}
        for group, subjects in _GROUPS.items():
            rounds = [runs.get(mode, {}).get(each.name, ()) for each in subjects]
            values = [value for each in rounds if (value := median(each, figure)) is not None]
            if values:
                spans[group] = _span(min(values), max(values), form)
        if len(spans) == len(_GROUPS):
            yield sentence.format(**spans)


def _span(least: float, most: float, form: str) -> str:
    first, last = f"{least:{form}}", f"{most:{form}}"
    return first if first == last else f"{first.rstrip('%')}-{last}"


def _medians(burst: Mapping[str, Any], subjects: Sequence[Subject]) -> dict[str, list[float]]:
    """Return the medians of *subjects*, by what they tell."""
    names = [each.name for each in subjects if each.name in burst]
    found = {
        what: [value for name in names if (value := median(burst[name], figure)) is not None]
        for what, figure in (("call", P50), ("CPU", CPU), ("delivered", DELIVERED))
    }
    return {what: values for what, values in found.items() if values}


def _compared(ours: Mapping[str, Any], peers: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence's parts: our span and the peers', for what both have."""
    texts = {
        "call": "a call took {}-{} µs, through four vendors' own SDKs {}-{} µs",
        "CPU": "a record cost {}-{} µs of CPU, theirs {}-{} µs",
        "delivered": "{}-{} records arrived in a second, theirs {}-{}",
    }
    for what, said in texts.items():
        if what in ours and what in peers:
            bounds = (min(ours[what]), max(ours[what]), min(peers[what]), max(peers[what]))
            yield said.format(*(f"{each:,.0f}" for each in bounds))
