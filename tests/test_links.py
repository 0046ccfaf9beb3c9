"""Links of the documentation: each one to a file of the project, or to a heading, leads there."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?:\]\(|(?:src|srcset|href)=\")(?!mailto:)([^)\s\"#]*)(?:#([^)\s\"]+))?[)\"]")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)

PROJECT = configparser.ConfigParser()
PROJECT.read(ROOT / "setup.cfg", "utf-8")
HOME = PROJECT["metadata"]["url"]
RAW = HOME.replace("github.com", "raw.githubusercontent.com")
INSIDE = (f"{HOME}/blob/main/", f"{HOME}/tree/main/", f"{RAW}/main/")


def links(page):
    """Yield target and anchor of every link of a page that leads into the project."""
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        base = next((base for base in INSIDE if target.startswith(base)), None)
        if base is not None:
            yield ROOT / target.removeprefix(base), anchor
        elif "://" not in target:
            yield (page.parent / target if target else page), anchor


def anchors(page):
    """Return the anchors of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    """Every link to a file of the project leads to one, and to a heading that the file has."""
    for target, anchor in links(page):
        assert target.exists(), target
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{target}#{anchor}"


def test_the_front_page_can_be_read_elsewhere():
    """README is shown by PyPI too: its links into the project are absolute."""
    text = FENCE.sub("", (ROOT / "README.md").read_text("utf-8"))

    assert [target for target, _ in LINK.findall(text) if target and "://" not in target] == []
