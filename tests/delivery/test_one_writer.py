"""Which module writes the state of a delivery."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import cxlogging.delivery

ROOT = Path(cxlogging.delivery.__file__).parent
EXCEPT = {
    ("http/connect.py", "_new_conn"),  # of urllib3's connection
    ("process/sigterm.py", "signal"),  # of the module ``signal``
    ("process/sigterm.py", "installed"),  # of a class that stands for the process
    ("process/sigterm.py", "delivering"),
}


def targets(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        yield from node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        yield node.target


def assigned(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the attributes that a module assigns on anything but ``self``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for target in targets(node):
            for each in ast.walk(target):
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
                    owner = each.value
                    if not (isinstance(owner, ast.Name) and owner.id in {"self", "cls"}):
                        yield path.relative_to(ROOT).as_posix(), each.attr


def test_each_attribute_is_written_by_the_module_of_its_class():
    """Outside the journal, no module of a delivery assigns an attribute of another's object."""
    paths = [path for path in ROOT.rglob("*.py") if "journal" not in path.parts]
    found = {each for path in paths for each in assigned(path)}

    assert found - EXCEPT == set()
