"""A real browser with the page of the local server, driven by Selenium."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cxlogging

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
except ImportError:  # the extra `browser`
    webdriver = None

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "" if webdriver and BROWSER and DRIVER else "needs selenium, chromium and chromedriver"
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=1280,800",
    "--force-prefers-reduced-motion",
)
ZONE = "Asia/Kolkata"
"""The browser's time zone: half an hour off, so that no mistake is hidden by whole ones."""

ROWS = "[...document.querySelectorAll('.rows .row')]"
FROM_NETWORK = "network"
"""The source of a console message about a request that failed."""


def start_browser(profile: str) -> Any:
    """Return a driver of a new headless browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in (*SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    environment = {**os.environ, "TZ": ZONE}
    service = webdriver.ChromeService(executable_path=DRIVER, env=environment)
    return webdriver.Chrome(options=options, service=service)


def until(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return the value of *check* once it is true; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < deadline, f"not within {seconds} seconds; last: {value!r}"
        time.sleep(0.02)
    return value


class Page:
    """The page of one server, in a browser that other tests of the module use too."""

    def __init__(self, browser: Any, url: str) -> None:
        self.browser, self.url = browser, url

    def open(self, address: str = "/") -> Page:
        """Load the page at a path with a query; wait until it has asked the server."""
        self.browser.get(self.url + address)
        self.until("document.querySelector('#app > header') && !document.querySelector('.wait')")
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        """Return the value of a JavaScript expression; `arguments` are its own."""
        return self.browser.execute_script(f"return {script}", *arguments)

    def until(self, script: str, *arguments: Any, seconds: float = 30.0) -> Any:
        """Return the value of a JavaScript expression once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script, *arguments)):
            assert time.monotonic() < deadline, script
            time.sleep(0.02)
        return value

    def state(self, name: str) -> Any:
        """Return an attribute of the page's state."""
        script = (
            "const done = arguments[1]; import('/page/app/store.js')"
            ".then(({state}) => done(state[arguments[0]]))"
        )
        return self.browser.execute_async_script(script, name)

    def rows(self, cell: str = "") -> list[str]:
        """Return the texts of the rows in the document from top to bottom, or of one cell each."""
        found = f"r.querySelector('{cell}').textContent" if cell else "r.textContent"
        order = "Number(r.getAttribute('aria-rowindex'))"
        script = f"{ROWS}.map((r) => [{order}, {found}]).sort(([a], [b]) => a - b)"
        return [text for _, text in self.run(script)]

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element."""
        return self.run("[...document.querySelectorAll(arguments[0])].map((e) => e.textContent)",
                        selector)  # fmt: skip

    def click(self, selector: str) -> None:
        """Click on the first element, once there is one, with a real mouse."""
        self.until("document.querySelector(arguments[0])", selector)
        self.browser.find_element("css selector", selector).click()

    def click_row(self, text: str) -> None:
        """Click on the row whose text contains *text*; it may move while one aims at it."""

        def clicked() -> bool:
            row = self.until(f"{ROWS}.find((r) => r.textContent.includes(arguments[0]))", text)
            try:
                row.click()
            except WebDriverException:  # below the head of the table, or no longer there
                with suppress(WebDriverException):
                    self.run("arguments[0].scrollIntoView({block: 'center'})", row)
                return False
            return True

        until(clicked)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def write(self, selector: str, text: str) -> None:
        """Write into a field, in place of what is there."""
        self.until("document.querySelector(arguments[0])", selector)
        field = self.browser.find_element("css selector", selector)
        self.run("arguments[0].select()", field)
        field.send_keys(text or "\ue003")

    def resize(self, width: int, height: int = 800) -> None:
        """Give the page another size; headless windows cannot be as narrow as a phone."""
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def emulate(self, **media: str) -> None:
        """Set media features, such as `prefers_color_scheme="dark"`."""
        features = [{"name": n.replace("_", "-"), "value": v} for n, v in media.items()]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def errors(self) -> list[str]:
        """Return what scripts and the policy complained about since the last call."""
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if entry["level"] == "SEVERE" and entry["source"] != FROM_NETWORK
        ]

    def close(self) -> None:
        """Leave the page, as a user who goes on to another one."""
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.emulate()
        self.browser.get("about:blank")


class Sender:
    """A logger with a handler for each vendor, or some of them; events arrive in their order."""

    def __init__(self, url: str, vendors: tuple[str, ...] = ("betterstack",)) -> None:
        options = {"url": url, "flush_interval": 0.05, "concurrency": 1}
        make = {
            "coralogix": lambda: cxlogging.CoralogixHandler(
                "k", application_name="shop", subsystem_name="cart", **options
            ),
            "honeycomb": lambda: cxlogging.HoneycombHandler("k", dataset="shop", **options),
            "betterstack": lambda: cxlogging.BetterStackHandler("k", **options),
        }
        self.log = logging.Logger("shop.cart")  # noqa: LOG001 - beside the tree
        self.log.handlers = [make[name]() for name in vendors]

    def deliver(self) -> None:
        """Wait until all that was logged is at the server."""
        for handler in self.log.handlers:
            assert handler.flush(timeout=60)

    def close(self) -> None:
        """Close the handlers."""
        for handler in self.log.handlers:
            handler.close()
