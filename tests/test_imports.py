"""What is imported when: little with a handler's name, the rest at its creation, nothing later."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cxlogging.devserver import DevServer

HANDLERS = {
    "CoralogixHandler": "coralogix",
    "HoneycombHandler": "honeycomb",
    "BetterStackHandler": "betterstack",
}
NETWORK = {"email", "http.client", "requests", "socket", "ssl", "urllib.request", "urllib3"}
CODECS = {"json", "msgpack", "msgspec"}
EXPENSIVE = {"dataclasses", "difflib", "hashlib", "inspect", "pathlib", "random", "secrets"}
"""Of the standard library; each costs as much as a dozen of our own modules."""

PARTS = {"cli", "dataprime", "demo", "devserver", "testing"}

handlers = pytest.mark.parametrize("handler", HANDLERS)


def loaded(code: str) -> set[str]:
    """Return the names that *code* prints as JSON, without what a start imports."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**clean_environment(), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def clean_environment() -> dict[str, str]:
    names = ("CXLOGGING", "CORALOGIX", "CX_", "HONEYCOMB", "LIBHONEY", "BETTER_STACK", "LOGTAIL")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)}


def own(modules: set[str]) -> set[str]:
    """Return which parts of the package are among *modules*, as ``"delivery.journal"``."""
    names = {name.removeprefix("cxlogging.") for name in modules if name.startswith("cxlogging.")}
    return {".".join(name.split(".")[:2]) for name in names} | {
        name.split(".")[0] for name in names
    }


SHOW = "; modules = sorted(sys.modules); import json; print(json.dumps(modules))"


@handlers
def test_a_handler_s_name_brings_little(handler: str):
    """Importing a handler loads no network library, codec, vendor rules or expensive module."""
    before = loaded(f"import sys, logging{SHOW}")
    modules = loaded(f"import sys, logging; from cxlogging import {handler}{SHOW}")

    assert f"cxlogging.vendors.{HANDLERS[handler]}.handler" in modules
    assert (modules - before).isdisjoint(NETWORK | CODECS | EXPENSIVE)
    assert own(modules).isdisjoint(PARTS | {"delivery.journal", "wire.codec"})
    assert not [name for name in modules if name.endswith(".destination") and ".vendors." in name]
    assert len([name for name in modules if name.startswith("cxlogging")]) <= 28


@handlers
def test_a_handler_without_a_key_loads_no_network(handler: str):
    """If nothing can be sent, as in a test suite, no network library is loaded."""
    code = f"import sys; from cxlogging import {handler}; {handler}(){SHOW}"
    modules = loaded(code)

    assert f"cxlogging.vendors.{HANDLERS[handler]}.destination" in modules
    assert modules.isdisjoint({"http.client", "requests", "ssl", "urllib.request", "urllib3"})
    assert own(modules).isdisjoint(PARTS | {"delivery.journal"})
    assert "cxlogging.delivery.http.transport" not in modules


@handlers
def test_a_handler_brings_no_other_vendor_s_rules(handler: str):
    """A handler that can send has the network, and its own vendor's rules alone."""
    code = f"import sys; from cxlogging import {handler}; {handler}('k', url={NOWHERE!r}){SHOW}"
    modules = loaded(code)

    home = f"cxlogging.vendors.{HANDLERS[handler]}"
    rules = {name for name in modules if name.startswith("cxlogging.vendors.")}
    assert rules - {f"{home}.addresses"} == {home, f"{home}.handler", f"{home}.destination"}
    assert {"http.client", "ssl", "urllib3.connection"} <= modules
    assert own(modules).isdisjoint(PARTS | {"delivery.journal"})


NOWHERE = "http://127.0.0.1:9"

USE = """
import json, logging, sys, datetime, decimal, logging.handlers, threading, tokenize, traceback
from cxlogging import {handler}

handler = {handler}("k", **{options})
log = logging.getLogger("shop")
log.addHandler(handler)
log.setLevel(logging.DEBUG)
before = set(sys.modules)
log.info("order %d", 7, extra={{"user": "ada", "at": datetime.datetime.now(), "of": {{"a": [1]}}}})
log.info({{"message": "structured", "x": decimal.Decimal("1.5"), "y": object(), "z": b"\\xff"}})
log.info("long", extra={{"text": "x" * 100_000, "number": 2**70}})
try:
    try:
        {{}}["a"]
    except KeyError as error:
        raise ValueError("wrong") from error
except ValueError:
    log.exception("failed", stack_info=True)
for wrong in ("None.name", "name", "fro x", "x = = 1", "__import__('shop')", "1 / 0"):
    try:
        eval(wrong)
    except Exception:
        log.exception("failed")
assert handler.flush(10), handler.stats()
assert handler.stats().delivered == 10, handler.stats()
handler.close()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
@handlers
def test_nothing_is_imported_once_a_handler_is_made(
    handler: str, spool: bool, server: DevServer, tmp_path: object
):
    """Log calls and workers import nothing: a fork meanwhile would leave a module half imported."""
    options = {"url": server.url, **({"spool": str(tmp_path)} if spool else {})}

    assert loaded(USE.format(handler=handler, options=options)) == set()
