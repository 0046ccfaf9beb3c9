"""docs/mcp.md: the entries for assistants work, and the bug is found and fixed as it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cxlogging.mcp.tools import TOOLS

from .conftest import Assistant, over_http, over_stdio

pytest.importorskip("mcp")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mcp.md").read_text("utf-8")
EXAMPLE = ROOT / "examples" / "mcp" / "checkout.py"
LOCAL = "http://127.0.0.1:8765"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def entries():
    """Yield every entry of an assistant's configuration."""
    for text in blocks("json"):
        document = json.loads(text)
        (servers,) = document.values()
        yield servers["cxlogging"]
    for line in re.findall(r"^\$ claude (mcp add .*)$", PAGE, re.MULTILINE):
        words = shlex.split(line)
        if "--" in words:
            command, *arguments = words[words.index("--") + 1 :]
            yield {"command": command, "args": arguments}
        else:
            yield {"url": words[-1]}


@pytest.mark.slow
@pytest.mark.parametrize("entry", list(entries()))
def test_an_entry_for_an_assistant_works(server, entry):
    """Each entry reaches the tools, of the local server that it names."""
    if "url" in entry:
        assert entry["url"] == f"{LOCAL}/mcp"
        assistant = over_http(server.url)
    else:
        assert entry["command"] == "cxlogging"
        assert entry.get("env", {}) in ({}, {"CXLOGGING_URL": LOCAL})
        _, *arguments = entry["args"]
        assert entry["args"][:1] == ["mcp"]
        assistant = over_stdio(*arguments, CXLOGGING_URL=server.url)

    assert list(assistant.tools()) == list(TOOLS)


def test_the_page_names_every_tool_and_argument():
    """The table has each tool with its arguments, in their order."""
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+` ?)+)\|", PAGE, re.MULTILINE)

    assert {name: re.findall(r"\w+", arguments) for name, arguments in rows} == {
        name: list(tool.properties) for name, tool in TOOLS.items()
    }


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CARET = re.compile(r"^\| *[~^]+\n", re.MULTILINE)
"""Lines below those of a traceback, which Python writes from 3.11 on."""


class Story:
    """The example, its local server, and the assistant; answers as the page shows them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.assistant: Assistant = over_http(url)
        self.program = folder / EXAMPLE.name
        self.program.write_text(EXAMPLE.read_text("utf-8"))

    def run(self) -> None:
        """Run the application."""
        environment = {**os.environ, "CXLOGGING_URL": self.url}
        subprocess.run([sys.executable, self.program], env=environment, check=True, timeout=60)

    def fix(self) -> None:
        """Change the program as the page says."""
        (fixed,) = blocks("python")
        text = self.program.read_text("utf-8")
        start = text.index("def place_order")
        end = text.index("\n\n\n", start)
        self.program.write_text(text[:start] + fixed.rstrip("\n") + text[end:])

    def shown(self, text: str) -> str:
        """Return an answer with the page's time, folder and address."""
        text = text.replace(str(self.folder), "/home/ada/shop").replace(self.url, LOCAL)
        # Python 3.15 no longer says that it was a float.
        text = text.replace("Error: division", "Error: float division")
        return CARET.sub("", TIME.sub("2025-07-20T10:00:00Z", text))


def test_the_bug_is_found_and_fixed_as_the_page_shows(server, tmp_path):
    """The calls have these answers; after the fix the error is gone."""
    story = Story(server.url, tmp_path)
    story.run()
    since, answers = None, []
    for block in blocks("text"):
        call, _, shown = block.partition("\n\n")
        name, _, arguments = call.partition(" ")
        given = json.loads(arguments)
        if "since" in given:
            if since is None:
                since = re.search(TIME, story.assistant.call("search_logs", limit=1))[0]
                story.fix()
                story.run()
            given["since"] = since
        text = story.assistant.call(name, **given)

        answers.append((call, CARET.sub("", shown.rstrip("\n")), story.shown(text)))
    assert since is not None
    for call, shown, text in answers:
        assert text == shown, call
