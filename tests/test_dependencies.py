"""Every package that a module imports is declared in setup.cfg, and every declared one is used."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .test_layers import MODULES, imports

SETUP = configparser.ConfigParser()
SETUP.read(Path(__file__).parents[1] / "setup.cfg")

DISTRIBUTIONS = {"backports": "backports.zstd", "yaml": "pyyaml", "nats": "nats-py"}
"""The packages whose name on PyPI is not the one that is imported."""

STANDARD = {*sys.stdlib_module_names, "compression", "tomllib"}
"""Modules of the standard library; the last two came with Python 3.14 and 3.11."""

APPLICATION = {
    "cxlogging.integrations": {"asgiref", "celery", "django", "flask", "rq"},
    "cxlogging.cli.shared.targets": {"django", "pyyaml", "tomli"},
}
"""What an application has if it uses the module, which says so if it is missing."""


def declared(*extras: str) -> set[str]:
    """Return the names that are required, and those of *extras* and of the extras in these."""
    names: set[str] = set()
    texts = [SETUP["options"]["install_requires"]]
    texts += [SETUP["options.extras_require"][extra] for extra in extras]
    for line in "\n".join(texts).split("\n"):
        inner = re.fullmatch(r"cxlogging\[([\w,]+)\]", line)
        if inner:
            names |= declared(*inner[1].split(","))
        elif line:
            names.add(re.split(r"[^\w.-]", line)[0].lower())
    return names


def needed(module: str) -> Iterator[str]:
    """Yield the packages that a module imports, by a statement or by `importlib`."""
    names = list(imports(module))
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            given = node.args[0]
            if isinstance(given, ast.Constant) and not str(given.value).startswith("."):
                names.append(str(given.value))
    for name in names:
        package = name.partition(".")[0]
        if package not in STANDARD | {"cxlogging", ""}:
            yield DISTRIBUTIONS.get(package, package)


def allowed(module: str) -> set[str]:
    """Return the packages that are there where a module is used, as setup.cfg declares them."""
    extras = ["fast"]
    if module.startswith(("cxlogging.cli", "cxlogging.devserver")):
        extras += ["cli"]
    parts = module.split(".")
    if {"devserver", "dev", "demo"} & set(parts) or "emulat" in module:
        extras += ["dev"]
    if "mcp" in parts:
        extras += ["mcp"]
    if {"nats", "relay", "relayed"} & set(parts):
        extras += ["nats"]
    if parts[-1] in {"testing", "pytest_plugin"}:
        extras += ["test"]
    given = (names for prefix, names in APPLICATION.items() if module.startswith(prefix))
    return declared(*extras).union(*given)


def test_what_is_imported_is_declared():
    """A module imports what the package or the extra it belongs to requires."""
    missing = {name: set(needed(name)) - allowed(name) for name in MODULES}

    assert not {name: packages for name, packages in missing.items() if packages}


def test_what_is_declared_is_imported():
    """Nothing is installed with the package or for its commands that no module imports."""
    used = {package for name in MODULES for package in needed(name)}

    assert declared("fast", "cli", "dev", "mcp", "nats") - used == set()


def test_the_doctor_knows_the_extras():
    """`cxlogging doctor` names an extra as installed by packages that belong to it."""
    from cxlogging.cli.doctor.main import EXTRAS

    for extra, packages in EXTRAS.items():
        assert set(packages) <= declared(extra)
