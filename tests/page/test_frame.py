"""The frame of the page in a real browser: table, stream, keys, dialogs, and hostile texts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from cxlogging.devserver import DevServer

from .driver import ROWS, Page, Sender, until

pytestmark = pytest.mark.slow

VENDORS = ("coralogix", "honeycomb", "betterstack")
EVIL = "a \x1b[31mred\x1b[0m \u202egnp.exe\u200b \x9b <img src=x onerror=alert(1)>"
SHOWN = r"a \x1b[31mred\x1b[0m \u202egnp.exe\u200b \u009b <img src=x onerror=alert(1)>"
ESCAPE, ENTER, SPACE = "\ue00c", "\ue007", " "
GRID = "document.querySelector('.grid')"


def newest(page):
    """Whether the last row is visible."""
    return page.run(f"{GRID}.scrollHeight - {GRID}.scrollTop - {GRID}.clientHeight < 5")


def scroll(page, pixels):
    """Scroll the table as a wheel does."""
    page.run(f"void {GRID}.scrollBy(0, arguments[0])", pixels)


def shows(page, text):
    """Wait until a row has this text."""
    page.until(f"{ROWS}.some((row) => row.textContent.includes(arguments[0]))", text)


def fail():
    raise ValueError(EVIL)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_row_has_what_the_sender_chose(page, sender, vendor):
    """Level, time with its zone, vendor, place, logger, message, but no fields of a handler."""
    one = sender(vendor)
    one.log.info("order %d placed", 4711, extra={"user": {"id": 7}, "total": 99.5})
    one.deliver()
    page.open()
    shows(page, "order 4711 placed")

    cells = page.texts(".rows .row > *")
    title = page.run("document.querySelector('.rows .time').title")
    assert cells[0] == "info"
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", cells[1])
    assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+05:30\n20\d\d-\S+Z$", title)
    assert cells[4] == "shop.cart"
    assert re.fullmatch(
        r'\s*order 4711 placed\s+(user=\{"id":7\}|user\.id=7)\s+total=99\.5\s*', cells[5]
    )


def test_a_row_says_that_there_is_more(page, sender):
    """A row has the first line of a message with a mark, and the exception; all as text."""
    one = sender(*VENDORS)
    one.log.warning("first line\nsecond line", extra={"number": 2**53 + 1})
    try:
        fail()
    except ValueError:
        one.log.exception("it failed: %s", EVIL)
    one.deliver()
    page.open()
    page.until(f"{ROWS}.length === 6")

    messages = page.rows(".message")
    assert sum("first line ↵" in text for text in messages) == 3
    assert any(f"number={2**53 + 1}" in text for text in messages)
    assert sum(f"it failed: {SHOWN}" in text for text in messages) == 3
    assert page.texts(".rows .exception") == [f"ValueError: {SHOWN}"] * 3
    assert page.run("document.querySelector('.rows img')") is None


def test_an_event_arrives_by_itself(page, sender):
    """The page of an empty server shows an event without a reload, and says how many there are."""
    page.open()
    one = sender()
    started = time.monotonic()
    one.log.info("here it is")
    shows(page, "here it is")
    print(f"live arrival: {1000 * (time.monotonic() - started):.0f} ms after the call")  # noqa: T201
    page.until("document.querySelector('nav .events b').textContent === '1'")
    assert page.texts(".connection") == ["live"]


def test_an_empty_page_gives_lines_that_work(page, server):
    """The program that it shows sends an event when it is run as it stands, for each vendor."""
    page.open()
    page.until("document.querySelectorAll('.welcome .choice button').length === 3")
    assert page.texts(".welcome pre")[0] == f"export CXLOGGING_URL={server.url}"
    for number in range(3):
        if page.run("document.querySelector('.welcome')"):
            page.run(
                "void document.querySelectorAll('.choice button')[arguments[0]].click()", number
            )
            page.until("document.querySelectorAll('.choice button')[arguments[0]]"
                       ".getAttribute('aria-pressed') === 'true'", number)  # fmt: skip
            program = page.texts(".welcome pre")[1]
            assert len(program.splitlines()) == 5
            environment = {**os.environ, "CXLOGGING_URL": server.url}
            subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
            shows(page, "the first event")
            server.clear()
            page.open()


def test_an_empty_page_takes_what_was_exported(page, server, sender, tmp_path):
    """A chosen file puts its events on the page; if the file is wrong, the page says why."""
    one = sender(*VENDORS)
    one.log.info("kept in a file")
    one.deliver()
    with urllib.request.urlopen(f"{server.url}/api/export") as answer:
        (tmp_path / "events.jsonl.gz").write_bytes(answer.read())
    (tmp_path / "wrong.jsonl").write_text("this is no event\n")
    server.clear()

    page.open()
    field = page.browser.find_element("css selector", ".welcome input[type=file]")
    field.send_keys(str(tmp_path / "wrong.jsonl"))
    page.until("document.querySelector('.welcome [role=status]').textContent.includes('line 1')")
    field.send_keys(str(tmp_path / "events.jsonl.gz"))
    page.until(f"{ROWS}.filter((row) => row.textContent.includes('kept in a file')).length === 3")


def test_pause_holds_back_what_arrives_and_follow_shows_it(page, sender):
    """While paused the rows stay as they are, with the number of new ones; then they are there."""
    one = sender()
    one.log.info("before")
    one.deliver()
    page.open()
    shows(page, "before")

    page.click(".pause")
    for number in range(7):
        one.log.info("held back %d", number)
    one.deliver()
    page.until("document.querySelector('.news')?.textContent.trim() === '+7 new'")
    assert len(page.rows()) == 1
    assert "paused" in page.texts(".connection")[0]
    page.click(".pause")
    page.until(f"{ROWS}.length === 8")
    assert not page.run("document.querySelector('.news')")


def test_following_lets_go_when_one_scrolls_up(page, sender):
    """What one reads stays where it is; at the bottom, or with G, the newest rows come again."""
    one = sender()
    for number in range(200):
        one.log.info("event %d", number)
    one.deliver()
    page.open()
    shows(page, "event 199")
    until(lambda: newest(page))

    scroll(page, -1_000)
    until(lambda: not page.state("follow"))
    top = page.run(f"{GRID}.scrollTop")
    for number in range(200, 230):
        one.log.info("event %d", number)
    one.deliver()
    page.until("document.querySelector('.news')?.textContent.trim() === '+30 new'")
    assert page.run(f"{GRID}.scrollTop") == top

    scroll(page, 100_000)
    until(lambda: page.state("follow"))
    one.log.info("event 230")
    shows(page, "event 230")
    until(lambda: newest(page))

    scroll(page, -1_000)
    until(lambda: not page.state("follow"))
    page.press("G")
    until(lambda: newest(page) and page.state("follow"))


def test_following_goes_on_when_the_table_changes_its_size(page, sender):
    """What appears or vanishes above the table is no scrolling by the user."""
    one = sender()
    for number in range(200):
        one.log.info("event %d", number)
    one.deliver()
    page.open()
    page.until("document.querySelector('.histogram canvas')")
    until(lambda: newest(page))

    for number, shown in enumerate(("none", "", "none", "")):
        # Reading a position makes the browser lay out the page at once, before any frame.
        page.run(
            "[document.querySelector('.histogram').style.display = arguments[0],"
            f" {GRID}.scrollTop]", shown
        )  # fmt: skip
        one.log.info("after change %d", number)
        shows(page, f"after change {number}")
        until(lambda: newest(page))
    assert page.state("follow")


def test_an_opened_event_stays_open_while_others_arrive(page, sender):
    """At 300 events a second the drawer keeps its event, and the page takes in every other one."""
    one = sender()
    one.log.info("the one that is read")
    one.deliver()
    page.open()
    page.click_row("the one that is read")
    opened = until(lambda: page.state("open"))
    page.until("new URLSearchParams(location.search).get('event') === arguments[0]", str(opened))

    began = time.monotonic()
    for number in range(900):
        one.log.info("traffic %d", number)
        time.sleep(max(0.0, began + (number + 1) / 300 - time.monotonic()))
    one.deliver()
    shows(page, "traffic 899")
    assert page.state("open") == opened
    assert len(page.state("rows")) == 901
    scroll(page, -1_000_000)
    page.until("document.querySelector('.rows .row.open')?.textContent.includes('is read')")


def test_it_is_used_with_the_keyboard_alone(page, sender):
    """Each key does what the help says, and none while one writes."""
    one = sender()
    for number in range(100):
        one.log.info("event %d", number)
    one.deliver()
    page.open()
    shows(page, "event 99")
    selected = "document.querySelector('.rows [aria-selected=true] .message')?.textContent.trim()"

    page.press("k")
    page.until(f"{selected} === 'event 99'")
    page.press("k", "k", "j")
    page.until(f"{selected} === 'event 98'")
    page.press(ENTER)
    opened = until(lambda: page.state("open"))
    page.press(ESCAPE)
    until(lambda: page.state("open") is None)
    assert page.run(f"document.activeElement === {GRID}")
    assert page.run(f"{GRID}.getAttribute('aria-activedescendant')") == f"row-{opened}"

    page.press("g")
    page.until(f"{selected} === 'event 0'")
    page.press(SPACE)
    until(lambda: page.state("paused"))
    page.press("G")
    page.until(f"{selected} === 'event 99'")
    until(lambda: not page.state("paused"))

    for number, view in enumerate(("events", "requests", "rejected", "volume", "faults"), 1):
        page.press(str(number))
        until(lambda view=view: page.state("view") == view)
    page.press("1", "?")
    page.until("document.querySelector('dialog[open]')")
    page.press("2")
    assert page.state("view") == "events"
    page.press(ESCAPE)
    page.until("!document.querySelector('dialog')")


def test_back_and_forward_lead_through_views_and_events(page, sender):
    """The address names the view and the event; opened again it shows the same."""
    one = sender()
    one.log.info("hello")
    one.deliver()
    page.open()
    page.click_row("hello")
    until(lambda: page.state("open"))
    page.press("4")
    until(lambda: page.state("view") == "volume")
    address = page.run("location.search")
    page.browser.back()
    until(lambda: page.state("view") == "events" and page.state("open"))
    page.browser.back()
    until(lambda: page.state("open") is None)
    page.open(f"/{address}")
    assert page.state("view") == "volume"
    assert page.state("open")


def test_a_link_to_an_event_leads_to_its_row(page, sender):
    """The event is open, and its row is shown among those around it."""
    one = sender()
    for number in range(200):
        one.log.info("event %d", number)
    one.deliver()
    page.open("/?event=51")
    page.until("document.querySelector('.rows .open')?.textContent.includes('event 50')")
    where = "document.querySelector('.rows .open').getBoundingClientRect()"
    assert page.run(f"{where}.bottom <= {GRID}.getBoundingClientRect().bottom + 1")
    assert page.run(f"{where}.top >= {GRID}.getBoundingClientRect().top")
    assert page.state("selected") == 51


def test_clear_asks_and_says_what_it_deletes(page, server, sender):
    """Nothing is deleted before one confirms; the dialog counts events and requests by vendor."""
    one = sender("honeycomb", "betterstack")
    for number in range(3):
        one.log.info("event %d", number)
    one.deliver()
    page.open()
    shows(page, "event 2")
    requests = len(server.requests())

    page.click("button.clear")
    page.until("document.querySelector('dialog.clear li')")
    (text,) = page.texts("dialog.clear")
    assert f"6 events and {requests} request" in text
    assert re.search(r"Honeycomb:\s+3 events, \d+ requests?", text)
    assert re.search(r"Better Stack:\s+3 events, \d+ requests?", text)
    page.press(ESCAPE)
    page.until("!document.querySelector('dialog')")
    assert page.run("document.activeElement.matches('button.clear')")
    assert server.count() == 6

    page.click("button.clear")
    page.click("dialog.clear button.danger:not(:disabled)")
    page.until("document.querySelector('.welcome')")
    assert server.count() == 0
    assert server.requests() == []
    one.log.info("life goes on")
    shows(page, "life goes on")


def free_port():
    with DevServer() as once:
        return once.port


def test_it_connects_again_when_the_server_was_restarted(browser, tmp_path):
    """With the same store it goes on after the last row; with another it says so, and reloads."""
    port, kept = free_port(), tmp_path / "kept.db"

    def say(server, text):
        one = Sender(server.url)
        one.log.info(text)
        one.deliver()
        one.close()

    page = Page(browser, f"http://127.0.0.1:{port}")
    with DevServer(port, path=kept) as first:
        say(first, "first")
        page.open()
        shows(page, "first")
    page.until("document.querySelector('.connection.lost')")
    with DevServer(port, path=kept) as second:
        say(second, "second")
        shows(page, "second")
        page.until("document.querySelector('.connection.open')")
        assert len(page.state("rows")) == 2
        assert not page.run("document.querySelector('.notice')")
    page.until("document.querySelector('.connection.lost')")
    with DevServer(port) as third:
        say(third, "third")
        shows(page, "third")
        page.until("document.querySelector('.notice')")
        assert len(page.state("rows")) == 1


def test_it_fits_into_360_pixels(page, sender):
    """On a phone nothing is wider than the screen, and every control can be reached."""
    one = sender(*VENDORS)
    for number in range(50):
        one.log.info("event %d %s", number, "long " * 60, extra={"user": {"id": number}})
    one.deliver()
    page.resize(360, 640)
    page.open()
    shows(page, "event 49")

    for view in ("2", "3", "4", "5", "1"):
        page.press(view)
        until(lambda: page.run("document.documentElement.scrollWidth") <= 360)
    outside = page.run(
        "[...document.querySelectorAll('#app > header button, #app > header input')].filter((e) =>"
        " !e.closest('nav') && e.getClientRects().length && (e.getBoundingClientRect().right > 361"
        " || e.getBoundingClientRect().left < -1)).map((e) => e.outerHTML)"
    )
    assert outside == []
    assert page.run(f"{GRID}.clientHeight") > 150
    assert page.run(f"{GRID}.scrollWidth <= {GRID}.clientWidth")
    page.click_row("event 49")
    until(lambda: page.state("open"))


def test_hostile_texts_are_text(page, sender):
    """Markup, escapes, changes of direction and lines of 1 MB run no script and break no row."""
    one = sender(*VENDORS)
    texts = [EVIL, "<script>window.hacked = 1</script>", "x" * 1_000_000, "\u202e" * 500,
             "\n" * 500, "a" + "\u0301" * 2_000, "\x00\x07\x7f", "😀" * 1_000]  # fmt: skip
    for text in texts:
        one.log.warning(text, extra={"<b>field</b>": text[:200], "note": EVIL})
    one.deliver()
    page.open()
    page.until(f"{ROWS}.length === arguments[0]", 3 * len(texts))

    heights = page.run(f"{ROWS}.map((row) => row.getBoundingClientRect().height)")
    assert set(heights) == {26}
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('#app script, #app img, #app b b').length") == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", "".join(page.rows()))
    for number in range(3 * len(texts)):
        page.press("j" if number else "g", ENTER)
        until(lambda: page.state("open") == page.state("selected"))
        page.press(ESCAPE)
    assert page.run("window.hacked") is None


AT_THE_TOP = f"""(() => {{
  const {{x, y}} = {GRID}.getBoundingClientRect();
  const row = document.elementFromPoint(x + 40, y + 60).closest(".row");
  return [row.id, row.getBoundingClientRect().y - y];
}})()"""
"""The row that one reads, and where it is."""

FRAMES = """
const done = arguments[arguments.length - 1], grid = document.querySelector('.grid');
const seen = new Set(), frames = [];
let last = 0, most = 0;
grid.scrollTop = 0;
function step(now) {
  if (last) frames.push(now - last);
  last = now;
  const rows = document.querySelectorAll('.rows .row');
  most = Math.max(most, rows.length);
  for (const row of rows) seen.add(row.getAttribute('aria-rowindex'));
  const before = grid.scrollTop;
  grid.scrollTop += 500;
  if (frames.length > 10 && grid.scrollTop === before) {
    frames.sort((a, b) => a - b);
    const at = (share) => frames[Math.min(frames.length - 1, Math.floor(share * frames.length))];
    done({rows: seen.size, most, frames: frames.length, median: at(0.5), p99: at(0.99),
          longest: frames.at(-1), above: frames.filter((f) => f > 50).length});
  } else requestAnimationFrame(step);
}
requestAnimationFrame(step);
"""


def test_fifty_thousand_events(page, server, sender):
    """All are loaded, every one of them can be scrolled to, and few rows are in the document."""
    one = sender()
    senders = [sender() for _ in range(2)]
    threads = [threading.Thread(target=fill, args=(each, 25_000)) for each in senders]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert server.wait_for(None, 50_000, 240)

    started = time.monotonic()
    page.open()
    scroll(page, -5_000)
    until(lambda: not page.state("follow"))
    read = page.run(AT_THE_TOP)
    until(lambda: page.run(f"{GRID}?.getAttribute('aria-rowcount')") == "50001", 120)
    print(f"50,000 events are loaded after {time.monotonic() - started:.1f} s")  # noqa: T201
    assert page.run(AT_THE_TOP) == read
    page.browser.set_script_timeout(240)
    heard = page.browser.execute_async_script(FRAMES)
    print("scrolling through 50,000 events, frames in ms:", heard)  # noqa: T201
    assert heard["rows"] == 50_000
    assert heard["most"] < 150

    one.log.info("the newest")
    page.press("G")
    shows(page, "the newest")
    assert len(page.state("rows")) == 50_000


def fill(sender, count):
    """Log *count* events, no faster than they are delivered."""
    for number in range(count):
        sender.log.info("event %d of many", number, extra={"user": {"id": number % 50}})
        if number % 2_000 == 1_999:
            sender.deliver()
    sender.deliver()
