"""The drawer and the views of requests, refusals, faults and volume, in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.devserver.conftest import stored

from .driver import ROWS, until

pytestmark = pytest.mark.slow

EVIL = "a \x1b[31mred\x1b[0m \u202egnp.exe\u200b <img src=x onerror=alert(1)>"
SHOWN = r"a \x1b[31mred\x1b[0m \u202egnp.exe\u200b <img src=x onerror=alert(1)>"
ESCAPE, ENTER, RIGHT, LEFT, END, HOME = "\ue00c", "\ue007", "\ue014", "\ue012", "\ue010", "\ue011"
DRAWER = "#drawer .panel"


def open_event(page, text):
    """Open the event whose row holds *text*, and wait for its drawer."""
    # In one step: the table uses the element of a row for another one when it scrolls.
    found = f"{ROWS}.find((row) => row.textContent.includes(arguments[0]))"
    page.until(f"((row) => row && (row.click(), true))({found})", text)
    page.until(f"document.querySelector('{DRAWER}')")


def show_tab(page, name):
    """Choose a tab of the drawer."""
    page.click(f"#drawer-tab-{name}")
    page.until(f"document.querySelector('#drawer-tab-{name}[aria-selected=true]')")


def focused(page):
    """Return the id or the class of the element with the focus."""
    return page.run("document.activeElement.id || document.activeElement.className")


def clipboard(page):
    """Return the text that the page handed to the clipboard."""
    return page.browser.execute_async_script(
        "const done = arguments[0];"
        " navigator.clipboard.readText().then(done, (e) => done('! ' + e))"
    )


def post(url, body, **headers):
    """Send *body* as a program does; return the status of the answer."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body.encode(), sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def parse(text):
    """Fail in a library, called from here."""
    return json.loads(text)


def charge(text):
    """Fail because of a failure in a library."""
    try:
        parse(text)
    except ValueError as error:
        raise RuntimeError(f"cannot charge: {EVIL}") from error


def fail_together():
    """Fail with two exceptions, of which one has frames."""
    try:
        parse("{")
    except ValueError as error:
        raise ExceptionGroup("two tasks", [error, KeyError("price")]) from None  # noqa: F821


APPLICATION = """
import logging, sys, cxlogging
handler = cxlogging.CoralogixHandler("k", application_name="shop", flush_interval=0.05)
log = logging.getLogger("shop")
log.addHandler(handler)
cxlogging.report_stats()
for line in sys.stdin:
    for number in range(int(line)):
        log.warning("number %d", number)
"""
"""Logs as many records as each line of its input says."""


