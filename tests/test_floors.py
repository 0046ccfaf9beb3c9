"""The house stands as drawn: imports point down, vendors and sockets keep to their places."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cxlogging

ROOT = Path(cxlogging.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

FLOORS = {
    "errors": -1,
    "wire": 0,
    "destinations": 1,
    "delivery": 2,
    "handlers": 3,
    "integrations": 4,
    "dataprime": 4,
    "fleet": 4,
    "testing": 5,
    "devserver": 5,
    "cli": 5,
    "demo": 5,
    "": 6,
}
"""The part of the package, and how high it stands; the package itself is above all."""

MAY_IMPORT = {
    "errors": set(),
    "wire": {"errors"},  # on the same floor, and above it
    "destinations": {"errors", "wire"},
    "delivery": {"errors", "wire"},
    "devserver": {"errors", "wire", "dataprime"},
}
"""Where less is allowed than everything below."""

NETWORK = {"asyncio", "http", "requests", "select", "selectors", "socket", "socketserver", "ssl"}
NETWORK |= {"starlette", "urllib.request", "urllib3", "uvicorn", "websockets", "httpx", "nats"}
MAY_CONNECT = {"devserver", "cli", "dataprime", "fleet", "integrations"}
CONNECTS = {f"delivery/{name}.py" for name in ("connect", "tls", "transport", "trouble")}
TYPES = {"delivery/options.py": {"ssl"}, "delivery/stderr.py": {"select"}}
"""Where a library is imported for the name of a type alone, or to ask whether a write waits."""

VENDOR = re.compile(r"coralogix|honeycomb|better_?stack", re.IGNORECASE)
KNOWS_VENDORS = re.compile(
    r"destinations/.*|handlers/vendors\.py|devserver/doors/.*|cli/.*|demo/.*|integrations/.*"
    r"|dataprime/.*|__init__\.py"
)

PUBLIC = [
    "BetterStackHandler",
    "CheckResult",
    "ConfigurationError",
    "ContextQueueHandler",
    "CoralogixHandler",
    "CxLoggingError",
    "FieldSampler",
    "HoneycombHandler",
    "LevelSampler",
    "Stats",
    "bind",
    "bound",
    "flush_all",
    "install_sigterm",
    "register_type",
    "stats",
    "unbind",
]

EXAMPLES = {" takes a host name alone, such as 'eu2.coralogix.com', not "}
"""Sentences for people, in which a vendor's address is an example."""

every_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)


def part(path: Path) -> str:
    """Return the part of the package that a module belongs to."""
    first = path.relative_to(ROOT).parts[0]
    return "" if first in {"__init__.py", "__main__.py"} else first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the whole dotted name of everything that a module imports, wherever in it."""
    package = ["cxlogging", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{home}.{each.name}" for each in node.names)


def parts_imported(path: Path) -> set[str]:
    own = [name.split(".") for name in imports(path) if name.split(".")[0] == "cxlogging"]
    return {name[1] if name[1] in FLOORS else "" for name in own if name[1:] != ["__version__"]}


@every_module
def test_imports_point_down(path: Path):
    """A module imports its own part and lower floors, and of these what is allowed."""
    own = part(path)
    imported = parts_imported(path) - {own}
    if own in {"", "cli", "demo"}:
        allowed = set(FLOORS)  # the package's front and the commands speak to every floor
    else:
        lower = {each for each in FLOORS if FLOORS[each] < FLOORS[own]}
        allowed = lower & MAY_IMPORT.get(own, lower)

    assert imported <= allowed


def test_every_part_has_a_floor():
    """A new part of the package is given its floor here."""
    assert {part(path) for path in MODULES} <= FLOORS.keys()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "destinations").glob("[!_]*.py")), ids=lambda path: path.stem
)
def test_no_destination_knows_another(path: Path):
    """A vendor's file imports no other vendor's."""
    assert not [name for name in imports(path) if name.startswith("cxlogging.destinations")]


@every_module
def test_sockets_are_opened_in_their_places_alone(path: Path):
    """Networking modules are imported by the transport and its like, and nowhere else."""
    name = path.relative_to(ROOT).as_posix()
    found = {
        each
        for each in imports(path)
        if any(each == library or each.startswith(f"{library}.") for library in NETWORK)
    }

    allowed = part(path) in MAY_CONNECT or name in CONNECTS
    assert allowed or found <= TYPES.get(name, set())


def words(path: Path) -> Iterator[str]:
    """Yield the names and the texts of a module's code; docstrings and bare texts are none."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value
        if isinstance(node, (ast.Name, ast.Attribute, ast.arg, ast.alias)):
            yield (
                getattr(node, "id", None)
                or getattr(node, "attr", None)
                or getattr(node, "arg", None)
                or node.name
            )
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name


@pytest.mark.parametrize(
    "path",
    [each for each in MODULES if not KNOWS_VENDORS.fullmatch(each.relative_to(ROOT).as_posix())],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_vendors_are_named_in_their_places_alone(path: Path):
    """No module decides by a vendor's name but the vendors' own files."""
    assert not [each for each in words(path) if VENDOR.search(each) and each not in EXAMPLES]


@every_module
def test_a_module_is_read_at_one_sitting(path: Path):
    """No module is longer than 400 lines."""
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_the_public_names_are_these():
    """The package gives these names and no others, and each of them is there."""
    assert cxlogging.__all__ == PUBLIC
    assert all(getattr(cxlogging, name).__name__ == name for name in PUBLIC)
    assert set(PUBLIC) <= set(dir(cxlogging))


def test_an_unknown_name_is_an_attribute_error():
    """The package's own lookup refuses what it does not have."""
    with pytest.raises(AttributeError, match="module 'cxlogging' has no attribute 'Nothing'"):
        cxlogging.Nothing  # noqa: B018 - the look-up is the test


LOOK = """
import json, os, sys, threading
fds = sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []
before = set(sys.modules)
import cxlogging
after = sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []
print(json.dumps([sorted(set(sys.modules) - before), threading.active_count(), fds, after]))
"""


def test_importing_the_package_does_nothing():
    """A fresh interpreter imports it without libraries, threads or open files."""
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)

    modules, threads, before, after = json.loads(done.stdout)
    heavy = {"urllib3", "requests", "http.client", "ssl", "socket", "msgpack", "msgspec", "logging"}
    assert heavy.isdisjoint(modules)
    assert [each for each in modules if each.startswith("cxlogging.")] == []
    assert (threads, before) == (1, after)
