"""The page, in a real browser."""

from __future__ import annotations

import json
import logging
import re
import urllib.request
from pathlib import Path

import pytest

import cxlogging
from cxlogging.devserver import DevServer, api
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb
from tests.browser import Browser, installed

VENDORS = ("coralogix", "honeycomb", "betterstack")
SCRIPT = (api.PAGE / "page.js").read_text(encoding="utf-8")
EVIL = "a \x1b[31mred\x1b[0m \u202egnp.exe\u200b \x9b <img src=x onerror=alert(1)>"
SHOWN = r"a \x1b[31mred\x1b[0m \u202egnp.exe\u200b \u009b <img src=x onerror=alert(1)>"

in_a_browser = [pytest.mark.slow, pytest.mark.skipif(not installed(), reason="no browser here")]


def handlers(url):
    return [
        cxlogging.CoralogixHandler("k", application_name="shop", subsystem_name="cart", url=url),
        cxlogging.HoneycombHandler("k", dataset="shop", url=url),
        cxlogging.BetterStackHandler("k", url=url),
    ]


def fails(depth):
    if not depth:
        raise ValueError(EVIL)
    goes_on(depth - 1)


def goes_on(depth):
    # Python shortens the trace of a function that calls itself.
    fails(depth)


def say(log):
    log.info("order %d placed", 4711, extra={"user": {"id": 7}, "total": 99.5})
    log.warning("first line\nsecond line", extra={"sql": "SELECT *\n\tFROM orders"})
    try:
        fails(40)
    except ValueError:
        log.exception("it failed: %s", EVIL)
    log.error("x" * 5_000)


@pytest.fixture(scope="module")
def server():
    log = logging.Logger("shop.cart")  # noqa: LOG001 - beside the tree
    with DevServer() as running:
        log.handlers = handlers(running.url)
        say(log)
        for handler in log.handlers:
            assert handler.flush(timeout=30)
            handler.close()
        yield running


@pytest.fixture(scope="module")
def browser(server, tmp_path_factory):
    page = Browser(tmp_path_factory.mktemp("profile"), server.url, TZ="Asia/Kolkata")
    yield page
    page.close()


@pytest.fixture(params=VENDORS)
def page(request, browser):
    """The rows of one vendor, the newest first, none opened."""
    browser.click("[data-vendor]:not([aria-pressed=true])")
    browser.click(f"[data-vendor={request.param}]")
    browser.until(
        "document.querySelectorAll('li').length === 4 &&"
        f" document.querySelector('.vendor').textContent === '{request.param}'"
    )
    return browser


@pytest.mark.parametrize("module", [coralogix, honeycomb, betterstack])
def test_the_page_knows_the_fields_that_handlers_write(module, server):
    """The server names them for every vendor, so that they are not shown as the sender's own."""
    with urllib.request.urlopen(f"{server.url}/api/vendors") as answer:
        shown = {each["name"]: each for each in json.load(answer)["vendors"]}
    traces = {"exception", "exception.stacktrace", "stack_info"}
    name = Path(module.__file__).parent.name
    assert module.OWN_FIELDS - traces <= set(shown[name]["fields"])


class TestInABrowser:
    """Rows, exceptions, and text with control characters."""

    pytestmark = in_a_browser

    def test_a_row_has_time_level_logger_message_and_the_fields_of_its_sender(self, page):
        """A row shows no fields that the handler adds; its time has date and time zone."""
        row = page.texts("li:last-child span")
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+05:30", row[0])
        assert (row[1], row[4]) == ("info", "shop.cart")
        assert row[5].startswith("order 4711 placed")
        assert row[6] in ('user={"id":7} total=99.5', "user.id=7 total=99.5")

    def test_a_row_says_that_there_is_more(self, page):
        """A row shows the first line of a message with a mark, and the message of an exception."""
        rows = page.texts("li .message")
        assert rows[2].startswith("first line ↵")
        assert rows[1] == f"it failed: {SHOWN}ValueError: {SHOWN}"
        assert not page.run("document.querySelector('li img')")

    def test_an_exception_has_real_lines_and_is_folded(self, page):
        """Frames are lines of their own, escapes are text, and a button shows the folded lines."""
        page.click("li:nth-child(2) .row")
        folded = page.texts("li:nth-child(2) .lines")[0].split("\n")
        assert folded[0] == "Traceback (most recent call last):"
        assert folded[-1] == f"ValueError: {SHOWN}"
        assert len(folded) == 21
        assert re.fullmatch(r"… \d+ more lines", folded[8])
        page.click("li:nth-child(2) .fold")
        whole = page.texts("li:nth-child(2) .lines")[0].split("\n")
        assert len(whole) > 40
        assert whole[:8] == folded[:8]
        page.click("li:nth-child(2) .fold")
        assert page.texts("li:nth-child(2) .lines")[0].split("\n") == folded
        page.click("li:nth-child(2) summary")
        everything = page.until("document.querySelector('li details .lines')?.textContent")
        assert "\x1b" not in everything
        assert "\u202e" not in everything
        assert json.loads(everything)["bytes"] > 1_000

    def test_texts_of_several_lines_have_them_and_long_ones_are_folded(self, page):
        """Multi-line strings are shown line by line; a very long line is truncated."""
        page.click("li:nth-child(3) .row")
        assert page.texts("li:nth-child(3) .lines")[:2] == [
            "first line\nsecond line",
            "SELECT *\n    FROM orders",
        ]
        assert page.texts("li:nth-child(3) h2") == ["sql"]
        page.click("li:nth-child(1) .row")
        assert page.texts("li:nth-child(1) .lines") == [f"{'x' * 2_000}… 3000 more characters"]
        page.click("li:nth-child(1) .fold")
        assert page.texts("li:nth-child(1) .lines") == ["x" * 5_000]

    def test_a_search_without_a_hit_says_so(self, page):
        """The page names the search, instead of saying that nothing has arrived."""
        search = "const s = document.querySelector('#contains'); s.value = {};"
        event = "s.dispatchEvent(new Event('input'))"
        page.run(f"{{ {search.format(json.dumps('level:' + chr(0x202E)))} {event} }}")
        said = page.until("!document.querySelector('#none').hidden && "
                          "document.querySelector('#none').textContent")  # fmt: skip
        assert re.match(r"No event of (Coralogix|Honeycomb|Better Stack) contains", said)
        assert "“level:\\u202e”" in said
        assert page.run("document.querySelector('#empty').hidden")
        page.run(f"{{ {search.format(json.dumps(''))} {event} }}")
        page.until("document.querySelectorAll('li').length === 4")


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="no browser here")
def test_numbers_and_empty_lists(tmp_path):
    """An integer is shown as it was sent; a vendor without events differs from an empty server."""
    with DevServer() as server:
        page = Browser(tmp_path, server.url, TZ="UTC")
        try:
            page.until("!document.querySelector('#empty').hidden")
            handler = cxlogging.BetterStackHandler("k", url=server.url)
            record = logging.LogRecord("x", 20, "f", 1, "number", (), None)
            record.id = 2**53 + 1
            handler.handle(record)
            assert handler.flush(timeout=30)
            handler.close()
            row = page.until("document.querySelector('li')?.textContent")
            assert f"id={2**53 + 1}" in row
            assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", row)
            page.click("[data-vendor=honeycomb]")
            said = page.until("!document.querySelector('#none').hidden && "
                              "document.querySelector('#none').textContent")  # fmt: skip
            assert said == "No event of Honeycomb has arrived yet, and 1 of other vendors."
        finally:
            page.close()
