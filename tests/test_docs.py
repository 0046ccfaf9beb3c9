"""The documentation, run: every Python snippet works as it stands."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

import cxlogging
from cxlogging.cli import group
from cxlogging.dataprime.http.endpoint import KEY_VARIABLES
from cxlogging.delivery.http.tls import BUNDLES
from cxlogging.delivery.isolation import DISABLED_VARIABLE
from cxlogging.delivery.nats.address import LOGIN_VARIABLES
from cxlogging.delivery.options import Options
from cxlogging.devserver import StoredEvent
from cxlogging.devserver.engine import functions, row
from cxlogging.devserver.engine.commands import aggregation_compiler
from cxlogging.devserver.engine.syntax import command_parser, query_parser
from cxlogging.devserver.query.labels import LABELS
from cxlogging.handlers.pipeline import HANDLER_OPTIONS
from cxlogging.vendors.registry import QUERIED, VENDORS
from cxlogging.wire import settings
from tests.nats.servers import count_messages

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (?:.*\| )?cxlogging (.+)$", re.MULTILINE)
ROW = re.compile(r"^\| (`[^|]*) \|([^|]*)\|(.*)\|$", re.MULTILINE)
OPTIONAL = re.compile(r"^import (celery)$", re.MULTILINE)
"""Frameworks that only the extra `integrations` installs."""
STREAM = re.compile(r"nats://127\.0\.0\.1:[\d.:,]*/LOGS")
VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`")
OTHERS_VARIABLES = {"HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "LOGS_REJECTED", "FLEET_SEED"}
"""Read by the standard library, the name of a stream, and read by tests alone."""


def asked_for():
    """Events for the snippets that query without having sent any."""
    now = time.time_ns()
    return [
        StoredEvent("coralogix", now, now, "error", 5, "m", "shop", "web", {}, data)
        for data in (
            {"message": "payment failed", "user": {"id": 4711}},
            {"message": "nobody is logged in"},
        )
    ]


def snippets():
    """Yield the snippets; those of custom-destination.md are a test in tests/vendors."""
    for page in PAGES:
        if page.name == "custom-destination.md":
            continue
        for number, match in enumerate(SNIPPET.finditer(page.read_text())):
            yield pytest.param(match[1], id=f"{page.name}-{number}")


def with_stream(code: str, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return *code* with the address of a stream that is there, and it; empty without one."""
    if not STREAM.search(code):
        return code, ""
    address = request.getfixturevalue("address")
    return STREAM.sub(address, code), address


@pytest.mark.parametrize("code", list(snippets()))
def test_a_snippet_runs(code, server, tmp_path, request):
    """A snippet runs to its end without a word on stderr; what it logs arrives and is found."""
    for name in OPTIONAL.findall(code):
        pytest.importorskip(name)
    server.store.add(asked_for() if "DataPrimeClient()" in code else ())
    code, address = with_stream(code, request)
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
    if (
        "Handler" in code
        and re.search(r"\.(info|warning|error)\(", code)
        and "DevServer" not in code
    ):
        assert count_messages(address) if address else server.count() >= 1
    if "DataPrimeClient()" in code:
        assert server.requests("dataprime")
        assert done.stdout or list(tmp_path.glob("rows.*"))


def test_the_architecture_page_names_what_is_there():
    """Each module and folder of the package that CONTRIBUTING.md names exists."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:delivery|handlers|vendors|wire|devserver|cli)/[\w*./]*)`", text)

    assert len(named) > 20
    for name in named:
        assert list((ROOT / "cxlogging").glob(name.rstrip("/"))), name


def test_every_option_is_documented():
    """docs/options.md names every option that the handlers take."""
    text = (ROOT / "docs" / "options.md").read_text()

    for name in (*Options.names(), *HANDLER_OPTIONS):
        assert f"`{name}`" in text, name


def default_of(text: str) -> object:
    """Return what the documents mean by the default *text*."""
    amount = re.fullmatch(r"([\d.]+) ?(s|MiB|GiB)?", text)
    if amount:
        return float(amount[1]) * {"MiB": 2**20, "GiB": 2**30}.get(amount[2], 1)
    return {"none": None, "`False`": False}.get(text, text.strip('`"'))


@pytest.mark.parametrize("page", ["docs/options.md", "docs/spool.md"])
def test_the_documented_defaults_are_the_defaults(page):
    """Every option that a table names is there, with the default that the table gives."""
    defaults = Options()._asdict()
    checked = 0
    for names, values, _ in ROW.findall((ROOT / page).read_text()):
        given = [default_of(each.strip()) for each in values.split(", ")]
        for name, value in zip(re.findall(r"`([a-z_]+)`", names), given, strict=False):
            if name in defaults and name not in {"batch_count", "batch_bytes", "proxy"}:
                checked += 1
                assert defaults[name] == value, name
    assert checked >= 3


def test_every_variable_is_read():
    """A variable that a page names is read by the package, and the handlers' are all documented."""
    source = "\n".join(file.read_text() for file in (ROOT / "cxlogging").rglob("*.py"))
    named = {name for page in PAGES for name in VARIABLE.findall(page.read_text())}

    assert [name for name in sorted(named - OTHERS_VARIABLES) if f'"{name}"' not in source] == []
    for profile in READERS.values():
        assert {name for names in profile.variables.values() for name in names} <= named


SHARED = re.compile(r"`(\w+)` of ([\w ]+)")
READERS = {vendor.title: vendor.profile for vendor in VENDORS.values()}
READ_THROUGH = {"wire/settings.py", "delivery/http/tls.py", "pytest_plugin.py"}
READ_THROUGH |= {"cli/shared/screen.py", "relay/config.py"}
READ_THROUGH |= {"cli/shared/targets.py", "cli/doctor/settings.py", "cli/demo/environment.py"}
"""Modules that read variables whose names they are given, or hold in a table."""


