"""Finding events on the page: query, levels, facets, histogram, groups and saved views, in a real browser."""

from __future__ import annotations

import json
import logging
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

import cxlogging

pytestmark = pytest.mark.slow

START = time.time() - 600
"""When the first event was logged; one more every five seconds."""
EVIL = "<img src=x onerror=alert(1)> \x1b[31m\u202e"


def handlers(url):
    return {
        "shop.cart": cxlogging.CoralogixHandler(
            "k", application_name="shop", subsystem_name="cart", url=url
        ),
        "shop.pay": cxlogging.HoneycombHandler("k", dataset="payments", url=url),
        "mail": cxlogging.BetterStackHandler("k", url=url),
    }


def messages():
    """Logger, level, message, arguments and fields of 34 events, the oldest first."""
    for number in range(20):
        fields = {"user": {"id": number % 3, "name": "o'brien"}, "total": 1.5 * number}
        yield "shop.cart", logging.INFO, "order %d placed", (4000 + number,), fields
    for number in range(8):
        yield "shop.pay", logging.ERROR, "payment %d refused", (number,), {"user": {"id": number}}
    for number in range(5):
        yield "mail", logging.WARNING, "mail to %s bounced", (f'"c{number}"',), {}
    yield "mail", logging.DEBUG, EVIL, (), {"note": EVIL}


@pytest.fixture(scope="module", autouse=True)
def events(server):
    """34 events of three vendors, over some three minutes."""
    open_handlers = handlers(server.url)
    for n, (logger, level, message, args, fields) in enumerate(messages()):
        record = logging.LogRecord(logger, level, "shop.py", n, message, args, None)
        record.created = START + 5 * n
        record.__dict__.update(fields)
        open_handlers[logger].handle(record)
    for handler in open_handlers.values():
        assert handler.flush(timeout=30)
        handler.close()


class Page:
    """The page of one test, opened anew."""

    def __init__(self, browser, url, until):
        self.browser, self.url, self.until = browser, url, until

    def open(self, query=""):
        self.browser.get("about:blank")
        self.browser.get(f"{self.url}/{query}")
        self.until(lambda: self.all(".level-chip"))

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.until(lambda: next(iter(self.all(selector)), None))

    def texts(self, selector):
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)"
        return self.browser.execute_script(script, selector)

    def click(self, selector, text=""):
        """Click the one element that has this text."""
        script = (
            "const found = [...document.querySelectorAll(arguments[0])]"
            ".filter((one) => one.innerText.includes(arguments[1])); found[0]?.click(); return found.length"
        )
        self.until(lambda: self.browser.execute_script(script, selector, text))

    def shows(self, count):
        """Wait until the filter lets this many events through, in the chips and in the list."""
        script = (
            "return [...document.querySelectorAll('.plot')].map((one) => one.ariaLabel)[0] || ''"
        )
        noun = "event" if count == 1 else "events"
        self.until(lambda: self.browser.execute_script(script).startswith(f"{count} {noun},"))

    def query(self, text, key=Keys.ENTER):
        bar = self.one("#query")
        bar.send_keys(Keys.CONTROL, "a")
        bar.send_keys(text, *([key] if key else []))

    def params(self):
        return parse_qs(urlsplit(self.browser.current_url).query)


@pytest.fixture
def page(server, browser, until):
    made = Page(browser, server.url, until)
    made.open()
    made.browser.execute_script("localStorage.clear()")
    return made


def facet(field, text=""):
    return f".facet[data-field='{field}'] .value", text


def test_facets_show_the_values_of_each_field_with_their_counts(page):
    """Vendor, application, subsystem and logger are listed, the most frequent value first."""
    page.shows(34)
    page.until(lambda: page.texts(".facet[data-field=vendor] .value"))
    found = {
        name: page.texts(f".facet[data-field={name}] .value span")
        for name in ("vendor", "application", "subsystem", "logger")
    }
    assert found["vendor"] == ["coralogix", "honeycomb", "betterstack"]
    assert found["application"][:2] == ["shop", "payments"]
    assert found["logger"] == ["shop.cart", "shop.pay", "mail"]
    assert page.texts(".facet[data-field=logger] .value b") == ["20", "8", "6"]


def test_a_value_of_a_facet_is_a_filter_in_the_url_and_a_chip_that_removes_it(page):
    """The other facets count what is left; a field's own values stay, so that one can add to them."""
    page.click(*facet("logger", "shop.pay"))
    page.shows(8)
    assert page.params() == {"is": ["logger:shop.pay"]}
    page.until(lambda: page.texts(".facet[data-field=vendor] .value span") == ["honeycomb"])
    assert page.texts(".facet[data-field=logger] .value b") == ["20", "8", "6"]
    page.click(*facet("logger", "mail"))
    page.shows(14)
    assert page.texts(".filter-chip span") == ["logger is shop.pay", "logger is mail"]
    page.click(".filter-chip", "logger is shop.pay")
    page.shows(6)
    page.click(".filter-chip", "logger is mail")
    page.shows(34)
    assert page.params() == {}


