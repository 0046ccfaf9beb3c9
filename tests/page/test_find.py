"""Finding events on the page, in a real browser: query, facets, histogram, groups, saved views."""

from __future__ import annotations

import json
import logging
import time
from itertools import pairwise
from urllib.parse import parse_qs, quote, urlsplit

import pytest

import cxlogging
from cxlogging.devserver import DevServer

from .driver import Page, Sender, until

webdriver = pytest.importorskip("selenium.webdriver")
ActionChains, Keys = webdriver.ActionChains, webdriver.Keys

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


@pytest.fixture(scope="module")
def server():
    """A server with 34 events of three vendors, over some three minutes."""
    with DevServer() as running:
        made = handlers(running.url)
        for n, (logger, level, message, args, fields) in enumerate(messages()):
            record = logging.LogRecord(logger, level, "shop.py", n, message, args, None)
            record.created = START + 5 * n
            record.__dict__.update(fields)
            made[logger].handle(record)
        for handler in made.values():
            assert handler.flush(timeout=30)
            handler.close()
        yield running


class Find:
    """The page of a test, and what is found on it."""

    def __init__(self, page):
        self.page, self.browser = page, page.browser
        self.texts, self.run = page.texts, page.run

    def open(self, address="/"):
        self.page.open(address)
        self.page.until("document.querySelector('.level-chip')")

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def one(self, selector):
        self.page.until("document.querySelector(arguments[0])", selector)
        return self.browser.find_element("css selector", selector)

    def click(self, selector, text=""):
        """Click the first element that has this text, once there is one."""
        script = (
            "[...document.querySelectorAll(arguments[0])]"
            ".find((one) => one.textContent.includes(arguments[1]))"
        )
        self.page.until(script, selector, text).click()

    def shows(self, count):
        """Wait until the histogram counts this many events, and the list has them."""
        start = f"{count} event{'s' * (count != 1)},"
        until(lambda: [text for text in self.labels() if text.startswith(start)])
        until(lambda: len(self.page.state("rows")) == count)

    def labels(self):
        return self.run(
            "[...document.querySelectorAll('.histogram .plot')].map((e) => e.ariaLabel)"
        )

    def query(self, text, *keys):
        """Write a query, then press *keys*; by default Enter."""
        self.page.write("#query", text)
        self.one("#query").send_keys(*(keys or [Keys.ENTER]))

    def write(self, text):
        self.page.write("#query", text)

    def written(self):
        return self.one("#query").get_attribute("value")

    def params(self):
        return parse_qs(urlsplit(self.browser.current_url).query)


@pytest.fixture
def find(page):
    """The page with 34 events, with an empty storage of the browser."""
    found = Find(page)
    found.open()
    found.run("localStorage.clear()")
    return found


def facet(field, text):
    """The button of a value of a facet."""
    return f".facet[data-field='{field}'] .value[title='{text}']"


def test_facets_show_the_values_of_each_field_with_their_counts(find):
    """Vendor, application, subsystem and logger are listed, the most frequent value first."""
    find.shows(34)
    until(lambda: find.texts(".facet[data-field=vendor] .value"))
    found = {
        name: find.texts(f".facet[data-field={name}] .value span")
        for name in ("vendor", "application", "subsystem", "logger")
    }
    assert found["vendor"] == ["coralogix", "honeycomb", "betterstack"]
    assert found["application"][:2] == ["shop", "payments"]
    assert found["logger"] == ["shop.cart", "shop.pay", "mail"]
    assert find.texts(".facet[data-field=logger] .value b") == ["20", "8", "6"]


def test_a_value_of_a_facet_is_a_filter_in_the_url_and_a_chip_that_removes_it(find):
    """Other facets count what is left; a field's own values stay, so that one can add to them."""
    find.click(facet("logger", "shop.pay"))
    find.shows(8)
    assert find.params() == {"is": ["logger:shop.pay"]}
    until(lambda: find.texts(".facet[data-field=vendor] .value span") == ["honeycomb"])
    assert find.texts(".facet[data-field=logger] .value b") == ["20", "8", "6"]
    find.click(facet("logger", "mail"))
    find.shows(14)
    assert find.texts(".filter-chip span") == ["logger is shop.pay", "logger is mail"]
    find.click(".filter-chip", "logger is shop.pay")
    find.shows(6)
    assert find.run("document.activeElement.className") == "chips"
    until(lambda: "6 events found" in find.texts("[role=status]"))
    find.click(".filter-chip", "logger is mail")
    find.shows(34)
    assert find.params() == {}