def variables_of_the_documents() -> dict[str, set[tuple[str, str]]]:
    """Return the variables of the table in docs/options.md, and whose arguments each sets."""
    text = (ROOT / "docs" / "options.md").read_text().partition("## Environment variables")[2]
    found = {}
    for name, sets, _ in ROW.findall(text.partition("\n## ")[0]):
        pairs = [
            (reader.strip(), argument)
            for argument, readers in SHARED.findall(sets)
            for reader in re.sub(r"\bthe\b", "", readers).split(" and ")
        ]
        found[name.strip("`")] = set(pairs)
    return found


def variables_of_the_code() -> dict[str, set[tuple[str, str]]]:
    """Return the variables that set arguments, as the vendors' modules and the client have them."""
    found: dict[str, set[tuple[str, str]]] = {}
    for reader, profile in READERS.items():
        for argument, names in profile.variables.items():
            for name in names:
                found.setdefault(name, set()).add((reader, argument))
    for name in QUERIED.profile.variables["domain"]:
        found[name].add(("query client", "domain"))
    for name in KEY_VARIABLES:
        found.setdefault(name, set()).add(("query client", "api_key"))
    found[settings.URL_VARIABLE] = {("every handler", "url"), ("query client", "url")}
    found[settings.PLAIN_VARIABLE] = {("every handler", "allow_plain_http")}
    found[DISABLED_VARIABLE] = found[settings.REPORT_VARIABLE] = set()
    found["HTTPS_PROXY"] = {("every handler", "proxy"), ("query client", "proxy")}
    found |= {name: set() for name in LOGIN_VARIABLES}
    for name in BUNDLES:
        found[name] = {("every handler", "ca_file")} if name == BUNDLES[0] else set()
    return found


def test_the_table_of_variables_is_the_code_s():
    """The table names each variable with what it sets, in the order in which they are tried."""
    documented, read = variables_of_the_documents(), variables_of_the_code()
    commands = {"NO_PROXY", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM", "SHELL"}
    commands.add("CXLOGGING_PRICE_PER_GB")
    order = list(documented)

    assert {name: documented[name] for name in documented if name not in commands} == read
    assert commands <= documented.keys()
    for profile in READERS.values():
        for argument, names in profile.variables.items():
            own = [name for name in names if name != "HONEYCOMB_SERVICE"]
            assert sorted(own, key=order.index) == own, argument


def test_no_variable_is_read_beside_the_table():
    """Each name that the package asks the environment for is in the table."""
    documented = variables_of_the_documents().keys()
    for path in sorted((ROOT / "cxlogging").rglob("*.py")):
        tree = ast.parse(path.read_text())
        asked = [
            node.args[0] if isinstance(node, ast.Call) else node.slice
            for node in ast.walk(tree)
            if (isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ")
            or (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) in {"os.environ.get", "os.getenv", "held"}
            )
        ]
        for name in asked:
            if isinstance(name, ast.Constant):
                assert name.value in documented, path
            elif not ast.unparse(name).rpartition(".")[2].isupper():  # a constant of the code's
                assert path.relative_to(ROOT / "cxlogging").as_posix() in READ_THROUGH, path


def command_lines():
    """Every command line of the documents, without what is piped into it or out of it."""
    for page in PAGES:
        for line in COMMAND.findall(page.read_text()):
            words = shlex.split(line, comments=True)
            yield words[: words.index("|")] if "|" in words else words


def test_every_command_and_flag_exists():
    """Every command of a page is one, and so are its flags."""
    assert len(list(command_lines())) > 20
    for words in command_lines():
        command = group.command
        for before, word in zip(["", *words], words, strict=False):
            named = [each for each in command.params if before in each.opts]
            is_value = any(not getattr(each, "is_flag", False) for each in named)
            if isinstance(command, click.Group) and not (word.startswith("-") or is_value):
                found = command.get_command(click.Context(command), word)
                assert found is not None, words
                command = found
        flags = {flag for each in command.params for flag in each.opts + each.secondary_opts}
        used = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z].*", word)}
        assert used <= flags | {"--help"}, words


def test_every_flag_of_a_table_exists():
    """The flags of each command's table on docs/cli.md are the command's."""
    parts = (ROOT / "docs" / "cli.md").read_text().split("\n## `cxlogging ")[1:]
    for part in parts:
        command = group.command.get_command(None, part.partition("`")[0])
        flags = {flag for each in command.params for flag in each.opts + each.secondary_opts}
        for flags_cell in re.findall(r"^\| (`-[^|]*)\|", part, re.MULTILINE):
            for flag in re.findall(r"`(--?[a-z-]+)", flags_cell):
                assert flag in flags, (part.partition("`")[0], flag)


RESULTS = {"Stats", "VolumeRow"}


def test_the_changelog_names_what_is_public():
    """CHANGELOG.md names every public handler and function."""
    text = (ROOT / "CHANGELOG.md").read_text()

    for name in cxlogging.__all__:
        if name not in {"CheckResult", "ConfigurationError", "CxLoggingError"} | RESULTS:
            assert name in text, name


def test_the_engine_is_documented():
    """docs/local-engine.md names every command, function and label, and all that is not there."""
    text = (ROOT / "docs" / "local-engine.md").read_text()
    names = [
        *command_parser.COMMANDS,
        *query_parser.ALIASES,
        *query_parser.UNSUPPORTED,
        *aggregation_compiler.BUILDERS,
    ]
    names += [*functions.FUNCTIONS, *functions.UNSUPPORTED_FUNCTIONS, *LABELS, *row.METADATA]

    assert [name for name in names if not re.search(rf"[`.]{name}\b", text)] == []