class TestDrawer:
    """One event: its fields, its traceback, its bytes, its neighbours."""

    def test_fields_are_a_tree(self, page, sender):
        """Each field is a line with its value as JSON; objects open, close, and count members."""
        one = sender()
        one.log.info(
            "order placed",
            extra={
                "user": {"id": 7, "tags": ["a", "b"]},
                "paid": True,
                "big": 2**53 + 1,
                "t": EVIL,
            },
        )
        one.deliver()
        page.open()
        open_event(page, "order placed")
        value = ".part:first-of-type [data-path='{}'] > .value"
        found = {p: page.texts(value.format(p))[0] for p in ("user.id", "paid", "big", "t")}
        assert found == {"user.id": "7", "paid": "true", "big": str(2**53 + 1), "t": SHOWN}
        assert page.texts(".part:first-of-type [data-path='user.tags.1'] > .value") == ["b"]
        assert page.texts("[data-fact=logger] .value") == ["shop.cart"]
        branch = ".part:first-of-type [data-path='user']"
        assert "{2}" in page.texts(f"{branch} .twist")[0]
        page.click(f"{branch} .twist")
        page.until("!document.querySelector(arguments[0])", value.format("user.id"))
        page.write("#drawer .seek input", "TAGS")
        page.until("!document.querySelector(arguments[0])", value.format("paid"))
        assert page.texts(".part:first-of-type [data-path='user.tags.0'] > .value") == ["a"]

    def test_a_value_becomes_a_filter_or_a_column(self, page, sender):
        """The buttons of a value show events with it, leave them out, and add its column."""
        one = sender("coralogix", "honeycomb")
        for number in (1, 2, 2):
            one.log.info("order %d", number, extra={"order": {"n": number}})
        one.deliver()
        page.open()
        page.until("document.querySelectorAll('.rows .row').length === 6")
        open_event(page, "order 1")
        show_tab(page, "fields")
        path = page.run(
            "document.querySelector(\".part:first-of-type .leaf[data-path='order.n']\") ? "
            "'order.n' : ''"
        )
        assert path == "order.n"
        leaf = f".part:first-of-type [data-path='{path}'] > .actions"
        page.click(f"{leaf} [aria-label^='Only events']")
        page.until("document.querySelectorAll('.rows .row').length === 2")
        page.click(f"{leaf} [aria-label^='Without']")
        page.until("document.querySelectorAll('.rows .row').length === 4")
        assert page.state("filter")["not"] == [["order.n", 1]]
        page.click(f"{leaf} [aria-label$='as a column']")
        assert until(lambda: page.rows(".extra")) == ["2"] * 4
        page.click("[data-fact=vendor] [aria-label^='Only events']")
        page.until("document.querySelectorAll('.rows .row').length === 2")

    @pytest.mark.parametrize("name", ["vendor", "x:y", "50%25", "p\nq", "b\\c", "url.to path", "'"])
    def test_any_field_becomes_a_filter(self, page, sender, name):
        """Names of columns, colons, percent signs, dots and escapes in a field change nothing."""
        one = sender()
        for value in ("acme", "other"):
            one.log.info(value, extra={"held": {name: value}} if "." in name else {name: value})
        one.deliver()
        page.open()
        page.until("document.querySelectorAll('.rows .row').length === 2")
        open_event(page, "acme")
        show_tab(page, "fields")
        buttons = "[...document.querySelectorAll('.part:first-of-type [aria-label^=Only]')]"
        page.until(f"{buttons}[0]")
        page.run(f"{buttons}[0].click()")
        page.until("document.querySelectorAll('.rows .row').length === 1")
        page.open(page.run("location.search"))
        assert until(lambda: page.rows(".message"))[0].startswith("acme")

    def test_the_focus_moves_in_and_back(self, page, sender):
        """Enter moves the focus to the event's heading, the tabs obey arrows, Esc returns."""
        one = sender()
        one.log.info("first")
        one.log.info("second")
        one.deliver()
        page.open()
        page.until("document.querySelectorAll('.rows .row').length === 2")
        page.click(".grid")
        page.press(ESCAPE)
        page.run("document.querySelector('.grid').focus()")
        page.press("k", ENTER)
        until(lambda: focused(page) == "drawer-title")
        title = "document.querySelector('#drawer-title').textContent"
        opened = page.run(title)
        region = "document.querySelector('aside.drawer').getAttribute('aria-labelledby')"
        assert page.run(region) == "drawer-title"
        page.click("#drawer-tab-fields")
        page.press(RIGHT)
        until(lambda: focused(page) == "drawer-tab-wire")
        page.press(END)
        until(lambda: focused(page) == "drawer-tab-related")
        page.press(RIGHT)
        until(lambda: focused(page) == "drawer-tab-fields")
        page.press(LEFT, HOME)
        until(lambda: focused(page) == "drawer-tab-fields")
        panel = "document.querySelector('#drawer-panel').getAttribute('aria-labelledby')"
        assert page.run(panel) == "drawer-tab-fields"
        other = "Next event" if opened == "first" else "Previous event"
        page.click(f"#drawer [aria-label='{other}']")
        page.until(f"{title} !== arguments[0]", opened)
        page.press(ESCAPE)
        page.until("!document.querySelector('#drawer')")
        until(lambda: "grid" in focused(page))

    def test_a_traceback_sets_the_applications_frames_off(self, page, sender):
        """Own frames are marked and shown with code, library frames are folded, causes in order."""
        one = sender("coralogix")
        try:
            charge("{")
        except RuntimeError:
            one.log.exception("failed")
        one.deliver()
        page.open()
        open_event(page, "failed")
        page.until("document.querySelector('#drawer-tab-traceback[aria-selected=true]')")
        assert page.texts(".of-application .function")[:2] == ["charge", "parse"]
        assert page.texts(".of-application .code")[1].startswith("return json.loads(text)")
        assert page.texts(".of-application .file")[0] == "test_views.py"
        assert page.run("document.querySelectorAll('.of-library').length") == 0
        assert "json" in page.texts(".library .twist")[0]
        page.click(".library .twist")
        page.until("document.querySelectorAll('.of-library').length > 1")
        chain = page.texts(".words.chain")
        assert chain[0].startswith("The above exception was the direct cause")
        outcomes = page.texts(".words.outcome")
        assert outcomes[0].startswith("json.decoder.JSONDecodeError: ")
        assert outcomes[-1] == f"RuntimeError: cannot charge: {SHOWN}"
        page.click(".traceback [aria-pressed=true]")
        page.until("document.querySelectorAll('.of-library').length > 1")
        page.click(".traceback button:nth-child(2)")
        (plain,) = until(lambda: page.texts(".traceback pre.plain"))
        assert plain.startswith("Traceback (most recent call last):\n  File ")
        assert plain.endswith(f"RuntimeError: cannot charge: {SHOWN}")

    def test_the_bytes_on_the_wire(self, page, sender):
        """MessagePack is shown decoded and as hex, with sizes; the request is one click away."""
        one = sender("betterstack")
        for number in range(200):
            one.log.info("number %d of many", number, extra={"n": number})
        one.deliver()
        page.open()
        open_event(page, "number 199")
        show_tab(page, "wire")
        sent = json.loads(page.texts(".wire pre.bytes")[0])
        assert (sent["message"], sent["n"]) == ("number 199 of many", 199)
        facts = " ".join(page.texts(".wire .facts dd"))
        assert "gzip" in facts
        assert "application/msgpack" in facts
        page.run("[...document.querySelectorAll('.wire .small')]"
                 ".find((b) => b.textContent === 'Hex').click()")  # fmt: skip
        dump = until(lambda: [t for t in page.texts(".wire pre.bytes") if "message" in t])[0]
        assert dump.startswith("00000000  ")
        assert "dt" in dump.split("\n")[0]
        page.click(".to-request")
        page.until("document.querySelector('.request-details .of-request li')")
        title = page.texts("#request-title")[0]
        assert title == f"Request {page.state('request')}"
        page.press(ESCAPE)

    def test_copies(self, page, server, sender):
        """The buttons hand JSON, curl, Python, DataPrime and a link to the clipboard."""
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        page.browser.execute_cdp_cmd(
            "Browser.grantPermissions", {"origin": server.url, "permissions": permissions}
        )
        one = sender("honeycomb")
        one.log.warning("it's low", extra={"stock": 2})
        one.deliver()
        page.open()
        open_event(page, "it's low")

        def copied(label):
            page.run("[...document.querySelectorAll('#drawer .copy button')].find((b) => "
                     "(b.getAttribute('aria-label') ?? b.textContent) === arguments[0]).click()",
                     label)  # fmt: skip
            page.until("document.querySelector('#drawer .copy .said').textContent")
            return clipboard(page)

        assert json.loads(copied("JSON"))["data"]["stock"] == 2
        until(lambda: copied("curl").startswith(f"curl {server.url}/1/batch/shop"))
        until(lambda: "getLogger('shop.cart').warning(\n    \"it's low\"" in copied("Python"))
        until(lambda: "$d.body == 'it\\'s low'" in copied("DataPrime"))
        link = until(lambda: (t := copied("Copy a link to this event")).startswith("http") and t)
        page.open(link.removeprefix(server.url))
        page.until("document.querySelector('#drawer-title')")
        assert page.texts("#drawer-title") == ["it's low"]

    def test_an_event_that_is_gone_says_so(self, page):
        """A link to an event that has made room for others explains why it shows nothing."""
        page.open("/?event=4711")
        page.until("document.querySelector('#drawer-title')")
        assert page.texts("#drawer-title") == ["Event 4711 cannot be shown"]
        assert "no longer in the store" in page.texts("#drawer .note")[0]

    def test_neighbours_of_the_same_trace_and_request(self, page, sender):
        """Events of the same trace or request are listed in order of time; one click opens one."""
        one = sender("coralogix", "betterstack")
        for step in ("begins", "goes on", "ends"):
            one.log.info(step, extra={"request_id": "r-1", "trace_id": "t" * 32})
        one.log.info("another request", extra={"request_id": "r-2"})
        one.deliver()
        page.open()
        open_event(page, "goes on")
        show_tab(page, "related")
        assert page.texts("#drawer-tab-related b") == ["5"]
        messages = page.texts("[data-field=request_id] .neighbour .message")
        assert messages == ["begins"] * 2 + ["goes on"] * 2 + ["ends"] * 2
        assert len(page.texts("[data-field=trace_id] .neighbour")) == 6
        assert page.texts("[data-field=trace_id] [aria-current] .apart") == ["this"]
        page.click("[data-field=trace_id] li:last-child .neighbour")
        page.until("document.querySelector('#drawer-title').textContent === 'ends'")
        show_tab(page, "related")
        page.click("[data-field=request_id] > .small")
        page.until("document.querySelectorAll('.rows .row').length === 6")

    def test_hostile_texts_are_texts(self, page, server, sender):
        """Names and values with markup, escapes and changes of direction are shown as they are."""
        one = sender("betterstack")
        one.log.name = f"log {EVIL}"
        fields = {EVIL: EVIL, "request_id": EVIL, "inner": {EVIL: [EVIL]}}
        one.log.error(EVIL, exc_info=ValueError(EVIL), extra=fields)
        one.deliver()
        page.open(f"/?event={server.store.newest(1)[0]['id']}")
        for tab in ("traceback", "fields", "wire", "related"):
            show_tab(page, tab)
            (text,) = page.texts("#drawer")
            assert SHOWN in text or SHOWN.replace("\\", "\\\\") in text
            assert not set(text) & set("\x1b\u202e\u200b")
            assert not page.run("document.querySelector('#drawer img')")
        assert page.texts("#drawer-title") == [SHOWN]

    def test_what_a_vendor_would_change_is_a_warning(self, page, server):
        """The drawer shows the warnings of the event."""
        with urllib.request.urlopen(
            urllib.request.Request(
                f"{server.url}/1/batch/shop",
                b'[{"data": {"body": "large", "n": 9007199254740993}}]',
                {"X-Honeycomb-Team": "k", "Content-Type": "application/json"},
            ),
            timeout=30,
        ) as answer:
            assert answer.status == 200
        page.open()
        open_event(page, "large")
        (warning,) = page.texts("#drawer .warning")
        assert "beyond 2^53" in warning
        assert page.texts(".part:first-of-type [data-path=n] > .value") == ["9007199254740993"]

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are new in Python 3.11")
    def test_the_members_of_a_group_are_indented(self, page, sender):
        """Frames of a member are further right than those of its group; borders are not errors."""
        one = sender("coralogix")
        try:
            fail_together()
        except Exception:
            one.log.exception("failed")
        one.deliver()
        page.open()
        open_event(page, "failed")
        left = page.run(
            "[...document.querySelectorAll('.of-application')]"
            ".map((e) => Math.round(e.getBoundingClientRect().left))"
        )
        assert left[0] < left[-1]
        assert len(page.texts(".words.border")) == 3
        assert any("KeyError: 'price'" in one for one in page.texts(".words.outcome"))

    def test_the_drawer_can_be_made_wider(self, page, sender):
        """Its edge moves with the arrow keys and with the pointer, within bounds."""
        one = sender()
        one.log.info("wide")
        one.deliver()
        page.open()
        open_event(page, "wide")
        width = "document.querySelector('#drawer').offsetWidth"
        before = page.run(width)
        page.run("document.querySelector('.edge').focus()")
        page.press(LEFT, LEFT)
        until(lambda: page.run(width) == before + 80)
        page.press(*[LEFT] * 20)
        until(lambda: page.run("innerWidth") - page.run(width) == 320)
        page.press(*[RIGHT] * 40)
        until(lambda: page.run(width) == 360)

    def test_the_drawer_fills_a_narrow_page(self, page, sender):
        """At 360 pixels the drawer covers the list, and nothing is wider than the page."""
        one = sender("coralogix")
        try:
            charge("{")
        except RuntimeError:
            one.log.exception("x" * 3_000, extra={"long": "y" * 3_000})
        one.deliver()
        page.resize(360, 740)
        page.open("/?event=1")
        for tab in ("traceback", "fields", "wire", "related"):
            show_tab(page, tab)
            wide = "document.querySelector('#drawer').getBoundingClientRect().width"
            assert page.run(wide) == 360
            assert page.run("document.documentElement.scrollWidth") <= 360
            assert page.run(f"document.querySelector('{DRAWER}').scrollWidth") <= 360


