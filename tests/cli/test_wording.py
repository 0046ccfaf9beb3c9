"""Errors of the command line name flags and variables instead of Python arguments."""

from __future__ import annotations

import re

import pytest

PYTHON = re.compile(r"\b[a-z_]+=|\bTrue\b|\bFalse\b|\bNone\b|Traceback")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("query x", "pass --domain (such as 'eu2'), or set CORALOGIX_DOMAIN"),
        ("query x", "Or ask the local server: --local."),
        ("query x --domain eu2", "set CX_API_KEY"),
        ("query x --domain eu2", "Or ask the local server: --local."),
        ("tail --domain eu2", "Or ask the local server: --local."),
        ("audit --domain eu2", "Or ask the local server: --local."),
        ("query x --domain nowhere", "--domain 'nowhere' is not a Coralogix region"),
        ("query x --url ftp://a", "--url takes a scheme, a host and a port"),
        ("query x --url http://example.com", "--url sends keys"),
        ("query x --local --split", "--split needs a window: pass --since or --from."),
        ("query x --local --timeout 0", "--timeout takes seconds"),
        ("query x --local --limit 0", "--limit takes 1 to 15000"),
        ("query x --local --limit 99999", "pass --split, or pass --background"),
        ("query x --local --since 1h --from 2h", "--since and --from both say"),
        ("query x --local --since 1h --background --name _", "--name takes 2 to 255 characters"),
        ("tail --local --since 1x", "--since '1x' is not a time"),
        ("tail --local --level loud", "unknown level 'loud'"),
        ("send --to coralogix", "Set CORALOGIX_API_KEY and CORALOGIX_DOMAIN. Or send to the local"),
        ("send --to honeycomb", "Set HONEYCOMB_API_KEY. Or send to the local server: --to local."),
        ("send --to betterstack", "Set BETTER_STACK_SOURCE_TOKEN and BETTER_STACK_INGESTING_HOST."),
        ("send --to local --buffer 1", "--buffer takes at least 65,536 bytes"),
        ("send --to local --spool /proc/none", "--spool '/proc/none' cannot be used"),
        ("send --to local --url ftp://a", "--url takes a scheme"),
        ("dev --host 0.0.0.0 --port 0", "pass --allow-remote to serve other machines"),
    ],
)
def test_flags_are_named(run, command, said):
    """The message names the flag that was typed, or that is missing."""
    done = run(*command.split(), given="", CXLOGGING_URL="")

    assert done.exit_code in {1, 2}
    assert said in done.stderr
    assert not PYTHON.search(done.stderr), done.stderr


@pytest.mark.parametrize(
    ("command", "variables", "said"),
    [
        ("query x", {"CXLOGGING_URL": "ftp://a"}, "CXLOGGING_URL takes a scheme"),
        ("query x --local", {"CXLOGGING_URL": "ftp://a"}, "CXLOGGING_URL takes a scheme"),
        ("tail", {"CXLOGGING_URL": "http://a.example"}, "CXLOGGING_URL sends keys"),
        ("audit", {"CORALOGIX_DOMAIN": "x"}, "CORALOGIX_DOMAIN 'x' is not a Coralogix region"),
        ("query x", {"CX_DOMAIN": "x"}, "CX_DOMAIN 'x' is not a Coralogix region"),
        ("query x", {"CORALOGIX_DOMAIN": "eu2", "CX_API_KEY": "a b"}, "CX_API_KEY"),
        ("send --to local", {"CXLOGGING_URL": "ftp://a"}, "CXLOGGING_URL takes a scheme"),
        ("send --to coralogix", {"CORALOGIX_DOMAIN": "x"}, "CORALOGIX_DOMAIN 'x'"),
        ("check", {"CORALOGIX_API_KEY": "a", "CORALOGIX_DOMAIN": "x"}, "CORALOGIX_DOMAIN 'x'"),
    ],
)
def test_variables_with_wrong_values_are_named(run, command, variables, said):
    """If a variable gave the value, the message names the variable."""
    done = run(*command.split(), given="", **{"CXLOGGING_URL": "", **variables})

    assert done.exit_code == 2
    assert said in done.stderr
    assert not PYTHON.search(done.stderr), done.stderr
