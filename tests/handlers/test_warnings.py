"""What a log call does where warnings are exceptions, as under `python -W error`."""

from __future__ import annotations

import builtins
import linecache
import subprocess
import sys
import traceback
import types
import warnings
from importlib.machinery import ModuleSpec

import pytest

from cxlogging.devserver import DevServer
from cxlogging.handlers.exceptions.fields import failure
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

from .programs import Loader, raised_in

HANDLERS = ("CoralogixHandler", "HoneycombHandler", "BetterStackHandler")

PROGRAM = """
import datetime, decimal, enum, logging, os, sys, types
from cxlogging import {handler}

handler = {handler}("k", **{options})
log = logging.getLogger("shop")
log.addHandler(handler)
log.setLevel(1)
log.info("plain %d", 7)
log.info("extras", extra={{"at": datetime.datetime.now(), "of": {{"a": [decimal.Decimal(1)]}}}})
log.info({{"message": "structured", "y": object(), "z": b"\\xff", 2: enum}})
log.info("long", extra={{"text": "x" * 100_000, "number": 2**70}})
log.log(2**40, "a level that no frame of the spool can hold")
log.debug("where", stack_info=True)
module = types.ModuleType("made")
exec(compile("def fail(): 1 / 0", "/nowhere/made.py", "exec"), vars(module))
try:
    try:
        module.fail()
    except ZeroDivisionError as error:
        raise ValueError("wrong") from error
except ValueError:
    log.exception("chained")
for wrong in ("None.name", "name", "fro x", "x = = 1", "__import__('shop')", "module.fail()"):
    try:
        eval(wrong)
    except Exception:
        log.exception("failed: %s", wrong)
if not os.fork():
    log.info("a fork's child")
    os._exit(0 if handler.flush(10) else 1)
assert os.wait()[1] == 0
assert handler.flush(10), handler.stats()
assert handler.stats().delivered == 13, handler.stats()
handler.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a part of it is a fork")
@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer in the child warns, too")
@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
@pytest.mark.parametrize("handler", HANDLERS)
def test_every_kind_of_log_call_works_where_warnings_are_errors(
    handler: str, spool: bool, server: DevServer, tmp_path
):
    """Under `-W error` everything arrives, and nothing is reported."""
    options = {"url": server.url, **({"spool": str(tmp_path)} if spool else {})}
    # Since Python 3.12 it is a fork that is warned of, if there are threads.
    ways = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]

    done = subprocess.run(
        [sys.executable, *ways, "-c", PROGRAM.format(handler=handler, options=options)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert server.count() == 14


SOURCE = "def fail():\n    return 1 / 0\n"

LOADER = Loader(SOURCE)
MODULES = {
    "a module that nobody loaded": {"__spec__": None, "__loader__": None},
    "a spec without a loader": {"__spec__": ModuleSpec("made", None)},
    "no spec": {"__loader__": LOADER},
    "another loader": {"__spec__": ModuleSpec("made", Loader("")), "__loader__": LOADER},
    "one loader": {"__spec__": ModuleSpec("made", LOADER), "__loader__": LOADER},
    "neither": {},
    "a main module": {"__name__": "__main__", "__spec__": None, "__loader__": LOADER},
}
"""What a module's globals say of where it comes from."""


def alone(error: BaseException) -> BaseException:
    return error


def chained(error: BaseException) -> BaseException:
    outer = KeyError("outer")
    outer.__cause__ = error
    return outer


def grouped(error: BaseException) -> BaseException:
    return builtins.BaseExceptionGroup("many", [error]) if GROUPS else error


GROUPS = hasattr(builtins, "BaseExceptionGroup")


@pytest.mark.parametrize("among", [alone, chained, grouped])
@pytest.mark.parametrize("home", ["a file", "nowhere"])
@pytest.mark.parametrize("names", MODULES.values(), ids=MODULES)
def test_a_module_without_a_loader_is_printed_without_a_warning(names, home, among, tmp_path):
    """The text is that of the standard library without its warnings, source lines included."""
    file = tmp_path / "made.py"
    if home == "a file":
        file.write_text(SOURCE)
    module = types.ModuleType("made")
    del module.__spec__, module.__loader__
    vars(module).update(names)
    exec(compile(SOURCE, str(file), "exec"), vars(module))
    error = among(raised_in(module.fail))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = failure(error, error.__traceback__, Sanitizer())["stacktrace"]
    linecache.clearcache()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = "".join(traceback.format_exception(type(error), error, error.__traceback__))

    has_source = "return 1 / 0" in expected
    assert ("return 1 / 0" in text) is has_source
    if has_source or among is alone:
        assert text == expected.rstrip("\n")
