"""What a query says beside its rows, in sentences for stderr."""

from __future__ import annotations

from collections.abc import Iterator

from ..dataprime.answer import Answer
from ..dataprime.results import Findings


def told(rows: Findings, answer: Answer) -> Iterator[str]:
    """Yield the service's warnings, and a cut that the caller did not ask for."""
    for warning in rows.warnings:
        yield f"warning: {warning}"
    if answer.unasked_limits:
        yield (
            f"rows may be missing: {', '.join(answer.unasked_limits)} reached after"
            f" {answer.count:,} rows. Narrow the window, or pass --limit, --split or --background."
        )


def statistics(rows: Findings, count: int) -> Iterator[str]:
    """Yield what the query cost."""
    yield f"{count:,} rows, query {rows.query_id or 'without id'}"
    found = rows.statistics
    if found is None:
        return
    numbers = {
        "ms": found.e2e_duration_ms,
        "bytes read": found.bytes_read,
        "bytes read of other regions": found.cross_region_bytes_read,
    }
    said = [f"{value:,} {unit}" for unit, value in numbers.items() if value is not None]
    yield ", ".join([found.status or "no status", *said])
    for name, limit in found.limits.items():
        if limit.measured_value is not None or limit.reached:
            bound = "" if limit.limit is None else f" of {limit.limit:,}"
            mark = ", reached" if limit.reached else ""
            yield f"limit {name}: {limit.measured_value or 0:,}{bound}{mark}"
