"""The documentation, run: every Python snippet works as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cxlogging
from cxlogging.delivery.options import Options
from cxlogging.devserver import StoredEvent
from cxlogging.devserver.doors.labels import LABELS
from cxlogging.devserver.engine import aggregating, commands, functions, pipeline, row
from cxlogging.handlers.making import HANDLER_OPTIONS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(((?!https?://)[^)#]+)\)")


def asked_for():
    """Events for the snippets that query without having sent any."""
    now, data = time.time_ns(), {"message": "payment failed", "user": {"id": 4711}}
    return [StoredEvent("coralogix", now, now, "error", 5, "m", "shop", "web", {}, data)]


def snippets():
    for page in PAGES:
        for number, match in enumerate(SNIPPET.finditer(page.read_text())):
            yield pytest.param(match[1], id=f"{page.name}-{number}")


@pytest.mark.parametrize("code", list(snippets()))
def test_a_snippet_runs(code, server, tmp_path):
    """A snippet runs to its end without a word on stderr; what it logs arrives and is found."""
    server.store.add(asked_for() if "DataPrimeClient()" in code else ())
    environment = {**os.environ, "CXLOGGING_URL": server.url}
    done = subprocess.run(
        [sys.executable, "-c", code.replace("http://127.0.0.1:8765", server.url)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    if "faults" not in code:
        assert done.stderr == ""
    if "Handler" in code and (".info(" in code or ".error(" in code) and "DevServer" not in code:
        assert server.count() >= 1
    if "DataPrimeClient()" in code:
        assert server.requests("dataprime")
        assert done.stdout or list(tmp_path.glob("rows.*"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every link to a file of the project leads to one."""
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_option_is_documented():
    """docs/options.md names every option that the handlers take."""
    text = (ROOT / "docs" / "options.md").read_text()

    for name in (*Options.names(), *HANDLER_OPTIONS):
        assert f"`{name}`" in text, name


def test_the_changelog_names_what_is_public():
    """CHANGELOG.md names every public handler and function."""
    text = (ROOT / "CHANGELOG.md").read_text()

    for name in cxlogging.__all__:
        if name not in {"CheckResult", "ConfigurationError", "CxLoggingError", "Stats"}:
            assert name in text, name


def test_the_engine_is_documented():
    """docs/local-engine.md names every command, function and label, and all that is not there."""
    text = (ROOT / "docs" / "local-engine.md").read_text()
    names = [*commands.COMMANDS, *pipeline.ALIASES, *pipeline.UNSUPPORTED, *aggregating.BUILDERS]
    names += [*functions.FUNCTIONS, *functions.ELSEWHERE, *LABELS, *row.METADATA]

    assert [name for name in names if not re.search(rf"[`.]{name}\b", text)] == []