class TestRequests:
    """One line per request."""

    def test_a_retried_batch(self, page, server, sender):
        """A batch that was refused and sent again is two lines that name each other."""
        server.faults.add(status=503, times=1, retry_after="0")
        one = sender("coralogix")
        one.log.info("arrives at the second try")
        one.deliver()
        page.open("/?view=requests")
        page.until("document.querySelectorAll('.log tbody tr').length === 2")
        rows = page.run(
            "[...document.querySelectorAll('.log tbody tr')]"
            ".map((tr) => [...tr.cells].map((td) => td.textContent))"
        )
        (_, vendor, status, events, *_, notes), first = rows
        assert (vendor, status, events) == ("Coralogix", "200", "1")
        assert notes.startswith("again, of 1")
        assert first[2] == "503"
        assert first[-1].startswith("sent 1 more time")
        assert page.run("document.querySelector('.plot canvas') !== null")
        page.click(".log tbody tr:first-child button")
        page.until("document.querySelector('.of-request .message')")
        assert page.texts(".of-request .message") == ["arrives at the second try"]
        body = page.texts(".request-details pre.bytes")[-1]
        assert json.loads(body)["logEntries"][0]["severity"] == 3
        page.click(".of-request button")
        page.until("document.querySelector('#drawer-title')")
        assert not page.run("document.querySelector('.request-details')")
        page.click("#drawer [aria-label^='Close']")
        page.until("document.querySelector('.request-details')")
        page.run("document.querySelector('.request-details button').focus()")
        page.press(ESCAPE)
        page.until("!document.querySelector('.request-details')")

    def test_new_requests_appear(self, page, sender):
        """An empty list says what will be there; a request appears without a reload."""
        page.open("/?view=requests")
        page.until("document.querySelector('.nothing')")
        one = sender("honeycomb")
        one.log.info("hello")
        one.deliver()
        page.until("document.querySelectorAll('.log tbody tr').length === 1")


