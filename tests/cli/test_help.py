"""The help of every command has full sentences, and examples that work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from cxlogging.cli import group

FRAGMENT = re.compile(r"\b(likewise|the same)\b", re.IGNORECASE)


def commands(
    command: click.Command | None = None, name: str = "cxlogging"
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name, including groups and their commands."""
    command = command or group.command
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for each in command.list_commands(context):
            yield from commands(command.get_command(context, each), f"{name} {each}")


COMMANDS = dict(commands())


def options(command: click.Command) -> list[click.Option]:
    return [each for each in command.params if isinstance(each, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_sentence(name):
    """Every option has help that is understood without other lines."""
    for option in options(COMMANDS[name]):
        told = option.help or ""
        assert len(told.split()) >= 3, (name, option.name)
        assert told[0].isupper(), (name, option.name)
        assert told.endswith("."), (name, option.name)
        assert not FRAGMENT.search(told), (name, option.name)


def typed(name: str) -> Iterator[list[str]]:
    """Yield the call of cxlogging in each example of a command's help, in words."""
    for line in (COMMANDS[name].epilog or "").splitlines()[2:]:
        inner = re.search(r"\$\((.*)\)", line)
        call: list[str] = []
        for word in [*shlex.split(inner[1] if inner else line), "|"]:
            if word != "|":
                call.append(word)
            elif call[0] == "cxlogging":
                break
            else:
                call = []
        yield call


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_two_valid_examples(name):
    """The commands accept the options and values of the examples."""
    calls = list(typed(name))

    assert len(calls) >= 2
    for call in calls:
        assert call[0] == "cxlogging"
        depth = max(n for n in range(1, len(call) + 1) if " ".join(call[:n]) in COMMANDS)
        command = COMMANDS[" ".join(call[:depth])]
        command.make_context(call[depth - 1], call[depth:])
