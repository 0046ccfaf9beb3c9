"""Several queries in one call: their arguments, and the reading of one on a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...errors import ConfigurationError
from ..results import QueryResult
from ..stream import RowStream
from ..summary import AnswerSummary


def checked_parallel(value: object) -> int:
    """Return how many queries may run at once."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 30:
        raise ConfigurationError(f"parallel takes a whole number from 1 to 30, not {value!r}.")
    return value


def each_query(
    queries: Iterable[str | Mapping[str, Any]], arguments: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each of *queries*, with *arguments* for those that it lacks."""
    if isinstance(queries, (str, Mapping)):
        raise ConfigurationError("queries takes a list of queries: for one, call query().")
    for each in queries:
        yield {**arguments, **(each if isinstance(each, Mapping) else {"query": each})}


def collect_quietly(open_stream: Callable[[], RowStream]) -> tuple[QueryResult, AnswerSummary]:
    """Return all rows of a stream, and the summary of which the caller warns."""
    stream = open_stream()
    summary = stream.suppress_warnings()
    return stream.collect(), summary
