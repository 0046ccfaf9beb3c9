"""The structure of the package: imports point down, and each module keeps to its subject."""

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
from cxlogging.vendors.registry import VENDORS

ROOT = Path(cxlogging.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}

LAYERS = [
    ("errors", "printable"),
    ("wire",),
    ("vendors.*.destination", "vendors.*.addresses", "vendors.*.emulator*", "vendors.emulation"),
    ("delivery",),
    ("handlers",),
    ("vendors",),
    ("integrations", "dataprime", "custom"),
    ("devserver", "mcp", "relay", "testing", "captured_events", "pytest_plugin"),
    ("cli", "__main__", ""),
]
"""From the lowest to the highest; the first pattern that fits a module tells its layer."""

NEVER = {
    "delivery": ("vendors",),
    "vendors": ("delivery",),
    "dataprime": ("vendors", "delivery", "handlers"),
    "devserver": ("delivery", "handlers"),
}
"""What a part does not import, although it lies in a lower layer."""

SHARED = {
    "dataprime": (
        "vendors.coralogix.addresses",  # domains and regions
        "delivery.http.tls",  # which certificates are trusted
        "delivery.worker.backoff",  # Retry-After
    ),
    "devserver": ("handlers.exceptions.parsing",),  # tracebacks that arrive as text
}
"""What a part imports nevertheless."""

NETWORK = {
    "asyncio",
    "http.client",
    "http.server",
    "requests",
    "select",
    "selectors",
    "socket",
    "socketserver",
    "ssl",
}
NETWORK |= {"starlette", "urllib.request", "urllib3", "uvicorn", "websockets", "httpx", "nats"}
MAY_CONNECT = ("delivery.http", "delivery.nats", "devserver", "cli", "dataprime")
MAY_CONNECT += ("integrations", "mcp", "relay")
NO_CONNECTION = {"delivery.options": {"ssl"}, "delivery.stderr": {"select"}}
"""Where a library is imported for the name of a type alone, or to ask whether a write waits."""

ONE_A_FRAMEWORK = {"ContextMiddleware"}
"""Classes that users tell apart by the module of their framework."""

MOST_FILES = 15
MOST_LINES = 400

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
    "RedactFilter",
    "SiteLimiter",
    "Stats",
    "ThroughputSampler",
    "TraceSampler",
    "VolumeRow",
    "bind",
    "bound",
    "current_hold",
    "flush_all",
    "hold",
    "install_sigterm",
    "register_type",
    "report_stats",
    "stats",
    "unbind",
    "volume",
]


def imports(name: str) -> Iterator[str]:
    """Yield the whole dotted name of everything that a module imports, wherever in it."""
    path = MODULES[name]
    package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*base, *([node.module] if node.module else [])])
            for each in node.names:
                whole = f"{home}.{each.name}"
                yield whole if whole in MODULES or not home.startswith("cxlogging") else home


def own_imports(name: str) -> set[str]:
    """Return the modules of the package that a module imports, for types too."""
    return {each for each in imports(name) if each in MODULES} - {name, "cxlogging"}


def part(name: str) -> str:
    return name.removeprefix("cxlogging").lstrip(".")


def layer(name: str) -> int:
    inside = part(name)
    for number, patterns in enumerate(LAYERS):
        for pattern in patterns:
            wanted = re.escape(pattern).replace(r"\*", "[a-z_]*")
            if re.fullmatch(rf"{wanted}(\..*)?", inside):
                return number
    raise AssertionError(f"{name} is in no layer")


def within(name: str, parts: tuple[str, ...]) -> bool:
    return any(part(name) == each or part(name).startswith(f"{each}.") for each in parts)


def test_imports_point_down():
    """A module imports its own layer and lower ones, and of these what is allowed."""
    wrong = []
    for name in MODULES:
        for each in own_imports(name):
            up = layer(each) > layer(name)
            own = part(name).split(".")[0]
            shared = within(each, SHARED.get(own, ()))
            if up or (within(each, NEVER.get(own, ())) and not shared):
                wrong.append(f"{name} imports {each}")

    assert not wrong


def test_no_module_imports_itself_by_way_of_others():
    """There is no circle of imports, imports for types included."""
    waiting = {name: own_imports(name) for name in MODULES}
    while free := {name for name, needed in waiting.items() if not needed & waiting.keys()}:
        waiting = {name: needed for name, needed in waiting.items() if name not in free}

    assert not sorted(waiting)


def test_sockets_are_opened_in_their_places_alone():
    """Networking libraries are imported where connections are made, and nowhere else."""
    wrong = []
    for name in MODULES:
        found = {
            each
            for each in imports(name)
            if any(each == library or each.startswith(f"{library}.") for library in NETWORK)
        }
        allowed = NO_CONNECTION.get(part(name), set())
        if not within(name, MAY_CONNECT) and found - allowed:
            wrong.append(f"{name} imports {found}")

    assert not wrong


def test_a_folder_is_seen_at_a_glance():
    """No folder shows more than 15 modules, no module has more than 400 lines."""
    folders: dict[Path, int] = {}
    for path in MODULES.values():
        folders[path.parent] = folders.get(path.parent, 0) + 1

    assert not {str(each): count for each, count in folders.items() if count > MOST_FILES}
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_a_class_name_occurs_once():
    """Whoever searches for a class finds one."""
    homes: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name)

    found = {each: names for each, names in homes.items() if len(names) > 1}
    assert found.keys() <= ONE_A_FRAMEWORK, found


VENDOR_NAMES = re.compile(
    "|".join(vendor.title.replace(" ", "[ _-]?") for vendor in VENDORS.values()), re.IGNORECASE
)
NAMED_IN = {
    "__init__.py": "the public face: a user imports the handlers from here",
    "vendors/registry.py": "one line for each vendor",
    "dataprime": "the client of one vendor's query API",
    "devserver/engine/answer.py": "links to that API's documentation, which it follows",
    "devserver/query/request_body.py": "links to that API's documentation, which it follows",
    "devserver/query/endpoint.py": "links to that API's documentation, which it follows",
    "devserver/query/rules.py": "links to that API's documentation, which it follows",
    "cli/query": "a command that queries that vendor: its help names the vendor and the key",
    "cli/shared/connection_options.py": "options of the commands that query that vendor",
}
"""Where the name of a vendor may stand outside the vendor's folder, and why."""


def test_a_vendor_is_named_in_its_folder_alone():
    """Code, strings and the page name a vendor nowhere else, but in a few places with reasons."""
    folders = tuple(f"vendors/{name}" for name in VENDORS)
    found = set()
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        if not path.is_file() or "__pycache__" in inside.parts:
            continue
        places = {str(inside), *map(str, inside.parents)}
        if places.isdisjoint(folders) and VENDOR_NAMES.search(path.read_text("utf-8")):
            found.add(next((each for each in NAMED_IN if each in places), str(inside)))

    assert found == set(NAMED_IN)


def test_the_public_names_are_these():
    """The package gives these names and no others, and each of them is there."""
    assert cxlogging.__all__ == PUBLIC
    assert {vendor.handler_name for vendor in VENDORS.values()} <= set(PUBLIC)
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