def test_a_value_can_be_excluded(find):
    """The button beside a value leaves its events out."""
    find.click(facet("vendor", "coralogix"))
    find.shows(20)
    find.click(".facet[data-field=vendor] li.is .exclude")
    find.shows(14)
    assert find.params() == {"not": ["vendor:coralogix"]}
    assert find.texts(".filter-chip span") == ["vendor is not coralogix"]


def test_any_field_of_the_data_can_be_a_facet(find):
    """It is chosen by its keypath, stays after a reload, and its numbers filter as numbers."""
    find.click(".add-facet")
    until(lambda: find.all("#facet-paths option[value='user.id']"))
    find.one(".adding input").send_keys("user.id", Keys.ENTER)
    until(lambda: find.texts(".facet[data-field='user.id'] .value"))
    find.open()
    until(lambda: find.texts(".facet[data-field='user.id'] .value"))
    find.click(facet("user.id", "7"))
    find.shows(1)
    assert find.params() == {"is": ["user.id:7"]}
    find.click(".facet[data-field='user.id'] .forget")
    until(lambda: not find.all(".facet[data-field='user.id']"))


def test_levels_are_chips_with_counts(find):
    """Several levels can be chosen; the counts are those without a choice of levels."""
    find.shows(34)
    shown = {text.split()[0]: text.split()[1] for text in find.texts(".level-chip")}
    assert shown == {
        "Critical": "0",
        "Error": "8",
        "Warning": "5",
        "Info": "20",
        "Verbose": "0",
        "Debug": "1",
    }
    find.click(".level-chip", "Error")
    find.shows(8)
    find.click(".level-chip", "Warning")
    find.shows(13)
    assert find.params() == {"level": ["5", "4"]}
    assert find.texts(".level-chip[data-level='3']")[0].split()[1] == "20"
    find.click(".level-chip", "Error")
    find.shows(5)


def test_words_are_a_text_search(find):
    """All words must occur, in any order; a phrase in quotation marks as it is."""
    find.query("refused payment")
    find.shows(8)
    assert find.texts(".query-bar .kind") == ["Text"]
    assert find.params() == {"q": ["refused payment"]}
    find.query('"payment 3 refused"')
    find.shows(1)
    find.click(".clear-query")
    find.shows(34)


def test_a_condition_is_a_dataprime_query(find):
    """The kind of search is shown beside the query."""
    find.query("filter $d.user.id == 1 && $m.severity >= ERROR")
    find.shows(1)
    assert find.texts(".query-bar .kind") == ["DataPrime"]


def test_an_aggregation_is_a_table(find):
    """Its columns have names, its numbers are at the right."""
    find.query(
        "source logs | groupby $l.vendor aggregate count() as events | orderby $d.events desc"
    )
    until(lambda: find.all(".result .data-table"))
    assert find.texts(".result th") == ["vendor", "events"]
    assert find.texts(".result td") == ["coralogix", "20", "honeycomb", "8", "betterstack", "6"]
    assert find.texts(".result .remark") == ["3 rows"]
    style = "return getComputedStyle(document.querySelector('.result td:last-child')).textAlign"
    assert find.browser.execute_script(style) == "right"


def test_a_wrong_query_is_shown_with_a_caret_below_its_place(find):
    """The error says what is wrong, the query stays as typed, and a correct one ends the error."""
    wrong = "filter $d.user.id == 7 && && $m.severity >= ERROR"
    find.query(wrong)
    find.one(".query-error pre")
    line, caret = find.texts(".query-error pre")[0].split("\n")[:2]
    assert line.endswith(wrong)
    assert line[caret.index("^") :] == "&& $m.severity >= ERROR"
    assert find.one("#query").get_attribute("value") == wrong
    assert find.one("#query").get_attribute("aria-invalid") == "true"
    find.query("filter $m.severity >= ERROR")
    find.shows(8)
    assert not find.all(".query-error")


