"""Compiles a query into a plan that can run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from .commands import extracting, filtering, grouping, joining, ordering, reshaping
from .commands.command_step import CommandStep
from .compile.expression_compiler import ExpressionCompiler
from .compile.pushdown import LabelSql, push_down_filters
from .compile.scope import MAX_VALUES_IN_MEMORY, QueryState, Scope, Settings
from .errors import QueryRefusedError, UnsupportedError
from .expression import check_type
from .row import COLUMN_OF_REFERENCE, RECORD_COLUMNS, QueryRow
from .scan import Scan, ScanFilter
from .syntax.lexer import Token
from .syntax.nodes import Command, Query, SourceClause
from .syntax.query_parser import parse
from .values import Kind

LOGS = ("", "logs", "default/logs")
ONE_TO_ONE = (
    "choose",
    "create",
    "replace",
    "move",
    "remove",
    "redact",
    "convert",
    "extract",
    "roundtime",
)
"""Commands that return one row for each row."""

AROUND = 30 * 60 * 1_000_000_000

COMPILERS: dict[str, Callable[[Command, Scope], CommandStep]] = {
    "filter": filtering.filter_rows, "block": filtering.block, "find": filtering.find,
    "wildfind": filtering.wildfind, "lucene": filtering.lucene,
    "dedupeby": filtering.dedupeby, "limit": filtering.limit,
    "choose": reshaping.choose, "create": reshaping.create, "replace": reshaping.replace,
    "move": reshaping.move, "remove": reshaping.remove, "redact": reshaping.redact,
    "convert": reshaping.convert, "roundtime": reshaping.roundtime, "explode": reshaping.explode,
    "extract": extracting.extract,
    "groupby": grouping.groupby, "multigroupby": grouping.multigroupby,
    "aggregate": grouping.aggregate, "count": grouping.count, "countby": grouping.countby,
    "distinct": grouping.distinct, "top": ordering.top, "bottom": ordering.top,
}  # fmt: skip


JOINING = {"join": joining.join, "stitch": joining.stitch}


@dataclass(frozen=True)
class Plan:
    """
    A compiled query.

    Attributes:
        scan_filter: Which events are read from the store.
        steps: The commands, in order.
        shared: The state that all steps share.
        by_time: True where the query orders the events by time, which the scan does.
    """

    scan_filter: ScanFilter
    steps: Sequence[CommandStep]
    shared: QueryState
    by_time: bool = False

    def rows(self, scan: Scan) -> Iterator[QueryRow]:
        """Return an iterator over the rows of the answer."""
        self.shared.scan = scan.rows
        return self.piped(scan.rows(self.scan_filter))

    def piped(self, rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
        """Return *rows* after all steps."""
        for step in self.steps:
            rows = step.apply(rows)
        return iter(rows)


def compile_query(
    text: str, settings: Settings, labels: LabelSql, *, lucene: bool = False, dataset: str = "logs"
) -> Plan:
    """
    Return the plan of a query; raise `QueryRefusedError` where it does not compile.

    Args:
        text: The query, in DataPrime or Lucene.
        settings: The settings of the run.
        labels: Labels by which the store can filter, with their SQL conditions.
        lucene: True where *text* is Lucene.
        dataset: The source where the query names none.
    """
    try:
        if lucene:
            token = Token("string", text, -1, len(text), text)
            query = Query(0, SourceClause(0), (Command(0, "lucene", {"text": token}),))
        else:
            query = parse(text)
        return _Planner(settings, labels, dataset).plan(query, QueryState(), settings.max_rows)
    except RecursionError:
        raise QueryRefusedError("the query is too long, or nested too deeply", 0) from None


class _Planner:
    def __init__(self, settings: Settings, labels: LabelSql, dataset: str) -> None:
        self._settings, self._labels, self._dataset = settings, labels, dataset

    def plan(self, query: Query, shared: QueryState, max_rows: int | None) -> Plan:
        """Return the plan of *query*, of which at most *max_rows* rows are read; None for all."""
        return self._planned(query, shared, max_rows)[0]

    def _planned(
        self, query: Query, shared: QueryState, max_rows: int | None
    ) -> tuple[Plan, Scope]:
        source = query.source
        if (source.dataset or self._dataset) not in LOGS:
            raise UnsupportedError(f"the source {source.dataset or self._dataset!r}", source.at)
        scope = Scope(self._settings, shared)
        window = self._window(source, scope)
        scan_filter = push_down_filters(window, query.commands, scope, self._labels)
        commands, newest = _without_time_order(query.commands)
        steps: list[CommandStep] = []
        current = scope
        for number, command in enumerate(commands):
            if command.name == "orderby":
                wanted = _wanted(commands[number + 1 :], max_rows)
                steps.append(ordering.orderby(command, current, wanted))
            else:
                steps.append(self._step(command, current))
            current = steps[-1].scope_after
        needed = self._needed(scan_filter, steps, current, newest)
        plan = Plan(needed, steps, shared, by_time=len(commands) < len(query.commands))
        return plan, current

    def _step(self, command: Command, scope: Scope) -> CommandStep:
        if command.name == "union":
            return self._union(command, scope)
        if command.name in JOINING:
            return JOINING[command.name](command, scope, self._other(command, scope))
        return COMPILERS[command.name](command, scope)

    def _other(self, command: Command, scope: Scope) -> joining.OtherQuery:
        inner, after = self._planned(command.parts["query"], scope.shared, None)
        shared = scope.shared

        def rows() -> Iterator[QueryRow]:
            assert shared.scan is not None  # noqa: S101 - set once it runs
            return inner.piped(shared.scan(inner.scan_filter))

        return joining.OtherQuery(rows, after)

    def _union(self, command: Command, scope: Scope) -> CommandStep:
        inner = self.plan(command.parts["query"], scope.shared, None)
        shared = scope.shared

        def apply(rows: Iterable[QueryRow]) -> Iterator[QueryRow]:
            assert shared.scan is not None  # noqa: S101 - set once it runs
            return chain(rows, inner.piped(shared.scan(inner.scan_filter)))

        # A field of one side is null in rows of the other: so the set of fields is unknown.
        shared.used.update(("$d", "$m", "$l"))
        return CommandStep(command, apply, scope.with_any_fields())

    def _window(self, source: SourceClause, scope: Scope) -> ScanFilter:
        settings = self._settings
        if not source.clause:
            return ScanFilter(settings.start, settings.end)
        if source.clause == "timeshifted":
            return self._shifted(source, scope)
        compiler = ExpressionCompiler(scope)
        kinds = {"last": (Kind.INTERVAL,), "between": (Kind.TIMESTAMP, Kind.TIMESTAMP)}
        expected = kinds.get(source.clause, (Kind.TIMESTAMP, Kind.INTERVAL))
        found = [compiler.compile(one) for one in source.times]
        for one, kind, node in zip(found, expected, source.times, strict=False):
            check_type(one, kind, source.clause, node.at)
            if not one.constant or one.value is None:
                raise QueryRefusedError(f"{source.clause} takes a constant", node.at)
            if kind is Kind.INTERVAL and one.value < 0:
                raise QueryRefusedError(
                    f"{source.clause} does not take a negative interval", node.at
                )
        values = [int(one.value) for one in found]
        if source.clause == "last":
            return ScanFilter(settings.now - values[0], settings.now + 1)
        if source.clause == "between":
            return ScanFilter(values[0], values[1])
        around = values[1] if len(values) > 1 else AROUND
        return ScanFilter(values[0] - around, values[0] + around)

    def _shifted(self, source: SourceClause, scope: Scope) -> ScanFilter:
        settings, node = self._settings, source.times[0]
        shift = check_type(
            ExpressionCompiler(scope).compile(node), Kind.INTERVAL, "timeshifted", node.at
        )
        if not shift.constant or shift.value is None:
            raise QueryRefusedError("timeshifted takes a constant interval", node.at)
        start, end = (
            None if one is None else one + int(shift.value)
            for one in (settings.start, settings.end)
        )
        return ScanFilter(start, end)

    def _needed(
        self, scan_filter: ScanFilter, steps: Sequence[CommandStep], last: Scope, newest: bool
    ) -> ScanFilter:
        columns = frozenset(RECORD_COLUMNS) if last.logs else self._columns(last.shared.used)
        newest_first = None if _is_order_free(steps) else newest
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


def _is_order_free(steps: Sequence[CommandStep]) -> bool:
    for step in steps:
        if step.order_free:
            return True
        if not (step.one_to_one or step.only_drops):
            return False
    return False


def _without_time_order(commands: Sequence[Command]) -> tuple[Sequence[Command], bool]:
    """Return *commands* without a leading order by time, which the scan does, and its direction."""
    for number, command in enumerate(commands):
        if command.name == "orderby" and (newest := ordering.by_time(command)) is not None:
            return [*commands[:number], *commands[number + 1 :]], newest
        if command.name not in ("filter", "block", "find", "wildfind", "lucene"):
            break
    return commands, True


def _wanted(rest: Sequence[Command], max_rows: int | None) -> int | None:
    """
    Return how many rows of an ordering the commands after it read; None for all.

    Args:
        rest: The commands after the ordering.
        max_rows: Number of their rows that are read; None for all.
    """
    limiting = [n for n, command in enumerate(rest) if command.name not in ONE_TO_ONE]
    if not limiting:
        return None if max_rows is None else max_rows + 1
    first = rest[limiting[0]]
    if first.name != "limit":
        return None
    limit = int(first.parts["count"])
    further = _wanted(rest[limiting[0] + 1 :], max_rows)
    wanted = limit if further is None else min(limit, further)
    return wanted if wanted <= MAX_VALUES_IN_MEMORY else None
