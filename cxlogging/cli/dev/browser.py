"""Opens the page in the user's browser."""

from __future__ import annotations

import threading
import webbrowser

from ..shared.screen import note

IN_TERMINAL = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
"""Browsers that would take over the terminal, and cannot show the page."""


def open_page(url: str) -> None:
    """Open *url* in a browser, or say that there is none; return at once."""
    # On a thread, as some browsers are waited for until they are closed.
    threading.Thread(target=_open, args=(url,), name="cxlogging-browser", daemon=True).start()


def _open(url: str) -> None:
    try:
        browser = webbrowser.get()
        opened = getattr(browser, "name", "") not in IN_TERMINAL and webbrowser.open(url)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        note(f"no browser could be started here: open {url} in yours.")