def test_the_place_of_an_error_in_a_long_query_is_visible(find):
    """What is shown of the query is scrolled to the caret."""
    find.query("filter " + "$d.user.id != 7 && " * 30 + "&& true")
    find.one(".query-error pre")
    script = """(() => {
        const place = document.querySelector('.query-error pre'), range = document.createRange();
        const text = place.firstChild, caret = text.data.indexOf('^');
        range.setStart(text, caret); range.setEnd(text, caret + 1);
        const {left} = range.getBoundingClientRect(), box = place.getBoundingClientRect();
        return left > box.left && left < box.right;
    })()"""
    until(lambda: find.run(script))


class TestCompletion:
    """Commands, keypaths of the data, functions and values."""

    def offered(self, find):
        return find.texts("#query-options code")

    def test_tab_accepts_the_first_completion(self, find):
        """A whole query is written with a few keys, and run by Enter."""
        find.write("fil")
        until(lambda: self.offered(find) and self.offered(find)[0] == "filter")
        bar = find.one("#query")
        assert bar.get_attribute("aria-expanded") == "true"
        bar.send_keys(Keys.TAB, "user.i")
        until(lambda: self.offered(find) == ["$d.user.id"])
        bar.send_keys(Keys.TAB, "== 7", Keys.ENTER)
        find.shows(1)
        assert find.params() == {"q": ["filter $d.user.id == 7"]}

    def test_arrow_keys_choose_and_enter_accepts(self, find):
        """The active option is announced; accepting it does not run the query."""
        find.write("filter $m.severity >= ")
        until(lambda: "ERROR" in self.offered(find))
        bar = find.one("#query")
        at = self.offered(find).index("ERROR")
        bar.send_keys(*[Keys.ARROW_DOWN] * (at + 1))
        until(lambda: bar.get_attribute("aria-activedescendant") == f"query-option-{at}")
        bar.send_keys(Keys.ENTER)
        assert bar.get_attribute("value").strip() == "filter $m.severity >= ERROR"
        assert find.params() == {}
        bar.send_keys(Keys.ENTER)
        find.shows(8)

    def test_escape_closes_the_list_and_tab_leaves_the_query_then(self, find):
        """Nobody is trapped in the query by the completion."""
        find.write("filter $d.")
        until(lambda: self.offered(find))
        find.one("#query").send_keys(Keys.ESCAPE)
        until(lambda: not self.offered(find))
        assert find.run("document.activeElement.id") == "query"
        find.one("#query").send_keys(Keys.TAB)
        assert find.browser.switch_to.active_element.get_attribute("id") != "query"

    def test_functions_and_values_of_the_data_are_offered(self, find):
        """A function gets its parentheses; a text is quoted as the language wants it."""
        find.write("source logs | aggregate cou")
        until(lambda: "count" in self.offered(find))
        find.one("#query").send_keys(Keys.TAB)
        assert find.one("#query").get_attribute("value") == "source logs | aggregate count()"
        find.write("filter $d.user.name == ")
        until(lambda: self.offered(find) == ["'o\\'brien'"])
        find.one("#query").send_keys(Keys.TAB, Keys.ENTER)
        find.shows(20)

    def test_words_are_left_alone(self, find):
        """While words are typed, nothing is offered unless it is asked for."""
        find.write("order placed")
        assert not self.offered(find)
        find.write('"user.id == 7"')
        assert find.texts(".query-bar .kind") == ["Text"]
        find.write("user")
        find.one("#query").send_keys(Keys.CONTROL, " ")
        until(lambda: any("user.id" in text for text in self.offered(find)))


def test_no_hit_says_what_was_searched_and_offers_to_widen(find):
    """Query, window and filters are named; a button removes one and says what it would find."""
    find.open(f"/?q=refused&is={quote('logger:shop.cart')}&level=3")
    until(lambda: find.texts(".offers button"))
    said = find.texts(".empty")[0]
    assert "refused" in said
    assert "as words that must all occur" in said
    assert "all 34 stored events" in said
    assert "logger is shop.cart" in said
    offers = find.texts(".offers button")
    assert "20 events" in next(text for text in offers if "the query" in text)
    assert "34 events" in offers[-1]
    find.click(".offers button", "the query")
    find.shows(20)
    assert find.params() == {"is": ["logger:shop.cart"], "level": ["3"]}