REFUSED = {
    "coralogix": ("/logs/v1/bulk", {"Authorization": "Bearer k"},
                  {"applicationName": "a", "subsystemName": "b",
                   "logEntries": [{"severity": 9, "text": EVIL}]}),
    "honeycomb": ("/1/batch/shop", {"X-Honeycomb-Team": "k"}, [{"data": {}}]),
    "betterstack": ("/", {"Authorization": "Bearer k"}, [{"message": "ok"}, "no object"]),
}  # fmt: skip


class TestRejected:
    """What a vendor would have refused."""

    @pytest.mark.parametrize("vendor", REFUSED)
    def test_a_refusal_has_its_rule_its_item_and_its_fix(self, page, server, vendor):
        """The vendor's answer, the rule with a link to its document, the item, and what to do."""
        path, headers, body = REFUSED[vendor]
        sent = urllib.request.Request(
            server.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", **headers},
        )
        try:
            urllib.request.urlopen(sent, timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()
        page.open("/?view=rejected")
        page.until("document.querySelector('.refusal .rule')")
        (link,) = page.run("[...document.querySelectorAll('.rule a')].map((a) => a.href)")
        assert link.startswith("https://")
        assert page.texts(".rule .fix")[0].endswith(".")
        assert page.texts(".refusal pre.bytes")
        assert page.texts(".refusal .why")[0]
        shown = page.texts(".refusal")[0]
        assert "<img" not in shown or "<img src=x onerror=alert(1)>" in shown
        assert not page.run("document.querySelector('.refusal img')")
        page.click(".refusal .bar .small")
        page.until("document.querySelector('.request-details')")
        assert page.texts("[aria-label='Which requests'] .small b")[:2] == ["1", "1"]

    def test_an_empty_list_says_what_it_would_show(self, page, server):
        """Without refusals the view explains itself; the command that it shows makes one."""
        page.open("/?view=rejected")
        page.until("document.querySelector('.nothing')")
        assert "curl" in page.texts(".nothing pre")[0]
        assert post(f"{server.url}/", "[]", Content_Type="application/json") >= 400
        page.until("document.querySelectorAll('.refusal').length === 1")


class TestFaults:
    """Failures to inject, and what handlers make of them."""

    def test_a_queue_fills_and_drains(self, page, server):
        """A fault holds a handler up; the ledger shows its queue, which drains afterwards."""
        page.open("/?view=faults")
        page.until("document.querySelector('.ledgers .nothing')")
        assert "cxlogging.report_stats()" in page.texts(".ledgers .nothing code")
        application = subprocess.Popen(
            [sys.executable, "-c", APPLICATION],
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, "CXLOGGING_URL": server.url},
        )
        with application as running:
            page.until("document.querySelector('.ledger')")
            page.click(".kind:has([value='503'])")
            choice = page.browser.find_element("css selector", "select[name=length]")
            choice.send_keys("until cleared")
            page.click(".fault-form [type=submit]")
            page.until("document.querySelector('.active-faults li')")
            assert "status 503" in page.texts(".active-faults li")[0]
            assert "until it is cleared" in page.texts(".active-faults li")[0]
            running.stdin.write("50\n")
            running.stdin.flush()
            waiting = "document.querySelector('.ledger .waiting').textContent"
            page.until(f"{waiting} === '50'")
            count = "document.querySelector('[data-count={}] dd').textContent"
            page.until(f"Number({count.format('retries')}) > 0")
            page.run("[...document.querySelectorAll('.inject .small')]"
                     ".find((b) => b.textContent === 'Clear all').click()")  # fmt: skip
            page.until("!document.querySelector('.active-faults li')")
            page.until(f"{count.format('delivered')} === '50' && {waiting} === '0'")
            assert page.run(count.format("dropped")) == "0"
            running.stdin.close()

    def test_what_is_left_of_a_fault(self, page, server, sender):
        """Each kind of fault can be set for a vendor; the list counts what is left."""
        page.open("/?view=faults")
        page.until("document.querySelectorAll('select[name=vendor] option').length > 3")
        for kind in ("429", "401", "413", "delay", "reset", "trickle"):
            page.click(f".kind:has([value='{kind}'])")
            page.click(".fault-form [type=submit]")
            page.until("document.querySelector('.fault-form .said').textContent")
            page.until("!document.querySelector('.fault-form [role=alert]')")
        page.until("document.querySelectorAll('.active-faults li').length === 6")
        assert [fault.times for fault in server.faults.active()] == [3] * 6
        assert "3 requests left" in page.texts(".active-faults li")[0]
        page.write("input[name=count]", "0")
        page.click(".fault-form [type=submit]")
        assert len(server.faults.active()) == 6
        page.click(".active-faults li:first-child button")
        page.until("document.querySelectorAll('.active-faults li').length === 5")
        assert not any(fault.status == 429 for fault in server.faults.active())
        server.faults.clear()
        page.until("document.querySelectorAll('.active-faults li').length === 0")


