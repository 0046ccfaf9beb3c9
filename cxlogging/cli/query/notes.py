"""Notes about a query and its rows, in sentences for stderr."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...dataprime import times
from ...dataprime.language.hints import severity_hints
from ...dataprime.results import Findings
from ...dataprime.summary import AnswerSummary
from .text import is_text

_SOURCE = re.compile(r"\s*(?:source|from)\s+([\w./-]+)", re.IGNORECASE)


def notes_about(
    rows: Findings, answer: AnswerSummary, options: Mapping[str, Any], *, background: bool = False
) -> Iterator[str]:
    """
    Yield warnings of the service, whether rows may be missing, and why there are none.

    Args:
        rows: The rows that were read.
        answer: What the service said beside them.
        options: The options of `cxlogging query`.
        background: The rows are those of a background query.
    """
    yield from dict.fromkeys(f"warning: {each}" for each in rows.warnings)
    if answer.unrequested_limits:
        yield (
            f"rows may be missing: {', '.join(answer.unrequested_limits)} reached after"
            f" {answer.count:,} rows. Narrow the window, or pass --limit, --split or --background."
        )
    if answer.found_nothing:
        yield from hints(answer.query)
    if not answer.count:
        where = "in the query's window" if background else window(answer)
        tier = "" if background else options["tier"]
        yield f"no rows {where} in {_searched(answer, options, tier)}: {_advice(answer, tier)}."


def _searched(answer: AnswerSummary, options: Mapping[str, Any], tier: str) -> str:
    """Return what a query has searched, in words."""
    found = _SOURCE.match(answer.query)
    source = found[1] if found else options["default_source"] or "logs"
    storage = {"": "", "archive": " (the archive)"}.get(tier, " (frequent search)")
    return f"the source {source}{storage}"


def _advice(answer: AnswerSummary, tier: str) -> str:
    """Return what may find more, in words; background queries have no *tier*."""
    start, end = answer.window
    wider = "widen the window"
    if start is not None and end is not None:
        spans = (("1d", times.UNITS["d"]), ("7d", 7 * times.UNITS["d"]))
        longer = next((name for name, span in spans if end - start < span), None)
        wider += f" (--since {longer})" if longer else ""
    archive = ", search --tier archive" if tier == "frequent" else ""
    strict = ", --strict refuses others" if tier else ""
    fields = f"`cxlogging fields` lists the fields of the logs{strict}"
    return f"{wider}{archive}, or loosen the filter; {fields}"


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
    if not lucene and is_text(expression):
        others = (
            f"; for a field write '$d.{expression} == ...'" if expression.isidentifier() else ""
        )
        yield (
            f"searched for the text {expression!r} in all fields. For a severity and above pass"
            f" --level{others}."
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