def test_dragging_over_the_histogram_zooms_in_and_a_button_out(find):
    """The window is in the URL and a chip; the events outside of it are gone."""
    find.shows(34)
    plot, mouse = find.one(".u-over"), ActionChains(find.browser)
    width = plot.size["width"]
    mouse.move_to_element_with_offset(plot, -width // 2 + 5, 0).click_and_hold()
    mouse.move_by_offset(width // 4, 0).move_by_offset(5, 0).release().perform()
    until(lambda: {"from", "to"} <= find.params().keys())
    until(lambda: find.texts(".filter-chip.window"))
    first, last = (int(find.params()[end][0]) / 1e9 for end in ("from", "to"))
    inside = sum(first <= START + 5 * n < last for n in range(34))
    assert 3 < inside < 20
    find.shows(inside)
    find.click(".zoom-out")
    until(lambda: int(find.params()["from"][0]) / 1e9 < first)
    find.click(".all-time")
    find.shows(34)
    assert find.params() == {}


def test_the_histogram_is_a_table_too(find):
    """Each time with its counts by level; a button zooms to it, without a drag."""
    find.shows(34)
    find.click(".as-table")
    rows = until(lambda: find.texts(".histogram tbody tr"))
    assert find.texts(".histogram thead th") == ["Time", "Error", "Warning", "Info", "Debug"]
    cells = find.texts(".histogram td")
    assert sum(map(int, cells)) == 34
    assert len(rows) > 10
    label = find.one(".histogram .plot").get_attribute("aria-label")
    assert label.endswith("8 error, 5 warning, 20 info, 1 debug.")
    find.click(".histogram tbody button")
    until(lambda: {"from", "to"} <= find.params().keys())


def test_the_url_restores_query_filters_and_window(find):
    """What one opens from a link is what was shared; back and forward work."""
    start = round((START - 1) * 1e9)
    find.open(
        f"/?q=order&level=3&is={quote('user.id:1')}&not={quote('vendor:honeycomb')}&from={start}"
    )
    find.shows(7)
    assert find.one("#query").get_attribute("value") == "order"
    assert find.texts(".level-chip[aria-pressed=true]")[0].startswith("Info")
    assert find.texts(".filter-chip span")[:2] == ["user.id is 1", "vendor is not honeycomb"]
    find.click(".clear-filters")
    find.shows(34)
    find.browser.back()
    find.shows(7)
    assert find.one("#query").get_attribute("value") == "order"


class TestSavedViews:
    """Names for what is in the URL, kept in the browser."""

    def save(self, find, name):
        find.click(".saved > button")
        find.one(".saved input").send_keys(name, Keys.ENTER)
        until(lambda: name in find.texts(".saved .view"))
        find.one(".saved input").send_keys(Keys.ESCAPE)
        until(lambda: not find.all(".saved .popover"))

    def test_a_view_is_saved_loaded_and_deleted(self, find):
        """It is there after a reload, and brings back query and filters."""
        find.open(f"/?q=refused&is={quote('logger:shop.pay')}")
        find.shows(8)
        self.save(find, "refused payments")
        find.open()
        find.shows(34)
        find.click(".saved > button")
        find.click(".saved .view", "refused payments")
        find.shows(8)
        assert find.params() == {"q": ["refused"], "is": ["logger:shop.pay"]}
        find.click(".saved > button")
        find.click(".saved .forget")
        until(lambda: not find.all(".saved .view"))
        assert find.browser.execute_script("return localStorage['cxlogging.views']") == "{}"

    @pytest.mark.parametrize(
        "held",
        ["{", "null", "[1]", '"text"', json.dumps({"": "a", "number": 7, "good": "q=refused"})],
    )
    def test_whatever_else_the_browser_holds_does_no_harm(self, find, held):
        """What is not a view is left out."""
        find.browser.execute_script("localStorage['cxlogging.views'] = arguments[0]", held)
        find.browser.execute_script("localStorage['cxlogging.facets'] = arguments[0]", held)
        find.open()
        find.shows(34)
        find.click(".saved > button")
        find.one(".saved .popover")
        assert find.texts(".saved .view") == (["good"] if "good" in held else [])
        find.one(".saved input").send_keys(Keys.ESCAPE)
        self.save(find, "mine")


def test_similar_messages_are_groups(find):
    """Messages that differ in numbers and quoted parts are one line; a click shows them."""
    find.click(".group-similar")
    until(lambda: len(find.all(".group")) == 4)
    found = dict(zip(find.texts(".group .logger"), find.texts(".group .count"), strict=False))
    assert find.texts(".group .count")[:3] == ["20", "8", "5"]
    assert found["shop.cart"] == "20"
    find.click(".group-row", "refused")
    find.shows(8)
    assert not find.all(".groups")
    find.click(".group-similar")
    find.click(".group .example")
    until(lambda: "event" in find.params())


def test_hostile_texts_stay_texts(find):
    """Markup and control characters of a log are shown as text, wherever a value of it is shown."""
    find.click(".add-facet")
    find.one(".adding input").send_keys("note", Keys.ENTER)
    find.click(".facet[data-field=note] .value", "<img")
    find.shows(1)
    (chip,) = find.texts(".filter-chip span")
    assert chip == r"note is <img src=x onerror=alert(1)> \x1b[31m\u202e"
    find.click(".group-similar")
    until(lambda: find.texts(".group .pattern"))
    assert "<img src=x" in find.texts(".group .pattern")[0]
    assert not find.all("#app img")
    find.query(EVIL.replace("\x1b", ""), Keys.ENTER)
    until(lambda: find.params().get("q"))
    assert not find.all("#app img")


def test_counts_follow_what_arrives(browser):
    """Facets, level chips and histogram count new events within seconds, without a reload."""
    with DevServer() as server:
        sender, find = Sender(server.url), Find(Page(browser, server.url))
        try:
            sender.log.info("the first")
            sender.deliver()
            find.open("/?q=latecomer")
            until(lambda: find.texts(".empty"))
            for count in (1, 2, 3):
                sender.log.critical("latecomer %d", count)
                sender.deliver()
                find.shows(count)
                shown = [f"Critical {count}"]
                until(lambda shown=shown: find.texts(".level-chip[data-level='6']") == shown)
            until(lambda: find.texts(".facet[data-field=logger] .value span") == ["shop.cart"])
        finally:
            sender.close()
            find.page.close()


COUNTED = r"""performance.getEntriesByType('resource')
    .filter(({name, startTime}) => /api.(facets|histogram)/.test(name) && startTime > arguments[0])
    .map(({name, startTime, responseEnd}) => [name, startTime, responseEnd])
    .sort(([, a], [, b]) => a - b)"""


def test_counts_cost_little_while_events_arrive(browser):
    """The same count is taken at most once a second, one at a time, and none while paused."""
    with DevServer() as server:
        sender, find = Sender(server.url), Find(Page(browser, server.url))

        def send(seconds):
            end = find.run("performance.now()") + 1_000 * seconds
            while find.run("performance.now()") < end:
                sender.log.info("one more")
                sender.deliver()

        try:
            sender.log.info("the first")
            sender.deliver()
            find.open()
            until(find.labels)
            send(4)
            found = find.run(COUNTED, 0)
            assert len(found) > 6
            for name in {name for name, _, _ in found}:
                starts = [start for one, start, _ in found if one == name]
                assert all(b - a >= 1_000 for a, b in pairwise(starts))
            assert all(end <= start for (_, _, end), (_, start, _) in pairwise(found))
            find.click(".pause")
            until(lambda: find.page.state("paused"))
            since = find.run("performance.now()")
            send(2.5)
            until(lambda: find.page.state("pausedNew"))
            assert find.run(COUNTED, since) == []
            find.click(".pause")
            until(lambda: find.run(COUNTED, since))
        finally:
            sender.close()
            find.page.close()
