"""Cases 28 to 30: gunicorn, uWSGI and Celery, as they are run in production."""

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

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

WEB = """
promise("import", os.getpid())

def application(environ, start_response):
    promise("request", int(environ["PATH_INFO"][1:]))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""

JOBS = """
from celery import Celery
app = Celery("app", broker="filesystem://", backend=None)
app.conf.broker_transport_options = {{
    "data_folder_in": {queue!r}, "data_folder_out": {queue!r}, "control_folder": {control!r}}}
app.conf.worker_hijack_root_logger = False

@app.task
def work(n):
    for each in range(5):
        promise(f"task{{n}}", each)

if __name__ == "__main__":
    for n in range(10):
        work.delay(n)
"""


class Server:
    """A server whose application has the handler of the bench; ended with all its processes."""

    def __init__(self, folder: Path, url: str, body: str) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen] = []
        (folder / "app.py").write_text(PREAMBLE.format(options="flush_interval=0.2") + body)
        (folder / "promises").touch()
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TEST_URL": url,
            "TEST_PROMISES": str(folder / "promises"),
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self, name: str, *arguments: str) -> subprocess.Popen:
        command = shutil.which(name, path=str(Path(sys.executable).parent))
        if command is None:
            pytest.skip(f"{name} is not installed")
        with (self._folder / "err").open("w") as err:
            process = subprocess.Popen(
                [command, *arguments],
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def ask(self, number: int) -> None:
        """Make one request, as soon as the server takes it."""

        def asked() -> bool:
            with contextlib.suppress(OSError):
                url = f"http://127.0.0.1:{self.port}/{number}"
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return answer.read() == b"ok"
            return False

        until(asked, 40)

    def promised(self, run: str = "") -> set[str]:
        lines = (self._folder / "promises").read_text().split()
        return {line for line in lines if line.startswith(run)}

    @property
    def err(self) -> str:
        return (self._folder / "err").read_text()

    def end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def server(tmp_path, backend):
    with contextlib.ExitStack() as stack:

        def make(body: str = WEB) -> Server:
            made = Server(tmp_path, backend.url, body)
            stack.callback(made.end)
            return made

        yield make


WORKERS = {
    "sync": ("-w", "2"),
    "sync, preload": ("-w", "2", "--preload"),
    "gthread": ("-w", "2", "--threads", "4"),
    "gthread, preload": ("-w", "2", "--threads", "4", "--preload"),
    "gevent": ("-w", "2", "-k", "gevent"),
}


@pytest.mark.case(28)
@pytest.mark.parametrize("kind", WORKERS)
def test_case_28_gunicorn(server, backend, figures, kind):
    """Under gunicorn with two workers, sync, gthread and gevent, with and without --preload (gevent
    without), records logged at import, a graceful restart (HUP) and max_requests=5: each record of
    import and request arrives, nothing hangs.
    """
    served = server()
    address = f"127.0.0.1:{served.port}"
    process = served.start(
        "gunicorn", "-b", address, "--max-requests", "5", *WORKERS[kind], "app:application"
    )
    for number in range(20):
        served.ask(number)
    process.send_signal(signal.SIGHUP)
    for number in range(20, 40):
        served.ask(number)
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 0, served.err
    assert len(served.promised("request")) == 40
    assert served.promised("import")
    assert "Traceback" not in served.err
    assert figures.judge(served.promised(), backend).lost == []


UWSGI = {
    "default": (),
    "enable-threads": ("--enable-threads",),
    "lazy-apps": ("--lazy-apps",),
    "py-call-uwsgi-fork-hooks": ("--py-call-uwsgi-fork-hooks",),
}


@pytest.mark.case(29)
@pytest.mark.parametrize("kind", UWSGI)
def test_case_29_uwsgi(server, backend, figures, kind):
    """Under uWSGI with two workers, by default, with enable-threads, lazy-apps or fork hooks: each
    request's record arrives; what is logged at import arrives with lazy-apps, and without it one
    line says that it does not.
    """
    served = server()
    process = served.start(
        "uwsgi",
        "--http-socket",
        f"127.0.0.1:{served.port}",
        "--master",
        "--processes",
        "2",
        "--wsgi-file",
        "app.py",
        "--need-app",
        *UWSGI[kind],
    )
    for number in range(20):
        served.ask(number)
    requests, imports = served.promised("request"), served.promised("import")
    until(lambda: requests <= set(backend.accepted), 20)
    process.send_signal(signal.SIGINT)
    process.wait(30)

    lazy = kind == "lazy-apps"
    assert len(requests) == 20
    assert served.err.count("lazy-apps = true delivers it") == (0 if lazy else 1)
    if lazy:
        assert imports <= set(backend.accepted)
    oracle = figures.judge(requests | imports, backend, counted=0 if lazy else len(imports))
    assert set(oracle.lost) <= imports


@pytest.mark.case(30)
def test_case_30_celery(server, backend, figures, tmp_path):
    """Celery's prefork workers, each replaced after two tasks: each of ten tasks' records
    arrives.
    """
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    body = JOBS.format(queue=str(tmp_path / "queue"), control=str(tmp_path / "control"))
    served = server(body)
    served.start("python", "app.py").wait(60)
    worker = served.start(
        "celery",
        *("-A", "app", "worker", "--pool", "prefork", "--concurrency", "2"),
        *("--max-tasks-per-child", "2", "--without-mingle", "--without-gossip"),
    )
    until(lambda: len(served.promised("task")) == 50, 60)
    worker.send_signal(signal.SIGTERM)
    worker.wait(60)

    assert figures.judge(served.promised("task"), backend).lost == []
