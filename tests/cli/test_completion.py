"""`cxlogging completion`: the scripts of the shells, and the completions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from cxlogging.cli.commands import COMMANDS

from .conftest import COMMAND, environment

ASK = """
import sys
from cxlogging.cli import main
try:
    main()
finally:
    loaded = [name for name in sys.modules if name in {"rich", "requests", "starlette", "urllib3"}]
    print(loaded, file=sys.stderr)
"""


def asked(words: str, last: str):
    """Return the completions for *words*, of which *last* is being typed, and stderr."""
    variables = {"_CXLOGGING_COMPLETE": "bash_complete", "COMP_WORDS": words}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=environment(**variables, COMP_CWORD=str(len(words.split()) - (1 if last else 0))),
        capture_output=True,
        text=True,
        check=False,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()], done.stderr


def test_commands_are_completed_without_loading_them():
    """The names come from the list of commands; no heavy package is imported."""
    found, errors = asked("cxlogging ", "")

    assert found == list(COMMANDS)
    assert errors == "[]\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("cxlogging que", ["query"]),
        ("cxlogging query --exp", ["--explain"]),
        ("cxlogging query --tier arch", ["archive"]),
        ("cxlogging send --to b", ["betterstack"]),
    ],
)
def test_commands_options_and_their_values_are_completed(words, found):
    """Commands, options and the values of choices are completed."""
    assert asked(words, words.split()[-1])[0] == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("cxlogging check --config ./lo", "file"),
        ("cxlogging doctor --config ./lo", "file"),
        ("cxlogging send --to local ./lo", "file"),
        ("cxlogging send --to local a.log ./lo", "file"),
        ("cxlogging send --spool ./lo", "dir"),
        ("cxlogging spool ls ./lo", "dir"),
        ("cxlogging spool send --to x ./lo", "dir"),
        ("cxlogging dev --db ./lo", "file"),
    ],
)
def test_names_of_files_are_left_to_the_shell(shell, words, kind):
    """For files and directories, the shell completes the names itself."""
    variables = {"_CXLOGGING_COMPLETE": f"{shell}_complete", "COMP_WORDS": words}
    last = words.split()[-1] if shell == "fish" else str(len(words.split()) - 1)
    done = subprocess.run(
        COMMAND,
        env=environment(**variables, COMP_CWORD=last),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.replace("\n", ",").startswith(f"{kind},./lo"), done.stderr


def test_levels_are_completed_in_the_case_that_is_typed():
    """Lower case, unless upper case was typed."""
    assert asked("cxlogging tail --level w", "w")[0] == ["warning"]
    assert asked("cxlogging tail --level WA", "WA")[0] == ["WARNING"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_valid(run, shell):
    """If the shell is installed, it accepts the syntax of its script."""
    done = run("completion", shell)

    assert done.exit_code == 0
    assert "_CXLOGGING_COMPLETE" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


def test_the_default_is_the_shell_of_the_environment(run):
    """Without an argument it is $SHELL; an unknown shell exits with 2."""
    assert "#compdef cxlogging" in run("completion", SHELL="/usr/bin/zsh").stdout
    assert run("completion", SHELL="/bin/tcsh").exit_code == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_a_command(tmp_path):
    """In bash, the script calls cxlogging and fills COMPREPLY."""
    script = subprocess.run(
        [*COMMAND, "completion", "bash"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    program = tmp_path / "cxlogging"
    program.write_text(f"#!{sys.executable}\nfrom cxlogging.cli import main\nmain()\n")
    program.chmod(0o755)
    ask = "COMP_WORDS=(cxlogging ta); COMP_CWORD=1; _cxlogging_completion cxlogging"
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{ask}\necho ${{COMPREPLY[@]}}"],
        env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "tail"
