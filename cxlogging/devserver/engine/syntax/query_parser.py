"""The parser of queries: a source, and one command after another."""

from __future__ import annotations

from typing import Any

from ....errors import nearest
from ..errors import QueryRefusedError, UnsupportedError
from .clause_parser import ClauseParser
from .command_parser import COMMANDS
from .expression_parser import COMPARISON, MAX_DEPTH
from .nodes import Command, JoinSide, KeyPath, Node, Query, SourceClause

ALIASES = {
    "f": "filter", "where": "filter", "text": "find", "wildtext": "wildfind",
    "select": "choose", "add": "create", "a": "create", "c": "create", "m": "move",
    "r": "remove", "conv": "convert", "e": "extract", "sortby": "orderby", "agg": "aggregate",
    "calculate": "aggregate", "calc": "aggregate",
}  # fmt: skip
OTHER_NAMES = {
    "head": "limit", "take": "limit", "stats": "aggregate", "summarize": "groupby",
    "project": "choose", "fields": "choose", "table": "choose", "keep": "choose",
    "extend": "create", "eval": "create", "let": "create", "set": "create", "drop": "remove",
    "rename": "move", "parse": "extract", "rex": "extract", "search": "wildfind",
    "grep": "wildfind", "mvexpand": "explode", "unroll": "explode", "uniq": "distinct",
    "dedup": "dedupeby", "append": "union", "lookup": "enrich", "bin": "roundtime",
}  # fmt: skip
"""Commands of other languages, in lower case, and what they are called here."""

MAX_COMMANDS = 200
UNSUPPORTED = ("enrich", "timechart", "timeseries")
SUBQUERIES = ("union", "join", "stitch")
JOINS = ("left", "inner", "full", "cross")


def parse(text: str) -> Query:
    """Return the syntax tree of *text*; raise `QueryRefusedError` where it is invalid."""
    parser = QueryParser(text)
    query = parser.query()
    if not parser.at_end():
        parser.refuse("'|' or the end")
    return query


class QueryParser(ClauseParser):
    """Parses whole queries."""

    def query(self) -> Query:
        """Read a query up to its end, or up to the parenthesis that closes a subquery."""
        start, source = self.token.start, SourceClause(self.token.start)
        commands: list[Command] = []
        if self.next_is_word("source", "from"):
            source = self._source()
        else:
            commands.append(self._command())
        while self.accept("|"):
            if len(commands) == MAX_COMMANDS:
                raise QueryRefusedError(f"more than {MAX_COMMANDS} commands", self.token.start)
            _append(commands, self._command())
        return Query(start, source, tuple(commands))

    def _source(self) -> SourceClause:
        start = self.advance().start
        dataset = self.expect_kind("name", "a dataset, such as logs").text
        while self.next_is("/") or self.next_is("."):
            mark = self.advance().text
            dataset += mark + self.expect_kind("name", "a dataset").text
        if self.next_is("("):
            raise UnsupportedError(f"source {dataset}(...), another team's data", self.token.start)
        clause, times = self._clause()
        return SourceClause(start, dataset, clause, times)

    def _clause(self) -> tuple[str, tuple[Node, ...]]:
        if self.accept_word("last"):
            return "last", (self.expression(),)
        if self.accept_word("timeshifted"):
            return "timeshifted", (self.expression(),)
        if self.accept_word("between"):
            first = self.expression()
            self.expect_word("and")
            return "between", (first, self.expression())
        if self.accept_word("around"):
            middle = self.expression()
            return "around", (
                middle,
                *((self.expression(),) if self.accept_word("interval") else ()),
            )
        return "", ()

    def _command(self) -> Command:
        if self.token.kind != "name":
            self.refuse("a command")
        word = self.advance()
        name = ALIASES.get(word.text, word.text)
        if name in ("order", "sort"):
            self.expect_word("by")
            name = "orderby"
        if name in UNSUPPORTED:
            raise UnsupportedError(f"the command {name}", word.start)
        if name in SUBQUERIES:
            return Command(word.start, name, self._with_subquery(name))
        parse_clauses = COMMANDS.get(name)
        if parse_clauses is None:
            meant = OTHER_NAMES.get(word.text.lower())
            hint = f" Did you mean {meant!r}?" if meant else ""
            hint = hint or nearest(word.text.lower(), (*COMMANDS, *ALIASES, *SUBQUERIES))
            if name in ("source", "from"):
                hint = " source comes first."
            raise QueryRefusedError(f"unknown command {word.text!r}.{hint}", word.start)
        return Command(word.start, name, parse_clauses(self))

    def _with_subquery(self, name: str) -> dict[str, Any]:
        join: dict[str, Any] = {}
        if name == "join":
            kind = self.advance().text if self.next_is_word(*JOINS) else "left"
            join = {"kind": kind, "on": (), "using": ()}
        parts = {**join, "query": self._subquery()}
        if name == "union":
            return parts
        if join and join["kind"] != "cross":
            word = self.expect_word("on", "using").text
            parts[word] = self._equalities() if word == "on" else self._keypaths()
        self.expect_word("into")
        return {**parts, "into": self.keypath()}

    def _keypaths(self) -> tuple[KeyPath, ...]:
        found = [self.keypath()]
        while self.accept(","):
            found.append(self.keypath())
        return tuple(found)

    def _equalities(self) -> tuple[tuple[JoinSide, JoinSide], ...]:
        found: list[tuple[JoinSide, JoinSide]] = []
        while not found or self.accept("&&"):
            one = self._join_side()
            self.expect("==")
            found.append((one, self._join_side()))
        return tuple(found)

    def _join_side(self) -> JoinSide:
        side = ""
        if self.next_is_word("left", "right"):
            word = self.token
            if self.lexer.token(word.end).text == "=>":
                side = self.advance().text
                self.advance()
        return JoinSide(self.token.start, side, self.expression(COMPARISON))

    def _subquery(self) -> Query:
        self.expect("(")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse_nesting()
        query = self.query()
        self.depth -= 1
        self.expect(")")
        return query


def _append(commands: list[Command], command: Command) -> None:
    """Add *command*; an `aggregate` right after a grouping without aggregations belongs to it."""
    last = commands[-1] if commands else None
    grouping = last is not None and last.name in ("groupby", "multigroupby")
    if (
        last is not None
        and grouping
        and command.name == "aggregate"
        and not last.parts["aggregates"]
    ):
        commands[-1] = Command(last.at, last.name, {**last.parts, **command.parts})
    else:
        commands.append(command)
