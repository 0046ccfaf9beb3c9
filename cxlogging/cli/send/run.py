"""Reading records, sending them, and reporting what became of them."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from logging import LogRecord
from typing import NamedTuple

from ...delivery.ledger import Stats
from ...handlers.handler import ShippingHandler
from ..shared.exit_codes import (
    AUTHENTICATION,
    FAILURE,
    INTERRUPTED,
    OK,
    PARTIAL,
    RETRYABLE,
    is_refusal,
)
from .input import MAX_LINE_BYTES, Input, UnreadableError, decoded, display_name
from .records import RecordFactory


@dataclass
class RecordSource:
    """
    The records of an input, in its order.

    Attributes:
        form: ``"auto"``, ``"lines"``, ``"jsonl"`` or ``"csv"``.
        count: How many records have been read.
        invalid: How many lines of ``jsonl`` are not JSON objects; they are sent as text.
    """

    input: Input
    factory: RecordFactory
    form: str
    count: int = 0
    invalid: int = 0

    def records(self) -> Iterator[LogRecord]:
        """Yield a record for each line or row."""
        return self._from_tables() if self.form == "csv" else self._from_lines()

    def _from_lines(self) -> Iterator[LogRecord]:
        for line in self.input.lines():
            record = None
            if self.form == "jsonl" or (self.form == "auto" and line.text.lstrip()[:1] == "{"):
                record = self.factory.from_json(line.text, line.source, line.number)
                self.invalid += self.form == "jsonl" and record is None
            yield record or self.factory.from_line(line.text, line.source, line.number)

    def _from_tables(self) -> Iterator[LogRecord]:
        csv.field_size_limit(MAX_LINE_BYTES)
        for name in self.input.names:
            lines = (f"{decoded(raw)}\n" for raw in self.input.raw(name))
            rows = csv.DictReader(lines, restkey="more")
            try:
                for row in rows:
                    fields = {
                        key: value
                        for key, value in row.items()
                        if value is not None and value != ""
                    }
                    yield self.factory.from_fields(fields, display_name(name), rows.line_num)
            except csv.Error as error:
                message = f"{display_name(name)}, line {rows.line_num} is not a CSV row: {error}"
                raise UnreadableError(message) from None


def send(source: RecordSource, handler: ShippingHandler, *, skip: int, rate: float | None) -> None:
    """Give every record but the first *skip* to *handler*, at most *rate* a second."""
    due = time.monotonic()
    for record in source.records():
        if source.count >= skip:
            if rate is not None:
                due = max(due, time.monotonic() - 1.0) + 1.0 / rate
                time.sleep(max(due - time.monotonic(), 0.0))
            handler.handle(record)
        source.count += 1


def drain(handler: ShippingHandler, patience: float, refused: Callable[[], str]) -> None:
    """Wait until everything is sent, or nothing was acknowledged for *patience* seconds."""
    settled, since = -1, time.monotonic()
    while not handler.flush(0.25) and not refused():
        stats = handler.stats()
        outcomes = stats.delivered + stats.rejected
        if outcomes != settled:
            settled, since = outcomes, time.monotonic()
        elif time.monotonic() - since > patience:
            return


class SendingEnd(NamedTuple):
    """
    How sending ended.

    Attributes:
        interrupted: True after Ctrl-C, also the one by which a refusal interrupts reading.
        refused: Why the destination refuses everything; empty if it does not.
        unreadable: Why an input could not be read to its end; empty if it could.
    """

    interrupted: bool
    refused: str
    unreadable: str


def exit_code(stats: Stats, end: SendingEnd) -> int:
    """Return the exit code for what was delivered."""
    if end.refused:
        return AUTHENTICATION if is_refusal(end.refused) else FAILURE
    if end.unreadable:
        return FAILURE
    if end.interrupted:
        return INTERRUPTED
    if stats.pending or stats.spooled or stats.abandoned:
        return RETRYABLE
    lost = stats.rejected + stats.dropped
    return OK if not lost else PARTIAL if stats.delivered else FAILURE


def failures(stats: Stats) -> Iterator[str]:
    """Yield how many records were not delivered, and why; nothing if all were."""
    names = "rejected dropped abandoned pending spooled".split()
    counts = {name: getattr(stats, name) for name in names}
    parts = (f"{count:,} {name}" for name, count in counts.items() if count)
    if any(counts.values()):
        yield f"not delivered: {', '.join(parts)} of {stats.accepted:,}"
    yield from _reasons(stats)


def _reasons(stats: Stats) -> Iterator[str]:
    for reason, count in stats.reasons.items():
        yield f"rejected {count:,}: {reason}"
    if stats.last_error and (stats.pending or stats.abandoned):
        yield f"last error: {stats.last_error}"


def summary(stats: Stats, source: RecordSource) -> Iterator[str]:
    """Yield the statistics in sentences."""
    names = "delivered rejected dropped abandoned pending spooled".split()
    always_shown = {"delivered", "rejected", "dropped"}
    parts = (
        f"{getattr(stats, name):,} {'waiting' if name == 'pending' else name}"
        for name in names
        if name in always_shown or getattr(stats, name)
    )
    yield f"{source.count:,} read, {stats.accepted:,} accepted: {', '.join(parts)}"
    yield from _reasons(stats)
    if source.factory.without_time:
        yield f"{source.factory.without_time:,} without a timestamp have the time of reading"
    if source.invalid:
        yield f"{source.invalid:,} lines are not JSON objects and were sent as text"
    if source.input.cut:
        limit = MAX_LINE_BYTES // 2**20
        yield f"{source.input.cut:,} lines longer than {limit} MiB were cut"