def test_a_value_can_be_excluded(page):
    """The button beside a value leaves its events out."""
    page.click(*facet("vendor", "coralogix"))
    page.shows(20)
    page.click(".facet[data-field=vendor] li.is .exclude")
    page.shows(14)
    assert page.params() == {"not": ["vendor:coralogix"]}
    assert page.texts(".filter-chip span") == ["vendor is not coralogix"]


def test_any_field_of_the_data_can_be_a_facet(page):
    """It is chosen by its keypath, stays after a reload, and its numbers are numbers in the filter."""
    page.click(".add-facet")
    page.until(lambda: page.texts("#facet-paths option") is not None and page.all("#facet-paths option"))
    page.one(".adding input").send_keys("user.id", Keys.ENTER)
    page.until(lambda: page.texts(".facet[data-field='user.id'] .value"))
    page.open()
    page.until(lambda: page.texts(".facet[data-field='user.id'] .value"))
    page.click(*facet("user.id", "7"))
    page.shows(1)
    assert page.params() == {"is": ["user.id:7"]}
    page.click(".facet[data-field='user.id'] .forget")
    page.until(lambda: not page.all(".facet[data-field='user.id']"))


def test_levels_are_chips_with_counts(page):
    """Several levels can be chosen; the counts are those without a choice of levels."""
    page.shows(34)
    shown = {text.split()[0]: text.split()[1] for text in page.texts(".level-chip")}
    assert shown == {"Critical": "0", "Error": "8", "Warning": "5", "Info": "20", "Verbose": "0", "Debug": "1"}
    page.click(".level-chip", "Error")
    page.shows(8)
    page.click(".level-chip", "Warning")
    page.shows(13)
    assert page.params() == {"level": ["5", "4"]}
    assert page.texts(".level-chip[data-level='3']")[0].split()[1] == "20"
    page.click(".level-chip", "Error")
    page.shows(5)


def test_words_are_a_text_search(page):
    """All words must occur, in any order; a phrase in quotation marks as it is."""
    page.query("refused payment")
    page.shows(8)
    assert page.texts(".query-bar .kind") == ["Text"]
    assert page.params() == {"q": ["refused payment"]}
    page.query('"payment 3 refused"')
    page.shows(1)
    page.click(".clear-query")
    page.shows(34)


def test_a_condition_is_a_dataprime_query(page):
    """The kind of search is shown beside the query."""
    page.query("filter $d.user.id == 1 && $m.severity >= ERROR")
    page.shows(1)
    assert page.texts(".query-bar .kind") == ["DataPrime"]


def test_an_aggregation_is_a_table(page):
    """Its columns have names, its numbers are at the right."""
    page.query("source logs | groupby $l.vendor aggregate count() as events | orderby events desc")
    page.until(lambda: page.all(".result .data-table"))
    assert page.texts(".result th") == ["vendor", "events"]
    assert page.texts(".result td") == ["coralogix", "20", "honeycomb", "8", "betterstack", "6"]
    assert page.texts(".result .note") == ["3 rows"]
    style = "return getComputedStyle(document.querySelector('.result td:last-child')).textAlign"
    assert page.browser.execute_script(style) == "right"


def test_a_wrong_query_is_shown_with_a_caret_below_its_place(page):
    """The error says what is wrong, the query stays as it was typed, and a correct one removes the error."""
    wrong = "filter $m.severity >= SERIOUS"
    page.query(wrong)
    page.one(".query-error pre")
    line, caret = page.texts(".query-error pre")[0].split("\n")[:2]
    assert line.endswith(wrong)
    assert line[caret.index("^") :].startswith("SERIOUS")
    assert page.one("#query").get_attribute("value") == wrong
    assert page.one("#query").get_attribute("aria-invalid") == "true"
    page.query("filter $m.severity >= ERROR")
    page.shows(8)
    assert not page.all(".query-error")


