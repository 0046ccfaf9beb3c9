"""Small programs that raise: functions that call each other, from different kinds of source."""

from __future__ import annotations

import linecache
import sys
import textwrap
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from cxlogging.handlers.exceptions import tracebacks

HAS_GROUPS = sys.version_info >= (3, 11)

unpatched = pytest.mark.skipif(
    not tracebacks.WAS_ORIGINAL,
    reason="on Python 3.10 pytest imports exceptiongroup, which patches traceback; "
    "test_tracebacks.py runs these tests in a process where it does not",
)

RAISING = [
    "raise ValueError('wrong')",
    "raise ValueError",
    "raise KeyError('k') from OSError(2, 'No such file', 'f')",
    "raise SystemExit(3)",
    "raise KeyboardInterrupt",
    "raise Silent('x')",
    "raise Falsy('x')",
    "raise Noted('x')",
    "raise Ring()",
    "return 1 + int('x') * 2",
    "return x + [1][x + 5] + 2",
    "return (x +\n    1 / 0 +\n    3\n)",
    "return dict(\n    a=1,\n    b=2,\n    c=1 / 0,\n    d=4,\n)",
    "return {}['漢字'] + 'žluť'",
    "žluť = '漢字'; return žluť + x",
    "return None.atribute",
    "return [].apend(x)",
    "return valuee",
    "return sys.version",
    "from os import pth",
    "import nothing_like_this",
    "compile('x = = 1', 'shop.py', 'exec')",
    "exec('def f(:')",
    "exec('1 / 0')",
    "return (lambda: 1 / 0)()",
    "return [1 / (each - 1) for each in range(3)]",
    "assert not 1, ('a\\nb', x)",
    "b'\\xff'.decode()",
    "\treturn 1 / 0".strip() + "\t# tab",
    "x.y.z[0](1)(2)",
]

CALLING = [
    "return {next}(x)",
    "result = {next}(x)  # and a comment",
    "return [{next}(each) for each in 'a'][0] + 1",
    "return {next}(\n    x,\n)",
    "for _ in range(2):\n    {next}(x)",
    "try:\n    {next}(x)\nexcept BaseException as error:\n    raise KeyError('later') from error",
    "try:\n    {next}(x)\nexcept BaseException:\n    raise ValueError('meanwhile')",
    "try:\n    {next}(x)\nexcept BaseException:\n    raise OSError('hidden') from None",
    "try:\n    {next}(x)\nexcept BaseException:\n    raise",
    "try:\n    {next}(x)\nfinally:\n    1 / 0",
    "try:\n    {next}(x)\nexcept BaseException as error:\n    raise error from error",
    "try:\n    {next}(x)\nexcept BaseException as e:\n    e.__notes__ = ['a\\nb', 3]\n    raise",
    "return {this}(x - 1) if x > 0 else {next}(7)",
    "return (\n    {this}(x - 1) if x > 1 else {next}(2)\n)",
]
if HAS_GROUPS:
    CALLING.append(
        "try:\n    {next}(x)\nexcept BaseException as error:\n"
        "    raise BaseExceptionGroup('many', [error, ValueError(1)])"
    )

HOMES = ["file", "file", "string", "registered", "loader", "missing", "relative"]

programs = st.tuples(
    st.lists(st.tuples(st.sampled_from(HOMES), st.sampled_from(CALLING)), max_size=6),
    st.tuples(st.sampled_from(HOMES), st.sampled_from(RAISING)),
    st.integers(0, 12),
)
"""The calling functions, the one that raises, and the argument that all begin with."""


class Silent(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise MemoryError


class Falsy(Exception):  # noqa: N818
    def __len__(self) -> int:
        return 0


class Noted(Exception):  # noqa: N818
    __notes__ = "no list"


class Ring(Exception):  # noqa: N818
    def __init__(self) -> None:
        super().__init__("ring\n")
        self.__cause__ = ValueError("in the ring")
        self.__cause__.__context__ = self


class Loader:
    """A module's loader that has its source."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, name: str) -> str:
        return self.source


def loaded_by(loader: Loader, name: str) -> dict[str, Any]:
    """Return globals that name a module's loader; without a spec, Python 3.15 warns."""
    return {"__name__": name, "__loader__": loader, "__spec__": ModuleSpec(name, loader)}


def function(home: str, name: str, body: str, names: dict[str, Any], folder: Path) -> Any:
    """Return the function *name* of one argument ``x``, from a source of the kind *home*."""
    source = f"def {name}(x):\n" + textwrap.indent(body, "    ") + "\n"
    filename = {
        "file": str(folder / f"{name}.py"),
        "string": "<string>",
        "registered": f"<generated {name}>",
        "loader": f"/nowhere/loaded/{name}.py",
        "missing": f"/nowhere/{name}.py",
        "relative": f"nowhere_{name}.pyx",
    }[home]
    space = {"__name__": name, "sys": None, **names}
    if home == "file":
        Path(filename).write_text(source, "utf-8")
    elif home == "registered":
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    elif home == "loader":
        space |= loaded_by(Loader(source), name)
    exec(compile(source, filename, "exec"), space)
    return space[name]


def program(plan: Any, folder: Path) -> Any:
    """Return the first function of a plan of `programs`."""
    calling, (home, body), _ = plan
    kinds = {kind.__name__: kind for kind in (Silent, Falsy, Noted, Ring)}
    following = function(home, "raising", body, kinds, folder)
    for number, (home, body) in enumerate(reversed(calling)):
        name, following_name = f"f{number}", following.__name__
        source = body.format(next=following_name, this=name)
        following = function(home, name, source, {following_name: following}, folder)
    return following


def raised_by(plan: Any, folder: Path) -> BaseException:
    """Return what a plan of `programs` raises."""
    first = program(plan, folder)
    return raised_in(lambda: first(plan[2]))


def raised_in(work: Callable[[], object]) -> BaseException:
    """Return what *work* raises."""
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")
