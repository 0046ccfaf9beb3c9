"""Cases 60 and 61: SIGTERM under servers that handle it, and with other signal handlers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from .harness import PREAMBLE, ROOT, until

pytestmark = pytest.mark.timeout(180)

LEAST = 200
"""Records that each run logs, at least."""

NUMBER = """
import itertools
numbers = itertools.count()

def one(place):
    promise(f"{place}-{os.getpid()}", next(numbers))
"""

ASGI = """
import asyncio

async def steadily():
    while True:
        one("steadily")
        await asyncio.sleep(0.001)

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        task = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                task = asyncio.ensure_future(steadily())
                await send({"type": "lifespan.startup.complete"})
            else:
                for _ in range(20):
                    one("shutdown")
                task.cancel()
                await send({"type": "lifespan.shutdown.complete"})
                one("last")
                return
    one("request")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""

DJANGO = """
import django.conf, threading
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import re_path

def view(request):
    for _ in range(LEAST // 10):
        one("view")
    return HttpResponse("ok")

urlpatterns = [re_path("", view)]
django.conf.settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None)
application = get_asgi_application()
"""

SERVERS = {
    "uvicorn": ("uvicorn", "--port", "PORT", "app:application"),
    "uvicorn, 2 workers": ("uvicorn", "--port", "PORT", "--workers", "2", "app:application"),
    "uvicorn, reload": ("uvicorn", "--port", "PORT", "--reload", "app:application"),
    "gunicorn": (
        *("gunicorn", "-b", "127.0.0.1:PORT", "-w", "2"),
        *("-k", "uvicorn_worker.UvicornWorker", "app:application"),
    ),
    "gunicorn, preload": (
        *("gunicorn", "-b", "127.0.0.1:PORT", "-w", "2", "--preload"),
        *("-k", "uvicorn_worker.UvicornWorker", "app:application"),
    ),
    "hypercorn": ("hypercorn", "-b", "127.0.0.1:PORT", "app:application"),
    "hypercorn, 2 workers": ("hypercorn", "-b", "127.0.0.1:PORT", "-w", "2", "app:application"),
}
DJANGO_SERVERS = {
    "uvicorn": SERVERS["uvicorn"],
    "gunicorn": SERVERS["gunicorn"],
    "hypercorn": SERVERS["hypercorn"],
    "daphne": ("daphne", "-p", "PORT", "app:application"),
}


class Server:
    """
    A server with an application whose handler has ``sigterm=True``, ended with all its processes.

    Args:
        folder: Where the application is.
        url: Where its records go.
        body: The application.
        options: Of the handler.
    """

    def __init__(self, folder: Path, url: str, body: str, options: str) -> None:
        self._folder = folder
        preamble = PREAMBLE.format(options=options)
        (folder / "app.py").write_text(f"{preamble}{NUMBER}LEAST = {LEAST}\n{body}")
        (folder / "promises").touch()
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "TEST_URL": url,
            "TEST_PROMISES": str(folder / "promises"),
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self, command: tuple[str, ...]) -> None:
        name = shutil.which(command[0], path=str(Path(sys.executable).parent))
        if name is None:
            pytest.skip(f"{command[0]} is not installed")
        arguments = [each.replace("PORT", str(self.port)) for each in command[1:]]
        with (self._folder / "err").open("w") as err:
            self.process = subprocess.Popen(
                [name, *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )

    def ask(self) -> None:
        """Make one request, as soon as the server takes it."""

        def asked() -> bool:
            with contextlib.suppress(OSError):
                url = f"http://127.0.0.1:{self.port}/"
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return answer.read() == b"ok"
            return False

        until(asked, 60)

    @property
    def promised(self) -> list[str]:
        return (self._folder / "promises").read_text().rpartition("\n")[0].splitlines()

    @property
    def err(self) -> str:
        return (self._folder / "err").read_text()

    def end(self) -> None:
        """Kill what is left of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def serve(tmp_path, backend):
    with contextlib.ExitStack() as stack:

        def run(command, body: str = ASGI, options: str = "sigterm=True") -> Server:
            made = Server(tmp_path, backend.url, body, options)
            made.start(command)
            stack.callback(made.end)
            return made

        yield run


def judge(served: Server, backend, figures) -> None:
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(60)

    assert len(served.promised) >= LEAST
    assert "Traceback" not in served.err
    assert figures.judge(served.promised, backend).lost == [], served.err


def run_steadily(serve, backend, figures, command) -> None:
    served = serve(command)
    served.ask()
    until(lambda: len(served.promised) >= LEAST, 60)
    judge(served, backend, figures)
    assert any(each.startswith("shutdown") for each in served.promised)


@pytest.mark.case(60)
def test_case_60_uvicorn_is_terminated(serve, backend, figures):
    """With sigterm=True, uvicorn's application logs a thousand records a second until after its
    shutdown, and is terminated: each record arrives.
    """
    run_steadily(serve, backend, figures, SERVERS["uvicorn"])


@pytest.mark.servers
@pytest.mark.case(60)
@pytest.mark.parametrize("server", SERVERS)
def test_case_60_a_server_is_terminated(serve, backend, figures, server):
    """With sigterm=True, under uvicorn (alone, two workers, --reload), gunicorn's uvicorn workers
    (with --preload too) and hypercorn, an application logs a thousand records a second until after
    its shutdown, and the server is terminated: each record arrives.
    """
    run_steadily(serve, backend, figures, SERVERS[server])


@pytest.mark.servers
@pytest.mark.case(60)
@pytest.mark.parametrize("server", DJANGO_SERVERS)
def test_case_60_django_is_terminated(serve, backend, figures, server):
    """With sigterm=True, Django's ASGI application under uvicorn, gunicorn, hypercorn and daphne is
    terminated right after its answer: each record arrives.
    """
    served = serve(DJANGO_SERVERS[server], DJANGO, "sigterm=True, flush_interval=60")
    for _ in range(10):
        served.ask()
    judge(served, backend, figures)


ENDS = {
    "none": ("", -signal.SIGTERM),
    "sys.exit": ("signal.signal(15, lambda *_: sys.exit(3))", 3),
    "a flag": ("flag = []; signal.signal(15, lambda *_: flag.append(1))", 0),
    "raise again": (
        """
def again(*_):
    one('again')
    signal.signal(15, signal.SIG_DFL)
    os.kill(os.getpid(), 15)
signal.signal(15, again)
""",
        -signal.SIGTERM,
    ),
}


@pytest.mark.case(61)
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("handler", ENDS)
def test_case_61_a_script_is_terminated(child, backend, figures, handler, place):
    """With sigterm=True, a script that logs a thousand records a second is terminated, without a
    handler of its own, with one installed before or after ours that exits, sets a flag or raises
    the signal again: each record arrives, and the script ends as it would without us.
    """
    code, ends = ENDS[handler]
    run = child(
        f"{code if place == 'after' else ''}\nflag = globals().get('flag', [])\n{NUMBER}"
        "while not flag:\n"
        "    one('steadily')\n"
        "    time.sleep(0.001)\n"
        "one('ending')\n",
        options="sigterm=True",
        before=f"import os, signal, sys\n{code if place == 'before' else ''}\n",
    )
    run.wait_promised(LEAST)
    run.send_signal(signal.SIGTERM)
    ended = run.wait()

    assert (ended.code, ended.err) == (ends, "")
    assert figures.judge(ended.promised, backend).lost == []
