"""The page as axe-core judges it: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from .driver import MISSING, until

pytestmark = pytest.mark.slow
VIEWS = ("events", "requests", "rejected", "volume", "faults")
CHECK = """
axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"]})
  .then(({violations}) => arguments[0](violations.map(({id, impact, help, nodes}) =>
    ({id, impact, help, nodes: nodes.slice(0, 3).map(({html}) => html.slice(0, 200))}))));
"""
"""The rules of WCAG 2.1 A and AA."""


@pytest.fixture(scope="module")
def axe():
    found = importlib.util.find_spec("axe_core_python")
    if MISSING or found is None:
        pytest.skip(MISSING or "needs axe-core-python")
    (script,) = Path(found.origin).parent.rglob("axe.min.js")
    return script.read_text("utf-8")


def serious(page, axe):
    """Return what axe-core finds that keeps people from using the page."""
    page.browser.execute_script(axe)
    found = page.browser.execute_async_script(CHECK)
    return [one for one in found if one["impact"] in ("serious", "critical")]


@pytest.fixture
def events(sender):
    """Events of each level and vendor, one with an exception."""
    one = sender("coralogix", "honeycomb", "betterstack")
    for level in (10, 20, 30, 40, 50):
        one.log.log(level, "event of level %d", level, extra={"user": {"id": level}})
    try:
        int("no number")
    except ValueError:
        one.log.exception("it failed")
    one.deliver()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_can_be_used_by_everyone(page, axe, events, scheme, width):
    """Nothing serious in any view, in the light and the dark colours, wide and narrow."""
    page.emulate(prefers_color_scheme=scheme)
    page.resize(width)
    found = {}
    for view in VIEWS:
        page.open(f"/?view={view}")
        page.until("document.querySelector('.connection.open')")
        found[view] = serious(page, axe)
    page.open()
    page.until("document.querySelector('.rows .row')")
    page.press("k", "\ue007")
    until(lambda: page.state("open"))
    found["drawer"] = serious(page, axe)
    page.press("\ue00c", "?")
    page.until("document.querySelector('dialog[open]')")
    found["help"] = serious(page, axe)
    assert {name: what for name, what in found.items() if what} == {}


def test_an_empty_page_can_be_used_by_everyone(page, axe):
    """Nothing serious where no event has arrived."""
    page.open()
    page.until("document.querySelector('.welcome')")
    assert serious(page, axe) == []
