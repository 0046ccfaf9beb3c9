"""A whole Django project of others with a LOGGING of its own: pretalx, as PyPI has it."""

from __future__ import annotations

import re
import signal
from collections import Counter

import pytest

from .running import until

pytest.importorskip("pretalx")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(500)]

SETTINGS = """
    from pretalx.settings import *

    LOGGING["handlers"]["vendor"] = {"class": "cxlogging.HoneycombHandler", "dataset": "talks"}
    for name in ("", "django.request"):  # the second does not propagate
        LOGGING["loggers"][name]["handlers"].append("vendor")
"""
LINE = re.compile(r"^[A-Z]+ \d{4}-\d\d-\d\d [\d:,]+ (\S+) \S+ (.*)$", re.MULTILINE)
TWICE = ("rules", "django.security", "django.db.backends")
"""Loggers that propagate to the root logger and have its file too: the file has them twice."""

SERVERS = {
    "runserver": ("python", "-m", "pretalx", "runserver", "--noreload", "{port}"),
    "gunicorn": ("gunicorn", "--workers", "2", "-b", "127.0.0.1:{port}", "pretalx.wsgi"),
}


def test_a_project_with_its_own_logging_needs_the_handler_alone(running):
    """Migrated, served in development at DEBUG and in production: what is in its log file has
    arrived, each line once, and the project behaves as before.
    """
    site = running(talks=SETTINGS)
    data = site.folder / "data"
    site.environment |= {
        "PRETALX_DATA_DIR": str(data),
        "PRETALX_SITE_URL": "http://127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "talks",
    }
    done = site.run("-m", "pretalx", "migrate", seconds=300)
    assert done.returncode == 0, done.stderr

    for name, number in (("runserver", signal.SIGINT), ("gunicorn", signal.SIGTERM)):
        program, *arguments = (each.format(port=site.port) for each in SERVERS[name])
        process = site.start(program, *arguments)
        for path in ("/orga/login/", "/", "/nowhere/", "/orga/event/", "/api/", "/redirect/"):
            # In production pages fail: the project's static files are not built.
            site.get(f"{path}?token=hidden", Host="127.0.0.1")
        site.end(process, number)

        def written():
            text = (data / "logs" / "pretalx.log").read_text()
            found = Counter(LINE.findall(text))
            for each in found:
                if each[0].startswith(TWICE):
                    found[each] //= 2
            return found

        def came():
            return Counter(
                (each["data"]["logger"], str(each["message"]).partition("\n")[0])
                for each in site.events()
            )

        try:
            until(lambda: came() == written(), 30)
        except AssertionError:
            missing, more = written() - came(), came() - written()
            raise AssertionError((missing.total(), more.total(), missing, more)) from None
    assert came().total() > 20
    assert [each for each in site.events("Internal Server Error") if each["level"] == "error"]
    assert not [each for each in site.output.splitlines() if "--- Logging error ---" in each]
