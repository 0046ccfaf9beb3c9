"""
Pictures of the page, in build/screenshots: light, dark, narrow, drawer and faults.

They show what a shop logs in some minutes, so that they can illustrate the documentation.
"""

from __future__ import annotations

import linecache
import logging
import random
import time
from pathlib import Path

import pytest

import cxlogging
from cxlogging.devserver import DevServer

from .driver import until

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "build" / "screenshots"
ENTER = "\ue007"
MINUTES, EVENTS = 12, 400
TEXTS = (
    (logging.DEBUG, "shop.stock", "%d of article %s in stock", lambda n: (n % 40, f"A-{n % 9}")),
    (logging.INFO, "shop.cart", "order %d placed", lambda n: (4700 + n,)),
    (logging.INFO, "shop.web", "GET /articles/%d answered in %d ms", lambda n: (n % 9, 3 + n % 50)),
    (logging.WARNING, "shop.web", "GET /search took %d ms", lambda n: (900 + n,)),
    (logging.ERROR, "shop.payment", "card of order %d was declined", lambda n: (4700 + n,)),
)
WEIGHTS = (5, 9, 12, 2, 1)


SOURCES = {
    "/srv/shop/payment.py": """
def pay(order):
    receipt = charge(order["card"], order["total"])
    return receipt["number"]
""",
    "/usr/lib/python3/site-packages/bank/client.py": """
def charge(card, amount):
    raise TimeoutError(f"no answer after 5 s, {amount} EUR not charged")
""",
}
"""An application and a library, which are at no path of this machine."""


def payment_fails():
    """Return the exception of a payment, with the traceback that the application would have."""
    names = {}
    for path, text in SOURCES.items():
        lines = text.lstrip().splitlines(keepends=True)
        linecache.cache[path] = (len(text), None, lines, path)
        exec(compile("".join(lines), path, "exec"), names)
    try:
        names["pay"]({"card": "4711", "total": 38})
    except TimeoutError as error:
        return type(error), error, error.__traceback__.tb_next


def fill(server):
    """Log for some minutes, with an exception near the end."""
    chance, start = random.Random(7), time.time() - 60 * MINUTES
    made = {
        "shop.payment": cxlogging.HoneycombHandler(
            "k", dataset="payments", service_name="bank", url=server.url
        ),
        "shop": cxlogging.CoralogixHandler(
            "k", application_name="shop", subsystem_name="web", url=server.url
        ),
    }
    times = sorted(start + 60 * MINUTES * chance.random() ** 0.7 for _ in range(EVENTS))
    for number, created in enumerate(times):
        level, logger, text, values = chance.choices(TEXTS, WEIGHTS)[0]
        record = logging.LogRecord(logger, level, f"{logger}.py", 7, text, values(number), None)
        record.__dict__.update(user={"id": number % 17, "plan": "pro"}, total=9.5 * (number % 8))
        if number == EVENTS - 4:
            record = logging.LogRecord(
                "shop.payment", logging.ERROR, "payment.py", 31, "payment of order %d failed",
                (4711,), payment_fails(),
            )  # fmt: skip
        record.created = created
        made[record.name if record.name in made else "shop"].handle(record)
        if number % 20 == 19:  # so that both vendors' events arrive in their order
            assert all(handler.flush(timeout=30) for handler in made.values())
    for handler in made.values():
        handler.close()


@pytest.fixture(scope="module")
def server():
    with DevServer() as running:
        fill(running)
        yield running


def picture(page, name):
    """Save what the page shows once it has stopped to change."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    last = [b""]

    def still():
        before, last[0] = last[0], page.browser.get_screenshot_as_png()
        return before == last[0]

    until(still)
    (FOLDER / f"{name}.png").write_bytes(last[0])


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [("light", "light", 1280), ("dark", "dark", 1280), ("narrow", "light", 360)],
)
def test_pictures_of_the_events(page, name, scheme, width):
    """All levels are told apart, and the histogram has the minutes."""
    page.emulate(prefers_color_scheme=scheme)
    page.resize(width, 720)
    page.open()
    page.until("document.querySelectorAll('.rows .row').length > 10")
    page.until("document.querySelector('#main canvas')")
    levels = "[...document.querySelectorAll('.rows .level')]"
    assert page.run(f"new Set({levels}.map((level) => getComputedStyle(level).color)).size") >= 3
    picture(page, name)


def test_a_picture_of_the_drawer(page):
    """The traceback of an exception is beside the events."""
    page.resize(1280, 720)
    page.open()
    page.click_row("payment of order 4711 failed")
    page.until("document.querySelector('#drawer .panel')?.textContent.includes('not charged')")
    picture(page, "drawer")


def test_a_picture_of_the_faults(page, server):
    """A fault of one vendor is in force, and the tab says so."""
    server.faults.add(vendor="honeycomb", status=429, retry_after="2")
    page.resize(1280, 720)
    page.open("/?view=faults")
    page.until("document.querySelector('nav .faults b')?.textContent === '1'")
    picture(page, "faults")
