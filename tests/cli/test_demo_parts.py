"""The parts of the demo: the results, the report, and the shop."""

from __future__ import annotations

import ast
import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

import cxlogging.cli.demo
from cxlogging import Stats
from cxlogging.cli.demo.report import print_vendor
from cxlogging.cli.demo.results import VendorResult, differences

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
def test_every_difference_is_reported(stats, arrived, sentence):
    """Each way in which logged, accepted, delivered and arrived can differ has its sentence."""
    assert f"Better Stack: {sentence}." in differences(
        VendorResult("betterstack", stats, LOGGED, arrived)
    )


def test_no_difference_if_all_arrived():
    """If every record arrived once, there are no differences."""
    assert differences(VendorResult("honeycomb", SOUND, LOGGED, Counter("aab"))) == []


def test_nothing_logged_is_a_failure():
    """A demo that logged nothing reports that."""
    found = differences(VendorResult("coralogix", Stats(), Counter(), Counter()))

    assert found == ["Coralogix: nothing was logged."]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_an_event_is_printed_as_json_in_lines_that_fit(encoding):
    """The event is printed as JSON beside the numbers; long lines are cut."""
    event = {"data": {"message": "café", "text": "x" * 99, "order": {"id": 7}}}
    result = VendorResult("honeycomb", SOUND, LOGGED, LOGGED)
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)

    print_vendor(Console(file=output, width=80), result, event)

    output.seek(0)
    lines = [line.rstrip() for line in output.read().splitlines()]
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("accepted            3")
    shown = "café" if encoding == "utf-8" else "caf\\u00e9"
    assert any(line.endswith(f'  "message": "{shown}",') for line in lines)
    assert any(line.endswith('    "id": 7') for line in lines)


def test_the_shop_does_not_import_cxlogging():
    """The application uses only the standard library's logging."""
    source = Path(cxlogging.cli.demo.__file__).with_name("shop.py").read_text("utf-8")

    imported = {
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (getattr(node, "module", None) or "", *(each.name for each in node.names))
    }

    assert not [name for name in imported if name.startswith("cxlogging")]
    assert not [n for n in ast.walk(ast.parse(source)) if getattr(n, "level", 0)]
