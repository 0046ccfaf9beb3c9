"""From a query's text to something that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from .commands import extracting, filtering, grouping, ordering, reshaping
from .commands.command_step import CommandStep
from .compile.expression_compiler import ExpressionCompiler
from .compile.pushdown import LabelSql, push_down_filters
from .compile.scope import MAX_VALUES_IN_MEMORY, QueryState, Scope, Settings
from .errors import QueryRefusedError, UnsupportedError
from .expression import check
from .row import COLUMN_OF_REFERENCE, RECORD_COLUMNS, QueryRow
from .scan import Scan, ScanFilter
from .syntax.lexer import Token
from .syntax.nodes import Command, Query, SourceClause
from .syntax.query_parser import parse
from .values import Kind

LOGS = ("", "logs", "default/logs")
EACH = ("choose", "create", "replace", "move", "remove", "redact", "convert", "extract")
"""Commands that give a row for each row."""

AROUND = 30 * 60 * 1_000_000_000

STAGES: dict[str, Callable[[Command, Scope], CommandStep]] = {
    "filter": filtering.keep, "block": filtering.block, "find": filtering.find,
    "wildfind": filtering.wildfind, "lucene": filtering.lucene,
    "dedupeby": filtering.dedupeby, "limit": filtering.limit,
    "choose": reshaping.choose, "create": reshaping.create, "replace": reshaping.replace,
    "move": reshaping.move, "remove": reshaping.remove, "redact": reshaping.redact,
    "convert": reshaping.convert, "explode": reshaping.explode, "extract": extracting.extract,
    "groupby": grouping.groupby, "multigroupby": grouping.multigroupby,
    "aggregate": grouping.aggregate, "count": grouping.count, "countby": grouping.countby,
    "distinct": grouping.distinct, "top": ordering.top, "bottom": ordering.top,
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """
    A compiled query.

    Attributes:
        scan_filter: What the store is asked for.
        stages: What is done with its rows.
        shared: By all stages.
        limited: True where the query's own `limit` cuts it, whatever the answer's limit is.
    """

    scan_filter: ScanFilter
    stages: Sequence[CommandStep]
    shared: QueryState

    def rows(self, scan: Scan) -> Iterator[QueryRow]:
        """The rows of the answer, one at a time."""
        self.shared.scan = scan.rows
        return self.piped(scan.rows(self.scan_filter))

    def piped(self, rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        """*rows*, through all stages."""
        for stage in self.stages:
            rows = stage.step(rows)
        return iter(rows)


def compile_query(
    text: str, settings: Settings, labels: LabelSql, *, lucene: bool = False, dataset: str = "logs"
) -> Plan:
    """
    The plan of a query; raises `QueryRefusedError`.

    Args:
        text: DataPrime, or Lucene.
        settings: Of the run.
        labels: Labels by which the store can look, and how.
        lucene: True where *text* is Lucene.
        dataset: Where the query names none.
    """
    try:
        if lucene:
            token = Token("string", text, -1, len(text), text)
            query = Query(0, SourceClause(0), (Command(0, "lucene", {"text": token}),))
        else:
            query = parse(text)
        return _Planner(settings, labels, dataset).plan(query, QueryState(), settings.most_rows)
    except RecursionError:
        raise QueryRefusedError("the query is too long, or nested too deeply", 0) from None


class _Planner:
    def __init__(self, settings: Settings, labels: LabelSql, dataset: str) -> None:
        self._settings, self._labels, self._dataset = settings, labels, dataset

    def plan(self, query: Query, shared: QueryState, most_rows: int | None) -> Plan:
        """The plan of *query*, of whose rows *most_rows* are wanted; None for all."""
        source = query.source
        if (source.dataset or self._dataset) not in LOGS:
            raise UnsupportedError(f"source {source.dataset or self._dataset}", source.at)
        scope = Scope(self._settings, shared)
        window = self._window(source, scope)
        scan_filter = push_down_filters(window, query.commands, scope, self._labels)
        commands, newest = _without_time_order(query.commands)
        stages, at = [], scope
        for number, command in enumerate(commands):
            if command.name == "orderby":
                wanted = _wanted(commands[number + 1 :], most_rows)
                stages.append(ordering.orderby(command, at, wanted))
            else:
                stages.append(self._stage(command, at))
            at = stages[-1].after
        return Plan(self._needed(scan_filter, stages, at, newest), stages, shared)

    def _stage(self, command: Command, scope: Scope) -> CommandStep:
        if command.name == "union":
            return self._union(command, scope)
        return STAGES[command.name](command, scope)

    def _union(self, command: Command, scope: Scope) -> CommandStep:
        inner = self.plan(command.parts["query"], scope.shared, None)
        shared = scope.shared

        def step(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
            assert shared.scan is not None  # noqa: S101 - it runs
            return chain(rows, inner.piped(shared.scan(inner.scan_filter)))

        # What only one side has is null on the other: nothing is known of the fields.
        shared.used.update(("$d", "$m", "$l"))
        return CommandStep(command, step, replace(scope, fields=None))

    def _window(self, source: SourceClause, scope: Scope) -> ScanFilter:
        settings = self._settings
        if not source.clause:
            return ScanFilter(settings.start, settings.end)
        if source.clause == "timeshifted":
            return self._shifted(source, scope)
        compiler = ExpressionCompiler(scope)
        kinds = {"last": (Kind.INTERVAL,), "between": (Kind.TIMESTAMP, Kind.TIMESTAMP)}
        due = kinds.get(source.clause, (Kind.TIMESTAMP, Kind.INTERVAL))
        found = [compiler.compile(one) for one in source.times]
        for one, kind, node in zip(found, due, source.times, strict=False):
            check(one, kind, source.clause, node.at)
            if not one.constant or one.value is None:
                raise QueryRefusedError(f"{source.clause} takes a time that is known", node.at)
            if kind is Kind.INTERVAL and one.value < 0:
                raise QueryRefusedError(f"{source.clause} takes no negative interval", node.at)
        values = [int(one.value) for one in found]
        if source.clause == "last":
            return ScanFilter(settings.now - values[0], settings.now + 1)
        if source.clause == "between":
            return ScanFilter(values[0], values[1])
        around = values[1] if len(values) > 1 else AROUND
        return ScanFilter(values[0] - around, values[0] + around)

    def _shifted(self, source: SourceClause, scope: Scope) -> ScanFilter:
        settings, node = self._settings, source.times[0]
        by = check(ExpressionCompiler(scope).compile(node), Kind.INTERVAL, "timeshifted", node.at)
        if not by.constant or by.value is None:
            raise QueryRefusedError("timeshifted takes an interval that is known", node.at)
        start, end = (
            None if one is None else one + int(by.value) for one in (settings.start, settings.end)
        )
        return ScanFilter(start, end)

    def _needed(
        self, scan_filter: ScanFilter, stages: Sequence[CommandStep], last: Scope, newest: bool
    ) -> ScanFilter:
        columns = frozenset(RECORD_COLUMNS) if last.logs else self._columns(last.shared.used)
        newest_first = None if _is_unordered(stages) else newest
        return replace(scan_filter, newest=newest_first, columns=columns)

    def _columns(self, used: Iterable[str]) -> frozenset[str]:
        needed: set[str] = set()
        for one in used:
            if one in COLUMN_OF_REFERENCE:
                needed.add(COLUMN_OF_REFERENCE[one])
            elif one.removeprefix("$l.") in self._settings.label_readers:
                needed |= {"vendor", "application", "subsystem"}
            elif one != "$m.priorityclass":
                return frozenset(RECORD_COLUMNS)
        return frozenset(needed)


def _is_unordered(stages: Sequence[CommandStep]) -> bool:
    for stage in stages:
        if stage.unordered:
            return True
        if not (stage.each or stage.drops):
            return False
    return False


def _without_time_order(commands: Sequence[Command]) -> tuple[Sequence[Command], bool]:
    """*commands* without a first ordering by time, which the scan does, and that ordering."""
    for number, command in enumerate(commands):
        if command.name == "orderby" and (newest := ordering.by_time(command)) is not None:
            return [*commands[:number], *commands[number + 1 :]], newest
        if command.name not in ("filter", "block", "find", "wildfind", "lucene"):
            break
    return commands, True


def _wanted(rest: Sequence[Command], most_rows: int | None) -> int | None:
    """
    How many rows the commands after an ordering want of it; None for all.

    Args:
        rest: The commands.
        most_rows: No more are wanted behind them; None for all.
    """
    behind = [n for n, command in enumerate(rest) if command.name not in EACH]
    if not behind:
        return None if most_rows is None else most_rows + 1
    first = rest[behind[0]]
    if first.name != "limit":
        return None
    limit = int(first.parts["count"])
    further = _wanted(rest[behind[0] + 1 :], most_rows)
    wanted = limit if further is None else min(limit, further)
    return wanted if wanted <= MAX_VALUES_IN_MEMORY else None
