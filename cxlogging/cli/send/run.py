"""From lines to a handler, and to the end of what it has to deliver."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from logging import LogRecord

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
from .input import LONGEST, Input, UnreadableError, decoded, shown
from .records import Maker


@dataclass
class Reading:
    """
    Records of an input, in its order.

    Attributes:
        form: ``"auto"``, ``"lines"``, ``"jsonl"`` or ``"csv"``.
        count: Records read so far.
        odd: Lines of ``jsonl`` that are no JSON object, sent as text.
    """

    input: Input
    maker: Maker
    form: str
    count: int = 0
    odd: int = 0

    def records(self) -> Iterator[LogRecord]:
        """Yield a record for each line or row."""
        return self._of_tables() if self.form == "csv" else self._of_lines()

    def _of_lines(self) -> Iterator[LogRecord]:
        for line in self.input.lines():
            record = None
            if self.form == "jsonl" or (self.form == "auto" and line.text.lstrip()[:1] == "{"):
                record = self.maker.of_json(line.text, line.source, line.number)
                self.odd += self.form == "jsonl" and record is None
            yield record or self.maker.of_line(line.text, line.source, line.number)

    def _of_tables(self) -> Iterator[LogRecord]:
        csv.field_size_limit(LONGEST)
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
                    yield self.maker.of_fields(fields, shown(name), rows.line_num)
            except csv.Error as error:
                sentence = f"{shown(name)}, line {rows.line_num} is no row: {error}"
                raise UnreadableError(sentence) from None


def send(reading: Reading, handler: ShippingHandler, *, skip: int, rate: float | None) -> None:
    """Give every record to *handler*, at most *rate* a second."""
    due = time.monotonic()
    for record in reading.records():
        if reading.count >= skip:
            if rate is not None:
                due = max(due, time.monotonic() - 1.0) + 1.0 / rate
                time.sleep(max(due - time.monotonic(), 0.0))
            handler.handle(record)
        reading.count += 1


def drain(handler: ShippingHandler, patience: float, refused: Callable[[], str]) -> None:
    """Wait for what is under way; *patience* seconds for the next acknowledgement."""
    settled, since = -1, time.monotonic()
    while not handler.flush(0.25) and not refused():
        stats = handler.stats()
        outcomes = stats.delivered + stats.rejected
        if outcomes != settled:
            settled, since = outcomes, time.monotonic()
        elif time.monotonic() - since > patience:
            return


def code_of(stats: Stats, *, interrupted: bool, refused: str, broken: str) -> int:
    """Return the exit code of an account."""
    if refused:
        return AUTHENTICATION if is_refusal(refused) else FAILURE
    if broken:
        return FAILURE
    if interrupted:
        return INTERRUPTED
    if stats.pending or stats.spooled or stats.abandoned:
        return RETRYABLE
    lost = stats.rejected + stats.dropped
    return OK if not lost else PARTIAL if stats.delivered else FAILURE


def troubles(stats: Stats) -> Iterator[str]:
    """Yield what kept records from being delivered, as far as something did."""
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
        yield f"the last trouble: {stats.last_error}"


def account(stats: Stats, reading: Reading) -> Iterator[str]:
    """Yield the ledger in sentences."""
    names = "delivered rejected dropped abandoned pending spooled".split()
    shown_always = {"delivered", "rejected", "dropped"}
    parts = (
        f"{getattr(stats, name):,} {'waiting' if name == 'pending' else name}"
        for name in names
        if name in shown_always or getattr(stats, name)
    )
    yield f"{reading.count:,} read, {stats.accepted:,} accepted: {', '.join(parts)}"
    yield from _reasons(stats)
    if reading.maker.timeless:
        yield f"{reading.maker.timeless:,} without a time of their own have the time of reading"
    if reading.odd:
        yield f"{reading.odd:,} lines are no JSON objects and were sent as text"
    if reading.input.cut:
        yield f"{reading.input.cut:,} lines longer than {LONGEST // 2**20} MiB were cut"