class TestCompletion:
    """Commands, keypaths of the data, functions and values."""

    def offered(self, page):
        return page.texts("#query-options code")

    def test_tab_accepts_the_first_completion(self, page):
        """A whole query is written with a few keys, and run by Enter."""
        page.query("fil", None)
        page.until(lambda: self.offered(page) and self.offered(page)[0] == "filter")
        bar = page.one("#query")
        assert bar.get_attribute("aria-expanded") == "true"
        bar.send_keys(Keys.TAB, "user.i")
        page.until(lambda: self.offered(page) == ["$d.user.id"])
        bar.send_keys(Keys.TAB, "== 7", Keys.ESCAPE, Keys.ENTER)
        page.shows(1)
        assert page.params() == {"q": ["filter $d.user.id == 7"]}

    def test_arrow_keys_choose_and_enter_accepts(self, page):
        """The active option is announced; accepting it does not run the query."""
        page.query("filter $m.severity >= ", None)
        page.until(lambda: "ERROR" in self.offered(page))
        bar = page.one("#query")
        at = self.offered(page).index("ERROR")
        bar.send_keys(*[Keys.ARROW_DOWN] * (at + 1))
        page.until(lambda: bar.get_attribute("aria-activedescendant") == f"query-option-{at}")
        bar.send_keys(Keys.ENTER)
        assert bar.get_attribute("value").strip() == "filter $m.severity >= ERROR"
        assert page.params() == {}
        bar.send_keys(Keys.ENTER)
        page.shows(8)

    def test_escape_closes_the_list_and_tab_leaves_the_query_then(self, page):
        """Nobody is trapped in the query by the completion."""
        page.query("filter $d.", None)
        page.until(lambda: self.offered(page))
        page.one("#query").send_keys(Keys.ESCAPE)
        page.until(lambda: not self.offered(page))
        page.one("#query").send_keys(Keys.TAB)
        assert page.browser.switch_to.active_element.get_attribute("id") != "query"

    def test_functions_and_values_of_the_data_are_offered(self, page):
        """A function gets its parentheses; a text is quoted as the language wants it."""
        page.query("source logs | aggregate cou", None)
        page.until(lambda: "count" in self.offered(page))
        page.one("#query").send_keys(Keys.TAB)
        assert page.one("#query").get_attribute("value") == "source logs | aggregate count()"
        page.query("filter $d.user.name == ", None)
        page.until(lambda: self.offered(page) == ["'o\\'brien'"])
        page.one("#query").send_keys(Keys.TAB, Keys.ENTER)
        page.shows(20)

    def test_words_are_left_alone(self, page):
        """While words are typed, nothing is offered unless it is asked for."""
        page.query("order placed", None)
        assert not self.offered(page)
        page.query("user", None)
        page.one("#query").send_keys(Keys.CONTROL, " ")
        page.until(lambda: any("user.id" in text for text in self.offered(page)))


def test_no_hit_says_what_was_searched_and_offers_to_widen(page):
    """Query, window and filters are named; a button removes one of them and says what it would find."""
    page.open(f"?q=refused&is={quote('logger:shop.cart')}&level=3")
    page.until(lambda: page.texts(".offers button"))
    said = page.texts(".empty")[0]
    assert "refused" in said
    assert "as words that must all occur" in said
    assert "all 34 stored events" in said
    assert "logger is shop.cart" in said
    offers = page.texts(".offers button")
    assert "20 events" in next(text for text in offers if "the query" in text)
    assert "34 events" in offers[-1]
    page.click(".offers button", "the query")
    page.shows(20)
    assert page.params() == {"is": ["logger:shop.cart"], "level": ["3"]}


def test_dragging_over_the_histogram_zooms_in_and_a_button_out(page):
    """The window is in the URL and a chip; the events outside of it are gone."""
    page.shows(34)
    plot = page.one(".u-over")
    width = plot.size["width"]
    ActionChains(page.browser).move_to_element_with_offset(plot, -width // 2 + 5, 0).click_and_hold().move_by_offset(
        width // 4, 0
    ).move_by_offset(5, 0).release().perform()
    page.until(lambda: {"from", "to"} <= page.params().keys())
    page.until(lambda: page.texts(".filter-chip.window"))
    first, last = (int(page.params()[end][0]) / 1e9 for end in ("from", "to"))
    inside = sum(first <= START + 5 * n < last for n in range(34))
    assert 3 < inside < 20
    page.shows(inside)
    page.click(".zoom-out")
    page.until(lambda: int(page.params()["from"][0]) / 1e9 < first)
    page.click(".all-time")
    page.shows(34)
    assert page.params() == {}


def test_the_histogram_is_a_table_too(page):
    """Each time with its counts by level; a button zooms to it, without a drag."""
    page.shows(34)
    page.click(".as-table")
    rows = page.until(lambda: page.texts(".histogram tbody tr"))
    assert page.texts(".histogram thead th") == ["Time", "Error", "Warning", "Info", "Debug"]
    cells = page.texts(".histogram td")
    assert sum(map(int, cells)) == 34
    assert len(rows) > 10
    label = page.one(".plot").get_attribute("aria-label")
    assert label.endswith("8 error, 5 warning, 20 info, 1 debug.")
    page.click(".histogram tbody button")
    page.until(lambda: {"from", "to"} <= page.params().keys())


