"""Notes about a query and its rows, in sentences for stderr."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...dataprime import times
from ...dataprime.language.hints import severity_hints
from ...dataprime.results import Findings
from ...dataprime.summary import AnswerSummary

_WORD = re.compile(r"[A-Za-z]\w*")


def notes_about(
    rows: Findings, answer: AnswerSummary, *, background: bool = False
) -> Iterator[str]:
    """Yield warnings of the service, whether rows may be missing, and why there are none."""
    yield from dict.fromkeys(f"warning: {each}" for each in rows.warnings)
    if answer.unrequested_limits:
        yield (
            f"rows may be missing: {', '.join(answer.unrequested_limits)} reached after"
            f" {answer.count:,} rows. Narrow the window, or pass --limit, --split or --background."
        )
    if answer.found_nothing:
        yield from hints(answer.query)
    if not answer.count and not answer.likely_mistakes:
        where = "in the query's window" if background else window(answer)
        check = "" if background else "; --strict refuses fields that no log has"
        yield f"no rows {where}: check the window and the filter{check}."


def hints(query: str) -> Iterator[str]:
    """Yield likely mistakes in the text of a query that found nothing."""
    for sentence in severity_hints(query):
        yield f"warning: {sentence}"


def nothing_yet(expression: str, answer: AnswerSummary, *, lucene: bool) -> Iterator[str]:
    """Yield why a tail has shown nothing so far: likely mistakes, and where its window begins."""
    for each in answer.warnings:
        if not each.limit:
            yield f"warning: {each}"
    yield from hints(answer.query)
    if not lucene and _WORD.fullmatch(expression):
        yield (
            f"warning: the filter {expression} means the field $d.{expression}. For a severity and"
            f" above pass --level; for logs that contain the word pass"
            f" \"wildfind '{expression}'\"."
        )
    yield f"no rows {window(answer)}: waiting for new ones."


def window(answer: AnswerSummary) -> str:
    """Return the time window of an answer in words."""
    start, end = answer.window
    if start is not None and end is not None:
        return f"between {_second(start)} and {_second(end)}"
    if start is not None:
        return f"since {_second(start)}"
    return "in the default window (pass --since for another)"


def _second(moment: int) -> str:
    return times.iso(moment - moment % times.SECOND)


def statistics(rows: Findings, count: int) -> Iterator[str]:
    """Yield the statistics of a query: its id, duration, bytes read and limits."""
    yield f"{count:,} rows, query {rows.query_id or 'without id'}"
    cost = rows.statistics
    if cost is None:
        return
    numbers = {
        "ms": cost.e2e_duration_ms,
        "bytes read": cost.bytes_read,
        "bytes read from other regions": cost.cross_region_bytes_read,
    }
    parts = [f"{value:,} {unit}" for unit, value in numbers.items() if value is not None]
    yield ", ".join([cost.status or "no status", *parts])
    for name, limit in cost.limits.items():
        if limit.measured_value is not None or limit.reached:
            bound = "" if limit.limit is None else f" of {limit.limit:,}"
            mark = ", reached" if limit.reached else ""
            yield f"limit {name}: {limit.measured_value or 0:,}{bound}{mark}"
