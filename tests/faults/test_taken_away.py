"""Servers that remove handlers, or whose records do not reach the root logger."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

from .harness import until
from .sockets import bound

PAGE = Path(__file__).parent.parent.parent / "docs" / "servers.md"
GONE = "was removed from its logger without being closed"

QUIET = """
import json, logging, sys
{}
names = [name for name, one in logging.root.manager.loggerDict.items()
         if isinstance(one, logging.Logger) and not one.propagate]
print(json.dumps(sorted(names)))
"""
SET_UPS = {
    "uvicorn": "import uvicorn; uvicorn.Config(lambda: None)",
    "gunicorn": "from gunicorn.config import Config; from gunicorn.glogging import Logger;"
    " Logger(Config())",
    "hypercorn": "from hypercorn.config import Config; from hypercorn.logging import Logger;"
    " c = Config(); c.accesslog = c.errorlog = '-'; Logger(c)",
    "celery": "import celery; celery.Celery('app').log.setup()",
    "django": "from django.conf import settings; import django; settings.configure();"
    " django.setup()",
}
ROWS = {
    "uvicorn": "uvicorn (also",
    "gunicorn": "Flask, any WSGI",
    "hypercorn": "hypercorn",
    "celery": "Celery",
    "django": "Django (`runserver`",
}


def row(title: str) -> str:
    """Return the row of a server in the table of the page."""
    (found,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {title}")]
    return found


@pytest.mark.parametrize("name", SET_UPS)
def test_the_loggers_that_do_not_propagate(name):
    """The table lists, for each server, the loggers whose records do not reach the root logger."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", QUIET.format(SET_UPS[name])],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    quiet = {each for each in json.loads(done.stdout.splitlines()[-1]) if name in each}
    named = set(re.findall(r"`([a-z]+(?:\.[a-z]+)?)`", row(ROWS[name]).split("|")[3]))

    assert quiet == named


CONFIGURATION = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"honeycomb": {"class": "cxlogging.HoneycombHandler", "dataset": "shop"}},
    "root": {"level": "INFO", "handlers": ["honeycomb"]},
}
SITE = """
import json, logging.config
logging.config.dictConfig(json.load(open("logging.json")))

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""
SERVERS = {
    "uvicorn": (["uvicorn", "--port", "{port}", "site_of_ours:asgi"], "uvicorn uvicorn.access"),
    "gunicorn": (
        ["gunicorn", "-b", "127.0.0.1:{port}", "--access-logfile", "-", "site_of_ours:wsgi"],
        "gunicorn.error gunicorn.access",
    ),
    "gunicorn with uvicorn": (
        [
            *("gunicorn", "-b", "127.0.0.1:{port}"),
            *("-k", "uvicorn_worker.UvicornWorker", "site_of_ours:asgi"),
        ],
        "gunicorn.error uvicorn.error uvicorn.access",
    ),
    "hypercorn": (
        [
            *("hypercorn", "-b", "127.0.0.1:{port}", "--access-logfile", "-"),
            *("--log-config", "json:logging.json", "site_of_ours:asgi"),
        ],
        "hypercorn.access",
    ),
}
"""How each is started, and the loggers of whose names the page says that they propagate then."""


def asked(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.read() == b"ok"
    except OSError:
        return False


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", ["loggers", "root alone"])
@pytest.mark.parametrize("name", SERVERS)
def test_access_records_reach_the_vendor_where_their_logger_propagates(name, way, server, tmp_path):
    """With the configuration of the page, a server's records about requests arrive; without it they
    do not.
    """
    command, names = SERVERS[name]
    for module in (command[0], *(["uvicorn_worker"] if "uvicorn" in name else [])):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    loggers = {each: {"propagate": True, "level": "INFO"} for each in names.split()}
    configuration = {**CONFIGURATION, "loggers": loggers if way == "loggers" else {}}
    (tmp_path / "logging.json").write_text(json.dumps(configuration))
    (tmp_path / "site_of_ours.py").write_text(SITE)
    with bound(0) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", *(each.format(port=port) for each in command)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CXLOGGING_URL": server.url},
    ) as process:
        try:
            until(lambda: asked(port), 60)
            if way == "loggers":
                until(lambda: asked(port) and names.split()[-1] in logged(server))
        finally:
            process.terminate()
            process.wait(60)

    assert (names.split()[-1] in logged(server)) is (way == "loggers")


def logged(server) -> set[str]:
    return {event["data"]["logger"] for event in server.events("honeycomb")}


BROKER = """
from celery import Celery
app = Celery("app", broker="filesystem://", backend=None)
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue",
                                     "control_folder": "control"}
"""
SENDER = (
    BROKER
    + """
for n in range(3):
    app.send_task("app.work", args=[n])
"""
)
CELERY = (
    BROKER
    + """
import logging, os
from cxlogging import HoneycombHandler
from celery.signals import setup_logging

log = logging.getLogger("shop")
handler = HoneycombHandler("key", dataset="shop", url=os.environ["TEST_URL"], flush_interval=0.1)

def configure(**_):
    logging.getLogger().addHandler(handler)

@app.task
def work(n):
    log.warning("task %d", n)
    print("task", n, file=open("done", "a"))

"""
)
TAKEN = 'configure(); log.warning("imported"); handler.flush(10)'
LEFT = "setup_logging.connect(configure)"


@pytest.fixture
def celery(tmp_path, server):
    """Run three tasks in a worker of Celery, and return its stderr."""
    pytest.importorskip("celery")
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    (tmp_path / "done").touch()

    def run(set_up: str, *arguments: str) -> str:
        (tmp_path / "app.py").write_text(CELERY + set_up)
        subprocess.run([sys.executable, "-c", SENDER], cwd=tmp_path, check=True, timeout=60)
        command = [sys.executable, "-m", "celery", "-A", "app", "worker", "-l", "WARNING"]
        err = tmp_path / "err"
        with (
            err.open("w") as stream,
            subprocess.Popen(
                [*command, "--without-mingle", "--without-gossip", *arguments],
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                env={**os.environ, "TEST_URL": server.url},
            ) as worker,
        ):
            try:
                until(lambda: (tmp_path / "done").read_text().count("task") == 3, 60)
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait(60)
        return err.read_text()

    return run


POOLS = [["-P", "solo"], ["-P", "prefork", "-c", "2"]]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("keep", ["", "\ndel handler"], ids=["kept", "collected"])
@pytest.mark.parametrize("pool", POOLS, ids=["solo", "prefork"])
def test_celery_takes_a_handler_away(celery, server, pool, keep):
    """A handler that a worker removes from the root logger says so in exactly one line."""
    err = celery(TAKEN + keep, *pool)

    assert err.count(GONE) == 1, err
    assert "setup_logging" in err
    assert server.count() == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("pool", POOLS, ids=["solo", "prefork"])
def test_celery_leaves_a_handler_alone(celery, server, pool):
    """With a receiver of setup_logging the tasks' records arrive, and stderr stays empty."""
    err = celery(LEFT, *pool)

    assert GONE not in err
    assert {event["message"] for event in server.events("honeycomb")} >= {
        "task 0",
        "task 1",
        "task 2",
    }