def test_the_url_restores_query_filters_and_window(page):
    """What one opens from a link is what was shared; back and forward work."""
    start = round((START - 1) * 1e9)
    page.open(f"?q=order&level=3&is={quote('user.id:1')}&not={quote('vendor:honeycomb')}&from={start}")
    page.shows(7)
    assert page.one("#query").get_attribute("value") == "order"
    assert page.texts(".level-chip[aria-pressed=true]")[0].startswith("Info")
    assert page.texts(".filter-chip span")[:2] == ["user.id is 1", "vendor is not honeycomb"]
    page.click(".clear-filters")
    page.shows(34)
    page.browser.back()
    page.shows(7)
    assert page.one("#query").get_attribute("value") == "order"


class TestSavedViews:
    """Names for what is in the URL, kept in the browser."""

    def save(self, page, name):
        page.click(".saved > button")
        page.one(".saved input").send_keys(name, Keys.ENTER)
        page.until(lambda: name in page.texts(".saved .view"))
        page.one(".saved input").send_keys(Keys.ESCAPE)
        page.until(lambda: not page.all(".saved .popover"))

    def test_a_view_is_saved_loaded_and_deleted(self, page):
        """It is there after a reload, and brings back query and filters."""
        page.open(f"?q=refused&is={quote('logger:shop.pay')}")
        page.shows(8)
        self.save(page, "refused payments")
        page.open()
        page.shows(34)
        page.click(".saved > button")
        page.click(".saved .view", "refused payments")
        page.shows(8)
        assert page.params() == {"q": ["refused"], "is": ["logger:shop.pay"]}
        page.click(".saved > button")
        page.click(".saved .forget")
        page.until(lambda: not page.all(".saved .view"))
        assert page.browser.execute_script("return localStorage['cxlogging.views']") == "{}"

    @pytest.mark.parametrize(
        "held", ["{", "null", "[1]", '"text"', json.dumps({"": "a", "number": 7, "good": "q=refused"})]
    )
    def test_whatever_else_the_browser_holds_does_no_harm(self, page, held):
        """What is not a view is left out."""
        page.browser.execute_script("localStorage['cxlogging.views'] = arguments[0]", held)
        page.browser.execute_script("localStorage['cxlogging.facets'] = arguments[0]", held)
        page.open()
        page.shows(34)
        page.click(".saved > button")
        page.one(".saved .popover")
        assert page.texts(".saved .view") == (["good"] if "good" in held else [])
        page.one(".saved input").send_keys(Keys.ESCAPE)
        self.save(page, "mine")


def test_similar_messages_are_groups(page):
    """Messages that differ in numbers and quoted parts are one line with a count; a click shows them."""
    page.click(".group-similar")
    page.until(lambda: len(page.all(".group")) == 4)
    found = dict(zip(page.texts(".group .logger"), page.texts(".group .count"), strict=False))
    assert page.texts(".group .count")[:3] == ["20", "8", "5"]
    assert found["shop.cart"] == "20"
    page.click(".group-row", "refused")
    page.shows(8)
    assert not page.all(".groups")
    page.click(".group-similar")
    page.click(".group .example")
    page.until(lambda: "event" in page.params())


def test_hostile_texts_stay_texts(page):
    """Markup and control characters of a log are shown as text, wherever a value of it is shown."""
    page.click(".add-facet")
    page.one(".adding input").send_keys("note", Keys.ENTER)
    page.click(*facet("note", "<img"))
    page.shows(1)
    (chip,) = page.texts(".filter-chip span")
    assert chip == r"note is <img src=x onerror=alert(1)> \x1b[31m\u202e"
    page.click(".group-similar")
    page.until(lambda: page.texts(".group .pattern"))
    assert "<img src=x" in page.texts(".group .pattern")[0]
    assert not page.all("#app img")
    page.query(EVIL.replace("\x1b", ""), Keys.ENTER)
    page.until(lambda: page.params().get("q"))
    assert not page.all("#app img")


def test_counts_follow_what_arrives(page, server):
    """Facets, level chips and histogram count new events within seconds, without a reload."""
    page.open("?q=latecomer")
    page.until(lambda: page.texts(".empty"))
    handler = cxlogging.BetterStackHandler("k", url=server.url)
    try:
        for n in range(3):
            handler.handle(logging.LogRecord("late", logging.CRITICAL, "f", 1, "latecomer %d", (n,), None))
        assert handler.flush(timeout=30)
    finally:
        handler.close()
    page.shows(3)
    page.until(lambda: page.texts(".level-chip[data-level='6']")[0].split()[1] == "3")
    page.until(lambda: page.texts(".facet[data-field=logger] .value span") == ["late"])
