"""What the demo is made of: its verdict, its JSON, its shop."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pytest

import cxlogging.demo
from cxlogging import Stats
from cxlogging.cli.demo.json_text import pretty
from cxlogging.cli.demo.verdict import Account, complaints

LOGGED = Counter({"a": 2, "b": 1})
SOUND = Stats(accepted=3, delivered=3)


@pytest.mark.parametrize(
    ("stats", "arrived", "sentence"),
    [
        (Stats(accepted=3, delivered=2), LOGGED, "the ledger does not balance"),
        (Stats(accepted=2, delivered=2), LOGGED, "3 records logged, but 2 accepted"),
        (Stats(accepted=3, delivered=2, dropped=1), LOGGED, "3 records accepted, but 2 delivered"),
        (Stats(accepted=3, delivered=2, pending=1), LOGGED, "3 records accepted, but 2 delivered"),
        (SOUND, Counter({"a": 2}), "1 records logged, but not arrived, such as 'b'"),
        (SOUND, Counter("aab\n"), r"1 records arrived more often than logged, such as '\n'"),
        (SOUND, Counter("abb"), "1 records logged, but not arrived, such as 'a'"),
    ],
)
def test_whatever_differs_is_said(stats, arrived, sentence):
    """Each way in which logged, accepted, delivered and arrived can differ has its sentence."""
    assert f"Better Stack: {sentence}." in complaints(
        Account("betterstack", stats, LOGGED, arrived)
    )


def test_no_complaint_where_all_arrived():
    """Where all arrived once, there is nothing to say."""
    assert complaints(Account("honeycomb", SOUND, LOGGED, Counter("aab"))) == []


def test_silence_proves_nothing():
    """A demo that logged nothing has not shown anything."""
    found = complaints(Account("coralogix", Stats(), Counter(), Counter()))

    assert found == ["Coralogix: nothing was logged."]


@pytest.mark.parametrize("width", [30, 55, 200])
def test_pretty_json_is_json(width):
    """What fits is valid JSON of the same value, in lines that fit."""
    value = {"a": 1, "long": {"x": [1, 2], "y": "z" * 8, "w": {"deep": True}}, "é": None}

    text = pretty(value, width, 99)

    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) <= width


def test_pretty_json_is_cut_to_size():
    """Long texts end in dots, and too many lines are counted in the middle."""
    value = {f"name {n}": "x" * 100 for n in range(30)}

    lines = pretty(value, 40, 10).splitlines()

    assert len(lines) == 10
    assert max(map(len, lines)) <= 40
    assert lines[1].endswith('xx...",')
    assert "  ... 23 more lines ..." in lines
    assert lines[-2].startswith('  "name 29": "xx')


def test_the_shop_knows_nothing_of_cxlogging():
    """The application imports no module of ours."""
    source = Path(cxlogging.demo.__file__).with_name("shop.py").read_text("utf-8")

    imported = {
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (getattr(node, "module", None) or "", *(each.name for each in node.names))
    }

    assert not [name for name in imported if name.startswith("cxlogging")]
    assert not [n for n in ast.walk(ast.parse(source)) if getattr(n, "level", 0)]