BY_LINE = (
    "[...document.querySelectorAll('.volume-view .small')]"
    ".find((b) => b.textContent.includes('line of code')).click()"
)


class TestVolume:
    """Which loggers and lines of code make the bytes."""

    def test_by_logger_and_by_line(self, page, sender):
        """Loggers and lines are ranked by bytes; a click shows their events."""
        one = sender("coralogix", "betterstack")
        for _ in range(3):
            one.log.info("small")
        one.log.name = "shop.big"
        one.log.info("b" * 20_000)
        one.deliver()
        page.open("/?view=volume")
        page.until("document.querySelectorAll('.volume tbody tr').length === 4")
        assert set(page.texts(".volume tbody tr:nth-child(-n+2) th")) == {"shop.big"}
        assert len(page.texts(".billed dt")) == 3
        page.run(BY_LINE)
        page.until("document.querySelector('.volume th .plain').textContent.includes('.py:')")
        assert "test_views.py:" in page.texts(".volume tbody th")[0]
        page.click(".volume tbody tr:first-child th button")
        page.until("document.querySelectorAll('.rows .row').length === 2")

    def test_a_line_of_code_and_what_is_held_back(self, page, server, sender):
        """A line has its logger, level, bytes and a bar, and what processes hold back there."""
        one = sender("coralogix")
        one.log.warning("b" * 3_000)
        one.deliver()
        (row,) = one.log.handlers[0].volume()
        reported = {**row._asdict(), "held_back": 12}
        silent = {**reported, "line": 9, "events": 0, "bytes": 0, "held_back": 5}
        queue = {"queue_records": 0, "queue_bytes": 0, "queue_limit": 1}
        handler = {"name": "x", "vendor": "coralogix", "stats": {}, **queue}
        server.reports.add(
            {"process": "p", "handlers": [{**handler, "volume": [reported, silent]}]}
        )
        page.open("/?view=volume")
        assert "Held back" not in page.texts(".volume thead th")
        page.run(BY_LINE)
        page.until("document.querySelectorAll('.volume tbody tr').length === 2")
        heads = page.texts(".volume thead th")
        assert heads == ["Line of code", "Logger", "Level", "Vendor", "Events", "Bytes", "Each",
                         "Held back", "Share of its vendor"]  # fmt: skip
        cells = page.texts(".volume tbody tr:first-child > *")
        assert cells[1:5] == [one.log.name, "WARNING", "Coralogix", "1"]
        assert (cells[5].endswith("KiB"), cells[7]) == (True, "12")
        assert page.texts(".volume tbody tr:nth-child(2) td")[6] == "5"
        width = (
            "document.querySelector('.volume tbody .meter > span').getBoundingClientRect().width"
        )
        assert page.run(width) > 20

    def test_money_needs_a_price(self, page, server):
        """Without a price nothing is said of money; it is kept, and a day costs at this rate."""
        hour = 3_600_000_000_000
        server.store.add(stored(n, time_ns=n * hour, size=10**9) for n in (1, 3))
        page.open("/?view=volume")
        page.until("document.querySelectorAll('.volume tbody tr').length === 1")
        assert "Cost" not in page.texts(".volume thead th")
        assert page.texts(".costs") == []
        page.write("input[name=price]", "0.5")
        page.until("document.querySelector('.costs')")
        (said,) = page.texts(".costs")
        assert said.startswith("At 0.5 per GB all of it costs 1.00: 12.00 per day at this rate")
        assert said.endswith(", measured over 2.0 h.")
        assert page.texts(".volume td.cost") == ["1.00"]
        page.open("/?view=volume")
        page.until("document.querySelector('.volume td.cost')")
        page.write("input[name=price]", "cheap")
        page.until("document.querySelector('.price [role=alert]')")
        assert page.texts(".volume td.cost") == []
        page.run("localStorage.clear()")
