"""The page about the command line: its commands work."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import click
import pytest

from cxlogging.cli import group
from cxlogging.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")
FENCE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ELSEWHERE = {"dev", "demo", "spool"}
"""Commands whose options are on other pages."""

ENDS = {"|", ">", "&&", "&", ";", "2>", "--"}
"""Words before or after a command."""


def typed():
    """Yield the arguments of every call of cxlogging in a console block of the docs."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for text in FENCE.findall("\n".join(page.read_text("utf-8") for page in pages)):
        for line in re.findall(r"^\$ (.*)$", text.replace("\\\n", ""), re.MULTILINE):
            words = ["|", *shlex.split(line, comments=True)]
            for n, (before, word) in enumerate(itertools.pairwise(words)):
                if word == "cxlogging" and (before in ENDS or "=" in before):
                    rest = itertools.takewhile(lambda each: each not in ENDS, words[n + 2 :])
                    yield list(rest)


@pytest.mark.parametrize("words", list(typed()), ids=" ".join)
def test_a_documented_command_is_valid(words):
    """The command exists and accepts its arguments."""
    if not words or words[0].startswith("-"):
        return
    commands = group.command
    name, command, rest = commands.resolve_command(click.Context(commands), words)

    assert command.make_context(name, rest).params is not None


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_on_the_page(name):
    """The page names each command and each of its options."""
    assert f"`cxlogging {name}" in PAGE
    options = {
        option
        for each in group.command.get_command(None, name).params
        if isinstance(each, click.Option)
        for option in each.opts
        if option.startswith("--") and name not in ELSEWHERE
    }

    assert {option for option in options if not re.search(rf"`{option}\b", PAGE)} == set()
