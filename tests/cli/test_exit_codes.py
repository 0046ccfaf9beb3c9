"""An exit code other than 0 always comes with a message that says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxlogging.cli.shared import exit_codes

from ..dataprime.service import QUERY_ID, STATISTICS, Reply, line, log, result, whole

NOBODY = {"CXLOGGING_URL": "http://127.0.0.1:1"}
LIMITED = line({"warning": {"blocksLimitWarning": {}}})


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("spool export {empty}", 4, "no records are waiting"),
        ("spool rejected {empty}", 4, "no rejected records"),
        ("spool rejected --send {empty}", 4, "no rejected records"),
        ("spool send {empty}", 0, "no records of ended processes are waiting"),
        ("spool send --account x {empty}", 4, "no records of account x are waiting"),
        ("spool ls /nowhere/at/all", 1, "cannot be used as a spool: No such file"),
        ("send --to local -q --wait 0.2", 5, "not delivered: 1 pending of 1"),
        ("send --to local -q --wait 0.2 /nowhere", 2, "/nowhere"),
        ("check", 1, "Nothing listens at 127.0.0.1:1."),
        ("query x", 5, "Nothing listens at 127.0.0.1:1."),
        ("tail", 5, "Nothing listens at 127.0.0.1:1."),
        ("audit", 5, "Nothing listens at 127.0.0.1:1."),
        ("doctor --wait 1", 1, "Nothing listens at 127.0.0.1:1."),
        ("qurey", 2, "there is no command 'qurey'. Did you mean 'query'?"),
        ("spool lss", 2, "Did you mean"),
        ("tail --levle error", 2, "--level"),
        ("completion tcsh", 2, "'tcsh' is not one of"),
    ],
)
def test_a_failing_command_says_why(run, tmp_path, command, code, sentence):
    """The message is on stderr, or in a report."""
    empty = tmp_path / "spool"
    empty.mkdir(mode=0o700)
    words = [each.format(empty=empty) for each in command.split()]

    done = run(*words, given="one\n", CORALOGIX_API_KEY="key-4711", **NOBODY)

    assert (done.exit_code, sentence in done.output) == (code, True), done.output


@pytest.mark.parametrize(
    ("command", "answer", "code", "sentence"),
    [
        ("query x --fail-on-empty", whole(), 4, "no rows in the default window"),
        ("query x", Reply([QUERY_ID, LIMITED, result(log(1)), STATISTICS]), 6, "blocksLimit"),
        ("audit", whole(), 4, "no numbered record in this window"),
        ("audit --expect 5", whole(), 6, "0 arrived, 5 were expected: 5 are missing"),
        ("query x", Reply(status=401), 3, "HTTP 401"),
        ("query x", Reply(status=302), 1, "redirects are not followed"),
        ("send --to local -q", Reply(status=400), 1, "not delivered: 1 rejected of 1"),
        ("send --to local -q", Reply(status=401), 3, "HTTP 401"),
        ("check", Reply(status=401), 3, "HTTP 401"),
    ],
)
def test_a_response_with_an_error_is_explained(run, service, command, answer, code, sentence):
    """The message contains what the service said."""
    service.rule = lambda asked: answer

    done = run(*command.split(), given="one\n", CORALOGIX_API_KEY="key-4711")

    assert (done.exit_code, sentence in done.output) == (code, True), done.output


def test_the_codes_are_documented():
    """docs/cli.md lists every exit code."""
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    listed = {int(each) for each in re.findall(r"^\| (\d+) \|", page.read_text(), re.MULTILINE)}
    codes = {
        held for name, held in vars(exit_codes).items() if name.isupper() and type(held) is int
    }

    assert codes <= listed
