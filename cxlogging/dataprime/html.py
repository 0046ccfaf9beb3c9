"""A result as an HTML table, for notebooks."""

from __future__ import annotations

import datetime
import html
from collections.abc import Sequence

from . import times
from .exports import cell_text, column_types, table
from .rows import Row

MAX_ROWS = 100
MAX_CHARACTERS = 300
"""Characters of a cell; the rest of a longer text is left out."""


def html_table(rows: Sequence[Row], notes: Sequence[str] = ()) -> str:
    """
    Return the first rows as a table with the types of its columns; every text is escaped.

    Args:
        rows: All rows.
        notes: Sentences below the table.
    """
    columns = table(rows[:MAX_ROWS])
    types = column_types(columns)
    head = "".join(
        f'<th title="{_type_name(types[name])}">{html.escape(name)}</th>' for name in columns
    )
    body = "".join(
        f"<tr>{''.join(map(_cell, row))}</tr>" for row in zip(*columns.values(), strict=True)
    )
    sentences = [f"{len(rows):,} rows", *notes]
    if len(rows) > MAX_ROWS:
        sentences.insert(1, f"the first {MAX_ROWS} are shown")
    footer = html.escape("; ".join(sentences))
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p><small>{footer}."
        "</small></p>"
    )


def _type_name(kind: type | None) -> str:
    return "null" if kind is None else kind.__name__


def _cell(value: object) -> str:
    text = times.readable(value) if isinstance(value, datetime.datetime) else cell_text(value)
    if len(text) > MAX_CHARACTERS:
        text = f"{text[:MAX_CHARACTERS]}…"
    align = " style='text-align:right'" if type(value) in {int, float} else ""
    return f"<td{align}>{html.escape(text)}</td>"
